/** Ours: `LoopHarness`, with a tool of its own from the tool index. `journal` says where facts go. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import * as Harness from "@millwright/agents/Harness"
import * as ToolkitSource from "@millwright/context/adapters/ToolkitSource"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/** What `peers/agents/Turns.mjs` exports. */
interface Turns {
  readonly request: { readonly api: "anthropic" | "openai"; readonly url: string; readonly turns: number }
  readonly system: string
  readonly prompt: string
  readonly description: string
  readonly key: string
  readonly model: string
  readonly note: (number: number) => string
  readonly measure: (loop: () => Promise<void>) => Promise<void>
}

const { description, key, measure, model, note, prompt, request, system }: Turns = await import(
  JSON.parse(process.argv[2] ?? "").turnsModule
)

const toolkit = Toolkit.make(
  Tool.make("note", { description, parameters: Schema.Struct({ number: Schema.Number }), success: Schema.String })
)

const index = Layer.unwrap(
  Effect.map(toolkit, (toolkit) => SourceIndex.layer([ToolkitSource.make(toolkit, { name: "notes" })]))
).pipe(Layer.provide(toolkit.toLayer({ note: ({ number }) => Effect.sync(() => note(number)) })))

const options = { apiKey: Redacted.make(key), model, rehearsed: true }
// A program has the vendor that it uses and no other.
const models =
  request.api === "anthropic"
    ? (await import("@millwright/core/adapters/AnthropicModel")).layer({ ...options, baseUrl: request.url })
    : (await import("@millwright/core/adapters/OpenAiModel")).layer({ ...options, baseUrl: `${request.url}/v1` })

const services = LoopHarness.layer.pipe(
  Layer.provide([models, GenAiPrices.layer, MemoryJournal.layer, index]),
  Layer.merge(NodeServices.layer)
)

const loop = Effect.gen(function* () {
  const harness = yield* Harness.Harness
  yield* Stream.runDrain(
    harness.run({
      role: "Reader",
      tier: "small",
      system,
      prompt,
      grants: [],
      tools: ["notes/*"],
      outcome: Schema.toCodecJson(Schema.TaggedUnion({ Done: { notes: Schema.Number } })),
      maxTurns: request.turns + 2
    })
  )
})

await measure(() => Effect.runPromise(Effect.provide(loop, services)))
