/** How an answer of the model is billed that did not come in one go, whichever program asked for it. */
import { assert } from "@effect/vitest"
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Claude from "./ClaudeLab.ts"

/** A program before a twin that plays turns, and the turn with which its model ends. */
export interface Agent {
  readonly start: (turns: ReadonlyArray<ProviderTwin.Turn>) => ReturnType<typeof Claude.start>
  readonly done: (note: string) => ProviderTwin.Turn
}

/** A call that is tried again is recorded as failed, and billed only when it is answered. */
export const retried = (agent: Agent) =>
  Effect.gen(function* () {
    const lab = yield* agent.start([agent.done("ok")])
    yield* lab.twin.breakNext([{ _tag: "Refuse", status: 529 }])
    yield* lab.run()
    const [failed, ...more] = yield* lab.facts("ModelFailed")
    assert.deepStrictEqual(more, [])
    assert.strictEqual(failed?.fault.reason, "Overloaded")
    assert.isNumber(failed?.delay)
    assert.lengthOf(yield* lab.facts("ModelCalled"), 1)
  })

/** An answer that breaks off is billed as the least that it was, and the one in its place in full. */
export const brokenOff = (agent: Agent) =>
  Effect.gen(function* () {
    const usage = { input: 40, cacheRead: 0, cacheWrite: 2, output: 9 }
    // What came of it stays in its conversation.
    const lab = yield* agent.start([
      { text: "Hm.", usage, ...agent.done("broken off") },
      { usage, ...agent.done("ok") }
    ])
    yield* lab.twin.breakNext([{ _tag: "Cut", after: 4, how: "end" }])
    yield* lab.run()
    const failed = yield* lab.facts("ModelFailed")
    assert.deepStrictEqual(
      failed.flatMap(({ billed }) => (billed === undefined ? [] : [[billed.usage.input, billed.usage.cacheWrite]])),
      [[40, 2]]
    )
    assert.deepStrictEqual(
      (yield* lab.facts("ModelCalled")).map((fact) => fact.usage),
      [usage]
    )
  })

/** An answer that is not waited for is billed as the least that it was. */
export const notWaitedFor = (agent: Agent) =>
  Effect.gen(function* () {
    const lab = yield* agent.start([
      { text: "A long story.", usage: { input: 40, cacheRead: 0, cacheWrite: 2, output: 9 } }
    ])
    yield* lab.twin.breakNext([{ _tag: "Stall", after: 3 }])
    const running = yield* Effect.forkChild(lab.run())
    yield* Effect.promise(async () => {
      while (!lab.events.some(({ _tag }) => _tag === "Text")) await new Promise(setImmediate)
    })
    yield* Fiber.interrupt(running)
    yield* lab.twin.hungUp
    const [failed] = yield* lab.facts("ModelFailed")
    assert.deepStrictEqual(
      [failed?.billed?.usage.input, failed?.billed?.usage.cacheWrite, failed?.fault.reason],
      [40, 2, "Disconnected"]
    )
    assert.match(failed?.billed?.message ?? "", /^msg_/)
    assert.deepStrictEqual(yield* lab.facts("ModelCalled"), [])
  })
