import { assert, describe, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as ToolIndex from "@millwright/context/ToolIndex"
import * as MemoryEngine from "@millwright/core/adapters/MemoryEngine"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Otlp from "effect/observability/Otlp"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as LoopHarness from "../src/adapters/LoopHarness.ts"
import * as Harness from "../src/Harness.ts"
import * as Role from "../src/Role.ts"
import * as Skill from "../src/Skill.ts"
import * as Lab from "./adapters/LoopLab.ts"
import * as OtlpCollector from "./OtlpCollector.ts"
import { workspace } from "./ToolsWorkplace.ts"

/** What must be in no span: what somebody said, wrote, or keeps to himself. */
const said = {
  prompt: "the issue says mulberry",
  answer: "the agent answers quince",
  argument: "echo medlar",
  result: "medlar",
  outcome: "the outcome is damson",
  tool: "please_tell_everyone_persimmon",
  failure: "the provider grumbles about sloes",
  secret: Lab.key
}

const item: WorkItem.WorkItem = {
  id: "issue-7",
  title: said.prompt,
  body: WorkItem.bodyOf(said.prompt),
  labels: [],
  source: "issue-7.md"
}

const Author = Role.make("Author", {
  input: Schema.Struct({ text: Tainted.text("the issue") }),
  outcome: Lab.Outcome,
  skill: Skill.parse("---\nname: author\ndescription: Writes.\n---\nWrite it.", "inline"),
  grants: ["bash"],
  tools: ["team/*"],
  tier: "standard"
})

const Writing = Line.make("Writing", { payload: { item: WorkItem.WorkItem }, success: Lab.Outcome })
const writing = Writing.toLayer(({ item }) => Author.run({ text: item.body }))

const usage = { input: 100, cacheRead: 40, cacheWrite: 8, output: 12 }
const script: ProviderTwin.Script = {
  conversations: [
    {
      role: "Author",
      turns: [
        {
          text: said.answer,
          usage,
          calls: [Lab.call("bash", { script: said.argument }), Lab.call("mcp__team__ask", { question: said.prompt })]
        },
        { ...Lab.done(said.outcome), usage }
      ]
    },
    {
      role: "Helper",
      turns: [
        { calls: [Lab.call(said.tool, {}), Lab.call("read", { path: said.result })], usage },
        { ...Lab.done(said.outcome), usage }
      ]
    }
  ]
}

const helper = Lab.request({
  role: "Helper",
  tier: "standard",
  system: "Role: Helper\n\nHelp.",
  prompt: said.prompt,
  grants: ["read"]
})

/** Runs with exports to the collector, and sends everything before it ends. */
const exported = <A, E, R>(url: string, body: Effect.Effect<A, E, R>) =>
  Effect.provide(
    body,
    Otlp.layerJson({ baseUrl: url, resource: { serviceName: "factory" }, loggerMergeWithExisting: false }).pipe(
      Layer.provide(FetchHttpClient.layer)
    ),
    { local: true }
  )

/** The line with its models at a twin, whose author may ask another agent through a tool. */
const factory = Effect.fnUntraced(function* (twin: ProviderTwin.ProviderTwin) {
  const model = yield* Lab.modelAt("anthropic", twin.anthropicUrl)
  const team = ScriptedSource.make("team")
  team.lists({ name: "ask", description: "Asks a colleague.", inputSchema: { type: "object" } })
  const index = yield* SourceIndex.make([team.source])
  yield* index.settled
  const harness = LoopHarness.layerWith({ tools: { deferral: "never" } }).pipe(
    Layer.provide([
      Layer.succeed(Model.Models, Model.single(model)),
      Layer.succeed(Pricing.Pricing, Lab.cents),
      Layer.succeed(ToolIndex.ToolIndex, index)
    ])
  )
  const asking = Layer.effectDiscard(
    Effect.gen(function* () {
      const { run } = yield* Harness.Harness
      team.script.call = () =>
        Stream.runDrain(run(helper)).pipe(
          Effect.as(ScriptedSource.answer(said.result)),
          Effect.orDie,
          Effect.provide(Lab.Services)
        )
    })
  )
  return Layer.mergeAll(writing, asking).pipe(
    Layer.provideMerge(harness),
    Layer.provideMerge(Layer.mergeAll(MemoryEngine.layer, MemoryJournal.layer, Lab.Services))
  )
})

const twinOf = (script: ProviderTwin.Script) => ProviderTwin.make({ script, apiKey: Redacted.make(Lab.key) })

const ok = 1
const failed = 2

describe("telemetry", () => {
  it.live("of a line whose agent asks another one through a tool", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const collector = yield* OtlpCollector.make
      const twin = yield* twinOf(script)
      yield* twin.breakNext([{ _tag: "Refuse", status: 429, message: said.failure, retryAfter: 0 }], "Helper")
      const run = yield* exported(
        collector.url,
        Effect.gen(function* () {
          const run = yield* Writing.start({ item })
          assert.strictEqual((yield* Line.ended(run))._tag, "Finished")
          return run
        }).pipe(Effect.provide(yield* factory(twin), { local: true }))
      )
      const spans = collector.spans()
      const byId = new Map(spans.map((span) => [span.spanId, span]))
      const path = (span: (typeof spans)[number]): string => {
        const parent = byId.get(span.parentSpanId ?? "")
        return parent === undefined ? span.name : `${path(parent)} > ${span.name}`
      }
      const author = "invoke_workflow Writing > stage author > invoke_agent Author"
      const ask = `${author} > execute_tool mcp__team__ask`
      assert.sameMembers(spans.map(path), [
        "invoke_workflow Writing",
        "invoke_workflow Writing > stage author",
        author,
        `${author} > chat m`,
        `${author} > execute_tool bash`,
        ask,
        `${ask} > invoke_agent Helper`,
        `${ask} > invoke_agent Helper > chat m`,
        `${ask} > invoke_agent Helper > chat m`,
        `${ask} > invoke_agent Helper > execute_tool unknown`,
        `${ask} > invoke_agent Helper > execute_tool read`,
        `${ask} > invoke_agent Helper > chat m`,
        `${author} > chat m`
      ])
      assert.strictEqual(new Set(spans.map(({ traceId }) => traceId)).size, 1, "the life is not one trace")

      const where = {
        "millwright.line": "Writing",
        "millwright.run": run,
        "millwright.item": "issue-7",
        "millwright.stage": "author",
        "millwright.role": "Author"
      }
      const at = (name: string) => spans.filter((span) => path(span).endsWith(name))
      const conversation = at("invoke_agent Author")[0]?.attributes["gen_ai.conversation.id"]
      assert.match(String(conversation), /^[\da-f-]{36}$/)
      assert.deepStrictEqual(at("invoke_agent Author")[0]?.attributes, {
        ...where,
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "Author",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "m",
        "gen_ai.conversation.id": conversation,
        "millwright.tier": "standard"
      })
      const chats = at("invoke_agent Author > chat m")
      const [first] = chats
      assert.strictEqual(first?.kind, 3, "a model call is a call of a client")
      assert.match(String(first?.attributes["gen_ai.response.id"]), /^msg/)
      assert.deepStrictEqual(
        { ...first?.attributes, "gen_ai.response.id": "", "gen_ai.response.model": "" },
        {
          ...where,
          "gen_ai.operation.name": "chat",
          "gen_ai.provider.name": "anthropic",
          "gen_ai.request.model": "m",
          "gen_ai.request.stream": true,
          "gen_ai.response.id": "",
          "gen_ai.response.model": "",
          "gen_ai.response.finish_reasons": ["tool_call"],
          "gen_ai.usage.input_tokens": 148,
          "gen_ai.usage.output_tokens": 12,
          "gen_ai.usage.cache_read.input_tokens": 40,
          "gen_ai.usage.cache_creation.input_tokens": 8,
          "gen_ai.agent.name": "Author",
          "gen_ai.conversation.id": conversation,
          "millwright.cost.usd": 0.01,
          "millwright.rehearsed": true
        }
      )
      const [bash] = at("execute_tool bash")
      assert.match(String(bash?.attributes["gen_ai.tool.call.id"]), /\S/)
      assert.deepInclude(bash?.attributes, {
        ...where,
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "bash",
        "gen_ai.tool.type": "function",
        "gen_ai.conversation.id": conversation
      })
      assert.strictEqual(at("execute_tool mcp__team__ask")[0]?.attributes["gen_ai.tool.name"], "team/ask")
      assert.deepInclude(at("invoke_agent Helper")[0]?.attributes, {
        "gen_ai.agent.name": "Helper",
        "millwright.role": "Helper",
        "millwright.run": run
      })
      assert.notStrictEqual(at("invoke_agent Helper")[0]?.attributes["gen_ai.conversation.id"], conversation)

      const endings = (name: string) =>
        at(name).map(({ attributes, status }) => [status.code, status.message, attributes["error.type"]])
      assert.deepStrictEqual(
        endings("invoke_agent Helper > chat m"),
        [
          [failed, "ModelError.RateLimited", "ModelError.RateLimited"],
          [ok, undefined, undefined],
          [ok, undefined, undefined]
        ],
        "a call that is tried again is not a span of its own, with its reason"
      )
      for (const { attributes } of at("invoke_agent Helper > chat m")) {
        assert.deepInclude(attributes, { "gen_ai.agent.name": "Helper", "millwright.role": "Helper" })
      }
      assert.deepStrictEqual(endings("execute_tool unknown"), [[failed, "UnknownTool", "UnknownTool"]])
      assert.deepStrictEqual(endings("execute_tool read"), [[failed, "ToolFailed", "ToolFailed"]])
      assert.deepStrictEqual(endings("execute_tool bash"), [[ok, undefined, undefined]])
      for (const [what, text] of Object.entries(said)) {
        assert.notInclude(collector.wire(), text, `the ${what} left the house`)
      }
      for (const word of ["mulberry", "quince", "medlar", "damson", "persimmon", "sloes"]) {
        assert.notInclude(collector.wire(), word)
      }

      const points = (name: string) =>
        collector.metrics().flatMap((metric) =>
          metric.name === name
            ? (metric.histogram?.dataPoints ?? []).map((point) => ({
                ...point,
                unit: metric.unit,
                attributes: OtlpCollector.record(point.attributes)
              }))
            : []
        )
      const tokens = points("gen_ai.client.token.usage")
      const ofType = (type: string) => tokens.find(({ attributes }) => attributes["gen_ai.token.type"] === type)
      assert.deepInclude(ofType("input"), { unit: "{token}", sum: 4 * 148 })
      assert.deepInclude(ofType("output"), { unit: "{token}", sum: 4 * 12 })
      const durations = points("gen_ai.client.operation.duration")
      assert.sameMembers(
        durations.map(({ attributes, count, unit }) => `${Number(count)} ${unit} ${attributes["error.type"] ?? "ok"}`),
        ["4 s ok", "1 s ModelError.RateLimited"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("of a role that is asked once more goes on with the same conversation", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const collector = yield* OtlpCollector.make
      const malformed = { calls: [Lab.call("outcome", { outcome: { _tag: "Done" } })] }
      const twin = yield* twinOf({
        conversations: [{ role: "Author", turns: [malformed, Lab.done(said.outcome)] }]
      })
      yield* exported(
        collector.url,
        Author.run({ text: Tainted.of("the issue", said.prompt) }).pipe(
          Effect.provide(yield* factory(twin), { local: true })
        )
      )
      const agents = collector.spans().filter(({ name }) => name === "invoke_agent Author")
      const [first, second] = agents.map(({ attributes }) => attributes["gen_ai.conversation.id"])
      assert.isString(first)
      assert.strictEqual(second, first, "the second run of the harness has lost the conversation")
      assert.notProperty(agents[0]?.attributes, "millwright.run", "outside of a line there is no run")
      assert.notInclude(collector.wire(), said.outcome)
    }).pipe(Effect.scoped)
  )

  it.live("of a run that is cancelled while a model is silent ends every span", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const collector = yield* OtlpCollector.make
      const twin = yield* twinOf(script)
      yield* twin.breakNext([{ _tag: "Stall", after: 1 }], "Author")
      yield* exported(
        collector.url,
        Effect.gen(function* () {
          const journal = yield* Journal.Journal
          const run = yield* Writing.start({ item })
          // The call has begun when the twin has got it.
          yield* Effect.repeat(Effect.andThen(Effect.yieldNow, twin.requests), { until: (all) => all.length > 0 })
          yield* Line.cancel(run, { reason: "enough" })
          yield* twin.hungUp
          yield* journal.follow({ run }).pipe(
            Stream.takeUntil(({ fact }) => fact._tag === "LineCancelled"),
            Stream.runDrain
          )
        }).pipe(Effect.provide(yield* factory(twin), { local: true }))
      )
      const ends = collector
        .spans()
        .map(({ attributes, name, status }) => [name, status.code, attributes["effect.fiber.interrupted"]])
      // An engine may begin another life, in which what was done is undone.
      assert.includeDeepMembers(
        ends,
        ["invoke_workflow Writing", "stage author", "invoke_agent Author", "chat m"].map((name) => [name, 0, true])
      )
    }).pipe(Effect.scoped)
  )
})
