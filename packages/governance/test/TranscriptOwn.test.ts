import { assert, describe, it } from "@effect/vitest"
import type * as SessionEntry from "@millwright/agents/SessionEntry"
import * as Session from "@millwright/agents/Session"
import * as Actor from "@millwright/core/Actor"
import * as Digest from "@millwright/core/Digest"
import * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Prompt from "effect/ai/Prompt"
import * as Schema from "effect/Schema"
import * as TranscriptTest from "../src/testing/TranscriptTest.ts"
import * as Transcripts from "../src/Transcripts.ts"
import * as Lab from "./TranscriptLab.ts"

const { tally } = Lab
const used: Usage.Usage = { input: 3, cacheRead: 40, cacheWrite: 5, output: 6 }
const json = (...all: ReadonlyArray<object>) => all.map((each) => `${JSON.stringify(each)}\n`).join("")

const attribute = (key: string, value: unknown) => ({
  key,
  value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value }
})
let spans = 0
const span = (attributes: Readonly<Record<string, unknown>>, more: object = {}) => ({
  traceId: "5b8efff798038103d269b633813fc60c",
  spanId: String(++spans).padStart(16, "0"),
  startTimeUnixNano: "1544712660000000000",
  endTimeUnixNano: "1544712661000000000",
  attributes: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
  ...more
})
const traces = (...all: ReadonlyArray<object>) => ({
  resourceSpans: [{ resource: { attributes: [attribute("service.name", "factory")] }, scopeSpans: [{ spans: all }] }]
})
const chat = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "anthropic",
  "gen_ai.request.model": "claude",
  "gen_ai.response.model": "claude-opus-4-6",
  "gen_ai.response.id": "msg_000000000001",
  "gen_ai.conversation.id": "c-1",
  "gen_ai.usage.input_tokens": 48,
  "gen_ai.usage.cache_read.input_tokens": 40,
  "gen_ai.usage.cache_creation.input_tokens": 5,
  "gen_ai.usage.output_tokens": 6
}
const tool = {
  "gen_ai.operation.name": "execute_tool",
  "gen_ai.tool.name": "read",
  "gen_ai.tool.call.id": "call_00000000001"
}
const otlp = json(
  traces(
    span({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.conversation.id": "c-1",
      "gen_ai.usage.input_tokens": 48,
      "gen_ai.usage.output_tokens": 6
    }),
    span(chat),
    span(tool),
    span({ "http.request.method": "GET" })
  )
)

