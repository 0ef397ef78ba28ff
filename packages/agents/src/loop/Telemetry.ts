/**
 * Spans and metrics of agents, model calls and tools, by the GenAI conventions of OpenTelemetry. They hold names, numbers
 * and classes of failures, and nothing that a model, a tool or a person said.
 */
import * as Fault from "@millwright/core/Fault"
import type * as Model from "@millwright/core/Model"
import * as Redaction from "@millwright/core/Redaction"
import * as Stage from "@millwright/core/Stage"
import * as Usage from "@millwright/core/Usage"
import * as GenAi from "effect/ai/Telemetry"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import type * as Tracer from "effect/Tracer"
import type * as Harness from "../Harness.ts"
import type * as ModelTurn from "./ModelTurn.ts"
import type * as ToolTurn from "./ToolTurn.ts"

/** The agent that model calls and tools belong to. */
interface Current {
  readonly name: string
  readonly span: Tracer.Span
  conversation: string | undefined
}

const Agent = Context.Reference<Current | undefined>("@millwright/agents/Telemetry/Agent", {
  defaultValue: () => undefined
})

const agentOf = (agent: Current | undefined) =>
  agent && {
    "gen_ai.agent.name": agent.name,
    "gen_ai.conversation.id": agent.conversation,
    "millwright.role": agent.name
  }

/** `invoke_agent`: one run of a harness, whoever asked for it. */
export const agent =
  ({ role, tier }: Harness.Request) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Stage.span(
      {
        name: `invoke_agent ${role}`,
        attributes: {
          "gen_ai.operation.name": "invoke_agent",
          "gen_ai.agent.name": role,
          "millwright.role": role,
          "millwright.tier": tier
        }
      },
      (span) => Effect.provideService(effect, Agent, { name: role, span, conversation: undefined })
    )

/** Says which conversation the agent is in. */
export const conversation = (id: string): Effect.Effect<void> =>
  Effect.map(Agent, (agent) => {
    if (agent !== undefined) agent.conversation = id
    agent?.span.attribute("gen_ai.conversation.id", id)
  })

/** Says which model has the agent's conversation. */
export const model = ({ name, provider }: Model.Model): Effect.Effect<void> =>
  Effect.map(Agent, (agent) => {
    agent?.span.attribute("gen_ai.provider.name", provider)
    agent?.span.attribute("gen_ai.request.model", name)
  })

/** `chat`: one call of a model; each time that it is tried again is another one. */
export const chat =
  (model: Model.Model) =>
  <E, R>(call: Effect.Effect<ModelTurn.Answer, E, R>): Effect.Effect<ModelTurn.Answer, E, R> =>
    Effect.gen(function* () {
      const current = yield* Agent
      return yield* Stage.span(
        {
          name: `chat ${model.name}`,
          kind: "client",
          attributes: {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": model.provider,
            "gen_ai.request.model": model.name,
            "gen_ai.request.stream": true,
            ...agentOf(current),
            "millwright.rehearsed": model.rehearsed
          }
        },
        (span) =>
          // `LanguageModel`, and the HTTP client under it, would make spans of the same call.
          Effect.tap(
            measured(model, Effect.provideService(Redaction.sealed(call), References.TracerEnabled, false)),
            (answer) =>
              Effect.sync(() => {
                answered(span, answer)
                if (answer.cost._tag === "Known") span.attribute("millwright.cost.usd", answer.cost.usd)
              })
          )
      )
    })

/** Which response it was, why it ended, and its tokens. */
const answered = (span: Tracer.Span, { parts, usage }: ModelTurn.Answer): void => {
  const response = responseOf(parts)
  const finish = parts.find((part) => part.type === "finish")
  // A provider that reports nothing is not one that used nothing.
  const isCounted = Usage.total(usage) > 0
  GenAi.addGenAIAnnotations(span, {
    response: {
      id: response?.id,
      model: response?.modelId,
      finishReasons: finish && [finish.reason === "tool-calls" ? "tool_call" : finish.reason.replace("-", "_")]
    },
    ...(isCounted && { usage: { inputTokens: inputOf(usage), outputTokens: usage.output } })
  })
  if (!isCounted) return
  span.attribute("gen_ai.usage.cache_read.input_tokens", usage.cacheRead)
  span.attribute("gen_ai.usage.cache_creation.input_tokens", usage.cacheWrite)
}

