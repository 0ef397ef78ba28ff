import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Notes from "../src/Notes.ts"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { commit, git, gitBytes, gitWith, repository, temporary, test } from "./NoteRepository.ts"

const ref = "refs/notes/review"
const text = (note: Option.Option<Uint8Array>): string | undefined =>
  Option.getOrUndefined(Option.map(note, (bytes) => new TextDecoder().decode(bytes)))
const set = (content: string | Uint8Array) => () => content
const add = (line: string) => (current: Option.Option<Uint8Array>) => `${text(current) ?? ""}${line}\n`
/** An id of no object. */
const missing = (seed: number, length = 40) => seed.toString(16).padStart(8, "0").repeat(8).slice(0, length)

describe("Notes", () => {
  test("writes what git reads, and reads what git wrote", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      assert.deepStrictEqual(yield* Notes.read(dir, { ref, commit: base }), Option.none(), "no ref, no note")
      assert.deepStrictEqual(yield* Notes.list(dir, ref), [], "no ref, nothing to list")
      assert.isFalse(yield* Notes.remove(dir, { ref, commit: base }), "nothing to remove")
      assert.isTrue(yield* Notes.update(dir, { ref, commit: base, merge: set("one\n") }), "the first note")
      assert.strictEqual(git(dir, "notes", `--ref=${ref}`, "show", base), "one", "git shows it")
      assert.include(git(dir, "notes", `--ref=${ref}`, "list"), base, "git lists it")
      git(dir, "notes", `--ref=${ref}`, "append", "-m", "two", base)
      assert.strictEqual(text(yield* Notes.read(dir, { ref, commit: base })), "one\n\ntwo\n", "what git appended")
      assert.isTrue(yield* Notes.update(dir, { ref, commit: base, merge: add("three") }), "a note that was there")
      assert.strictEqual(git(dir, "notes", `--ref=${ref}`, "show", base), "one\n\ntwo\nthree", "git shows all of it")
      assert.isFalse(
        yield* Notes.update(dir, { ref, commit: base, merge: (note) => text(note) ?? "" }),
        "what is the same already is not written again"
      )
      assert.strictEqual(
        git(dir, "rev-list", "--count", ref),
        "3",
        "one commit for each change, and none for no change"
      )
      assert.isTrue(yield* Notes.remove(dir, { ref, commit: base }), "there was one")
      assert.strictEqual(git(dir, "notes", `--ref=${ref}`, "list"), "", "git finds none")
      assert.strictEqual(git(dir, "fsck", "--strict", "--no-dangling"), "", "the repository is sound")
    }))

  test("takes an empty note, 3 MB, and bytes that are no UTF-8, for a commit that is not there", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository()
      const bytes = Uint8Array.from({ length: 3 * 1024 * 1024 }, (_, index) => (index * 7919) % 256)
      for (const [seed, content] of [new Uint8Array(), bytes, Uint8Array.of(0xff, 0xfe, 0, 10, 13, 10)].entries()) {
        const id = missing(seed + 1)
        yield* Notes.update(dir, { ref, commit: id, merge: set(content) })
        const read = Option.getOrThrow(yield* Notes.read(dir, { ref, commit: id }))
        assert.isTrue(Buffer.from(read).equals(content), `the ${content.length} bytes come back as they were`)
        assert.isTrue(
          gitBytes(dir, "cat-file", "blob", `${ref}:${id}`).equals(content),
          `git has the ${content.length} bytes`
        )
      }
      const all = yield* Notes.readAll(dir, yield* Notes.list(dir, ref))
      assert.deepStrictEqual(
        all.map((note) => note.bytes.length),
        [0, bytes.length, 6],
        "all are read at once, in the order of ids"
      )
    }))

  test("reads flat and fanned-out trees, also deep and mixed ones, and keeps the folders that are there", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository()
      const paths = {
        [missing(1)]: missing(1),
        [missing(2)]: missing(2).replace(/^(..)/, "$1/"),
        [missing(3)]: missing(3).replace(/^(..)(..)/, "$1/$2/"),
        [missing(4)]: missing(4).replace(/^(..)(..)(..)(..)(..)(..)/, "$1/$2/$3/$4/$5/$6/")
      }
      const two = missing(5)
      const entries = [...Object.values(paths), two, two.replace(/^(..)/, "$1/"), "notes-of-nobody/readme"]
      const stream = entries.map((path) => `M 100644 inline ${path}\ndata <<END\n${path}\nEND\n`).join("\n")
      gitWith(dir, `commit ${ref}\ncommitter t <t> 0 +0000\ndata 0\n${stream}`, "fast-import", "--quiet")
      for (const [id, path] of Object.entries(paths)) {
        assert.strictEqual(text(yield* Notes.read(dir, { ref, commit: id })), `${path}\n`, `at ${path}`)
        yield* Notes.update(dir, { ref, commit: id, merge: add("more") })
        assert.include(git(dir, "ls-tree", "-r", "--name-only", ref), path, "it stays where it is")
      }
      assert.strictEqual(
        text(yield* Notes.read(dir, { ref, commit: two })),
        `${two}\n\n${two.replace(/^(..)/, "$1/")}\n`,
        "one that lies at two places is both"
      )
      assert.strictEqual(
        git(dir, "notes", `--ref=${ref}`, "list").split("\n").length,
        (yield* Notes.list(dir, ref)).length - 1,
        "git lists the same, the doubled one once"
      )
      yield* Notes.update(dir, { ref, commit: two, merge: add("one") })
      const places = (yield* Notes.list(dir, ref)).filter((note) => note.commit === two)
      assert.strictEqual(places.length, 1, "written again, it lies at one place")
      const fresh = `00ff${missing(9).slice(4)}`
      yield* Notes.update(dir, { ref, commit: fresh, merge: set("fresh\n") })
      assert.match(git(dir, "ls-tree", "-r", "--name-only", ref), /^00\/ff\S+$/m, "a new one goes into a folder")
      assert.include(git(dir, "ls-tree", "-r", "--name-only", ref), "notes-of-nobody/readme", "what is no note stays")
      git(dir, "notes", `--ref=${ref}`, "add", "-m", "by git", "HEAD")
      assert.strictEqual(
        git(dir, "notes", `--ref=${ref}`, "list").split("\n").length,
        7,
        "git goes on with all of them"
      )
    }))

  test("a crowded flat tree grows folders, and git still finds every note", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      const blob = gitWith(dir, "x\n", "hash-object", "-w", "--stdin")
      const ids = Array.from({ length: 400 }, (_, index) => missing((index + 1) * 7919))
      const tree = gitWith(dir, ids.map((id) => `100644 blob ${blob}\t${id}\n`).join(""), "mktree")
      git(dir, "update-ref", ref, git(dir, "commit-tree", "-m", "flat", tree))
      yield* Notes.update(dir, { ref, commit: base, merge: set("one more\n") })
      assert.include(
        git(dir, "ls-tree", "-r", "--name-only", ref),
        `${base.slice(0, 2)}/${base.slice(2)}`,
        "the new one lies in a folder"
      )
      assert.strictEqual(git(dir, "notes", `--ref=${ref}`, "show", base), "one more", "git finds it")
      assert.strictEqual(git(dir, "notes", `--ref=${ref}`, "list").split("\n").length, 401, "and all others")
      assert.strictEqual((yield* Notes.readAll(dir, yield* Notes.list(dir, ref))).length, 401, "so do we")
    }))

  test("whoever is second reads again: nothing of the first is lost", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      const other = commit(dir, "other")
      let calls = 0
      const seen: Array<string | undefined> = []
      yield* Notes.update(dir, {
        ref,
        commit: base,
        merge: (current) => {
          seen.push(text(current))
          if (calls++ === 0) git(dir, "notes", `--ref=${ref}`, "add", "-m", "first", base)
          if (calls === 2) git(dir, "notes", `--ref=${ref}`, "add", "-m", "beside", other)
          return add("second")(current)
        }
      })
      assert.deepStrictEqual(seen, [undefined, "first\n", "first\n"], "asked again each time that the ref had moved")
      assert.strictEqual(git(dir, "notes", `--ref=${ref}`, "show", base), "first\nsecond", "both are in the note")
      assert.strictEqual(git(dir, "notes", `--ref=${ref}`, "show", other), "beside", "and the one beside it")
      yield* Effect.all(
        Array.from({ length: 20 }, (_, index) =>
          Notes.update(dir, { ref, commit: other, merge: add(`line ${index}`) })
        ),
        { concurrency: 20 }
      )
      assert.strictEqual(text(yield* Notes.read(dir, { ref, commit: other }))?.split("line").length, 21, "20 of 20")
      assert.deepStrictEqual(
        Fs.readdirSync(`${dir}/.git`).filter((name) => name.includes("millwright")),
        [],
        "nobody leaves a turn behind"
      )
    }))

  test("takes no branch, no tag and no folder for notes, however it is called", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      git(dir, "notes", "--ref=refs/notes/forged", "add", "-m", "forged", base)
      for (const below of ["refs/heads", "refs/tags", "refs"])
        git(dir, "update-ref", `${below}/${ref}`, "refs/notes/forged")
      git(dir, "update-ref", "-d", "refs/notes/forged")
      assert.deepStrictEqual(yield* Notes.read(dir, { ref, commit: base }), Option.none(), "no such ref, no note")
      const merge = (current: Option.Option<Uint8Array>) => `${text(current) ?? ""}ours\n`
      yield* Notes.update(dir, { ref, commit: missing(1), merge })
      assert.strictEqual(
        git(dir, "rev-list", "--count", "--glob=refs/notes"),
        "1",
        "nothing of the branch is below ours"
      )
      assert.deepStrictEqual(
        (yield* Notes.list(dir, ref)).map((note) => note.commit),
        [missing(1)],
        "what a branch holds has become notes"
      )
      const folder = `commit ${ref}\ncommitter t <t> 0 +0000\ndata 0\nfrom ${ref}^0\nM 100644 inline ${base}/deep\ndata 1\nx\n`
      gitWith(dir, folder, "fast-import", "--quiet")
      assert.deepStrictEqual(yield* Notes.read(dir, { ref, commit: base }), Option.none(), "a folder is no note")
    }))

  test("says that others were first each time, and what to do about a lock that nobody holds", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      let calls = 0
      const merge = () => {
        git(dir, "notes", `--ref=${ref}`, "add", "-f", "-m", `other ${calls++}`, base)
        return "mine"
      }
      const lost = yield* Effect.flip(Notes.update(dir, { ref, commit: base, merge, attempts: 3 }))
      assert.strictEqual(lost.reason, "Contended", "three times")
      assert.isTrue(lost.isRetryable, "it may go better later")
      assert.strictEqual(text(yield* Notes.read(dir, { ref, commit: base })), "other 2\n", "nothing was written over")
      Fs.writeFileSync(`${dir}/.git/${ref}.lock`, "")
      const locked = yield* Effect.flip(Notes.update(dir, { ref, commit: base, merge: set("x"), attempts: 1 }))
      assert.strictEqual(locked.reason, "Contended", "a lock file in the way")
      assert.include(locked.message, `${ref}.lock`, "is named")
    }))

  test("writes to notes and to nothing else", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      for (const name of [
        "refs/heads/main",
        "refs/notes",
        "refs/notes/",
        "notes/x",
        "refs/notes/../heads/main",
        "refs/notes/a..b",
        "refs/notes/a.lock",
        "refs/notes/a.lock/b",
        "refs/notes/-x",
        "refs/notes/x*",
        "refs/notes/x\ny",
        "refs/notes/x.",
        ""
      ]) {
        const error = yield* Effect.flip(Notes.update(dir, { ref: name, commit: base, merge: set("x") }))
        assert.strictEqual(error.reason, "BadRef", `${JSON.stringify(name)} is refused`)
        assert.strictEqual((yield* Effect.flip(Notes.list(dir, name))).reason, "BadRef", "for reading too")
      }
      for (const id of ["HEAD", base.slice(0, 12), base.toUpperCase(), missing(1, 64), `${base}\n`, ""]) {
        const error = yield* Effect.flip(Notes.update(dir, { ref, commit: id, merge: set("x") }))
        assert.strictEqual(error.reason, "BadCommit", `${JSON.stringify(id)} is no whole id`)
      }
      git(dir, "symbolic-ref", "refs/notes/alias", "refs/heads/main")
      git(dir, "update-ref", "refs/notes/blob", git(dir, "rev-parse", "HEAD:README.md"))
      for (const name of ["alias", "blob"]) {
        const address = { ref: `refs/notes/${name}`, commit: base }
        const error = yield* Effect.flip(Notes.update(dir, { ...address, merge: set("x") }))
        assert.strictEqual(error.reason, "NotNotes", `${name} holds no notes`)
      }
      assert.strictEqual(git(dir, "rev-parse", "main"), base, "main is where it was")
      const huge = yield* Effect.flip(
        Notes.update(dir, { ref, commit: base, merge: () => new Uint8Array(Notes.largest + 1) })
      )
      assert.strictEqual(huge.reason, "TooLarge", "a note has a limit")
    }))

  test("does not write over a note that is not here", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      yield* Notes.update(dir, { ref, commit: base, merge: set("important\n") })
      const blob = git(dir, "rev-parse", `${ref}:${base}`)
      const file = `${dir}/.git/objects/${blob.slice(0, 2)}/${blob.slice(2)}`
      Fs.renameSync(file, `${file}.gone`)
      const reading = yield* Effect.flip(Notes.read(dir, { ref, commit: base }))
      assert.strictEqual(reading.reason, "Unreadable", "as in a clone that left blobs away")
      const writing = yield* Effect.flip(Notes.update(dir, { ref, commit: base, merge: set("x") }))
      assert.strictEqual(writing.reason, "Unreadable", "it is not taken for absent")
      Fs.renameSync(`${file}.gone`, file)
      assert.strictEqual(text(yield* Notes.read(dir, { ref, commit: base })), "important\n", "nothing happened to it")
    }))

  test("works in a SHA-256 repository, a shallow clone, a detached linked worktree, and with packed refs", () =>
    Effect.gen(function* () {
      const sha256 = yield* repository("--object-format=sha256")
      yield* Notes.update(sha256.dir, { ref, commit: sha256.base, bind: true, merge: set("long ids\n") })
      assert.strictEqual(git(sha256.dir, "notes", `--ref=${ref}`, "show", sha256.base), "long ids", "SHA-256")
      const short = yield* Effect.flip(Notes.update(sha256.dir, { ref, commit: missing(1), merge: set("x") }))
      assert.strictEqual(short.reason, "BadCommit", "an id of 40 characters is none there")

      const { base, dir } = yield* repository()
      const head = commit(dir, "two")
      const shallow = `${yield* temporary}/clone`
      git(dir, "clone", "-q", "--depth=1", `file://${dir}`, shallow)
      yield* Notes.update(shallow, { ref, commit: head, bind: true, merge: set("shallow\n") })
      yield* Notes.update(shallow, { ref, commit: base, merge: set("of a commit that is not here\n") })
      assert.strictEqual(git(shallow, "notes", `--ref=${ref}`, "show", head), "shallow", "a shallow clone")

      const worktree = `${yield* temporary}/worktree`
      git(dir, "worktree", "add", "-q", "--detach", worktree)
      yield* Notes.update(worktree, { ref, commit: head, merge: set("from the worktree\n") })
      assert.strictEqual(git(dir, "notes", `--ref=${ref}`, "show", head), "from the worktree", "seen from the other")
      git(dir, "pack-refs", "--all")
      assert.isTrue(yield* Notes.update(dir, { ref, commit: head, merge: add("packed") }), "the ref is packed")
      assert.strictEqual(git(worktree, "notes", `--ref=${ref}`, "show", head), "from the worktree\npacked", "and moves")
      assert.isTrue(yield* Notes.remove(dir, { ref, commit: head }), "and once more")
    }))
})

const minor = Number(/2\.(\d+)/.exec(execFileSync("git", ["--version"]).toString())?.[1])

describe.skipIf(minor < 45)(
  minor < 45 ? "Notes with reftable (this git is older than 2.45)" : "Notes with reftable",
  () => {
    test("reads and writes them as with files", () =>
      Effect.gen(function* () {
        const { base, dir } = yield* repository("--ref-format=reftable")
        yield* Notes.update(dir, { ref, commit: base, merge: set("table\n") })
        assert.strictEqual(git(dir, "notes", `--ref=${ref}`, "show", base), "table", "git reads it")
      }))
  }
)
