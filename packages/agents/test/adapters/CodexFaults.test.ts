import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as CliBilling from "./CliBilling.ts"
import * as CodexLab from "./CodexLab.ts"
import { bash, done } from "./LoopLab.ts"

describe.skipIf(CodexLab.program === undefined)(CodexLab.titled("Codex whose provider fails"), () => {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(
      title,
      () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(CodexLab.Services)),
      60_000
    )

  test(
    "a wrong key, an unknown model and a key that is missing are faults of their own",
    Effect.gen(function* () {
      const wrong = yield* CodexLab.start([done("ok")])
      yield* wrong.twin.breakNext(Array.from({ length: 6 }, () => ({ _tag: "Refuse", status: 401 }) as const))
      const error = yield* Effect.flip(wrong.run())
      assert.strictEqual(error.reason, "Unauthorized", error.message)
      assert.lengthOf(yield* wrong.twin.requests, 1, "a wrong key was tried again")
      const unknown = yield* CodexLab.start([done("ok")])
      yield* unknown.twin.breakNext([{ _tag: "Refuse", status: 404, message: "model: m-small" }])
      assert.strictEqual((yield* Effect.flip(unknown.run())).reason, "UnknownModel")
      const none = yield* CodexLab.start([done("ok")], { apiKey: undefined })
      assert.strictEqual((yield* Effect.flip(none.run())).reason, "Unauthorized")
      assert.deepStrictEqual(yield* none.twin.requests, [], "it asked without a key")
    })
  )

  test(
    "what the provider says about quota, rate and length, and that nobody listens, are faults of their own",
    Effect.gen(function* () {
      const reasons = []
      for (const refusal of [
        { status: 402 },
        { status: 429 },
        { status: 400, message: "prompt is too long: 9 tokens" },
        { status: 400 }
      ]) {
        const lab = yield* CodexLab.start([done("ok")])
        yield* lab.twin.breakNext([{ _tag: "Refuse", ...refusal }])
        reasons.push((yield* Effect.flip(lab.run())).reason)
        assert.lengthOf(yield* lab.facts("ModelFailed"), 1)
      }
      reasons.push((yield* Effect.flip((yield* CodexLab.running("http://127.0.0.1:1/v1")).run())).reason)
      assert.deepStrictEqual(reasons, ["QuotaExhausted", "RateLimited", "ContextOverflow", "Protocol", "Unreachable"])
    })
  )

  test(
    "a call that is tried again is recorded as failed, and billed only when it is answered",
    CliBilling.retried({ start: CodexLab.start, done })
  )

  test(
    "an answer that breaks off is billed at a price that nobody knows, and the one in its place in full",
    Effect.gen(function* () {
      const usage = { input: 40, cacheRead: 0, cacheWrite: 2, output: 9 }
      const lab = yield* CodexLab.start([
        { text: "Hm.", usage, ...done("ok") },
        { usage, ...done("ok") }
      ])
      yield* lab.twin.breakNext([{ _tag: "Cut", after: 5, how: "end" }])
      yield* lab.run()
      const failed = yield* lab.facts("ModelFailed")
      assert.deepStrictEqual(
        failed.map(({ billed, fault }) => [fault.reason, billed?.cost._tag]),
        [["Disconnected", "Unknown"]]
      )
      assert.deepStrictEqual(
        (yield* lab.facts("ModelCalled")).map((fact) => fact.usage),
        [usage]
      )
    })
  )

  test(
    "an answer that is slow to end behind its calls is billed in full",
    Effect.gen(function* () {
      const lab = yield* CodexLab.start([bash("true"), done("ok")])
      yield* lab.twin.breakNext([
        { _tag: "Slow", delay: 60 },
        { _tag: "Slow", delay: 60 }
      ])
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "ok" })
      assert.deepStrictEqual(
        (yield* lab.facts("ModelCalled")).map(({ usage }) => usage),
        (yield* lab.twin.requests).map(({ usage }) => usage)
      )
      assert.deepStrictEqual(yield* lab.facts("ModelFailed"), [])
    })
  )

  test(
    "an answer that breaks off behind its outcome ends the run with it",
    Effect.gen(function* () {
      const lab = yield* CodexLab.start([done("ok"), done("never")])
      // All but the event that says what it used.
      yield* lab.twin.breakNext([{ _tag: "Cut", after: 9, how: "end" }])
      const { outcome, session } = yield* lab.run()
      assert.deepStrictEqual(outcome, { _tag: "Done", note: "ok" })
      assert.include(JSON.stringify(session), "Your outcome is taken.")
      assert.deepStrictEqual(
        (yield* lab.facts("ModelFailed")).map(({ billed }) => billed?.cost._tag),
        ["Unknown"]
      )
      assert.lengthOf(yield* lab.twin.requests, 1)
    })
  )
})
