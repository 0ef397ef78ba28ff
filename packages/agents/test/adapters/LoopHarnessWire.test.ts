import { assert, describe, it } from "@effect/vitest"
import * as Budget from "@millwright/core/Budget"
import * as Journal from "@millwright/core/Journal"
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as ModelTurn from "../../src/loop/ModelTurn.ts"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"

type Loop = Effect.Success<ReturnType<typeof Lab.at>>

/** Completes when the journal holds `count` failed calls: then the loop sleeps, or has given up. */
const failed = ({ journal }: Loop, count: number) =>
  journal.follow().pipe(
    Stream.filter(({ fact }) => fact._tag === "ModelFailed"),
    Stream.take(count),
    Stream.runDrain
  )

const delays = (lab: Loop) => Effect.map(lab.facts("ModelFailed"), (facts) => facts.map(({ delay }) => delay))
const reasons = (lab: Loop) => Effect.map(lab.facts("ModelFailed"), (facts) => facts.map(({ fault }) => fault.reason))

/** Lets each wait of the loop pass, as long as it fails. */
const patiently = <A, E, R>(lab: Loop, run: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const clock = yield* Effect.forkChild(
      lab.journal.follow().pipe(
        Stream.filter(({ fact }) => fact._tag === "ModelFailed"),
        Stream.runForEach(() => TestClock.adjust(ModelTurn.maxWait))
      )
    )
    return yield* Effect.ensuring(run, Fiber.interrupt(clock))
  })

/** The last answer of a provider whose output was cut at its limit, with half of a call in it. */
const cut: Record<Lab.Protocol, ReadonlyArray<object>> = {
  anthropic: [
    {
      type: "message_start",
      message: { id: "a", model: "m", usage: { input_tokens: 1, output_tokens: 1 } }
    },
    { type: "content_block_start", index: 0, content_block: { type: "tool_use", id: "t1", name: "bash", input: {} } },
    {
      type: "content_block_delta",
      index: 0,
      delta: { type: "input_json_delta", partial_json: '{"script":"echo x > ran' }
    },
    { type: "content_block_stop", index: 0 },
    {
      type: "content_block_start",
      index: 1,
      content_block: { type: "tool_use", id: "t2", name: "outcome", input: {} }
    },
    {
      type: "content_block_delta",
      index: 1,
      delta: { type: "input_json_delta", partial_json: '{"outcome":{"_tag":"Done","note":"cut"}}' }
    },
    { type: "content_block_stop", index: 1 },
    { type: "message_delta", delta: { stop_reason: "max_tokens" }, usage: { output_tokens: 9 } },
    { type: "message_stop" }
  ],
  openai: [
    {
      id: "c",
      model: "m",
      choices: [
        {
          index: 0,
          delta: {
            tool_calls: [
              { index: 0, id: "t1", function: { name: "bash", arguments: '{"script":"echo x > ran' } },
              {
                index: 1,
                id: "t2",
                function: { name: "outcome", arguments: '{"outcome":{"_tag":"Done","note":"cut"}}' }
              }
            ]
          }
        }
      ]
    },
    { id: "c", model: "m", choices: [{ index: 0, delta: {}, finish_reason: "length" }] }
  ]
}

const whole: Record<Lab.Protocol, ReadonlyArray<object>> = {
  anthropic: cut.anthropic.slice(0, 1).concat(
    cut.anthropic.slice(4, 7).map((event) => ({ ...event, index: 0 })),
    { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 9 } },
    { type: "message_stop" }
  ),
  openai: [
    {
      id: "c",
      model: "m",
      choices: [
        {
          index: 0,
          delta: {
            tool_calls: [
              {
                index: 0,
                id: "t3",
                function: { name: "outcome", arguments: '{"outcome":{"_tag":"Done","note":"cut"}}' }
              }
            ]
          },
          finish_reason: "tool_calls"
        }
      ]
    }
  ]
}

