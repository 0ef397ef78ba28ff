import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Notes from "../src/Notes.ts"
import { git, gitBytes, repository, test } from "./NoteRepository.ts"

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
})
