/**
 * Our own agent loop over Effect's `LanguageModel`: call the model, run the tools that it asks for, again, until it gives
 * its outcome through the `outcome` tool. Earlier messages are never rewritten, so each turn reads the last one's prefix
 * from the provider's cache.
 */
import * as TokenBudget from "@millwright/context/TokenBudget"
import * as ToolIndex from "@millwright/context/ToolIndex"
import * as ToolScope from "@millwright/context/ToolScope"
import * as ToolSession from "@millwright/context/ToolSession"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as Redaction from "@millwright/core/Redaction"
import * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Harness from "../Harness.ts"
import * as Repetition from "../loop/Repetition.ts"
import * as ModelTurn from "../loop/ModelTurn.ts"
import * as Telemetry from "../loop/Telemetry.ts"
import * as ToolTurn from "../loop/ToolTurn.ts"
import * as Tools from "../Tools.ts"
import * as Untrusted from "../Untrusted.ts"

const name = "loop"

/** How the loop works. */
export interface Options {
  /** How long a model may say nothing, before its answer or within, until it is asked again. Default: 5 minutes. */
  readonly silence?: Duration.Input
  /** How conversations use the tool index. Default: as it costs least, and as the model can. */
  readonly tools?: Pick<ToolSession.Options, "budget" | "deferral" | "isCached" | "mode" | "pins">
}

/** The loop, with the models that the tiers name. Roles with a scope of tools need a `ToolIndex` around it. */
export const layerWith = (
  options: Options
): Layer.Layer<Harness.Harness, never, Model.Models | Pricing.Pricing | Journal.Journal> =>
  Layer.effect(
    Harness.Harness,
    Effect.gen(function* () {
      const { forTier } = yield* Model.Models
      // Only these: everything else, the workplace above all, is that of each call and never that of this layer.
      const services = Context.make(Pricing.Pricing, yield* Pricing.Pricing).pipe(
        Context.add(Journal.Journal, yield* Journal.Journal)
      )
      const toolkit = yield* Effect.provide(Tools.toolkit, Tools.layer)
      const index = Option.getOrUndefined(yield* Effect.serviceOption(ToolIndex.ToolIndex))
      return Harness.Harness.of({
        name,
        run: (request) =>
          Stream.callback<Harness.HarnessEvent, Harness.Failure, Harness.Workplace>((queue) =>
            loop(request, {
              model: forTier(request.tier),
              toolkit: toolkit as unknown as Toolkit.WithHandler<Record<string, Tool.Any>>, // tools by name, whichever they are
              index,
              options,
              emit: (event) => Effect.asVoid(Queue.offer(queue, event))
            }).pipe(
              Telemetry.agent(request, forTier(request.tier)),
              Effect.andThen(Queue.end(queue)),
              Effect.provideContext(services)
            )
          )
      })
    })
  )

/** The loop as it is. */
export const layer = layerWith({})

interface Around {
  readonly options: Options
  readonly model: Model.Model
  readonly toolkit: Toolkit.WithHandler<Record<string, Tool.Any>>
  readonly index: ToolIndex.ToolIndex | undefined
  readonly emit: (event: Harness.HarnessEvent) => Effect.Effect<void>
}

