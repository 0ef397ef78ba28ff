import { assert, describe, it } from "@effect/vitest"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as LoadingClaims from "@millwright/core/testing/LoadingClaims"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as ToolLoading from "@millwright/core/ToolLoading"
import * as Arbitrary from "effect/Arbitrary"
import * as Prompt from "effect/ai/Prompt"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as PrefixCache from "../../src/internal/PrefixCache.ts"
import * as PromptBlocks from "../../src/internal/PromptBlocks.ts"

/** What joins a conversation between two requests: an answer, and what is said behind it. */
const Turn = Schema.Struct({
  thoughts: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })),
  words: Schema.Boolean,
  calls: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 })),
  failed: Schema.Boolean,
  texts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 })),
  images: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
  joins: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 })),
  note: Schema.Boolean
})
type Turn = typeof Turn.Type

const image = { type: "file", mediaType: "image/png", data: new Uint8Array([1, 2, 3]) } as const

/** The messages of a turn. Tools join in one of the ways that there are. */
const messages = (turn: Turn, at: number, mode: ToolLoading.Mode): ReadonlyArray<Prompt.MessageEncoded> => {
  const joining = turn.joins === 0 ? [] : [LoadingClaims.definition(turn.joins)]
  const calls = Array.from({ length: turn.calls }, (_, call) => ({ id: `call_${at}_${call}`, name: "tool_search" }))
  return [
    {
      role: "assistant",
      content: [
        ...Array.from({ length: turn.thoughts }, (_, thought) => ({
          type: "reasoning" as const,
          text: `Thought ${thought} of turn ${at}.`,
          options: { anthropic: { info: { type: "thinking", signature: "signed" } } }
        })),
        ...(turn.words || calls.length === 0 ? [{ type: "text" as const, text: `Answer ${at}.` }] : []),
        ...calls.map(({ id, name }) => ({ type: "tool-call" as const, id, name, params: {} }))
      ]
    },
    {
      role: "tool",
      content: calls.map(({ id, name }, call) => ({
        type: "tool-result" as const,
        id,
        name,
        isFailure: turn.failed && call % 3 === 0,
        result: `Result ${call} of turn ${at}.`,
        ...(mode === "native" && call === 0
          ? { options: ToolLoading.references(joining.map((tool) => tool.name)) }
          : {})
      }))
    },
    {
      role: "user",
      content: [
        ...Array.from({ length: turn.images }, () => image),
        ...Array.from({ length: turn.texts }, (_, text) => ({ type: "text" as const, text: `Text ${text} of ${at}.` }))
      ]
    },
    ...(turn.note || (mode === "inline" && joining.length > 0)
      ? [
          {
            role: "system" as const,
            content: `A note behind turn ${at}.`,
            ...(mode === "inline" ? { options: ToolLoading.changes({ additions: joining }) } : {})
          }
        ]
      : [])
  ]
}

const opening = [
  { role: "system", content: `You help. ${"And you do it well. ".repeat(100)}` },
  { role: "user", content: "Begin. ".repeat(400) }
] as const

/** The requests that the twin got, one for each turn of the conversation. */
const requests = Effect.fnUntraced(function* (turns: ReadonlyArray<Turn>, mode: ToolLoading.Mode) {
  const answers = Array.from({ length: turns.length + 1 }, () => ({ text: "ok" }))
  const twin = yield* ProviderTwin.make({
    script: { conversations: [{ turns: answers }] },
    contextTokens: 10_000_000
  })
  const model = yield* AnthropicModel.make({
    apiKey: Redacted.make("any"),
    model: "claude-opus-4-8",
    baseUrl: twin.anthropicUrl
  })
  const tools = LoadingClaims.offered(mode)
  let prompt = Prompt.make(opening)
  yield* LoadingClaims.ask(model, prompt, tools)
  for (const [at, turn] of turns.entries()) {
    prompt = Prompt.concat(prompt, messages(turn, at, mode))
    yield* LoadingClaims.ask(model, prompt, tools)
  }
  return (yield* twin.requests).map(({ body }) => body)
})

describe("the marks of AnthropicModel", () => {
  it.live.prop(
    "let each request read all of the one before it, whatever joined",
    {
      turns: Arbitrary.array(Arbitrary.schema(Turn), { minLength: 1, maxLength: 5 }),
      mode: ToolLoading.Mode,
      places: Schema.Literals(["runs", "blocks"])
    },
    ({ mode, places, turns }) =>
      Effect.gen(function* () {
        const known = new Set<string>()
        let before = 0
        let hadImages = false
        for (const [at, body] of (yield* requests(turns, mode)).entries()) {
          const sent = Schema.decodeUnknownSync(Schema.Record(Schema.String, Schema.Json))(body)
          const blocks = PromptBlocks.of(sent)
          const { usage, written } = PrefixCache.marked(known, { model: "m", blocks, minimum: 1_024, places })
          for (const entry of written) known.add(entry)
          const hasImages = JSON.stringify(sent).includes('"type":"image"')
          // A first image empties the messages, whoever marks what.
          if (hasImages === hadImages) {
            assert.strictEqual(usage.cacheRead, before, `Request ${at + 1} does not read all of the one before it`)
          }
          assert.strictEqual(usage.input, 0, `Request ${at + 1} ends behind its last mark`)
          before = usage.cacheRead + usage.cacheWrite
          hadImages = hasImages
        }
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 40 } }
  )
})
