/** Ours in the cache bench: the agent loop with the tools of the session, and its sub-agents. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import * as Harness from "@millwright/agents/Harness"
import * as SubAgent from "@millwright/agents/SubAgent"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ToolIndex from "@millwright/context/ToolIndex"
import type * as ToolSource from "@millwright/context/ToolSource"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import * as Journal from "@millwright/core/Journal"
import * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Session from "./Session.ts"

/** Where the model is. */
export interface At {
  readonly api: "anthropic" | "openai"
  readonly model: string
  readonly url: string
}

const Outcome = Schema.toCodecJson(Schema.Struct({ report: Schema.String }))

/** What the main conversation is asked for. Its sub-agents are those of the loop. */
const request = ({ agents, main }: Session.Session): Harness.Request => ({
  role: main.role,
  tier: "standard",
  system: main.system,
  prompt: main.prompt,
  grants: [],
  tools: [`${Session.source}/*`],
  agents: {
    list: [...agents.values()].map(({ description, instructions, name, scope, turns }) =>
      SubAgent.make(name, { description, instructions, grants: [], tools: scope, maxTurns: turns.length + 1 })
    )
  },
  outcome: Outcome,
  maxTurns: main.turns.length + 1
})

/** The tools of the session. */
const workSource = ({ answer, main }: Session.Session): ToolSource.ToolSource => ({
  name: Session.source,
  kind: "tool",
  list: Effect.succeed({
    tools: main.tools.map(({ description, isReading, plain, schema }) => ({
      name: plain,
      description,
      inputSchema: schema,
      annotations: { readOnlyHint: isReading }
    }))
  }),
  call: (_, args) => Effect.sync(() => ({ content: [{ type: "text", text: answer(args) }], isError: false })),
  changes: Stream.empty
})

/** Plays the whole session. */
export const run = (session: Session.Session, { api, model, url }: At): Promise<string> => {
  const options = { apiKey: Redacted.make("loopback-key"), model, rehearsed: true }
  const models =
    api === "anthropic"
      ? AnthropicModel.layer({ ...options, baseUrl: url })
      : OpenAiModel.layer({ ...options, baseUrl: `${url}/v1` })
  const program = Effect.gen(function* () {
    const { journal } = yield* MemoryJournal.make
    const recorded = Layer.succeed(Journal.Journal, journal)
    const index: ToolIndex.ToolIndex = yield* SourceIndex.make([workSource(session)])
    const harness = LoopHarness.layerWith({ tools: { deferral: "never" } }).pipe(
      Layer.provide([
        models,
        recorded,
        Layer.succeed(Pricing.Pricing, { price: () => Usage.known(0) }),
        Layer.succeed(ToolIndex.ToolIndex, index)
      ])
    )
    const { run } = yield* Effect.provide(Harness.Harness, harness)
    const last = yield* Effect.flatMap(Stream.runLast(run(request(session))), Effect.fromOption)
    const outcome = last._tag === "Ended" ? last.outcome : undefined
    return (yield* Schema.decodeUnknownEffect(Outcome)(outcome)).report
  })
  return Effect.runPromise(Effect.scoped(Effect.provide(program, NodeServices.layer)))
}
