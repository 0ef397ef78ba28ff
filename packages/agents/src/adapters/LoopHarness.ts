/**
 * Our own agent loop over Effect's `LanguageModel`: call the model, run the tools that it asks for, again, until it gives
 * its outcome through the `outcome` tool. Earlier messages are never rewritten, so each turn reads the last one's prefix
 * from the provider's cache.
 */
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as Redaction from "@millwright/core/Redaction"
import * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Harness from "../Harness.ts"
import * as ModelTurn from "../loop/ModelTurn.ts"
import * as ToolTurn from "../loop/ToolTurn.ts"
import * as Tools from "../Tools.ts"

const name = "loop"

/** The loop, with the models that the tiers name. */
export const layer: Layer.Layer<Harness.Harness, never, Model.Models | Pricing.Pricing | Journal.Journal> =
  Layer.effect(
    Harness.Harness,
    Effect.gen(function* () {
      const { forTier } = yield* Model.Models
      // Only these: everything else, the workplace above all, is that of each call and never that of this layer.
      const services = Context.make(Pricing.Pricing, yield* Pricing.Pricing).pipe(
        Context.add(Journal.Journal, yield* Journal.Journal)
      )
      const toolkit = yield* Effect.provide(Tools.toolkit, Tools.layer)
      return Harness.Harness.of({
        name,
        run: (request) =>
          Stream.callback<Harness.HarnessEvent, Harness.Failure, Harness.Workplace>((queue) =>
            loop(request, {
              model: forTier(request.tier),
              toolkit: toolkit as unknown as Toolkit.WithHandler<Record<string, Tool.Any>>, // tools by name, whichever they are
              emit: (event) => Effect.asVoid(Queue.offer(queue, event))
            }).pipe(Effect.andThen(Queue.end(queue)), Effect.provideContext(services))
          )
      })
    })
  )

interface Around {
  readonly model: Model.Model
  readonly toolkit: Toolkit.WithHandler<Record<string, Tool.Any>>
  readonly emit: (event: Harness.HarnessEvent) => Effect.Effect<void>
}

const loop = (
  request: Harness.Request,
  { emit, model, toolkit }: Around
): Effect.Effect<void, Harness.Failure, Journal.Journal | Pricing.Pricing | Harness.Workplace> =>
  Effect.gen(function* () {
    const granted = request.grants.flatMap((grant) => {
      const tool = toolkit.tools[grant]
      return tool === undefined ? [] : [[grant, tool] as const]
    })
    const offered = { ...toolkit, tools: Object.fromEntries([...granted, ["outcome", outcomeTool(request.outcome)]]) }
    const bench: ToolTurn.Bench = { toolkit: { ...toolkit, tools: Object.fromEntries(granted) }, emit }
    // What the host gathered (an issue, a patch, a log) may hold a secret too.
    const clean = Redaction.scrub(request.prompt, yield* Redaction.Secrets)
    let prompt = yield* opening({ ...request, prompt: clean })
    let isReminded = false
    for (let turn = 1; turn <= request.maxTurns; turn++) {
      const answer = yield* ModelTurn.run({
        model,
        prompt,
        toolkit: offered,
        onText: (text) => emit({ _tag: "Text", text })
      })
      yield* emit({ _tag: "Turn", number: turn, usage: answer.usage })
      prompt = Prompt.concat(prompt, Prompt.fromResponseParts(answer.parts))
      const outcome = answer.isCut ? undefined : answer.calls.find((call) => call.name === "outcome")
      const results = answer.isCut
        ? answer.calls.map((call) =>
            ToolTurn.result(call, { ok: false, text: "Not run: your answer was cut. Make it shorter." })
          )
        : [
            ...(yield* ToolTurn.run(
              answer.calls.filter((call) => call.name !== "outcome"),
              bench
            )),
            ...answer.calls
              .filter((call) => call.name === "outcome")
              .map((call) => ToolTurn.result(call, { ok: true, text: "Received." }))
          ]
      if (results.length > 0) prompt = Prompt.concat(prompt, [Prompt.toolMessage({ content: results })])
      if (outcome !== undefined) {
        const session: Harness.Session = {
          harness: name,
          data: yield* Effect.orDie(Schema.encodeEffect(Transcript)(prompt))
        }
        const given = Predicate.hasProperty(outcome.params, "outcome") ? outcome.params.outcome : outcome.params
        return yield* emit({ _tag: "Ended", outcome: given, session })
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

const Transcript = Schema.toCodecJson(Prompt.Prompt)

const opening = (request: Harness.Request): Effect.Effect<Prompt.Prompt, Harness.HarnessError> =>
  Effect.gen(function* () {
    if (request.session === undefined) {
      return Prompt.make([
        { role: "system", content: request.system },
        { role: "user", content: [{ type: "text", text: request.prompt }] }
      ])
    }
    const earlier =
      request.session.harness === name
        ? yield* Effect.option(Schema.decodeUnknownEffect(Transcript)(request.session.data))
        : Option.none()
    if (Option.isNone(earlier)) {
      return yield* new Harness.HarnessError({
        reason: "Broken",
        message:
          `The session to go on with was made by the harness "${request.session.harness}", or is not a ` +
          `transcript of this one ("${name}"). Start the role anew.`
      })
    }
    return Prompt.concat(earlier.value, request.prompt)
  })

/** The tool through which the outcome is given. It does not exclude other tools, unlike a provider's output format. */
const outcomeTool = (outcome: Harness.Request["outcome"]) =>
  Tool.make("outcome", {
    description: "Ends your work with its outcome. Call it exactly once, when everything else is done.",
    parameters: Schema.Struct({ outcome })
  })