describe("What OpenTelemetry tells", () => {
  it.effect("counts answers and no agents, and an answer that was exported twice once", () =>
    Effect.gen(function* () {
      const failed = span(
        { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai" },
        { status: { code: 2 } }
      )
      const defined = span({ ...chat, "gen_ai.tool.definitions": '[{"type":"function","name":"read"}]' })
      for (const text of [
        json(traces(span(chat)), traces(span(chat), failed, defined)),
        JSON.stringify(traces(span(chat), failed, defined), null, 2)
      ]) {
        const { total, unanswered } = yield* tally(text)
        assert.deepStrictEqual([total.answers, total.usage, unanswered.failed], [1, used, 1])
        assert.strictEqual(Lab.only(yield* Lab.read(text), "Loaded")[0]?.tools[0]?.name, "read")
      }
      assert.strictEqual(
        (yield* tally(json(traces(span({ ...chat, "gen_ai.usage.output_tokens": "many" }))))).total.unknown,
        1
      )
    })
  )
})

const text = (text: string) => Prompt.userMessage({ content: [Prompt.textPart({ text })] })
const bodies: ReadonlyArray<SessionEntry.Body> = [
  { _tag: "Opened", role: "Implement", system: "…", request: "…" },
  { _tag: "Routed", candidate: "anthropic/claude-opus-4-6", why: "Begun", hasStronger: false },
  { _tag: "Said", message: text("The task."), by: "task" },
  { _tag: "Said", message: text("Stop that."), by: "steer" },
  {
    _tag: "Answered",
    messages: [
      Prompt.assistantMessage({
        content: [
          Prompt.toolCallPart({ id: "call_00000000001", name: "read", params: { path: "a" }, providerExecuted: false })
        ]
      })
    ],
    model: "claude-opus-4-6",
    usage: used,
    isCut: false
  },
  {
    _tag: "Returned",
    part: Prompt.toolResultPart({
      id: "call_00000000001",
      name: "read",
      isFailure: false,
      result: "text",
      providerExecuted: false
    })
  },
  { _tag: "Compacted", summary: text("…"), kept: null, dropped: { messages: 1, toolResults: 1, tokens: 90 } }
]
const session = (id: string) =>
  Session.toText({
    id,
    entries: bodies.map((body, at) => ({
      id: `entry-of-length-${at}`,
      parent: at === 0 ? null : `entry-of-length-${at - 1}`,
      at: 1_000 + at,
      body
    }))
  })

describe("What our own loop writes", () => {
  it.effect("counts once in a session and its fork, with the provider that was chosen", () =>
    Effect.gen(function* () {
      const { byModel, compactions, humanTurns, sessions, tools, total } = yield* tally(session("one"), session("two"))
      assert.deepStrictEqual([total.answers, total.usage, sessions], [1, used, 2])
      assert.deepStrictEqual(
        [byModel[0]?.provider, tools.calls, tools.open, humanTurns, compactions],
        ["anthropic", 1, 0, 1, 1]
      )
    })
  )
})

const facts: ReadonlyArray<FactoryEvent.Fact> = [
  { _tag: "LineStarted", title: "…", execution: "e", start: "s" },
  {
    _tag: "ModelCalled",
    model: "claude-opus-4-6",
    provider: "anthropic",
    usage: used,
    cost: Usage.known(1),
    latency: 5,
    rehearsed: false,
    message: "msg_000000000001"
  },
  {
    _tag: "ToolCalled",
    tool: "read",
    summary: "a",
    arguments: Digest.of("a"),
    ok: true,
    outputBytes: 4,
    duration: 1,
    call: "call_00000000001"
  },
  { _tag: "AgentPrompted", session: "s", lane: "steer", text: "Stop that." },
  {
    _tag: "ContextCompacted",
    model: "m",
    trigger: "window",
    notes: "model",
    before: 90,
    after: 9,
    kept: 1,
    dropped: { messages: 1, toolResults: 1, tokens: 81 },
    usage: used
  }
]
const encode = Schema.encodeSync(Schema.toCodecJson(FactoryEvent.FactoryEvent))
const journal = json(
  ...facts.map((fact, at) =>
    Object(
      encode({
        version: 1,
        seq: at + 1,
        at: 1_000 + at,
        line: "L",
        run: "item.1",
        item: "item",
        stage: null,
        actor: Actor.human("ada"),
        fact
      })
    )
  )
)

describe("What our journal tells", () => {
  it.effect("is one answer with what a program wrote of it, by the provider's name for it", () =>
    Effect.gen(function* () {
      const { compactions, humanTurns, sessions, tools, total } = yield* tally(journal, otlp)
      assert.deepStrictEqual([total.answers, total.usage, tools.calls, sessions], [1, used, 1, 3])
      assert.deepStrictEqual([humanTurns, compactions], [1, 1])
    })
  )
})

TranscriptTest.suite("OpenTelemetry", {
  reader: Transcripts.otlp,
  sample:
    otlp +
    json(
      traces(
        span({
          "gen_ai.operation.name": "chat",
          "gen_ai.response.id": "resp_00000000001",
          "gen_ai.usage.input_tokens": 1,
          "gen_ai.usage.output_tokens": 2
        })
      )
    )
})
TranscriptTest.suite("our sessions", { reader: Transcripts.session, sample: session("one") })
TranscriptTest.suite("our journal", { reader: Transcripts.journal, sample: journal })
