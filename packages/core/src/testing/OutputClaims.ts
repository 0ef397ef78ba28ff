/** What every journal holds to about what tools said in full: it is kept, and nobody has to load it. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type * as FactoryEvent from "../FactoryEvent.ts"
import * as Journal from "../Journal.ts"

const entry = (run: string, fact: FactoryEvent.Fact, key?: string): FactoryEvent.Entry => ({
  line: "Line",
  run,
  item: "item",
  stage: null,
  actor: { _tag: "Host" },
  at: 1_700_000_000_000,
  fact,
  key
})

const comment = (body: string): FactoryEvent.Fact => ({ _tag: "Commented", item: "item", body })

const output = (part: number): FactoryEvent.Fact => ({
  _tag: "ToolOutput",
  call: "session/call",
  part,
  text: "x".repeat(1_000),
  isLast: part === 59
})

const tags = (events: ReadonlyArray<FactoryEvent.FactoryEvent>): string =>
  events.map(({ fact }) => (fact._tag === "Commented" ? fact.body : fact._tag === "ToolOutput" ? "." : "?")).join("")

/** They are left out of what is read and followed, of a run and of all, and come where they are asked for. */
export const leftOut = Effect.gen(function* () {
  const journal = yield* Journal.Journal
  const parts = Array.from({ length: 60 }, (_, part) => entry("run", output(part)))
  const following = yield* Effect.forkChild(Stream.runCollect(Stream.take(journal.follow({ run: "run" }), 2)))
  yield* journal.append([entry("run", comment("a")), ...parts, entry("other", output(0)), entry("run", comment("b"))])
  const read = (range: Journal.Range) => Effect.map(Stream.runCollect(journal.read(range)), tags)
  assert.strictEqual(yield* read({}), "ab", "what tools said was loaded for a fold over all")
  assert.strictEqual(yield* read({ run: "run" }), "ab", "what tools said was loaded for a fold over a run")
  assert.strictEqual(yield* read({ run: "run", after: 1 }), "b")
  assert.strictEqual(tags(yield* Fiber.join(following)), "ab", "a follower got what tools said")
  assert.strictEqual(yield* read({ outputs: true }), `a${".".repeat(61)}b`)
  assert.strictEqual(yield* read({ run: "run", outputs: true }), `a${".".repeat(60)}b`, "not all pages were read")
  assert.strictEqual(tags(yield* journal.next({ run: "run", after: 2 })), "b", "the next event is not the next one")
  assert.lengthOf(yield* journal.next({ after: 2, outputs: true }), 20, "outputs are loaded a few at once")
})

/** A key holds for them as for every other fact. */
export const keyed = Effect.gen(function* () {
  const journal = yield* Journal.Journal
  const [first] = yield* journal.append([entry("run", output(0), "k")])
  const [second] = yield* journal.append([entry("run", output(1), "k")])
  assert.deepStrictEqual(second, first, "a key that stood was written again")
  const [other] = yield* journal.append([entry("run", comment("a"), "k")])
  assert.strictEqual(other?.seq, 2, "the key of an output hid another fact")
})
