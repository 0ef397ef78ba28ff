/** Holds a choice of models to the families that a conversation stands apart from, whoever made it: before a model is called. */
import * as Effect from "effect/Effect"
import * as Harness from "../Harness.ts"
import * as ModelChoice from "../ModelChoice.ts"

const refuses = ({ apart }: ModelChoice.Standing, { model }: ModelChoice.Chosen): boolean =>
  apart?.orElse === "refuse" && !ModelChoice.isApart(apart, model)

/** The choice, with a refusal where it would give the conversation to a family that may not have it. */
export const holding = (choice: ModelChoice.ModelChoice["Service"]): ModelChoice.ModelChoice["Service"] => ({
  ...choice,
  choose: Effect.fnUntraced(function* (standing: ModelChoice.Standing) {
    const chosen = yield* choice.choose(standing)
    return refuses(standing, chosen) ? yield* sameFamily(standing, chosen.model.name) : chosen
  }),
  after: (standing, signal) =>
    Effect.map(choice.after(standing, signal), (chosen) =>
      chosen === undefined || refuses(standing, chosen) ? undefined : chosen
    )
})

const sameFamily = ({ apart, request }: ModelChoice.Standing, model: string) =>
  new Harness.HarnessError({
    reason: "SameFamily",
    message:
      `The role ${request.role} would judge with ${model}, and the family ${apart?.familyOf(model)} wrote what it judges. Give its tier ` +
      `(${request.tier}) a model of another family, provide RoutedModels with one, or allow it with Independence.within({ family: "warn" }).`
  })
