import { assert, describe, it } from "@effect/vitest"
import * as Budget from "@millwright/core/Budget"
import * as Journal from "@millwright/core/Journal"
import * as Usage from "@millwright/core/Usage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, readFileSync } from "node:fs"
import type * as Harness from "../../src/Harness.ts"
import { maxWait } from "../../src/loop/ModelTurn.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"
import * as Wire from "./LoopWire.ts"

type Loop = Effect.Success<ReturnType<typeof Wire.start>>

const failures = (lab: Loop) =>
  Effect.map(lab.facts("ModelFailed"), (facts) => facts.map(({ delay, fault }) => [fault.reason, delay]))

/** Lets each wait of the loop pass. */
const patiently = <A, E, R>(lab: Loop, run: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const clock = yield* Effect.forkChild(
      lab.journal.follow().pipe(
        Stream.filter(({ fact }) => fact._tag === "ModelFailed"),
        Stream.runForEach(() => TestClock.adjust(maxWait))
      )
    )
    return yield* Effect.ensuring(run, Fiber.interrupt(clock))
  })

describe.each(Lab.protocols)("an answer over %s", (protocol) => {
  type Body = Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>
  const test = (title: string, body: Body) =>
    it.effect(title, () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Lab.Services)))
  const live = (title: string, body: Body) =>
    it.live(title, () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Lab.Services)))

  const whole = Wire.events(protocol, { text: "x", calls: [Wire.calling("bash", { script: "echo x >> ran" }, "c")] })
  const half = Wire.sse(whole).slice(0, Wire.sse(whole).indexOf("echo x") + 4)

  test(
    "that breaks off in the middle of a call's arguments is asked for again, and nothing of it runs",
    Effect.gen(function* () {
      const lab = yield* Wire.start(protocol, [
        (response) => Wire.stream(response).end(half),
        (response) => void Wire.stream(response).write(half, () => response.destroy())
      ])
      yield* patiently(lab, lab.run())
      yield* lab.check
      assert.isFalse(existsSync("ran"), "half of a call ran")
      assert.deepStrictEqual(yield* failures(lab), [
        ["Disconnected", 1_000],
        ["Disconnected", 2_000]
      ])
    })
  )

  live(
    "may give calls one id, that of an earlier one, none, or one that no provider takes",
    Effect.gen(function* () {
      const look = (at: number, id: string | undefined): Wire.Call => ({
        id,
        name: "bash",
        json: JSON.stringify({ script: `echo ${at} >> ran; echo result ${at}` })
      })
      const lab = yield* Wire.start(protocol, [
        { calls: [look(1, "same"), look(2, "same")] },
        { calls: [look(3, "same"), look(4, "same-2")] },
        { calls: [look(5, ""), look(6, "")] },
        { calls: [look(7, "functions.bash:0"), look(8, "functions_bash_0"), look(9, `${"é".repeat(300)}`)] }
      ])
      yield* lab.run()
      yield* lab.check
      assert.strictEqual(readFileSync("ran", "utf8"), "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "a call was lost, or ran twice")
      const said = [1, 2, 3, 4].flatMap((at) => lab.results(at).map((text) => /result (\d)/.exec(text)?.[1]))
      assert.deepStrictEqual(said.join(""), "123456789", "a result went to another call")
    })
  )

  live(
    "may call what is no tool, and with what are no arguments",
    Effect.gen(function* () {
      const calls = ["", "rm -rf /", "é", "x".repeat(500), "__proto__", "bash"].map((name, at): Wire.Call => ({
        id: `c${at}`,
        name,
        json: '{"script": "ec'
      }))
      const lab = yield* Wire.start(protocol, [
        { calls },
        {
          calls: ["[1,2]", "null", '"text"', "12", '{"script":"\\ud800"}'].map((json, at) => ({
            id: `d${at}`,
            name: "bash",
            json
          }))
        }
      ])
      yield* lab.run()
      yield* lab.check
      assert.lengthOf(lab.results(1), calls.length)
      assert.lengthOf(lab.results(2), 5)
    })
  )

  test(
    "may be empty, or nothing but spaces: the agent is asked for its outcome",
    Effect.gen(function* () {
      for (const text of [undefined, "", " \n"]) {
        const lab = yield* Wire.start(protocol, [text === undefined ? {} : { text }])
        yield* lab.run()
        yield* lab.check
        assert.include(JSON.stringify(lab.bodies[1]), "without an outcome")
      }
    })
  )

  live(
    "may hold two outcomes, which are one if they are the same, and none if they are not",
    Effect.gen(function* () {
      const same = yield* Wire.start(protocol, [{ calls: [Wire.outcome("a", "1"), Wire.outcome("a", "2")] }])
      assert.deepStrictEqual((yield* same.run()).outcome, { _tag: "Done", note: "a" })
      assert.lengthOf(same.bodies, 1)
      const other = yield* Wire.start(protocol, [{ calls: [Wire.outcome("a", "1"), Wire.outcome("b", "2")] }])
      assert.deepStrictEqual((yield* other.run()).outcome, { _tag: "Done", note: "ok" })
      yield* other.check
      assert.lengthOf(other.results(1), 2)
    })
  )

  live(
    "may hold an outcome and a call: the call is run, and the session goes on from there",
    Effect.gen(function* () {
      const lab = yield* Wire.start(protocol, [
        { calls: [Wire.outcome("early", "1"), Wire.calling("bash", { script: "echo x >> ran" }, "2")] }
      ])
      const { outcome, session } = yield* lab.run()
      assert.deepStrictEqual(outcome, { _tag: "Done", note: "early" })
      assert.strictEqual(readFileSync("ran", "utf8"), "x\n")
      yield* lab.run({ session, prompt: "Go on." })
      yield* lab.check
      assert.lengthOf(lab.bodies, 2)
    })
  )

  test(
    "is given to a task that says nothing",
    Effect.gen(function* () {
      for (const prompt of ["", " \n"]) {
        const lab = yield* Wire.start(protocol, [])
        yield* lab.run({ prompt })
        yield* lab.check
      }
    })
  )

  test(
    "may come from another model than was asked",
    Effect.gen(function* () {
      const lab = yield* Wire.start(protocol, [{ model: "somebody-else", calls: [Wire.outcome()] }])
      yield* lab.run()
      assert.deepStrictEqual(
        (yield* lab.facts("ModelCalled")).map(({ model }) => model),
        ["m"]
      )
    })
  )

  test(
    "may hold events twice, and events that nobody knows",
    Effect.gen(function* () {
      const said = Wire.events(protocol, { text: "x", calls: [Wire.outcome("twice")] })
      const isContent = (event: object) =>
        /"(?:partial_json|text_delta|arguments|content)":/.test(JSON.stringify(event))
      const odd = [{ type: "unheard_of", data: 1 }, { type: "ping" }, { id: "c", choices: [] }, {}]
      const lab = yield* Wire.start(protocol, [
        said.flatMap((event, at) => [...(isContent(event) ? [event] : [event, event]), ...(at > 0 ? odd : [])])
      ])
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "twice" })
    })
  )

  test(
    "may be of no shape that the protocol has: it is thrown away, and asked for again",
    Effect.gen(function* () {
      const lab = yield* Wire.start(protocol, [
        protocol === "anthropic"
          ? [{ type: "message_start" }, { type: "message_stop" }]
          : [{ id: "c", choices: [{ index: 0, finish_reason: "stop" }] }],
        (response) => Wire.stream(response).end("event: message_start\ndata: {\n\ndata: 5\n\n")
      ])
      yield* patiently(lab, lab.run())
      assert.deepStrictEqual(
        (yield* failures(lab)).map(([reason]) => reason),
        ["Disconnected", "Disconnected"]
      )
    })
  )

  test(
    "may say of its tokens what it wants: they are counted where they are numbers, and cost what nobody knows where there are none",
    Effect.gen(function* () {
      const [input, output] =
        protocol === "anthropic" ? ["input_tokens", "output_tokens"] : ["prompt_tokens", "completion_tokens"]
      const of = (a: unknown, b: unknown) => ({ [String(input)]: a, [String(output)]: b })
      const cases = [
        [undefined, 0],
        [null, 0],
        [{}, 0],
        [of(-5, -1), 0],
        [of("12", "30"), 42],
        [of(Number.MAX_VALUE, 1.7), 1],
        [of(null, true), 0],
        ["many", 0]
      ] as const
      for (const [usage, total] of cases) {
        const lab = yield* Wire.start(protocol, [{ usage, calls: [Wire.outcome()] }])
        yield* lab.run()
        const [call] = yield* lab.facts("ModelCalled")
        const what = JSON.stringify(usage)
        assert.strictEqual(Usage.total(call?.usage ?? Usage.zero), total, what)
        assert.strictEqual(call?.cost._tag, total === 0 ? "Unknown" : "Known", what)
      }
    })
  )

  test(
    "is not waited for when its price, or the budget, is nothing",
    Effect.gen(function* () {
      for (const limits of [{ tokens: 0 }, { usd: 0 }]) {
        const lab = yield* Wire.start(protocol, [])
        const error = yield* Effect.flip(lab.run()).pipe(
          Effect.provide(Budget.layer(limits)),
          Effect.provideService(Journal.Journal, lab.journal)
        )
        assert.strictEqual(error._tag, "BudgetError")
        assert.lengthOf(lab.bodies, 0, "a call was made without a budget")
      }
      for (const usd of [Number.NaN, Infinity, -1]) {
        const lab = yield* Wire.start(protocol, [{ calls: [Wire.calling("no", {}, "1")] }], {
          options: {},
          pricing: { price: () => ({ _tag: "Known", usd }) }
        })
        const error = yield* Effect.flip(lab.run()).pipe(
          Effect.provide(Budget.layer({ usd: 1 })),
          Effect.provideService(Journal.Journal, lab.journal)
        )
        assert.deepStrictEqual([error._tag, error.reason], ["BudgetError", "Unpriced"], `a price of ${usd} is a price`)
        assert.lengthOf(lab.bodies, 1)
      }
    })
  )

  live(
    "of which the end has come is not waited for any longer, though the connection stays open",
    Effect.gen(function* () {
      const said = Wire.sse(Wire.events(protocol, { calls: [Wire.outcome("open")] }))
      const lab = yield* Wire.start(protocol, [(response) => void Wire.stream(response).write(said)])
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "open" })
    })
  )

  live(
    "that never ends is given up after a time, or a size, and asked for once more",
    Effect.gen(function* () {
      const said = Wire.events(protocol, { text: "I think. ".repeat(100) })
      const begins = said.slice(0, protocol === "anthropic" ? 3 : 1)
      const endless =
        (every: number): Wire.Answer =>
        (response) => {
          Wire.stream(response).write(Wire.sse(begins))
          const timer = setInterval(() => response.write(Wire.sse(begins.slice(-1))), every)
          response.once("close", () => clearInterval(timer))
        }
      const slow = yield* Wire.start(protocol, [endless(20), endless(20)], { options: { answer: 200 } })
      const large = yield* Wire.start(protocol, [endless(1), endless(1)], { options: { answerBytes: 20_000 } })
      for (const [lab, why] of [
        [slow, "within 0 s"],
        [large, "within 20000 bytes"]
      ] as const) {
        const error = yield* Effect.flip(lab.run())
        assert.deepStrictEqual([error._tag, error.reason], ["ModelError", "Endless"])
        assert.include(error.message, why)
        assert.lengthOf(lab.bodies, 2)
      }
    })
  )

  test(
    "that is a web page, or a redirect, is no answer, and the key goes nowhere else",
    Effect.gen(function* () {
      const other = yield* Wire.start(protocol, [])
      const answers: ReadonlyArray<readonly [Wire.Answer, RegExp]> = [
        [(response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>Log in</html>"), /web page/],
        [(response) => response.writeHead(307, { location: `${other.url}/v1/messages` }).end(), /redirects to http/]
      ]
      for (const [answer, why] of answers) {
        const lab = yield* Wire.start(
          protocol,
          Array.from({ length: 5 }, () => answer)
        )
        const error = yield* Effect.flip(patiently(lab, lab.run()))
        assert.strictEqual(error._tag, "ModelError")
        assert.match(error.message, why)
        assert.notInclude(error.message, Lab.key)
        assert.isAtMost(lab.bodies.length, 5)
      }
      assert.lengthOf(other.bodies, 0, "the request went where the provider sent it")
    })
  )

  test(
    "that is put off with a date, a number, or nonsense is waited for as long as can be understood",
    Effect.gen(function* () {
      const now = "Sat, 21 Nov 2026 10:00:00 GMT"
      const headers: ReadonlyArray<readonly [status: number, headers: Record<string, string>, delay: number | null]> = [
        [429, {}, 1_000],
        [529, {}, 1_000],
        [429, { "retry-after": "NaN" }, 1_000],
        [429, { "retry-after": "-3" }, 1_000],
        [429, { "retry-after": "Sat, 21 Nov 2026 09:59:00 GMT", date: now }, 1_000],
        [429, { "retry-after": "Sat, 21 Nov 2026 10:00:09 GMT", date: now }, 9_000],
        [429, { "retry-after": "1.5" }, 1_500],
        [429, { "retry-after": "9".repeat(400) }, null],
        [429, { "retry-after-ms": "Infinity" }, null],
        [429, { "retry-after": "99999999" }, null]
      ]
      for (const [status, headers_, delay] of headers) {
        const lab = yield* Wire.start(protocol, [
          (response) => response.writeHead(status, { "content-type": "application/json", ...headers_ }).end("{}")
        ])
        const ended = yield* Effect.result(patiently(lab, lab.run()))
        assert.deepStrictEqual(
          (yield* failures(lab)).map(([, delay]) => delay),
          [delay],
          JSON.stringify(headers_)
        )
        assert.strictEqual(ended._tag, delay === null ? "Failure" : "Success")
      }
    })
  )

  test(
    "to more than the model can read is a fault that says so, after one call",
    Effect.gen(function* () {
      const message = "prompt is too long: 300000 tokens > 200000 maximum"
      const lab = yield* Wire.start(protocol, [
        (response) =>
          response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ error: { message } }))
      ])
      const error = yield* Effect.flip(lab.run({ system: "x".repeat(1_000_000) }))
      assert.deepStrictEqual([error._tag, error.reason, error.isRetryable], ["ModelError", "ContextOverflow", false])
      assert.lengthOf(lab.bodies, 1)
    })
  )

  live(
    "is recorded with no time at all when the clock was set back meanwhile",
    Effect.gen(function* () {
      let now = 2_000_000_000_000
      const lab = yield* Wire.start(protocol, [
        (response) => {
          now -= 60_000
          Wire.stream(response).end(
            Wire.sse(Wire.events(protocol, { calls: [Wire.calling("read", { path: "no" }, "1")] })) + "data: [DONE]\n\n"
          )
        }
      ])
      const backwards = {
        currentTimeMillisUnsafe: () => (now -= 1_000),
        currentTimeMillis: Effect.sync(() => (now -= 1_000)),
        monotonicTimeNanosUnsafe: () => 0n,
        monotonicTimeNanos: Effect.succeed(0n),
        currentTimeNanosUnsafe: () => BigInt(now) * 1_000_000n,
        currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
        sleep: () => Effect.never
      }
      yield* Effect.provideService(lab.run(), Clock.Clock, backwards)
      assert.deepStrictEqual(
        (yield* lab.facts("ToolCalled")).map(({ duration }) => duration),
        [0]
      )
      assert.deepStrictEqual(
        (yield* lab.facts("ModelCalled")).map(({ latency }) => latency),
        [0, 0]
      )
    })
  )
})
