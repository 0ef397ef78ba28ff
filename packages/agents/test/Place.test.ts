import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as GitPlace from "../src/adapters/GitPlace.ts"
import * as FolderPlace from "../src/FolderPlace.ts"
import * as PackagePlace from "../src/PackagePlace.ts"
import * as Place from "../src/Place.ts"
import * as Lab from "./PlaceLab.ts"

const text = ({ bytes }: Place.Content) => Buffer.from(bytes).toString()
const openFolder = (folder: string) => FolderPlace.open({ folder, trust: "house" })
const inFolder = (files: Lab.Files) => Effect.flatMap(Lab.folder(files), openFolder)
const inGit = (files: Lab.Files) =>
  Effect.flatMap(Lab.repository(files), ({ path }) => GitPlace.open({ repository: path, trust: "house" }))

/** The same claim about a folder and about a commit with the same content. */
const both = (
  title: string,
  files: Lab.Files,
  claim: (place: Place.Place) => Effect.Effect<unknown, unknown, Scope.Scope>
) => {
  it.effect(`folder: ${title}`, () => Effect.flatMap(inFolder(files), claim).pipe(Effect.provide(NodeServices.layer)))
  it.effect(`git: ${title}`, () => Effect.flatMap(inGit(files), claim).pipe(Effect.provide(NodeServices.layer)))
}

const kinds = (entries: ReadonlyArray<Place.Entry>) => Object.fromEntries(entries.map(({ kind, path }) => [path, kind]))

