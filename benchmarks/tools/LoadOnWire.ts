/**
 * What a load changes of what was sent before: the agent loop searches, loads and calls before a provider on loopback, and the
 * requests that arrived there are compared, byte by byte.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import * as Harness from "@millwright/agents/Harness"
import * as ToolIndex from "@millwright/context/ToolIndex"
import type * as SavedTools from "@millwright/context/SavedTools"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as PromptPrefix from "@millwright/core/testing/PromptPrefix"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Bench from "../Bench.ts"
import * as Draw from "./Draw.ts"
import * as PlayedSession from "./PlayedSession.ts"
import type { Data } from "./Savings.ts"

/** A protocol, and a way to load that it has. */
type Way = readonly [protocol: "anthropic" | "openai", mode: Exclude<SavedTools.Mode, "upfront">]

const modes = [
  ["anthropic", "native"],
  ["anthropic", "inline"],
  ["anthropic", "bridge"],
  ["openai", "bridge"]
] as const satisfies ReadonlyArray<Way>

const call = (tool: string, args: Schema.Json): ProviderTwin.Call => ({ tool, arguments: args })

/** What stands in a request when something was loaded. */
const marks: Record<Way[1], string> = {
  native: '"type":"tool_reference"',
  inline: '"type":"tool_addition"',
  bridge: "tool_call"
}

/** Searches one after the other, each followed by a call of what was needed, and the outcome. */
const turns = (
  needs: ReadonlyArray<PlayedSession.Need>,
  nameOf: (id: string) => string,
  mode: SavedTools.Mode
): ReadonlyArray<ProviderTwin.Turn> => [
  ...needs.flatMap(({ query, tools: [id = ""] }) => [
    { calls: [call("tool_search", { query })] },
    { calls: [call("tool_search", { query: `select:${id}` })] },
    { calls: [mode === "bridge" ? call("tool_call", { name: id, arguments: {} }) : call(nameOf(id), {})] }
  ]),
  { calls: [call("outcome", { outcome: { done: true } })] }
]

const changed = Effect.fnUntraced(function* (data: Data, [protocol, mode]: Way) {
  const index = yield* PlayedSession.index(Draw.tools(data.catalog, 100, 1))
  const entries = yield* index.list()
  const names = new Map(entries.map(({ id, modelName }) => [id, modelName]))
  const needs = Draw.needs(entries, { count: 3, queries: data.queries, seed: 1 })
  const played = turns(needs, (id) => names.get(id) ?? id, mode)
  const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns: played }] } })
  const options = { apiKey: Redacted.make("bench"), model: "m", rehearsed: true }
  const model = yield* protocol === "anthropic"
    ? AnthropicModel.make({ ...options, baseUrl: twin.anthropicUrl })
    : OpenAiModel.make({ ...options, baseUrl: twin.openAiUrl })
  const { journal } = yield* MemoryJournal.make
  const loop = LoopHarness.layerWith({ tools: { deferral: "always", mode } }).pipe(
    Layer.provide([
      Layer.succeed(Model.Models, Model.single(model)),
      Layer.succeed(Pricing.Pricing, { price: () => Usage.known(0) }),
      Layer.succeed(Journal.Journal, journal),
      Layer.succeed(ToolIndex.ToolIndex, index)
    ])
  )
  yield* Effect.gen(function* () {
    const { run } = yield* Harness.Harness
    yield* Stream.runDrain(
      run({
        role: "Bench",
        tier: "small",
        system: "You need tools.",
        prompt: "Use them.",
        grants: [],
        tools: ["*/*"],
        outcome: Schema.toCodecJson(Schema.Struct({ done: Schema.Boolean })),
        maxTurns: played.length
      })
    )
  }).pipe(Effect.provide([loop, NodeServices.layer, Layer.succeed(Journal.Journal, journal)]))
  const bodies = (yield* twin.requests).map(({ body }) => body)
  if (bodies.length !== played.length) return yield* Effect.die(`${bodies.length} requests, and not ${played.length}`)
  if (!JSON.stringify(bodies.at(-1)).includes(marks[mode])) return yield* Effect.die(`Nothing was loaded in ${mode}`)
  return bodies.reduce<number>((sum, body, at) => sum + (at === 0 ? 0 : PromptPrefix.changed(bodies[at - 1], body)), 0)
})

/** A figure for each way to load. */
export const figures = (data: Data) =>
  Effect.forEach(modes, ([protocol, mode]) =>
    Effect.map(changed(data, [protocol, mode]), (value): Bench.Measured => ({
      name: `bytes of the prefix that loads change, ${mode} (${protocol})`,
      value,
      unit: "bytes",
      goal: { op: "<=", value: 0 }
    }))
  )
