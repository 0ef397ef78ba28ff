import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { deflateSync } from "node:zlib"
import * as GitPlace from "../../src/adapters/GitPlace.ts"
import type * as Place from "../../src/Place.ts"
import * as Lab from "../PlaceLab.ts"

const text = ({ bytes }: Place.Content) => Buffer.from(bytes).toString()

const open = (repository: string, ref?: string, folder?: string) =>
  GitPlace.open({
    repository,
    trust: "house",
    ...(ref !== undefined && { ref }),
    ...(folder !== undefined && { folder })
  })

const at = (repository: string, ref?: string) =>
  Effect.flatMap(open(repository, ref), (place) => Effect.map(place.read("skills/a/SKILL.md", 100), text))

const refused = (repository: string, ref?: string) => Effect.flip(open(repository, ref))

const commitOf = ({ address }: Place.Place) => (address._tag === "Git" ? address.commit : "")

const objectFile = (path: string, oid: string) => join(path, ".git/objects", oid.slice(0, 2), oid.slice(2))

describe("GitPlace", () => {
  const files: Lab.Files = { "skills/a/SKILL.md": "one", "other.txt": "x" }
  const twice = Effect.map(Lab.repository(files), ({ commit: first, path }) => {
    Lab.git(path, "tag", "v1")
    Lab.git(path, "tag", "-a", "v1-annotated", "-m", "x")
    Lab.git(path, "tag", "-a", "of-a-tag", "-m", "x", "v1-annotated")
    Lab.git(path, "branch", "feature/deep")
    Lab.write(path, { "skills/a/SKILL.md": "two" })
    return { path, first, second: Lab.commit(path) }
  })

  it.effect("says of a URL that it has to be cloned first, and does not repeat it", () =>
    Effect.gen(function* () {
      for (const url of [
        "https://me:s3cret@example.com/a.git",
        "ssh://s3cret@host/a",
        "git@example.com:s3cret/a.git"
      ]) {
        const error = yield* refused(url)
        assert.strictEqual(error.reason, "Unsupported", url)
        assert.match(error.message, /URL.*Clone it first/)
        assert.notInclude(error.message, "s3cret")
      }
      // Folders may be named oddly.
      for (const folder of ["./a@b:c", "C:\\nowhere", "none/x@y:z"]) {
        assert.strictEqual((yield* refused(folder)).reason, "NotFound", folder)
      }
    })
  )

  it.effect("reads any ref, whatever is checked out, and names the commit", () =>
    Effect.gen(function* () {
      const { first, path, second } = yield* twice
      Lab.write(path, { "skills/a/SKILL.md": "not committed" })
      const cases: ReadonlyArray<readonly [ref: string | undefined, says: string, commit: string]> = [
        [undefined, "two", second],
        ["HEAD", "two", second],
        ["main", "two", second],
        ["refs/heads/main", "two", second],
        ["heads/main", "two", second],
        ["feature/deep", "one", first],
        ["v1", "one", first],
        ["refs/tags/v1", "one", first],
        ["v1-annotated", "one", first],
        ["of-a-tag", "one", first],
        [first, "one", first],
        [first.slice(0, 10), "one", first]
      ]
      const check = Effect.fnUntraced(function* (how: string) {
        for (const [ref, says, commit] of cases) {
          const place = yield* open(path, ref)
          assert.strictEqual(text(yield* place.read("skills/a/SKILL.md", 100)), says, `${ref}, ${how}`)
          assert.deepStrictEqual(
            place.address,
            { _tag: "Git", repository: path, ref: ref ?? "HEAD", commit, folder: "" },
            `${ref}, ${how}`
          )
          assert.include(place.name, commit)
        }
      })
      yield* check("loose")
      Lab.git(path, "pack-refs", "--all")
      assert.isFalse(existsSync(join(path, ".git/refs/heads/main")), "the refs are packed")
      yield* check("packed refs")
      Lab.git(path, "gc", "--quiet", "--aggressive", "--prune=now")
      assert.isFalse(existsSync(objectFile(path, first)), "the objects are packed")
      yield* check("packed objects")
      const part = yield* open(path, "v1", "skills/a")
      assert.strictEqual(text(yield* part.read("SKILL.md", 100)), "one")
      assert.deepStrictEqual(part.address, {
        _tag: "Git",
        repository: path,
        ref: "v1",
        commit: first,
        folder: "skills/a"
      })
      const nothing = yield* Effect.flip(open(path, "v1", "skills/none"))
      assert.strictEqual(nothing.reason, "NotFound")
    })
  )

  it.effect("reads bare repositories, shallow clones, linked working trees and detached heads", () =>
    Effect.gen(function* () {
      const { first, path, second } = yield* twice
      const around = yield* Lab.temporary
      const clone = (...args: ReadonlyArray<string>) => {
        const to = join(around, `clone-${args.length}-${args.join("").replace(/\W/g, "")}`)
        Lab.git(around, "clone", "--quiet", ...args, `file://${path}`, to)
        return to
      }
      assert.strictEqual(yield* at(clone("--bare"), "v1"), "one")
      const shallow = clone("--depth=1")
      assert.strictEqual(yield* at(shallow), "two", "what a shallow clone has is read")
      assert.strictEqual(yield* at(shallow, "origin/main"), "two")
      const cut = yield* refused(shallow, first)
      assert.strictEqual(cut.reason, "Missing")
      assert.match(cut.message, /shallow or partial clone.*--unshallow/)
      Lab.git(path, "config", "uploadpack.allowFilter", "true")
      const partial = clone("--filter=blob:none", "--no-checkout")
      assert.strictEqual((yield* Effect.flip(at(partial))).reason, "Missing", "nothing is fetched")

      const linked = join(around, "linked")
      Lab.git(path, "worktree", "add", "--quiet", linked, "feature/deep")
      assert.strictEqual(yield* at(linked), "one", "HEAD is that of the linked working tree")
      assert.strictEqual(yield* at(linked, "main"), "two")
      Lab.git(linked, "checkout", "--quiet", "--detach", second)
      assert.strictEqual(commitOf(yield* open(linked)), second)
      assert.strictEqual(commitOf(yield* open(path)), second)

      const shared = join(around, "shared")
      Lab.git(around, "clone", "--quiet", "--shared", path, shared)
      const borrowed = yield* refused(shared)
      assert.strictEqual(borrowed.reason, "Missing")
      assert.match(borrowed.message, /borrows objects.*git repack/)
    })
  )

  it.effect("names a ref that there is not, and some that there are", () =>
    Effect.gen(function* () {
      const { path } = yield* twice
      const message = (ref: string) =>
        Effect.map(refused(path, ref), (error) => {
          assert.strictEqual(error.reason, "NoSuchRef", `${ref}: ${error.message}`)
          return error.message
        })
      assert.match(
        yield* message("mian"),
        /no "mian"\. It has feature\/deep, main, of-a-tag, v1, v1-annotated\. Name one/
      )
      for (const odd of [
        "",
        "-x",
        "../../x",
        "a..b",
        "main~1",
        "main^{tree}",
        "HEAD@{1}",
        "a b",
        "refs/heads/",
        "x.lock",
        "a\0b",
        "config",
        "deadbeef"
      ]) {
        assert.include(yield* message(odd), "It has feature/deep")
      }
      for (let n = 0; n < 30; n++) Lab.git(path, "update-ref", `refs/heads/b${n}`, "HEAD")
      assert.match(yield* message("mian"), /and 15 more/)
      Lab.git(path, "tag", "a-file", "HEAD:other.txt")
      assert.match(yield* message("a-file"), /names no commit/)
      const empty = yield* Lab.temporary
      Lab.git(empty, "init", "--quiet")
      assert.match((yield* refused(empty)).message, /no branches and no tags/)
    })
  )

  it.effect("says that there is no repository", () =>
    Effect.gen(function* () {
      const folder = yield* Lab.folder({
        "x.txt": "",
        "broken/.git": "gitdir: ../nowhere",
        "empty/.git/x": "",
        "odd/.git": "hello"
      })
      for (const path of [
        folder,
        join(folder, "none"),
        join(folder, "x.txt"),
        ...["broken", "empty", "odd"].map((name) => join(folder, name))
      ]) {
        const error = yield* refused(path)
        assert.strictEqual(error.reason, "NotFound", path)
        assert.match(error.message, /no git repository in .*Name the top folder/)
      }
    })
  )

  it.effect("an id that stands for several is ambiguous", () =>
    Effect.gen(function* () {
      const { path } = yield* Lab.repository(
        Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [`f${n}`, `${n}`]))
      )
      const ids = Lab.git(path, "cat-file", "--batch-check=%(objectname)", "--batch-all-objects")
        .split("\n")
        .map((id) => id.slice(0, 4))
      const twice = ids.find((id, at) => ids.indexOf(id) !== at)
      assert.isDefined(twice, "of 1,500 objects two begin alike")
      const error = yield* refused(path, twice)
      assert.strictEqual(error.reason, "Ambiguous", error.message)
    })
  )

  it.effect("a damaged object is refused, by itself and in a pack", () =>
    Effect.gen(function* () {
      const { path } = yield* twice
      const blob = Lab.git(path, "rev-parse", "HEAD:skills/a/SKILL.md")
      const file = objectFile(path, blob)
      chmodSync(file, 0o644)
      const sound = readFileSync(file)
      const damages: ReadonlyArray<readonly [string, Uint8Array]> = [
        ["empty", new Uint8Array()],
        ["cut", sound.subarray(0, 5)],
        ["no zlib", Buffer.from("hello")],
        ["another content under this name", deflateSync("blob 5\0other")],
        ["a wrong size", deflateSync("blob 9\0two")],
        ["no header", deflateSync("two")]
      ]
      for (const [how, bytes] of damages) {
        writeFileSync(file, bytes)
        const error = yield* Effect.flip(at(path))
        assert.strictEqual(error.reason, "Corrupt", `${how}: ${error.message}`)
        assert.include(error.message, blob)
      }
      assert.strictEqual(yield* at(path, "v1"), "one", "what is not damaged is read")
      writeFileSync(file, sound)

      Lab.git(path, "gc", "--quiet", "--prune=now")
      const folder = join(path, ".git/objects/pack")
      const pack = join(folder, readdirSync(folder).find((name) => name.endsWith(".pack")) ?? "")
      chmodSync(pack, 0o644)
      const bytes = readFileSync(pack)
      // Only what is asked for is read, so all of it is damaged: behind the head, and before the sum.
      writeFileSync(pack, bytes.fill(0x5a, 12, bytes.length - 20))
      assert.strictEqual((yield* refused(path)).reason, "Corrupt")
      rmSync(pack)
      assert.strictEqual((yield* refused(path)).reason, "Corrupt", "an index without its pack")
    })
  )

  it.effect("what is too large is refused before it is unpacked", () =>
    Effect.gen(function* () {
      const { path } = yield* twice
      const bomb = deflateSync(
        Buffer.concat([Buffer.from(`blob ${GitPlace.maxObjectBytes + 1}\0`), Buffer.alloc(GitPlace.maxObjectBytes + 1)])
      )
      const file = objectFile(path, Lab.git(path, "rev-parse", "HEAD:skills/a/SKILL.md"))
      chmodSync(file, 0o644)
      writeFileSync(file, bomb)
      assert.strictEqual((yield* Effect.flip(at(path))).reason, "TooLarge")
    })
  )

  it.effect("a submodule, a link and an odd name in a tree are listed and not read", () =>
    Effect.gen(function* () {
      const { path } = yield* twice
      const commit = Lab.git(path, "rev-parse", "HEAD")
      const blob = Lab.git(path, "rev-parse", "HEAD:other.txt")
      const link = execFileSync("git", ["-C", path, "hash-object", "-w", "--stdin"], { input: "../../../etc/passwd" })
        .toString()
        .trim()
      const entry = (mode: string, name: string | Buffer, oid: string) =>
        Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(oid, "hex")])
      const tree = execFileSync("git", ["-C", path, "hash-object", "-w", "-t", "tree", "--literally", "--stdin"], {
        input: Buffer.concat([
          entry("100644", "..", blob),
          entry("100644", ".GIT", blob),
          entry("100644", "a/b", blob),
          entry("100644", "a\\b", blob),
          entry("100644", Buffer.from([0xff, 0x41]), blob),
          entry("100644", Buffer.from([0xfe, 0x41]), blob),
          entry("100644", "good", blob),
          entry("120000", "link", link),
          entry("160000", "sub", commit),
          entry("100000", "weird", blob)
        ])
      })
        .toString()
        .trim()
      const odd = Lab.git(path, "commit-tree", "-m", "x", tree)
      const place = yield* open(path, odd)
      const entries = yield* place.list()
      assert.deepStrictEqual(
        entries.filter(({ kind }) => kind === "file").map(({ path }) => path),
        ["good"]
      )
      assert.strictEqual(entries.find(({ path }) => path === "sub")?.kind, "submodule")
      assert.strictEqual(entries.find(({ path }) => path === "link")?.kind, "link")
      assert.notInclude(
        entries.map(({ path }) => path),
        ".GIT",
        "git's own folder is not listed"
      )
      assert.match((yield* Effect.flip(place.read("sub", 10))).message, /submodule/)
      assert.match((yield* Effect.flip(place.list("sub"))).message, /submodule/)
      assert.strictEqual((yield* Effect.flip(place.read("link", 10))).reason, "Outside")
    })
  )

  it.effect("refs of a hostile repository lead nowhere, and nothing of what they name is told", () =>
    Effect.gen(function* () {
      const { path } = yield* twice
      const secret = yield* Lab.folder({ key: "ref: the-secret-text\n", id: Lab.git(path, "rev-parse", "HEAD") })
      const heads = join(path, ".git/refs/heads")
      writeFileSync(join(path, ".git/HEAD"), `ref: ../../../../../..${secret}/key\n`)
      writeFileSync(join(heads, "out"), `ref: ../../../../../..${secret}/key\n`)
      writeFileSync(join(heads, "out-to-a-commit"), `ref: ../../../../../..${secret}/id\n`)
      symlinkSync(join(secret, "key"), join(heads, "linked"))
      writeFileSync(join(heads, "one"), "ref: refs/heads/two\n")
      writeFileSync(join(heads, "two"), "ref: refs/heads/one\n")
      execFileSync("mkfifo", [join(heads, "pipe")])
      symlinkSync("..", join(heads, "around"))
      mkdirSync(join(heads, "folder"))
      for (const ref of [undefined, "out", "out-to-a-commit", "linked", "one", "pipe", "folder"]) {
        const error = yield* Effect.flip(open(path, ref))
        assert.strictEqual(error.reason, "NoSuchRef", `${ref}: ${error.message}`)
        assert.notInclude(error.message, "the-secret-text")
        assert.include(error.message, "main", "the list of refs does not go round in a circle")
      }
      execFileSync("mkfifo", [join(path, ".git/commondir")])
      rmSync(join(path, ".git/config"))
      execFileSync("mkfifo", [join(path, ".git/config")])
      assert.strictEqual(yield* at(path, "main"), "two", "a pipe is not waited for")
    })
  )

  it.effect("says which repositories are not read", () =>
    Effect.gen(function* () {
      const { path } = yield* twice
      const config = join(path, ".git/config")
      writeFileSync(config, `${readFileSync(config, "utf8")}[extensions]\n\tobjectFormat = sha256\n`)
      const error = yield* refused(path)
      assert.strictEqual(error.reason, "Unsupported")
      assert.match(error.message, /sha256.*checkout of it as a folder/)
    })
  )

  it.effect("runs nothing that the repository names, and writes nothing", () =>
    Effect.gen(function* () {
      const { path } = yield* twice
      const mark = join(path, "ran")
      const config = join(path, ".git/config")
      writeFileSync(
        config,
        `${readFileSync(config, "utf8")}[core]\n\tfsmonitor = "touch ${mark}"\n\tsshCommand = "touch ${mark}"\n\thooksPath = hooks\n`
      )
      renameSync(join(path, "other.txt"), join(path, "moved.txt"))
      const all = () =>
        execFileSync("find", [join(path, ".git"), "-printf", "%p %s %T@\\n"])
          .toString()
          .split("\n")
          .sort()
          .join("\n")
      const before = all()
      assert.strictEqual(yield* at(path, "v1"), "one")
      yield* refused(path, "nope")
      assert.isFalse(existsSync(mark))
      assert.strictEqual(all(), before)
    })
  )

  it.effect("many read at once", () =>
    Effect.gen(function* () {
      const { path } = yield* twice
      Lab.git(path, "gc", "--quiet", "--prune=now")
      const place = yield* open(path)
      const all = yield* Effect.all(
        Array.from({ length: 50 }, () => place.read("skills/a/SKILL.md", 100)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(new Set(all.map(text)), new Set(["two"]))
    })
  )
})