describe("Place", () => {
  const tree: Lab.Files = {
    "b.txt": "bee",
    "a/deep/file.md": "# x",
    "a/link.md": { link: "deep/file.md" },
    "a/up": { link: "../b.txt" },
    folder: { link: "a/deep" },
    absolute: { link: "/etc/hostname" },
    out: { link: "../../../../etc/hostname" },
    nothing: { link: "not/there" },
    self: { link: "self" },
    one: { link: "two" },
    two: { link: "one" },
    "a/around": { link: ".." },
    "a/git": { link: "../.git/config" },
    "a/deep/through": { link: "file.md/../../../b.txt" },
    "a/deep/back": { link: "file.md/.." }
  }

  both("lists one level, and says what a link leads to", tree, (place) =>
    Effect.gen(function* () {
      const root = yield* place.list()
      assert.deepStrictEqual(kinds(root), {
        a: "folder",
        absolute: "link",
        "b.txt": "file",
        folder: "folder",
        nothing: "link",
        one: "link",
        out: "link",
        self: "link",
        two: "link"
      })
      assert.deepStrictEqual(
        root.filter(({ problem }) => problem !== undefined).map(({ path, problem }) => [path, problem]),
        [
          ["absolute", "it is a link that leads out or in a circle"],
          ["nothing", "it is a link to nothing that can be read"],
          ["one", "it is a link that leads out or in a circle"],
          ["out", "it is a link that leads out or in a circle"],
          ["self", "it is a link that leads out or in a circle"],
          ["two", "it is a link that leads out or in a circle"]
        ]
      )
      const below = yield* place.list("a")
      assert.deepStrictEqual(kinds(below), {
        "a/around": "link",
        "a/deep": "folder",
        "a/git": "link",
        "a/link.md": "file",
        "a/up": "file"
      })
      assert.strictEqual(below.find(({ path }) => path === "a/up")?.real, "b.txt")
      assert.deepStrictEqual(kinds(yield* place.list("folder")), {
        "folder/back": "link",
        "folder/file.md": "file",
        "folder/through": "link"
      })
    })
  )

  both("reads the start of a file, through links inside, and nothing else", tree, (place) =>
    Effect.gen(function* () {
      assert.strictEqual(text(yield* place.read("a/link.md", 100)), "# x")
      assert.strictEqual(text(yield* place.read("folder/file.md", 100)), "# x")
      const start = yield* place.read("b.txt", 2)
      assert.deepStrictEqual([text(start), start.size], ["be", 3])
      assert.strictEqual(text(yield* place.read("b.txt", 0)), "")
      const bad: ReadonlyArray<readonly [path: string, reason: Place.PlaceError["reason"]]> = [
        ["absolute", "Outside"],
        ["out", "Outside"],
        ["self", "Outside"],
        ["one", "Outside"],
        ["a/git", "Outside"],
        ["a/deep/through", "Outside"],
        ["a/deep/back", "Outside"],
        ["nothing", "Unreadable"],
        ["b.txt/x", "NotFound"],
        ["not-there", "NotFound"],
        ["../b.txt", "Outside"],
        ["a/../b.txt", "Outside"],
        ["/etc/hostname", "Outside"],
        [".git/config", "Outside"],
        ["a\\b", "Outside"],
        ["a\0b", "Outside"],
        ["C:/x", "Outside"],
        ["", "Unreadable"],
        ["a", "Unreadable"]
      ]
      for (const [path, reason] of bad) {
        const error = yield* Effect.flip(place.read(path, 100))
        assert.strictEqual(error.reason, reason, `${JSON.stringify(path)}: ${error.message}`)
        assert.notInclude(error.message, "\0")
      }
      assert.strictEqual((yield* Effect.flip(place.list("b.txt"))).reason, "Unreadable")
    })
  )

  both("a folder of it is a place of its own, and nothing leads above", tree, (place) =>
    Effect.gen(function* () {
      const inner = yield* place.within("a")
      assert.strictEqual(text(yield* inner.read("link.md", 100)), "# x", "a link inside is followed")
      assert.strictEqual((yield* Effect.flip(inner.read("up", 100))).reason, "Outside", "one to the place above is not")
      assert.strictEqual(kinds(yield* inner.list())["up"], "link")
      assert.match(inner.name, /\/a$/)
      assert.strictEqual((yield* Effect.flip(inner.within("../a"))).reason, "Outside")
      const linked = yield* place.within("folder")
      assert.deepStrictEqual(kinds(yield* linked.list()), { back: "link", "file.md": "file", through: "link" })
    })
  )

  const looping: Lab.Files = {
    "a/x": { link: "../b" },
    "b/y": { link: "../a" },
    "b/file": "1",
    "c/self": { link: "." },
    "c/up": { link: "../c" },
    "d/e/f/g.txt": "2"
  }
  both("a walk ends where links lead in a circle, and says so", looping, (place) =>
    Effect.gen(function* () {
      const { files, isPartial, problems } = yield* Place.walk(place)
      assert.isFalse(isPartial)
      assert.deepStrictEqual(
        files.map(({ path }) => path),
        ["a/x/file", "b/file", "d/e/f/g.txt"]
      )
      assert.deepStrictEqual(
        problems.map(({ path }) => path),
        ["a/x/y", "b/y/x", "c/self", "c/up"]
      )
      const short = yield* Place.walk(place, "", { depth: 1 })
      assert.isTrue(short.isPartial)
      assert.include(short.problems.map(({ problem }) => problem).join(), "deeper than 1")
      assert.isTrue((yield* Place.walk(place, "", { entries: 3 })).isPartial)
      assert.strictEqual((yield* Place.walk(place, "d/e")).files.length, 1)
    })
  )

  it.effect("the same content in a folder, in loose objects and in a pack has one digest", () =>
    Effect.gen(function* () {
      const { path } = yield* Lab.repository(looping)
      const digestOf = (place: Place.Place) =>
        Effect.flatMap(Place.walk(place), (walked) => Place.digest(place, walked))
      const commit = () => GitPlace.open({ repository: path, trust: "house" })
      const digests = [yield* digestOf(yield* openFolder(path)), yield* digestOf(yield* commit())]
      Lab.git(path, "gc", "--quiet", "--aggressive", "--prune=now")
      digests.push(yield* digestOf(yield* commit()))
      assert.strictEqual(new Set(digests).size, 1, digests.join())
      writeFileSync(join(path, "b/file"), "other")
      assert.notStrictEqual(yield* digestOf(yield* openFolder(path)), digests[0], "other bytes are another digest")
      const place = yield* commit()
      const tooLarge = yield* Effect.flip(Place.digest(place, yield* Place.walk(place), { maxBytes: 1 }))
      assert.strictEqual(tooLarge.reason, "TooLarge")
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

describe("FolderPlace", () => {
  it.effect("takes a folder and nothing else", () =>
    Effect.gen(function* () {
      const folder = yield* Lab.folder({ file: "x" })
      for (const path of [join(folder, "file"), join(folder, "nothing")]) {
        assert.strictEqual((yield* Effect.flip(openFolder(path))).reason, "NotFound", path)
      }
      symlinkSync(folder, join(folder, "itself"))
      const place = yield* openFolder(join(folder, "itself"))
      assert.strictEqual(text(yield* place.read("file", 10)), "x", "the folder itself may be a link")
      assert.deepStrictEqual(place.address, { _tag: "Folder", path: join(folder, "itself") })
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("does not wait for a pipe, and says what it may not read", () =>
    Effect.gen(function* () {
      const folder = yield* Lab.folder({ secret: "x" })
      execFileSync("mkfifo", [join(folder, "pipe")])
      const place = yield* openFolder(folder)
      assert.strictEqual(kinds(yield* place.list())["pipe"], "other")
      assert.strictEqual((yield* Effect.flip(place.read("pipe", 10))).reason, "Unreadable")
      if (process.getuid?.() === 0) return
      chmodSync(join(folder, "secret"), 0)
      assert.strictEqual((yield* Effect.flip(place.read("secret", 10))).reason, "Unreadable")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("lists a name with odd bytes, and reads it not", () =>
    Effect.gen(function* () {
      const folder = yield* Lab.folder({ "good.md": "x", "a\u202eb": "hidden", "a\\b": "back", "two\nlines": "x" })
      mkdirSync(Buffer.concat([Buffer.from(`${folder}/bad-`), Buffer.from([0xff, 0xfe])]))
      const place = yield* openFolder(folder)
      const entries = yield* place.list()
      assert.deepStrictEqual(
        entries.filter(({ problem }) => problem === undefined).map(({ path }) => path),
        ["good.md"]
      )
      assert.strictEqual(entries.length, 5, "each is listed, with its problem")
      const { files, problems } = yield* Place.walk(place)
      assert.deepStrictEqual([files.length, problems.length], [1, 4])
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

describe("PackagePlace", () => {
  const manifest = (name: string, version: string) => JSON.stringify({ name, version, exports: { "./x": "./x.js" } })
  const integrity = `sha512-${"a".repeat(86)}==`
  const open = (from: string, name: string) => PackagePlace.open({ from, package: name, trust: "outside" })

  it.effect("finds a package as Node does, nearest first, and runs nothing of it", () =>
    Effect.gen(function* () {
      const root = yield* Lab.folder({
        "node_modules/plug/package.json": manifest("plug", "1.0.0"),
        "node_modules/plug/index.js": "throw new Error('run')",
        "node_modules/plug/skills/a/SKILL.md": "one",
        "node_modules/@org/plug/package.json": manifest("@org/plug", "3.0.0"),
        "node_modules/.package-lock.json": JSON.stringify({
          packages: {
            "node_modules/plug": { version: "1.0.0", integrity },
            "node_modules/@org/plug": { version: "2.0.0", integrity }
          }
        }),
        "app/node_modules/plug/package.json": manifest("plug", "2.0.0"),
        "app/src/x": ""
      })
      const outer = yield* open(root, "plug")
      assert.deepStrictEqual(outer.address, { _tag: "Package", name: "plug", version: "1.0.0", integrity, folder: "" })
      assert.strictEqual(outer.name, "npm:plug@1.0.0")
      assert.strictEqual(text(yield* outer.read("skills/a/SKILL.md", 10)), "one")
      const inner = yield* open(join(root, "app/src"), "plug")
      assert.strictEqual(inner.name, "npm:plug@2.0.0")
      const scoped = yield* open(join(root, "app"), "@org/plug")
      assert.strictEqual(scoped.name, "npm:@org/plug@3.0.0")
      assert.isNull(
        scoped.address._tag === "Package" ? scoped.address.integrity : "",
        "what is recorded is of another version"
      )
      const within = yield* outer.within("skills")
      assert.deepStrictEqual(within.address, {
        _tag: "Package",
        name: "plug",
        version: "1.0.0",
        integrity,
        folder: "skills"
      })
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("finds one that pnpm installed, with what it recorded", () =>
    Effect.gen(function* () {
      const store = "node_modules/.pnpm/@org+plug@1.0.0/node_modules/@org/plug"
      const root = yield* Lab.folder({
        [`${store}/package.json`]: manifest("@org/plug", "1.0.0"),
        "node_modules/.pnpm/lock.yaml": `packages:\n\n  '@org/plug@1.0.0':\n    resolution: {integrity: ${integrity}}\n\nsnapshots:\n`,
        "node_modules/@org/plug": { link: "../.pnpm/@org+plug@1.0.0/node_modules/@org/plug" }
      })
      const { address } = yield* open(root, "@org/plug")
      assert.strictEqual(address._tag === "Package" ? address.integrity : "", integrity)
      const real = yield* open(import.meta.dirname, "isomorphic-git")
      assert.match(real.name, /^npm:isomorphic-git@1\./)
      assert.match(JSON.stringify(real.address), /"integrity":"sha512-/)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("says what is wrong", () =>
    Effect.gen(function* () {
      const root = yield* Lab.folder({ "node_modules/plug/package.json": "{", "node_modules/none/x": "" })
      const cases: ReadonlyArray<readonly [name: string, reason: Place.PlaceError["reason"], says: RegExp]> = [
        ["absent", "NotFound", /not installed in node_modules of .*Install it/],
        ["none", "NotFound", /not installed/],
        ["plug", "Unreadable", /package\.json/],
        ["../plug", "NotFound", /no name of a package/],
        ["plug/../..", "NotFound", /no name of a package/],
        ["", "NotFound", /no name of a package/],
        ["plug@1.0.0", "NotFound", /without a version/]
      ]
      for (const [name, reason, says] of cases) {
        const error = yield* Effect.flip(open(root, name))
        assert.strictEqual(error.reason, reason, error.message)
        assert.match(error.message, says)
      }
      rmSync(join(root, "node_modules"), { recursive: true })
      mkdirSync(join(root, "node_modules"))
      symlinkSync(join(root, "gone"), join(root, "node_modules/plug"))
      assert.strictEqual((yield* Effect.flip(open(root, "plug"))).reason, "NotFound")
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