for (const protocol of Lab.protocols) {
  type Body = Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>
  // A test clock: the waits of the loop pass at once. The wire and the processes have their own time.
  const test = (title: string, body: Body) =>
    it.effect(title, () => body.pipe(Effect.scoped, Effect.provide(Lab.Services)))

  describe(`failures of the model, over ${protocol}`, () => {
    test(
      "429 is waited for as long as the provider asks, and not a millisecond less",
      Effect.gen(function* () {
        const lab = yield* Lab.start(protocol, [Lab.done("ok")])
        yield* lab.twin.breakNext([{ _tag: "Refuse", status: 429, retryAfter: 7 }])
        const fiber = yield* Effect.forkChild(lab.run())
        yield* failed(lab, 1)
        yield* TestClock.adjust(6_999)
        assert.lengthOf(yield* lab.twin.requests, 1, "it asked again before it was allowed to")
        assert.isUndefined(fiber.pollUnsafe(), "it ended instead of waiting")
        yield* TestClock.adjust(1)
        assert.deepStrictEqual((yield* Fiber.join(fiber)).outcome, { _tag: "Done", note: "ok" })
        assert.deepStrictEqual(yield* delays(lab), [7_000])
        assert.lengthOf(yield* lab.facts("ModelCalled"), 1, "the call that was refused is billed")
      })
    )

    test(
      "a provider that asks for a longer wait than a line may take is not waited for",
      Effect.gen(function* () {
        const lab = yield* Lab.start(protocol, [Lab.done("ok")])
        yield* lab.twin.breakNext([{ _tag: "Refuse", status: 429, retryAfter: ModelTurn.maxWait / 1_000 + 1 }])
        const error = yield* Effect.flip(lab.run())
        assert.deepStrictEqual(
          [error._tag, error.reason, error.retryAfter],
          ["ModelError", "RateLimited", ModelTurn.maxWait + 1_000]
        )
        assert.deepStrictEqual(yield* delays(lab), [null])
      })
    )

    test(
      "529 is tried again, later each time",
      Effect.gen(function* () {
        const lab = yield* Lab.start(protocol, [Lab.done("ok")])
        yield* lab.twin.breakNext([{ _tag: "Refuse", status: 529 }, { _tag: "Refuse", status: 529 }, { _tag: "Drop" }])
        yield* patiently(lab, lab.run())
        assert.deepStrictEqual(yield* delays(lab), [1_000, 2_000, 4_000])
        assert.deepStrictEqual(yield* reasons(lab), ["Overloaded", "Overloaded", "Disconnected"])
      })
    )

    test(
      "an answer that is cut in the middle is thrown away and asked for again, with the same request",
      Effect.gen(function* () {
        yield* workspace({})
        const sentence = "First I look at the file that the issue names, and then at its tests."
        const lab = yield* Lab.start(protocol, [{ text: sentence, ...Lab.bash("echo x >> ran") }, Lab.done("ok")])
        const cuts = [
          [5, "reset"],
          [6, "end"],
          [4, "inside"]
        ] as const
        yield* lab.twin.breakNext(cuts.map(([after, how]) => ({ _tag: "Cut", after, how })))
        // The real clock for the process that runs after the cuts.
        yield* patiently(lab, lab.run())
        assert.deepStrictEqual(yield* reasons(lab), ["Disconnected", "Disconnected", "Disconnected"])
        const bodies = (yield* lab.twin.requests).map(({ body }) => JSON.stringify(body))
        assert.strictEqual(new Set(bodies.slice(0, 4)).size, 1, "what was cut stands in the next request")
        const said = (yield* lab.blocks(4))
          .filter(({ role }) => role === "assistant")
          .map(({ block }) => JSON.stringify(block))
        assert.strictEqual(said.join("").split(sentence).length - 1, 1, "the cut answers are part of the conversation")
        assert.lengthOf(yield* lab.facts("ToolCalled"), 1, "the tool ran once for each cut")
      })
    )

    test(
      "a server that is down stalls with what is wrong and where, after a bounded number of tries",
      Effect.gen(function* () {
        const gone = yield* Effect.scoped(Lab.answering([]))
        const lab = yield* Lab.at(protocol, gone.url)
        const error = yield* Effect.flip(patiently(lab, lab.run()))
        assert.deepStrictEqual([error._tag, error.reason, error.isRetryable], ["ModelError", "Unreachable", true])
        assert.include(error.message, gone.url.replace("http://", ""), "the message does not say where")
        assert.match(error.message, /Check the network/, "the message does not say what to do")
        assert.deepStrictEqual(yield* delays(lab), [1_000, 2_000, 4_000, 8_000, null])
        assert.deepStrictEqual(
          lab.events.map(({ _tag }) => _tag),
          ["Began"],
          "there is nothing to tell of a call that never was"
        )
      })
    )

    test(
      "a wrong key is not tried again",
      Effect.gen(function* () {
        const lab = yield* Lab.start(protocol, [Lab.done("ok")])
        yield* lab.twin.breakNext([{ _tag: "Refuse", status: 401 }])
        const error = yield* Effect.flip(lab.run())
        assert.deepStrictEqual([error._tag, error.reason], ["ModelError", "Unauthorized"])
        assert.deepStrictEqual(yield* delays(lab), [null])
        const [fact] = yield* lab.facts("ModelFailed")
        assert.deepStrictEqual(fact?.fault, {
          tag: "ModelError",
          reason: "Unauthorized",
          message: error.message,
          retryable: false
        })
      })
    )

    test(
      "an answer that is cut by its limit runs nothing, is no outcome, and the model is told",
      Effect.gen(function* () {
        const directory = yield* workspace({})
        const { bodies, url } = yield* Lab.answering([cut[protocol], whole[protocol]])
        const lab = yield* Lab.at(protocol, url)
        yield* lab.run()
        assert.lengthOf(bodies, 2, "the cut outcome was taken for the outcome")
        assert.deepStrictEqual(yield* lab.facts("ToolCalled"), [], `half a call ran in ${directory}`)
        assert.strictEqual(
          bodies[1]?.split("your answer was cut").length,
          3,
          "the model was not told for both of its calls"
        )
      })
    )
  })

  describe(`turns, over ${protocol}`, () => {
    test(
      "an agent that ends without an outcome is asked for it once, and then it is a fault",
      Effect.gen(function* () {
        const once = yield* Lab.start(protocol, [{ text: "All done." }, Lab.done("ok")])
        yield* once.run()
        const reminder = JSON.stringify((yield* once.blocks(1)).at(-1))
        assert.include(reminder, "Call the `outcome` tool now.", "the model was not asked for its outcome")
        const twice = yield* Lab.start(protocol, [{ text: "All done." }, { text: "Really." }, Lab.done("late")])
        const error = yield* Effect.flip(twice.run())
        assert.deepStrictEqual([error._tag, error.reason, error.isRetryable], ["HarnessError", "NoOutcome", false])
        assert.lengthOf(yield* twice.twin.requests, 2)
      })
    )

    test(
      "no more turns are taken than the request allows",
      Effect.gen(function* () {
        const lab = yield* Lab.start(
          protocol,
          Array.from({ length: 5 }, () => ({ calls: [Lab.call("no", {})] }))
        )
        const error = yield* Effect.flip(lab.run({ maxTurns: 3 }))
        assert.deepStrictEqual([error._tag, error.reason], ["HarnessError", "TooManyTurns"])
        assert.lengthOf(yield* lab.twin.requests, 3)
      })
    )

    test(
      "earlier messages are never rewritten: each request begins with the whole one before it",
      Effect.gen(function* () {
        const look = (text: string, path: string): ProviderTwin.Turn => ({ text, calls: [Lab.call("no", { path })] })
        const lab = yield* Lab.start(protocol, [
          { reasoning: "I begin.", ...look("One.", "a") },
          { calls: [{ tool: "bash", raw: '{"script": ' }, Lab.call("no", { path: "b" })] },
          { text: "Is this the end?" },
          Lab.done("first"),
          look("Again.", "c"),
          Lab.done("second")
        ])
        const { session } = yield* lab.run()
        yield* lab.run({ session: JSON.parse(JSON.stringify(session)), prompt: "Your outcome is malformed." })
        const requests = yield* lab.twin.requests
        assert.lengthOf(requests, 6)
        const heads = requests.map(({ body }) =>
          JSON.stringify(body, (name, value: unknown) =>
            name === "messages" || name === "cache_control" ? undefined : value
          )
        )
        assert.strictEqual(
          new Set(heads).size,
          1,
          "the system prompt, the tools or a setting changed between two turns"
        )
        const said = requests.map(({ body }) => Lab.blocksOf(body).map((block) => JSON.stringify(block)))
        for (const [at, blocks] of said.slice(1).entries()) {
          const before = said[at] ?? []
          assert.deepStrictEqual(
            blocks.slice(0, before.length),
            before,
            `request ${at + 2} rewrites what was said before`
          )
          assert.isAbove(blocks.length, before.length, `request ${at + 2} adds nothing`)
        }
      })
    )

    test(
      "what is read from the cache is counted, in the events and in the journal",
      Effect.gen(function* () {
        const lab = yield* Lab.start(protocol, [{ calls: [Lab.call("no", {})] }, Lab.done("ok")])
        yield* lab.run()
        const calls = yield* lab.facts("ModelCalled")
        const [first, second] = calls.map(({ usage }) => usage)
        assert.strictEqual(first?.cacheRead, 0)
        assert.isAbove(second?.cacheRead ?? 0, 100, "the second turn does not read the first one from the cache")
        const turns = lab.events.flatMap((event) => (event._tag === "Turn" ? [event.usage] : []))
        assert.deepStrictEqual(turns, [first, second])
        const [{ cost, latency, model, provider, rehearsed } = assert.fail("no call is recorded")] = calls
        assert.deepStrictEqual(
          { cost, model, provider, rehearsed },
          {
            cost: { _tag: "Known", usd: 0.01 },
            model: "m",
            provider: protocol,
            rehearsed: true
          }
        )
        assert.isAtLeast(latency, 0)
      })
    )

    test(
      "a budget that is used up stops before the next call",
      Effect.gen(function* () {
        const lab = yield* Lab.start(protocol, [{ calls: [Lab.call("no", {})] }, Lab.done("ok")])
        const budget = Budget.layer({ usd: 0.01 })
        const error = yield* Effect.flip(lab.run()).pipe(
          Effect.provide(budget),
          Effect.provideService(Journal.Journal, lab.journal)
        )
        assert.deepStrictEqual([error._tag, error.reason], ["BudgetError", "MoneySpent"])
        assert.lengthOf(yield* lab.twin.requests, 1, "a call was made without money")
        assert.deepStrictEqual(
          (yield* lab.facts("BudgetHit")).map(({ limit, spent }) => [limit, spent]),
          [[0.01, 0.01]]
        )
      })
    )
  })
}
