import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as Budget from "@millwright/core/Budget"
import * as Journal from "@millwright/core/Journal"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as CliBilling from "./CliBilling.ts"
import * as PiLab from "./PiLab.ts"

const done = (note: string) => PiLab.outcome({ _tag: "Done", note })
const call = PiLab.call

// Others look for temporary folders of their own at the same time.
const before = process.env["TMPDIR"]
let temporary = ""
beforeAll(() => {
  process.env["TMPDIR"] = temporary = mkdtempSync(join(tmpdir(), "millwright-pi-wire-"))
})
afterAll(() => {
  if (before === undefined) delete process.env["TMPDIR"]
  else process.env["TMPDIR"] = before
  rmSync(temporary, { recursive: true, force: true })
})

/** The folders of runs that are left. */
const homes = (): ReadonlyArray<string> => readdirSync(temporary).filter((name) => name.startsWith("millwright-pi-"))

describe.skipIf(PiLab.program === undefined)(PiLab.titled("pi on the wire"), () => {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(
      title,
      () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(PiLab.Services)),
      60_000
    )

  test(
    "every answer is billed once, by its name, with exactly the tokens that the provider reported",
    Effect.gen(function* () {
      const lab = yield* PiLab.start([
        { usage: { input: 11, cacheRead: 7, cacheWrite: 5, output: 3 }, ...PiLab.bash("echo one") },
        { usage: { input: 13, cacheRead: 17, cacheWrite: 19, output: 23 }, text: "Look.", ...done("ok") }
      ])
      yield* lab.run({ tier: "large" })
      const called = yield* lab.facts("ModelCalled")
      const requests = yield* lab.twin.requests
      assert.deepStrictEqual(
        called.map(({ usage }) => usage),
        requests.map(({ usage }) => usage)
      )
      assert.lengthOf(new Set(called.map(({ message }) => message)), 2, "two answers have one name")
      for (const { cost, message, model, paidBy, provider, rehearsed } of called) {
        assert.match(message ?? "", /^msg_/)
        assert.deepStrictEqual([model, provider, rehearsed, paidBy], ["m-large", "anthropic", true, "key"])
        assert.deepStrictEqual(cost, Usage.known(0.01))
      }
      assert.deepStrictEqual(
        lab.events.flatMap((event) => (event._tag === "Turn" ? [[event.number, event.usage.output]] : [])),
        [
          [1, 3],
          [2, 23]
        ]
      )
      for (const { path } of requests)
        assert.match(path, /^\/v1\/messages/, "it called for something else than an answer")
    })
  )

  const index = Effect.gen(function* () {
    const source = ScriptedSource.make("desk")
    source.lists({
      name: "create_ticket",
      description: "Creates a ticket.",
      inputSchema: { type: "object", properties: { title: { type: "string" } }, required: ["title"] }
    })
    const other = ScriptedSource.make("vault")
    other.lists({ name: "open", description: "Opens it.", inputSchema: { type: "object" } })
    const made = yield* SourceIndex.make([source.source, other.source])
    yield* made.settled
    return { index: made, source, other }
  })

  test(
    "the tool index is served through its own input and output, within the scope of the role, and called by its ids",
    Effect.gen(function* () {
      const { index: made, other, source } = yield* index
      const tool = (name: string, args: ProviderTwin.Call["arguments"]): ProviderTwin.Turn => ({
        calls: [{ tool: name, arguments: args ?? {} }]
      })
      const lab = yield* PiLab.start(
        [
          tool("tool_search", { query: "create a ticket" }),
          tool("tool_call", { name: "desk/create_ticket", arguments: { title: "It breaks" } }),
          tool("tool_call", { name: "vault/open", arguments: {} }),
          done("ok")
        ],
        {},
        made
      )
      yield* lab.run({ tools: ["desk/*"], grants: ["read"] })
      assert.deepStrictEqual([source.count.call, other.count.call], [1, 0], "the scope of the role does not hold")
      const bodies = yield* lab.bodies
      assert.include(bodies[0], "desk/create_ticket: Creates a ticket", "the index is not in the prompt")
      assert.match(
        bodies[0] ?? "",
        /<untrusted [0-9a-f]{20} origin=\\"tool server\\">/,
        "what strangers wrote is no data"
      )
      assert.include(bodies[1], '\\"required\\":[\\"title\\"]', "the search does not show the schema")
      assert.deepStrictEqual(
        (yield* lab.facts("ToolCalled")).map(({ ok, tool }) => `${tool} ${ok}`),
        ["tool_search true", "desk/create_ticket true", "vault/open false"]
      )
    })
  )

  test(
    "a role with a scope of tools is refused where there is no index",
    Effect.gen(function* () {
      const lab = yield* PiLab.start([done("ok")])
      const error = yield* Effect.flip(lab.run({ tools: ["desk/*"] }))
      assert.strictEqual(error.reason, "NoToolIndex")
      assert.deepStrictEqual(yield* lab.twin.requests, [])
    })
  )

  test(
    "what is said after an outcome is said in the same conversation, and the last outcome counts",
    Effect.gen(function* () {
      const lab = yield* PiLab.start([done("first"), { text: "Again.", ...done("second") }, done("third")])
      const { outcome } = yield* lab.run({ followUps: ["Look again.", "And again."] })
      assert.deepStrictEqual(outcome, { _tag: "Done", note: "third" })
      assert.include((yield* lab.bodies)[2], "And again.")
      assert.lengthOf(yield* lab.facts("ModelCalled"), 3)
    })
  )

  test(
    "turns are counted over all that is said, and an agent's beginning and end are facts",
    Effect.gen(function* () {
      const lab = yield* PiLab.start([done("first"), PiLab.bash("echo >> log"), PiLab.bash("true"), done("never")])
      const error = yield* Effect.flip(lab.run({ maxTurns: 2, followUps: ["Look again."] }))
      assert.strictEqual(error.reason, "TooManyTurns")
      assert.lengthOf(yield* lab.twin.requests, 2, "it was asked once more than it may be")
      assert.strictEqual(readFileSync("log", "utf8"), "\n")
      const [started] = yield* lab.facts("AgentStarted")
      const [ended] = yield* lab.facts("AgentEnded")
      assert.strictEqual(ended?.session, started?.session)
      assert.strictEqual(ended?.fault?.reason, "TooManyTurns")
    })
  )

  test(
    "a conversation that is gone on with bills what is new, and nothing twice, in another place too",
    Effect.gen(function* () {
      const lab = yield* PiLab.start([done("first"), PiLab.bash("pwd -P > where"), done("second")])
      const { session } = yield* lab.run()
      const other = yield* workspace({})
      assert.deepStrictEqual((yield* lab.run({ session, prompt: "And now?" })).outcome, {
        _tag: "Done",
        note: "second"
      })
      const [, second = ""] = yield* lab.bodies
      assert.include(second, "Try it.", "the conversation began anew")
      assert.strictEqual(readFileSync("where", "utf8").trim(), other, "it works where it worked before")
      assert.deepStrictEqual(
        (yield* lab.facts("ModelCalled")).map(({ usage }) => usage),
        (yield* lab.twin.requests).map(({ usage }) => usage)
      )
    })
  )

  test(
    "a conversation that it shortens is billed with all that this used, and one that is over is not shortened",
    Effect.gen(function* () {
      for (const [maxTurns, shortened] of [
        [8, 0],
        [10, 2]
      ] as const) {
        const turns = Array.from({ length: 12 }, () => PiLab.bash("seq 1 8000"))
        // How pi asks for notes of a part of a turn, and of several.
        const notes = ["# Instructions", "<conversation>"].map((promptIncludes) => ({
          when: { promptIncludes },
          turns: [{ text: "Numbers." }]
        }))
        const twin = yield* ProviderTwin.make({ script: { conversations: [...notes, { turns }] } })
        const lab = yield* PiLab.running(twin.anthropicUrl, {
          provider: "house",
          api: "anthropic-messages",
          contextTokens: 40_000
        })
        assert.strictEqual((yield* Effect.flip(lab.run({ maxTurns }))).reason, "TooManyTurns")
        const called = yield* lab.facts("ModelCalled")
        assert.deepStrictEqual(
          called.map(({ usage }) => usage),
          (yield* twin.requests).map(({ usage }) => usage)
        )
        assert.lengthOf(called, maxTurns + shortened)
        assert.lengthOf(
          called.filter(({ message }) => message === undefined),
          shortened
        )
      }
    })
  )

  test(
    "an outcome beside other calls, and one that does not fit, end it without another call of the model",
    Effect.gen(function* () {
      for (const given of [{ _tag: "Done", note: "ok" }, { _tag: "Never" }]) {
        const { calls = [] } = PiLab.outcome(given)
        const lab = yield* PiLab.start([{ calls: [...calls, call("bash", { script: "echo >> log" })] }, done("never")])
        const { outcome } = yield* lab.run({ followUps: [] })
        assert.deepStrictEqual(outcome, given)
        assert.lengthOf(yield* lab.twin.requests, 1)
        const alone = yield* PiLab.start([PiLab.outcome(given), done("second")])
        assert.deepStrictEqual((yield* alone.run({ followUps: ["Again."] })).outcome, { _tag: "Done", note: "second" })
        assert.lengthOf(yield* alone.twin.requests, 2)
      }
    })
  )

  test(
    "a provider that pi does not know is asked in the protocol that it is said to speak",
    Effect.gen(function* () {
      // pi would run the first, and take the others for variables.
      const apiKey = Redacted.make("!echo $HOME $$ ${PATH}")
      const twin = yield* ProviderTwin.make({
        script: { conversations: [{ turns: [PiLab.bash("echo one"), done("ok")] }] },
        apiKey
      })
      const small = "org/m-small:8b"
      const lab = yield* PiLab.running(twin.openAiUrl, {
        provider: "house",
        api: "openai-completions",
        apiKey,
        models: { ...PiLab.models, small }
      })
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "ok" })
      const requests = yield* twin.requests
      assert.deepStrictEqual(
        requests.map(({ protocol }) => protocol),
        ["openai", "openai"]
      )
      assert.deepStrictEqual(
        (yield* lab.facts("ModelCalled")).map(({ model, provider, usage }) => [model, provider, usage]),
        requests.map(({ usage }) => [small, "house", usage])
      )
    })
  )

  test(
    "a wrong key, an unknown model and a key that is missing are faults of their own",
    Effect.gen(function* () {
      const wrong = yield* PiLab.start([done("ok")])
      yield* wrong.twin.breakNext(Array.from({ length: 12 }, () => ({ _tag: "Refuse", status: 401 }) as const))
      assert.strictEqual((yield* Effect.flip(wrong.run())).reason, "Unauthorized")
      assert.lengthOf(yield* wrong.twin.requests, 1, "a wrong key was tried again")
      const unknown = yield* PiLab.start([done("ok")])
      yield* unknown.twin.breakNext(
        Array.from({ length: 12 }, () => ({ _tag: "Refuse", status: 404, message: "model: m-small" }) as const)
      )
      assert.strictEqual((yield* Effect.flip(unknown.run())).reason, "UnknownModel")
      for (const changes of [{ provider: "nonesuch" }, { models: { small: "", standard: "", large: "" } }]) {
        const nowhere = yield* PiLab.start([done("ok")], changes)
        const error = yield* Effect.flip(nowhere.run())
        assert.strictEqual(error.reason, "UnknownModel")
        assert.match(error.message, /a provider that pi does not know needs `api` and `baseUrl`/)
      }
      const none = yield* PiLab.start([done("ok")], { apiKey: undefined })
      const error = yield* Effect.flip(none.run())
      assert.strictEqual(error.reason, "Unauthorized")
      assert.deepStrictEqual(yield* none.twin.requests, [], "it asked without a key")
    })
  )

  test(
    "a call that is tried again is recorded as failed, and billed only when it is answered",
    CliBilling.retried({ start: PiLab.start, done })
  )

  test(
    "an answer that breaks off is billed as the least that it was, and the one in its place in full",
    CliBilling.brokenOff({ start: PiLab.start, done })
  )

  test(
    "a limit that is reached ends it before its next call",
    Effect.gen(function* () {
      const lab = yield* PiLab.start([PiLab.bash("echo one >> log"), PiLab.bash("true"), done("never")])
      const error = yield* Effect.flip(
        lab.run().pipe(Budget.slice("small", { usd: 0.015 }), Effect.provideService(Journal.Journal, lab.journal))
      )
      assert.deepStrictEqual([error._tag, error.reason], ["BudgetError", "MoneySpent"])
      assert.lengthOf(yield* lab.twin.requests, 2)
      assert.strictEqual(readFileSync("log", "utf8"), "one\n")
      assert.deepStrictEqual(homes(), [])
    })
  )

  test(
    "an answer that is not waited for is billed as the least that it was",
    CliBilling.notWaitedFor({ start: PiLab.start, done })
  )
})
