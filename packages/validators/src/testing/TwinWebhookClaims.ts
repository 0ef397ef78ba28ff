/** What every twin that sends webhooks holds to about them, and what one holds to that sends none. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TwinFault from "../TwinFault.ts"
import * as TwinLab from "./TwinLab.ts"

/** A twin with a hook to a receiver that is allowed. `undefined` where the service has none, which is asserted. */
const hooked = Effect.gen(function* () {
  const { start, webhooks } = yield* TwinLab.Fixture
  const receiver = yield* TwinLab.receiver
  if (webhooks === undefined) {
    const { twin } = yield* start()
    assert.isFalse(twin.supports.webhooks, "it says that it sends webhooks, and the fixture has none")
    assert.strictEqual((yield* Effect.flip(twin.webhooks.allow(receiver.url))).reason, "Unsupported")
    assert.deepStrictEqual(yield* twin.webhooks.deliveries, [])
    return undefined
  }
  const started = yield* webhooks.start(receiver.url)
  assert.isTrue(started.twin.supports.webhooks, "it says that it sends no webhooks")
  yield* started.twin.webhooks.allow(receiver.url)
  return { ...started, receiver, isSigned: webhooks.isSigned }
})

const sent = Effect.gen(function* () {
  const lab = yield* hooked
  if (lab === undefined) return
  const { write } = yield* TwinLab.Fixture
  for (const n of [1, 2, 3]) yield* lab.ask(write(n))
  const [first, second, third] = yield* lab.receiver.first(3)
  if (first === undefined || second === undefined || third === undefined) return assert.fail("three webhooks were sent")
  assert.isTrue(lab.isSigned(first, TwinLab.secret), "the signature does not fit the body and the secret")
  assert.isFalse(lab.isSigned(first, "another secret"), "the signature fits any secret")
  assert.isFalse(lab.isSigned({ ...first, body: `${first.body} ` }, TwinLab.secret), "the signature fits any body")
  yield* lab.twin.webhooks.settled
  const deliveries = yield* lab.twin.webhooks.deliveries
  assert.deepStrictEqual(
    deliveries.map(({ attempts, outcome }) => `${outcome} ${attempts.map(({ status }) => status).join()}`),
    [1, 2, 3].map(() => "delivered 204"),
    "the deliveries do not say what came of them"
  )
  assert.deepStrictEqual(
    deliveries.map(({ body }) => body),
    [first, second, third].map(({ body }) => body.replaceAll(lab.twin.url, `http://${lab.twin.name}.twin`)),
    "webhooks do not come in the order in which they were made"
  )
  const told = JSON.stringify([deliveries, yield* lab.twin.snapshot, yield* lab.twin.journal])
  assert.notInclude(told, TwinLab.secret, "the secret can be read in the deliveries, the snapshot or the journal")
})

const broken = Effect.gen(function* () {
  const lab = yield* hooked
  if (lab === undefined) return
  const { write } = yield* TwinLab.Fixture
  const { ask, receiver, twin } = lab
  yield* twin.faults([
    TwinFault.webhook({ _tag: "Drop" }),
    TwinFault.webhook({ _tag: "Double" }, { from: 2 }),
    TwinFault.webhook({ _tag: "Swap" }, { from: 3 }),
    TwinFault.webhook({ _tag: "Delay", millis: 3_600_000 }, { from: 5 })
  ])
  for (const n of [1, 2, 3, 4, 5, 6]) yield* ask(write(n))
  yield* twin.webhooks.settled
  const deliveries = yield* twin.webhooks.deliveries
  assert.deepStrictEqual(
    deliveries.map(({ outcome }) => outcome),
    ["dropped", "delivered", "delivered", "delivered", "delivered", "waiting", "delivered"],
    "the faults did not come where they were asked for"
  )
  const bodies = Effect.map(receiver.all, (all) => all.map(({ body }) => body))
  const [, second, , third, fourth, fifth, sixth] = deliveries.map(({ body }) => body)
  const named = (body: string) => body.replaceAll(twin.url, `http://${twin.name}.twin`)
  assert.deepStrictEqual(
    (yield* bodies).map(named),
    [second, second, fourth, third, sixth],
    "they did not come as asked"
  )
  yield* twin.clock.advance(3_600_000)
  assert.deepStrictEqual(
    (yield* bodies).map(named),
    [second, second, fourth, third, sixth, fifth],
    "what was delayed did not come when its time had come"
  )
})

const closed = Effect.gen(function* () {
  const { webhooks, write } = yield* TwinLab.Fixture
  if (webhooks === undefined) return
  const receiver = yield* TwinLab.receiver
  const { ask, twin } = yield* webhooks.start(receiver.url)
  yield* ask(write(1))
  yield* twin.webhooks.settled
  assert.deepStrictEqual(yield* receiver.all, [], "a webhook went to an address that the host has not allowed")
  assert.deepStrictEqual(
    (yield* twin.webhooks.deliveries).map(({ outcome }) => outcome),
    ["refused"],
    "it does not say that it was refused"
  )
  const outside = [
    "https://example.com/",
    "http://192.0.2.1:80",
    "http://127.0.0.1.example.com",
    "http://0.0.0.0",
    "no url"
  ]
  for (const url of outside) {
    const error = yield* Effect.flip(twin.webhooks.allow(url)).pipe(
      Effect.orElseSucceed(() => assert.fail(`${url} is taken for an address of this machine`))
    )
    assert.strictEqual(error.reason, "NotLoopback", error.message)
  }
  yield* twin.webhooks.allow(receiver.url)
  yield* twin.reset
  yield* ask(write(1))
  yield* twin.webhooks.settled
  assert.lengthOf(yield* receiver.all, 1, "what the host has allowed does not survive a reset")
})

/** The promises about webhooks. */
export const claims = [
  { name: "sends webhooks in order, signed, or says that it sends none", holds: sent },
  { name: "drops, doubles, swaps and delays webhooks on demand", holds: broken },
  { name: "sends nothing to where the host has not allowed it", holds: closed }
]
