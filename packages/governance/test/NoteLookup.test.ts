import { NodeServices } from "@effect/platform-node"
import { afterAll, assert, beforeAll, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import * as NoteCarry from "../src/NoteCarry.ts"
import * as NoteLookup from "../src/NoteLookup.ts"
import * as NoteRemote from "../src/NoteRemote.ts"
import * as Notes from "../src/Notes.ts"
import { commit, git, gitEditing, repository, temporary, test, write } from "./NoteRepository.ts"

const ref = "refs/notes/review"
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).trim()

/** Lines of a file, one of them changed. */
const file = (changed = -1, to = "changed") =>
  Array.from({ length: 40 }, (_, index) => (index === changed ? `${to}\n` : `line ${index}\n`)).join("")

/** A branch `work` of three commits, each with a note and bound as a factory does when it hands a change in. */
const made = Effect.gen(function* () {
  const { dir } = yield* repository()
  write(dir, "one.txt", file())
  write(dir, "two.txt", file())
  commit(dir, "files")
  git(dir, "switch", "-q", "-c", "work")
  for (const [name, path, at] of [
    ["a", "one.txt", 5],
    ["b", "two.txt", 10],
    ["c", "three.txt", 1]
  ] as const) {
    write(dir, path, file(at, `by ${name}`))
    yield* Notes.update(dir, { ref, commit: commit(dir, name), bind: true, merge: () => `note ${name}\n` })
  }
  yield* NoteLookup.bind(dir, { ref, base: "main", head: "work" })
  return dir
})

// Made once; each test works on a copy.
let template = ""
beforeAll(() =>
  Effect.gen(function* () {
    template = Fs.mkdtempSync(`${tmpdir()}/millwright-branch-`)
    Fs.cpSync(yield* made, template, { recursive: true })
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer), Effect.runPromise)
)
afterAll(() => Fs.rmSync(template, { recursive: true, force: true }))

/** The branch; `main` has gone on, if wanted. */
const branch = Effect.fnUntraced(function* (options: { readonly mainMoves?: boolean } = {}) {
  const dir = yield* temporary
  Fs.cpSync(template, dir, { recursive: true })
  if (options.mainMoves === true) {
    git(dir, "switch", "-q", "main")
    write(dir, "one.txt", file(35, "on main"))
    commit(dir, "main goes on")
    git(dir, "switch", "-q", "work")
  }
  const [a = "", b = "", c = ""] = git(dir, "rev-list", "--reverse", "-3", "work").split("\n")
  return { dir, a, b, c }
})

/** What is found for a revision, as `how:note`. */
const found = Effect.fnUntraced(function* (dir: string, rev: string) {
  const { notes } = yield* NoteLookup.find(dir, { ref, commit: rev })
  return notes.map(({ approximate, by, bytes }) => `${by}${approximate ? "~" : ""}:${text(bytes)}`)
})

/** Nothing is lost: every note is found from some commit that the branch has now. */
const assertNoOrphan = Effect.fnUntraced(function* (dir: string, head: string, notes: ReadonlyArray<string>) {
  const commits = git(dir, "rev-list", head).split("\n")
  const all = (yield* Effect.forEach(commits, (id) => found(dir, id))).flat().join("\n")
  for (const note of notes) assert.include(all, note, `"${note}" is found from ${head}`)
})

const names = ["note a", "note b", "note c"]

