/** What every twin holds to about faults of its answers. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TwinFault from "../TwinFault.ts"
import * as TwinLab from "./TwinLab.ts"

const refusing = Effect.gen(function* () {
  const { read, start, write } = yield* TwinLab.Fixture
  const { ask, twin } = yield* start()
  const before = yield* twin.snapshot
  // Where what reads has the method of what writes, as in GraphQL, the three reads count.
  const from = read.method === write(1).method ? 4 : 1
  yield* twin.faults([
    TwinFault.answer(
      { _tag: "Refuse", status: 429, retryAfter: 7 },
      { method: read.method, route: read.path.split("?")[0], from: 2 }
    ),
    TwinFault.answer({ _tag: "Refuse", status: 503 }, { method: write(1).method, from, times: 2 })
  ])
  const statuses: Array<number> = []
  for (const one of [read, read, read, write(1), write(1), write(1)]) {
    const reply = yield* ask(one)
    statuses.push(reply.status >= 200 && reply.status < 300 ? 200 : reply.status)
    if (reply.status === 429) assert.strictEqual(reply.headers["retry-after"], "7", "it does not say how long to wait")
    if (reply.status === 503) {
      assert.strictEqual(
        (yield* twin.snapshot).digest,
        before.digest,
        "a request that was refused has changed something"
      )
    }
  }
  assert.deepStrictEqual(statuses, [200, 429, 200, 503, 503, 200], "the faults did not come where they were asked for")
  assert.deepStrictEqual(
    (yield* twin.journal).map(({ fault }) => fault),
    [null, "Refuse", null, "Refuse", "Refuse", null],
    "the journal does not say which answers were faults"
  )
})

const lost = Effect.gen(function* () {
  const { start, write } = yield* TwinLab.Fixture
  const { ask, twin } = yield* start()
  const digest = Effect.map(twin.snapshot, (snapshot) => snapshot.digest)
  const seeded = yield* digest
  for (const where of ["before", "inside"] as const) {
    yield* twin.faults([TwinFault.answer({ _tag: "Cut", where })])
    yield* Effect.flip(ask(write(1)))
    assert.strictEqual(yield* digest, seeded, `a request whose connection was cut ${where} has changed something`)
  }
  yield* twin.faults([TwinFault.answer({ _tag: "Cut", where: "before", applied: true })])
  yield* Effect.flip(ask(write(1)))
  assert.notStrictEqual(yield* digest, seeded, "only the answer was to be lost, and nothing was done")
  const journal = yield* twin.journal
  assert.deepStrictEqual(
    journal.map(({ answer, changed }) => [answer, changed]),
    [
      [null, false],
      [null, false],
      [null, true]
    ],
    "the journal does not say that there was no answer"
  )
})

const waiting = Effect.gen(function* () {
  const { read, start } = yield* TwinLab.Fixture
  const { ask, twin } = yield* start()
  yield* twin.faults([
    TwinFault.answer({ _tag: "Timeout" }),
    TwinFault.answer({ _tag: "Slow", millis: 20 }, { from: 2 })
  ])
  const hanging = yield* Effect.forkChild(ask(read), { startImmediately: true })
  // The second one is answered although the first one hangs.
  while ((yield* twin.journal).length === 0) yield* Effect.yieldNow
  assert.isBelow((yield* ask(read)).status, 300, "an answer that is slow is another one")
  assert.isUndefined(hanging.pollUnsafe(), "there was an answer, or an end, where there should be neither")
  const exit = yield* Effect.andThen(Fiber.interrupt(hanging), Fiber.await(hanging))
  assert.isTrue(Exit.hasInterrupts(exit))
  assert.deepStrictEqual(
    (yield* twin.journal).map(({ fault }) => fault),
    ["Timeout", "Slow"],
    "the journal does not say which answers were faults"
  )
})

const wrong = Effect.gen(function* () {
  const { read, start } = yield* TwinLab.Fixture
  const { ask, twin } = yield* start()
  const rules = [
    TwinFault.answer({ _tag: "Refuse", status: 200 }),
    TwinFault.answer({ _tag: "Refuse", status: 500 }, { times: 0 }),
    TwinFault.answer({ _tag: "Slow", millis: -1 })
  ]
  for (const rule of rules) assert.strictEqual((yield* Effect.flip(twin.faults([rule]))).reason, "Invalid")
  assert.isBelow((yield* ask(read)).status, 300, "a fault that is none was taken")
})

/** The promises about faults of answers. */
export const claims = [
  { name: "refuses on demand, by route and count", holds: refusing },
  { name: "cuts connections on demand, before or after what was asked for is done", holds: lost },
  { name: "is slow or silent on demand", holds: waiting },
  { name: "takes no fault that is none", holds: wrong }
]