const loop = (
  request: Harness.Request,
  { emit, index, model, options, toolkit }: Around
): Effect.Effect<void, Harness.Failure, Journal.Journal | Pricing.Pricing | Harness.Workplace> =>
  Effect.gen(function* () {
    const granted = request.grants.flatMap((grant) => {
      const tool = toolkit.tools[grant]
      return tool === undefined ? [] : [[grant, tool] as const]
    })
    const own = [...granted, ["outcome", outcomeTool(request.outcome)] as const]
    const bench: ToolTurn.Bench = { toolkit: { ...toolkit, tools: Object.fromEntries(granted) }, emit }
    // What the host gathered (an issue, a patch, a log) may hold a secret too.
    const clean = Redaction.scrub(request.prompt, yield* Redaction.Secrets)
    const earlier = yield* taken(request)
    const conversation = yield* Telemetry.conversation(earlier?.conversation)
    const session = yield* tools(request, {
      index,
      model,
      options,
      own: own.map(([, tool]) => tool),
      saved: earlier?.tools
    })
    let prompt =
      earlier === undefined
        ? Prompt.make([
            {
              role: "system",
              content: opened(request.system, session)
            },
            { role: "user", content: [{ type: "text", text: clean }] }
          ])
        : Prompt.concat(earlier.prompt, clean)
    let isReminded = false
    let isWarned = false
    let steps: ReadonlyArray<Repetition.Step> = []
    for (let turn = 1; turn <= request.maxTurns; turn++) {
      // What is appended stands behind what a tool or a person said, and changes nothing before it.
      if (session !== undefined) prompt = Prompt.fromMessages([...prompt.content, ...(yield* session.notices(prompt))])
      const found = session === undefined ? [] : yield* session.tools(prompt)
      const answer = yield* ModelTurn.run({
        model,
        prompt,
        toolkit: {
          ...toolkit,
          tools: Object.fromEntries([...own, ...found.map((tool) => [tool.name, tool] as const)])
        },
        onText: (text) => emit({ _tag: "Text", text }),
        silence: Duration.toMillis(options.silence ?? "5 minutes")
      })
      yield* emit({ _tag: "Turn", number: turn, usage: answer.usage })
      prompt = Prompt.concat(prompt, Prompt.fromResponseParts(answer.parts))
      const outcome = answer.isCut ? undefined : answer.calls.find((call) => call.name === "outcome")
      const outcomes: ReadonlyArray<ToolTurn.Outcome> = answer.isCut
        ? answer.calls.map((call) => ({
            part: ToolTurn.result(call, { ok: false, text: "Not run: your answer was cut. Make it shorter." })
          }))
        : [
            ...(yield* ToolTurn.run(
              answer.calls.filter((call) => call.name !== "outcome"),
              { ...bench, index: session && { session, prompt, offered: found } }
            )),
            ...answer.calls
              .filter((call) => call.name === "outcome")
              .map((call) => ({ part: ToolTurn.result(call, { ok: true, text: "Received." }) }))
          ]
      if (outcomes.length > 0) {
        const results = Prompt.toolMessage({ content: outcomes.map(({ part }) => part) })
        const joining = session?.after(outcomes.flatMap(({ found }) => found ?? [])) ?? []
        prompt = Prompt.fromMessages([...prompt.content, results, ...joining])
      }
      if (outcome !== undefined) {
        const data = yield* Effect.orDie(
          Schema.encodeEffect(Conversation)({ conversation, prompt, ...(session && { tools: yield* session.save }) })
        )
        const given = Predicate.hasProperty(outcome.params, "outcome") ? outcome.params.outcome : outcome.params
        return yield* emit({ _tag: "Ended", outcome: given, session: { harness: name, data } })
      }
      steps = Repetition.after(steps, { calls: answer.calls, outcomes })
      const circle = Repetition.find(steps)
      if (circle !== undefined) {
        yield* Journal.record({ _tag: "CircleFound", ...circle, told: !isWarned })
        if (isWarned) return yield* inACircle(request, circle)
        isWarned = true
        steps = []
        prompt = Prompt.fromMessages([...prompt.content, Prompt.systemMessage({ content: Repetition.warning(circle) })])
      }
      if (answer.calls.length > 0) continue
      if (isReminded) {
        return yield* new Harness.HarnessError({
          reason: "NoOutcome",
          message:
            `The role ${request.role} ended twice without calling the outcome tool (model ${model.name}). ` +
            `Its skill has to say which outcomes there are; or give the role a larger tier.`
        })
      }
      isReminded = true
      prompt = Prompt.concat(prompt, "You ended your turn without an outcome. Call the `outcome` tool now.")
    }
    return yield* new Harness.HarnessError({
      reason: "TooManyTurns",
      message:
        `The role ${request.role} took ${request.maxTurns} turns without an outcome (model ${model.name}). ` +
        `Raise maxTurns of the role, or make the task smaller.`
    })
  })

const inACircle = ({ role }: Harness.Request, { times, tools }: Repetition.Circle) =>
  new Harness.HarnessError({
    reason: "InACircle",
    message:
      `The role ${role} called ${Untrusted.visible(tools.join(", ")).slice(0, 200)} ${times} times in the same way, with the same ` +
      `results, and did it again after it was told. Look at what those results lack, or give the role a larger tier.`
  })

const Conversation = Schema.toCodecJson(
  Schema.Struct({
    conversation: Schema.optionalKey(Schema.String),
    prompt: Prompt.Prompt,
    tools: Schema.optionalKey(ToolSession.Saved)
  })
)

/** The conversation that a request goes on with, if it does. */
const taken = Effect.fnUntraced(function* ({ session }: Harness.Request) {
  if (session === undefined) return undefined
  const earlier =
    session.harness === name
      ? yield* Effect.option(Schema.decodeUnknownEffect(Conversation)(session.data))
      : Option.none()
  if (Option.isSome(earlier)) return earlier.value
  return yield* new Harness.HarnessError({
    reason: "Broken",
    message:
      `The session to go on with was made by the harness "${session.harness}", or is not a ` +
      `transcript of this one ("${name}"). Start the role anew.`
  })
})

/** The system prompt of a new conversation. */
const opened = (system: string, session: ToolSession.ToolSession | undefined): string =>
  session === undefined || session.opening === ""
    ? system
    : `${system}\n\n${session.opening}\n\n${Untrusted.block("tool index", session.contents)}`

/** How the conversation uses the tools that the role may find. */
const tools = Effect.fnUntraced(function* (
  { prompt, role, system, tools: scope = [] }: Harness.Request,
  {
    index,
    model,
    options,
    own,
    saved
  }: Pick<Around, "index" | "model" | "options"> & {
    readonly own: ReadonlyArray<Tool.Any>
    readonly saved: ToolSession.Saved | undefined
  }
) {
  if (scope.length === 0) return undefined
  if (index === undefined) {
    return yield* new Harness.HarnessError({
      reason: "NoToolIndex",
      message: `The role ${role} may use ${scope.join(", ")}, and there is no tool index. Provide one to the layer of the loop: SourceIndex.layer([…]).`
    })
  }
  const session = yield* ToolSession.make({
    ...options.tools,
    index: index.within(scope),
    loading: model.supports.toolLoading,
    prefix: TokenBudget.estimate(`${system}${prompt}`) + ToolSession.estimate(own),
    ...(saved && { saved })
  })
  if (saved === undefined) {
    const ids = (yield* index.list()).map(({ id }) => id)
    const { servers } = yield* index.stats
    for (const said of ToolScope.idle(scope, { ids, servers })) yield* Effect.logWarning(`The role ${role}: ${said}`)
  }
  return session
})

/** The tool through which the outcome is given. It does not exclude other tools, unlike a provider's output format. */
const outcomeTool = (outcome: Harness.Request["outcome"]) =>
  Tool.make("outcome", {
    description: "Ends your work with its outcome. Call it exactly once, when everything else is done.",
    parameters: Schema.Struct({ outcome })
  })
