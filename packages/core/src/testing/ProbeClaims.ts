/** What the probe of every model adapter holds to: it is free of charge, and refuses what a call would be refused for. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { inspect } from "node:util"
import * as Lab from "./ModelLab.ts"
import * as ProviderTwin from "./ProviderTwin.ts"

/** A promise of a probe: it holds when the effect succeeds. */
export interface Claim {
  readonly name: string
  readonly holds: (lab: Lab.Lab) => Effect.Effect<void, unknown, Scope.Scope>
}

/** Every promise, as an effect that fails where it is broken. */
export const claims = (options: Lab.Options): ReadonlyArray<Claim> => [
  { name: "finds a known model and calls none", holds: finds },
  { name: "a wrong key is Unauthorized and stands nowhere, an unknown model is UnknownModel", holds: refuses },
  { name: "a provider that is busy says so and for how long, a broken connection is Disconnected", holds: fails },
  { name: "passes where the server can not say which models it has", holds: passes },
  { name: "a port where nothing listens is Unreachable", holds: unreachable(options) }
]

const finds = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* lab.model.probe
  // The address of one model is not there, and the list decides.
  yield* lab.twin.breakNext([{ _tag: "Refuse", status: 404 }])
  yield* lab.model.probe
  const requests = yield* lab.twin.requests
  assert.lengthOf(requests, 3, "A probe asks for the model, and then at most for the list")
  for (const { body, path } of requests) {
    assert.match(path, /\/v1\/models(?:\/|\?|$)/, "The probe calls the model, which costs money")
    assert.isNull(body)
  }
})

const refuses = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const wrong = "wrong-key-9876543210-fedcba"
  const denied = yield* Effect.flip((yield* lab.other({ apiKey: wrong })).probe)
  assert.deepStrictEqual([denied.reason, denied.isRetryable], ["Unauthorized", false], denied.message)
  assert.notInclude(inspect(denied, { depth: 12, showHidden: true }), wrong, "The error holds the key")
  assert.notInclude(JSON.stringify(yield* lab.twin.requests), wrong, "The key stands in an address")
  const unknown = yield* Effect.flip((yield* lab.other({ model: "no/such model" })).probe)
  assert.strictEqual(unknown.reason, "UnknownModel", unknown.message)
  assert.include(unknown.message, "no/such model")
  assert.include(unknown.message, lab.model.name, "The message does not say which models there are")
})

const fails = Effect.fnUntraced(function* (lab: Lab.Lab) {
  for (const [breakage, reason, retryAfter] of [
    [{ _tag: "Refuse", status: 429, retryAfter: 7 }, "RateLimited", 7_000],
    [{ _tag: "Refuse", status: 529 }, "Overloaded", undefined],
    [{ _tag: "Drop" }, "Disconnected", undefined]
  ] as const) {
    yield* lab.twin.breakNext([breakage])
    const error = yield* Effect.flip(lab.model.probe)
    assert.deepStrictEqual([error.reason, error.isRetryable, error.retryAfter], [reason, true, retryAfter])
    assert.include(error.message, lab.model.provider)
  }
  yield* lab.twin.breakNext([
    { _tag: "Refuse", status: 404 },
    { _tag: "Refuse", status: 500 }
  ])
  assert.strictEqual((yield* Effect.flip(lab.model.probe)).reason, "Overloaded", "A list that fails says nothing")
  yield* lab.model.probe
})

const passes = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const unknown = yield* lab.other({ model: "no-such-model" })
  for (const status of [404, 405]) {
    yield* lab.twin.breakNext([
      { _tag: "Refuse", status },
      { _tag: "Refuse", status }
    ])
    yield* unknown.probe
  }
  for (const status of [401, 403]) {
    yield* lab.twin.breakNext([{ _tag: "Refuse", status, message: "Missing scopes: api.model.read" }])
    yield* lab.model.probe
  }
})

const unreachable = (options: Lab.Options) =>
  Effect.fnUntraced(function* () {
    const twin = yield* Effect.scoped(ProviderTwin.make({ script: { conversations: [] } }))
    const model = yield* options.make({ twin, apiKey: Redacted.make(Lab.key), model: options.model ?? Lab.known })
    const error = yield* Effect.flip(model.probe)
    assert.deepStrictEqual([error.reason, error.isRetryable], ["Unreachable", true], error.message)
    assert.include(error.message, "127.0.0.1", "The message does not say where")
  })