/** By the conventions, what was read from the cache or written to it is input too. */
const inputOf = ({ cacheRead, cacheWrite, input }: Usage.Usage): number => input + cacheRead + cacheWrite

const responseOf = (parts: ModelTurn.Answer["parts"]) => parts.find((part) => part.type === "response-metadata")

const tokens = Metric.histogram("gen_ai.client.token.usage", {
  description: "Number of input and output tokens used.",
  attributes: { unit: "{token}" },
  boundaries: Array.from({ length: 14 }, (_, power) => 4 ** power)
})

const duration = Metric.histogram("gen_ai.client.operation.duration", {
  description: "GenAI operation duration.",
  attributes: { unit: "s" },
  boundaries: Array.from({ length: 14 }, (_, power) => 0.01 * 2 ** power)
})

/** Counts the tokens and the seconds of a call. One that was interrupted has no duration that says anything. */
const measured = <E, R>(model: Model.Model, call: Effect.Effect<ModelTurn.Answer, E, R>) =>
  Effect.flatMap(Clock.currentTimeMillis, (started) =>
    Effect.onExit(call, (exit) => {
      if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return Effect.void
      const answer = Exit.isSuccess(exit) ? exit.value : undefined
      const responseModel = answer && responseOf(answer.parts)?.modelId
      const common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": model.provider,
        "gen_ai.request.model": model.name,
        ...(responseModel !== undefined && { "gen_ai.response.model": responseModel })
      }
      const used = (type: "input" | "output", count: number) =>
        Metric.update(Metric.withAttributes(tokens, { ...common, "gen_ai.token.type": type }), count)
      return Effect.gen(function* () {
        const seconds = Math.max(0, (yield* Clock.currentTimeMillis) - started) / 1_000
        const failure = Exit.isFailure(exit) && { "error.type": Fault.classOf(Fault.record(Cause.squash(exit.cause))) }
        yield* Metric.update(Metric.withAttributes(duration, { ...common, ...failure }), seconds)
        if (answer === undefined || Usage.total(answer.usage) === 0) return
        yield* used("input", inputOf(answer.usage))
        yield* used("output", answer.usage.output)
      })
    })
  )

/** `execute_tool`: one call of a tool. What a tool starts, such as another agent, stands under it. */
export const tool =
  (call: ModelTurn.ToolCall, { index, toolkit }: ToolTurn.Bench) =>
  <E, R>(run: Effect.Effect<ToolTurn.Outcome, E, R>): Effect.Effect<ToolTurn.Outcome, E, R> =>
    Effect.gen(function* () {
      const current = yield* Agent
      // A model may call a tool whatever it likes; only names that it was offered are told.
      const isOffered =
        Object.hasOwn(toolkit.tools, call.name) ||
        (index !== undefined && (yield* index.offered).some(({ name }) => name === call.name))
      const name = isOffered ? call.name : "unknown"
      return yield* Stage.span(
        {
          name: `execute_tool ${name}`,
          attributes: {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call.id,
            ...agentOf(current)
          },
          failed: ({ found, part }: ToolTurn.Outcome) =>
            !part.isFailure ? undefined : isOffered || found?.called !== undefined ? "ToolFailed" : "UnknownTool"
        },
        (span) =>
          Effect.tap(Redaction.sealed(run), ({ found }) =>
            Effect.sync(() => {
              if (found?.called !== undefined) span.attribute("gen_ai.tool.name", found.called)
            })
          )
      )
    })