describe("NoteLookup and NoteCarry", () => {
  test("amend, message only: the same patch", () =>
    Effect.gen(function* () {
      const { c, dir } = yield* branch()
      git(dir, "commit", "-q", "--amend", "-m", "another message")
      assert.deepStrictEqual(yield* found(dir, "HEAD"), ["patch:note c"], "found without carrying")
      const { carried, dropped } = yield* NoteCarry.carry(dir, { ref, from: "HEAD@{1}", to: "HEAD" })
      const head = git(dir, "rev-parse", "HEAD")
      assert.deepStrictEqual(carried, [{ from: c, to: head, how: "patch", approximate: false }], "one was rewritten")
      assert.deepStrictEqual(dropped, [], "nothing was dropped")
      assert.strictEqual(git(dir, "notes", `--ref=${ref}`, "show", "HEAD"), "note c", "git shows it on the new commit")
      assert.deepStrictEqual(yield* found(dir, "HEAD"), ["commit:note c"], "and it is found once")
      const before = git(dir, "rev-parse", ref)
      yield* NoteCarry.carry(dir, { ref, from: "HEAD@{1}", to: "HEAD" })
      assert.strictEqual(git(dir, "rev-parse", ref), before, "carried twice is carried once")
    }))

  test("amend, content: approximate, with and without carrying", () =>
    Effect.gen(function* () {
      const { dir } = yield* branch()
      write(dir, "three.txt", file(1, "by somebody else"))
      git(dir, "commit", "-q", "-a", "--amend", "--no-edit")
      assert.deepStrictEqual(yield* found(dir, "HEAD"), ["authored~:note c"], "found by who wrote it when")
      const { carried } = yield* NoteCarry.carry(dir, { ref, from: "HEAD@{1}", to: "HEAD" })
      assert.deepStrictEqual(
        carried.map(({ approximate, how }) => [how, approximate]),
        [["authored", true]],
        "carried, and marked"
      )
      assert.deepStrictEqual(yield* found(dir, "HEAD"), ["commit~:note c"], "the mark stays with it")
      git(dir, "commit", "-q", "--amend", "-m", "another message")
      assert.deepStrictEqual(yield* found(dir, "HEAD"), ["patch~:note c"], "also when it is rewritten once more")
      const again = yield* NoteCarry.carry(dir, { ref, from: "HEAD@{1}", to: "HEAD" })
      assert.deepStrictEqual(
        again.carried.map(({ approximate, how }) => [how, approximate]),
        [["patch", true]],
        "and carried on"
      )
    }))

  test("rebase, clean: each by its patch", () =>
    Effect.gen(function* () {
      const { dir } = yield* branch({ mainMoves: true })
      git(dir, "rebase", "-q", "main")
      assert.deepStrictEqual(
        yield* Effect.forEach(["HEAD~2", "HEAD~1", "HEAD"], (rev) => found(dir, rev)),
        [["patch:note a"], ["patch:note b"], ["patch:note c"]],
        "each commit has its own"
      )
      const { carried, dropped } = yield* NoteCarry.carry(dir, { ref, from: "ORIG_HEAD", to: "HEAD" })
      assert.deepStrictEqual(
        carried.map(({ how }) => how),
        ["patch", "patch", "patch"],
        "all three"
      )
      assert.deepStrictEqual(dropped, [], "nothing was dropped")
      yield* assertNoOrphan(dir, "HEAD", names)
    }))

  test("rebase with a conflict that somebody edits: approximate for the one, exact for the others", () =>
    Effect.gen(function* () {
      const { dir } = yield* branch()
      git(dir, "switch", "-q", "main")
      write(dir, "one.txt", file(5, "main was here"))
      commit(dir, "conflict")
      git(dir, "switch", "-q", "work")
      assert.throws(() => git(dir, "rebase", "-q", "main"))
      write(dir, "one.txt", file(5, "main was here, by a"))
      git(dir, "add", "-A")
      git(dir, "rebase", "--continue")
      assert.deepStrictEqual(
        yield* Effect.forEach(["HEAD~2", "HEAD~1", "HEAD"], (rev) => found(dir, rev)),
        [["authored~:note a"], ["patch:note b"], ["patch:note c"]],
        "the edited one is approximate"
      )
      const { carried } = yield* NoteCarry.carry(dir, { ref, from: "ORIG_HEAD", to: "HEAD" })
      assert.deepStrictEqual(
        carried.map(({ approximate }) => approximate).sort(),
        [false, false, true],
        "and carried so"
      )
      yield* assertNoOrphan(dir, "HEAD", names)
    }))

  test("interactive rebase: reorder, fixup, drop", () =>
    Effect.gen(function* () {
      const { a, b, c, dir } = yield* branch()
      gitEditing(dir, `pick ${c}\npick ${a}\npick ${b}\n`, "rebase", "-q", "-i", "main")
      assert.deepStrictEqual(
        yield* Effect.forEach(["HEAD~2", "HEAD~1", "HEAD"], (rev) => found(dir, rev)),
        [["patch:note c"], ["patch:note a"], ["patch:note b"]],
        "reordered: each has its own"
      )
      gitEditing(dir, `pick ${a}\nfixup ${b}\npick ${c}\n`, "rebase", "-q", "-i", "--onto", "main", "main", "work")
      git(dir, "reset", "-q", "--hard", c)
      gitEditing(dir, `pick ${a}\nfixup ${b}\npick ${c}\n`, "rebase", "-q", "-i", "main")
      const fixed = yield* NoteCarry.carry(dir, { ref, from: c, to: "HEAD" })
      const first = git(dir, "rev-parse", "HEAD~1")
      assert.deepStrictEqual(
        fixed.carried.map(({ from, how, to }) => [from, to === first, how]),
        [
          [a, true, "tree"],
          [b, true, "tree"],
          [c, false, "patch"]
        ],
        "both went into one"
      )
      assert.strictEqual(git(dir, "notes", `--ref=${ref}`, "show", first), "note a\n\nnote b", "which has both notes")
      git(dir, "reset", "-q", "--hard", c)
      gitEditing(dir, `pick ${a}\npick ${c}\n`, "rebase", "-q", "-i", "main")
      const less = yield* NoteCarry.carry(dir, { ref, from: c, to: "HEAD" })
      assert.deepStrictEqual(less.dropped, [b], "what was taken out is said")
      assert.isTrue(Option.isSome(yield* Notes.read(dir, { ref, commit: b })), "and its note is still there")
    }))

  test("fixup across another commit: by its lines, approximate", () =>
    Effect.gen(function* () {
      const { a, b, c, dir } = yield* branch({ mainMoves: true })
      gitEditing(dir, `pick ${a}\nfixup ${c}\npick ${b}\n`, "rebase", "-q", "-i", "main")
      const { carried, dropped } = yield* NoteCarry.carry(dir, { ref, from: c, to: "HEAD" })
      const first = git(dir, "rev-parse", "HEAD~1")
      assert.deepStrictEqual(
        new Map(carried.map(({ approximate, from, how, to }) => [from, `${how} ${approximate} ${to === first}`])),
        new Map([
          [b, "patch false false"],
          [a, "authored true true"],
          [c, "lines true true"]
        ]),
        "the ones that were put together are marked"
      )
      assert.deepStrictEqual(dropped, [], "nothing is lost")
    }))

  test("cherry-pick: the note belongs to both", () =>
    Effect.gen(function* () {
      const { b, dir } = yield* branch({ mainMoves: true })
      git(dir, "switch", "-q", "main")
      git(dir, "cherry-pick", b)
      assert.deepStrictEqual(yield* found(dir, "HEAD"), ["patch:note b"], "the picked one")
      assert.deepStrictEqual(yield* found(dir, b), ["commit:note b"], "the other one keeps it")
    }))

  test("squash by rebase: the one commit has all notes", () =>
    Effect.gen(function* () {
      for (const mainMoves of [false, true]) {
        const { a, b, c, dir } = yield* branch({ mainMoves })
        gitEditing(dir, `pick ${a}\nsquash ${b}\nsquash ${c}\n`, "rebase", "-q", "-i", "main")
        const { carried } = yield* NoteCarry.carry(dir, { ref, from: c, to: "HEAD" })
        assert.deepStrictEqual(
          new Set(carried.map(({ approximate, from, to }) => `${from} ${to} ${approximate}`)),
          new Set([a, b, c].map((from) => `${from} ${git(dir, "rev-parse", "HEAD")} false`)),
          `all three are on the one commit (main moves: ${mainMoves})`
        )
        assert.deepStrictEqual(yield* found(dir, "HEAD"), ["commit:note a\n\nnote b\n\nnote c"], "and found once")
      }
    }))

  test("squash by a forge, found in a clone that never saw the branch, with nothing carried", () =>
    Effect.gen(function* () {
      for (const mainMoves of [false, true]) {
        const { dir } = yield* branch({ mainMoves })
        assert.isFalse(
          yield* NoteLookup.bind(dir, { ref, base: "main", head: "work" }),
          "bound again there is nothing new, wherever main is now"
        )
        git(dir, "switch", "-q", "main")
        git(dir, "merge", "-q", "--squash", "work")
        const squash = commit(dir, "work (#1)")
        git(dir, "branch", "-q", "-D", "work")
        const forge = yield* temporary
        git(forge, "init", "-q", "--bare", ".")
        git(dir, "push", "-q", forge, "main")
        yield* NoteRemote.push(dir, { remote: forge, ref })
        const clone = `${yield* temporary}/clone`
        git(forge, "clone", "-q", "--no-local", "--branch", "main", forge, clone)
        assert.strictEqual(yield* NoteRemote.fetch(clone, { remote: forge, ref }), "forwarded", "notes are fetched")
        assert.deepStrictEqual(
          (yield* found(clone, squash)).sort(),
          ["squash:note a", "squash:note b", "squash:note c"],
          `a clone finds all three on the squash (main moves: ${mainMoves})`
        )
      }
    }))

  test("revert: no note of its own, but a link; and what is applied again is found again", () =>
    Effect.gen(function* () {
      const { c, dir } = yield* branch()
      git(dir, "revert", "--no-edit", "HEAD")
      assert.deepStrictEqual(
        yield* NoteLookup.find(dir, { ref, commit: "HEAD" }),
        { notes: [], reverts: [c] },
        "the tree before it is no reason to give it that note"
      )
      git(dir, "revert", "--no-edit", "HEAD")
      assert.deepStrictEqual(yield* found(dir, "HEAD"), ["patch:note c"], "the same patch again")
    }))

  test("an amended head that was pushed by force: the old note stays, and the new commit finds it", () =>
    Effect.gen(function* () {
      const { c, dir } = yield* branch()
      const remote = yield* temporary
      git(remote, "init", "-q", "--bare", ".")
      git(dir, "push", "-q", remote, "work")
      git(dir, "commit", "-q", "--amend", "-m", "again")
      git(dir, "push", "-q", "--force", remote, "work")
      yield* NoteRemote.push(dir, { remote, ref })
      const clone = `${yield* temporary}/clone`
      git(remote, "clone", "-q", "--no-local", "--branch", "work", remote, clone)
      yield* NoteRemote.fetch(clone, { remote, ref })
      assert.throws(() => git(clone, "cat-file", "-e", c), undefined, undefined, "the old commit is not in the clone")
      yield* assertNoOrphan(clone, "HEAD", names)
    }))

  test("a merge and an empty commit take nobody's note", () =>
    Effect.gen(function* () {
      const { dir } = yield* branch()
      commit(dir, "nothing")
      assert.deepStrictEqual(yield* found(dir, "HEAD"), [], "an empty commit has the tree of the one before")
      git(dir, "switch", "-q", "main")
      git(dir, "merge", "-q", "--no-ff", "-m", "merge", "work")
      assert.deepStrictEqual(yield* found(dir, "HEAD"), [], "a merge has the tree of its second parent")
    }))
})
