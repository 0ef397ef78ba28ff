/** An answer that **broke off**: it was billed as soon as it had begun, and nobody says how much it was in the end. */
import * as Budget from "@millwright/core/Budget"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Fault from "@millwright/core/Fault"
import type * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import type * as Response from "effect/ai/Response"
import * as Effect from "effect/Effect"

type Failed = Extract<FactoryEvent.Fact, { readonly _tag: "ModelFailed" }>

/** What is known to be billed of an answer by its parts so far; nothing before it had begun. */
export const billed = (
  model: Model.Model,
  parts: ReadonlyArray<Response.AnyPart>
): Effect.Effect<Pick<Failed, "billed">, never, Pricing.Pricing> =>
  Effect.map(Pricing.Pricing, (pricing) => {
    const begun = Model.begun(parts)
    if (begun === undefined) return {}
    const { name, paidBy, provider, rehearsed } = model
    const cost = Pricing.cost(pricing, { provider, model: name, usage: begun.usage })
    return { billed: { provider, rehearsed, cost, ...begun, ...(paidBy && { paidBy }) } }
  })

/** Records an answer that had begun when whoever asked for it was stopped. `parts` are those that came. */
export const recorded =
  (model: Model.Model, parts: ReadonlyArray<Response.AnyPart>) =>
  <A, E, R>(answer: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Journal.Journal | Pricing.Pricing> =>
    Effect.onInterrupt(
      answer,
      Effect.fnUntraced(function* () {
        const known = yield* billed(model, parts)
        if (known.billed === undefined) return
        const message = `The answer of ${model.name} of ${model.provider} was not waited for: whoever had asked was stopped.`
        const fault = Fault.record(new Model.ModelError({ reason: "Disconnected", message }))
        yield* Effect.ignore(Budget.spend({ _tag: "ModelFailed", model: model.name, fault, delay: null, ...known }))
      })
    )
