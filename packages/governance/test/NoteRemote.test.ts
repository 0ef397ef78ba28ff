import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Fs from "node:fs"
import * as NoteRemote from "../src/NoteRemote.ts"
import * as Notes from "../src/Notes.ts"
import { git, gitWith, repository, temporary, test } from "./NoteRepository.ts"

const ref = "refs/notes/review"
const text = (note: Option.Option<Uint8Array>): string | undefined =>
  Option.getOrUndefined(Option.map(note, (bytes) => new TextDecoder().decode(bytes)))
const id = (letter: string) => letter.repeat(40)
const put = (dir: string, commit: string, content: string) => Notes.update(dir, { ref, commit, merge: () => content })

/** A bare repository, and two others that have nothing to do with each other's notes yet. */
const three = Effect.gen(function* () {
  const remote = yield* temporary
  git(remote, "init", "-q", "--bare", ".")
  const { dir: one } = yield* repository()
  const { dir: two } = yield* repository()
  return { remote, one, two }
})

describe("NoteRemote", () => {
  test("unites what two clones wrote, with nothing of either lost and nothing forced", () =>
    Effect.gen(function* () {
      const { one, remote, two } = yield* three
      assert.strictEqual(yield* NoteRemote.push(one, { remote, ref }), "nothing", "no notes, nothing to push")
      assert.strictEqual(yield* NoteRemote.fetch(one, { remote, ref }), "absent", "the remote has no such ref")
      yield* put(one, id("a"), "one\n")
      yield* put(one, id("c"), "of one\n")
      yield* put(two, id("b"), "two\n")
      yield* put(two, id("c"), "of two\n")
      assert.strictEqual(yield* NoteRemote.push(one, { remote, ref }), "pushed", "the first one")
      assert.strictEqual(yield* NoteRemote.push(one, { remote, ref }), "same", "twice")
      const first = git(remote, "rev-parse", ref)
      assert.strictEqual(yield* NoteRemote.push(two, { remote, ref }), "pushed", "the other has to unite first")
      assert.strictEqual(git(remote, "merge-base", first, ref), first, "what was there is below what is there now")
      assert.strictEqual(yield* NoteRemote.fetch(one, { remote, ref }), "forwarded", "one gets what two united")
      assert.strictEqual(yield* NoteRemote.fetch(one, { remote, ref }), "same", "and nothing twice")
      for (const dir of [one, two]) {
        assert.strictEqual(text(yield* Notes.read(dir, { ref, commit: id("a") })), "one\n", "only one had it")
        assert.strictEqual(text(yield* Notes.read(dir, { ref, commit: id("b") })), "two\n", "only two had it")
        assert.strictEqual(text(yield* Notes.read(dir, { ref, commit: id("c") })), "of two\n\nof one\n", "both had it")
        assert.strictEqual(git(dir, "for-each-ref", "--format=%(refname)", "refs/notes"), ref, "no ref is left behind")
      }
      // From a common past: a removal holds, unless the other side changed what was removed.
      yield* Notes.remove(one, { ref, commit: id("a") })
      yield* Notes.remove(one, { ref, commit: id("b") })
      yield* put(two, id("b"), "two, changed\n")
      yield* NoteRemote.push(one, { remote, ref })
      assert.strictEqual(yield* NoteRemote.fetch(two, { remote, ref }), "united", "both went on")
      assert.deepStrictEqual(yield* Notes.read(two, { ref, commit: id("a") }), Option.none(), "it was taken away")
      assert.strictEqual(text(yield* Notes.read(two, { ref, commit: id("b") })), "two, changed\n", "a change stays")
      assert.strictEqual(git(two, "fsck", "--no-dangling"), "", "the repository is sound")
    }))

  test("takes no branch of the other side for notes, and pushes to none", () =>
    Effect.gen(function* () {
      const { one, remote, two } = yield* three
      yield* put(two, id("f"), "forged\n")
      git(two, "push", "-q", remote, `${ref}:refs/heads/${ref}`)
      const branch = git(remote, "rev-parse", `refs/heads/${ref}`)
      assert.strictEqual(yield* NoteRemote.fetch(one, { remote, ref }), "absent", "who pushes branches writes notes")
      yield* put(one, id("a"), "one\n")
      assert.strictEqual(yield* NoteRemote.push(one, { remote, ref }), "pushed")
      assert.strictEqual(
        git(remote, "for-each-ref", "--format=%(refname) %(objectname)"),
        `refs/heads/${ref} ${branch}\n${ref} ${git(one, "rev-parse", ref)}`,
        "the branch is where it was, and the notes are where they belong"
      )
      // Another ref that begins the same is another one.
      yield* Notes.update(one, { ref: `${ref}-2`, commit: id("b"), merge: () => "other\n" })
      yield* NoteRemote.push(one, { remote, ref: `${ref}-2` })
      git(remote, "update-ref", "-d", ref)
      assert.strictEqual(
        yield* NoteRemote.fetch(two, { remote, ref }),
        "absent",
        "it is not the one that was asked for"
      )
    }))

  test("takes over thousands of notes as they lie, without reading each", () =>
    Effect.gen(function* () {
      const { one, remote } = yield* three
      const paths = Array.from(
        { length: 3_000 },
        (_, index) => `${String(index % 100).padStart(2, "0")}/${String(index).padStart(38, "0")}`
      )
      const notes = paths.map((path) => `M 100644 inline ${path}\ndata <<END\n${path}\nEND\n`).join("")
      gitWith(remote, `commit ${ref}\ncommitter t <t> 0 +0000\ndata 0\n${notes}`, "fast-import", "--quiet")
      yield* put(one, id("a"), "one\n")
      assert.strictEqual(yield* NoteRemote.fetch(one, { remote, ref }), "united")
      const names = git(one, "ls-tree", "-r", "--name-only", ref).split("\n")
      assert.deepStrictEqual(names.toSorted(), [...paths, id("a")].toSorted(), "each lies where the other side has it")
    }))

  test("lets two push at once, and both end up there", () =>
    Effect.gen(function* () {
      const { one, remote, two } = yield* three
      yield* Effect.all(
        [one, two].map((dir, side) =>
          Effect.gen(function* () {
            for (let round = 0; round < 3; round++) {
              yield* put(dir, `${side}${round}`.repeat(20), `${side} ${round}\n`)
              yield* NoteRemote.push(dir, { remote, ref })
            }
          })
        ),
        { concurrency: 2 }
      )
      assert.strictEqual(git(remote, "ls-tree", "-r", "--name-only", ref).split("\n").length, 6, "all six are there")
    }))

  test("takes a path or a URL, and nothing that could be redirected, run a program or show a secret", () =>
    Effect.gen(function* () {
      const { one } = yield* three
      yield* put(one, id("a"), "one\n")
      const secret = ["ghp", "Zk3vQ9wLx7RtB2nYc5HsJ8mKd4PfGa6Ue1To"].join("_")
      for (const remote of [
        "origin",
        "",
        "../other",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c touch% /tmp/x",
        "https://u:password@example.org/x",
        `https://${secret}@example.org/x`,
        "/a\nb"
      ]) {
        const error = yield* Effect.flip(NoteRemote.push(one, { remote, ref }))
        assert.strictEqual(error.reason, "BadRemote", `${remote} is no remote`)
        assert.notInclude(error.message, secret, "a secret is not told")
      }
      const gone = yield* Effect.flip(NoteRemote.fetch(one, { remote: `${one}/nowhere`, ref }))
      assert.strictEqual(gone.reason, "Unreachable", "nothing is there")
      const bad = yield* Effect.flip(NoteRemote.fetch(one, { remote: one, ref: "refs/heads/main" }))
      assert.strictEqual(bad.reason, "BadRef", "notes are below refs/notes")
    }))

  test("does not hear what the repository configures, and says when the remote refuses", () =>
    Effect.gen(function* () {
      const { one, remote, two } = yield* three
      yield* put(one, id("a"), "one\n")
      git(one, "config", `url.${two}.insteadOf`, remote)
      git(one, "config", "core.sshCommand", `touch ${one}/ran`)
      Fs.writeFileSync(`${one}/.git/hooks/pre-push`, `#!/bin/sh\ntouch ${one}/ran\n`, { mode: 0o755 })
      yield* NoteRemote.push(one, { remote, ref })
      assert.include(git(remote, "for-each-ref"), ref, "it went where the host said")
      assert.notInclude(git(two, "for-each-ref"), ref, "and not where the repository said")
      assert.isFalse(Fs.existsSync(`${one}/ran`), "no program of the repository ran")
      Fs.writeFileSync(`${remote}/hooks/pre-receive`, "#!/bin/sh\necho not today >&2\nexit 1\n", { mode: 0o755 })
      yield* put(one, id("b"), "two\n")
      const error = yield* Effect.flip(NoteRemote.push(one, { remote, ref }))
      assert.strictEqual(error.reason, "Refused", "a hook of the remote declined")
      assert.include(error.message, "not today", "with what it said")
    }))
})
