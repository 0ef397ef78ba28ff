/** Ours in the cache bench: the agent loop with the tools of the session, and its sub-agents. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import * as Harness from "@millwright/agents/Harness"
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

type Run = Harness.Harness["Service"]["run"]

/** Plays a conversation, and answers with its report. */
const play = (run: Run, { prompt, role, system, tools, turns }: Session.Conversation) =>
  run({
    role,
    tier: "standard",
    system,
    prompt,
    grants: [],
    tools: tools.map(({ plain }) => `${Session.source}/${plain}` as const),
    outcome: Outcome,
    maxTurns: turns.length + 1
  }).pipe(
    Stream.runLast,
    Effect.flatMap(Effect.fromOption),
    Effect.flatMap((event) => Schema.decodeUnknownEffect(Outcome)(event._tag === "Ended" ? event.outcome : undefined)),
    Effect.map(({ report }) => report),
    Effect.orDie
  )

/** The tools of the session. */
const workSource = (
  session: Session.Session,
  delegate: (agent: Session.Conversation) => Effect.Effect<string>
): ToolSource.ToolSource => ({
  name: Session.source,
  kind: "tool",
  list: Effect.succeed({
    tools: session.main.tools.map(({ description, isReading, plain, schema }) => ({
      name: plain,
      description,
      inputSchema: schema,
      annotations: { readOnlyHint: isReading }
    }))
  }),
  call: (name, args) => {
    const agent = name === "delegate" ? session.agents.get(String(args["agent"])) : undefined
    const said = agent === undefined ? Effect.sync(() => session.answer(args)) : delegate(agent)
    return Effect.map(said, (text) => ({ content: [{ type: "text", text }], isError: false }))
  },
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
    const place = Layer.merge(NodeServices.layer, recorded)
    // A sub-agent is a run of the same harness with a prompt of its own.
    const index: ToolIndex.ToolIndex = yield* SourceIndex.make([
      workSource(session, (agent) => Effect.provide(play(run, agent), place))
    ])
    const harness = LoopHarness.layerWith({ tools: { deferral: "never" } }).pipe(
      Layer.provide([
        models,
        recorded,
        Layer.succeed(Pricing.Pricing, { price: () => Usage.known(0) }),
        Layer.succeed(ToolIndex.ToolIndex, index)
      ])
    )
    const { run }: { readonly run: Run } = yield* Effect.provide(Harness.Harness, harness)
    return yield* Effect.provide(play(run, session.main), place)
  })
  return Effect.runPromise(Effect.scoped(program))
}
