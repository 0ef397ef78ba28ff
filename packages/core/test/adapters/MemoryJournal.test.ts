import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as MemoryJournal from "../../src/adapters/MemoryJournal.ts"
import * as Journal from "../../src/Journal.ts"
import * as JournalTest from "../../src/testing/JournalTest.ts"

JournalTest.suite("MemoryJournal", MemoryJournal.layer)

describe("MemoryJournal.make", () => {
  it.effect("fails the next appends as often as it was told, and writes nothing of them", () =>
    Effect.gen(function* () {
      const { failNextAppends, journal } = yield* MemoryJournal.make
      const full = new Journal.JournalError({ reason: "NotWritable", message: "The device is full. Make room." })
      const append = Effect.flatMap(Journal.entry({ _tag: "LineResumed" }), (entry) => journal.append([entry]))
      yield* failNextAppends(2, full)
      assert.strictEqual(yield* Effect.flip(append), full, "the first append fails with the error that was given")
      assert.strictEqual(yield* Effect.flip(append), full, "so does the second")
      assert.deepStrictEqual(
        (yield* append).map(({ seq }) => seq),
        [1],
        "the third is written, as the first event"
      )
      assert.strictEqual((yield* Stream.runCollect(journal.read())).length, 1, "the failed ones wrote nothing")
    })
  )

  it.effect("gives separate journals", () =>
    Effect.gen(function* () {
      const [one, other] = yield* Effect.all([MemoryJournal.make, MemoryJournal.make])
      yield* one.journal.append([yield* Journal.entry({ _tag: "LineResumed" })])
      assert.deepStrictEqual(yield* Stream.runCollect(other.journal.read()), [], "what one holds, the other does not")
    })
  )
})
