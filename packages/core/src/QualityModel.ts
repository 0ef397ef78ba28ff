/**
 * The **quality model**: a small linear model of how likely a candidate does a task well. Its weights can be read, written
 * by hand and stored; {@link explain} says which feature spoke for what.
 *
 * The chance is the logistic of a bias and a weight for each feature. A candidate without weights of its own has those of
 * its tier, and {@link fit} moves it away from them as far as trials say so.
 */
import * as Schema from "effect/Schema"
import * as Candidate from "./Candidate.ts"
import * as LeastSquares from "./internal/LeastSquares.ts"
import type * as TaskFeatures from "./TaskFeatures.ts"

/** The weights of one candidate or tier, in log odds. Features that are not named weigh nothing. */
export const Weights = Schema.Struct({
  bias: Schema.Finite,
  features: Schema.Record(Schema.String, Schema.Finite)
})
/** The weights of one candidate or tier. */
export type Weights = typeof Weights.Type

/** Weights by tier, and by candidate where trials have moved them. */
export const QualityModel = Schema.Struct({
  name: Schema.NonEmptyString,
  tiers: Schema.Struct({ small: Weights, standard: Weights, large: Weights }),
  candidates: Schema.Record(Schema.String, Weights)
})
/** Weights by tier, and by candidate. */
export type QualityModel = typeof QualityModel.Type

/** What became of a choice: whether a candidate did a task well. */
export interface Trial {
  readonly candidate: string
  readonly features: TaskFeatures.Features
  readonly passed: boolean
}

/** How much of a task's difficulty each feature is. */
const shares = {
  message: 0.2,
  detail: 0.1,
  tools: 0.1,
  toolFailures: 0.1,
  repository: 0.15,
  languages: 0.15,
  failedAttempts: 0.2
}

const against = (steepness: number) =>
  Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, -steepness * share]))

/** What is assumed before there are trials: no measurement, but an order of tiers that is farther apart on harder tasks. */
export const assumed: QualityModel = {
  name: "linear",
  tiers: {
    small: { bias: 2.2, features: against(6) },
    standard: { bias: 2.9, features: against(4) },
    large: { bias: 3.5, features: against(3) }
  },
  candidates: {}
}

const weightsOf = (
  model: QualityModel,
  candidate: Pick<Candidate.Candidate, "model" | "provider" | "tier">
): Weights => {
  const id = Candidate.idOf(candidate)
  return Object.hasOwn(model.candidates, id)
    ? (model.candidates[id] ?? model.tiers[candidate.tier])
    : model.tiers[candidate.tier]
}

/** What a feature adds to the log odds. */
export interface Part {
  readonly feature: string
  readonly value: number
  readonly weight: number
}

/** What a prediction is made of: its bias, and the features that say something, the one that weighs most first. */
export const explain = (
  model: QualityModel,
  candidate: Pick<Candidate.Candidate, "model" | "provider" | "tier">,
  features: TaskFeatures.Features
): { readonly bias: number; readonly parts: ReadonlyArray<Part> } => {
  const weights = weightsOf(model, candidate)
  const parts = Object.entries(weights.features)
    .map(([feature, weight]) => ({ feature, weight, value: features[feature] ?? 0 }))
    .filter(({ value, weight }) => value * weight !== 0)
    .sort((a, b) => Math.abs(b.value * b.weight) - Math.abs(a.value * a.weight) || (a.feature < b.feature ? -1 : 1))
  return { bias: weights.bias, parts }
}

/** The probability that a candidate does a task well, from 0 to 1. */
export const predict = (
  model: QualityModel,
  candidate: Pick<Candidate.Candidate, "model" | "provider" | "tier">,
  features: TaskFeatures.Features
): number => {
  const { bias, parts } = explain(model, candidate, features)
  return LeastSquares.logistic(parts.reduce((sum, { value, weight }) => sum + value * weight, bias))
}

/** What {@link fit} is told beside the trials. */
export interface Fit {
  readonly trials: ReadonlyArray<Trial>
  readonly candidates: ReadonlyArray<Pick<Candidate.Candidate, "model" | "provider" | "tier">>
  /** How many trials the weights of the tier are worth. Default 4. */
  readonly trust?: number
}

/**
 * Moves each candidate from the weights of its tier to what its trials say: the most likely weights, where the tier's are
 * the assumption. Without trials nothing moves, and the order of trials has no say. The result replaces what was
 * fitted before, so it is told all trials each time.
 */
export const fit = (model: QualityModel, { candidates, trials, trust = 4 }: Fit): QualityModel => {
  const byCandidate = Map.groupBy(trials, ({ candidate }) => candidate)
  const fitted = candidates.flatMap((candidate): ReadonlyArray<readonly [string, Weights]> => {
    const id = Candidate.idOf(candidate)
    const own = byCandidate.get(id)
    if (own === undefined) return []
    const assumption = model.tiers[candidate.tier]
    const names = [
      ...new Set([...Object.keys(assumption.features), ...own.flatMap((trial) => Object.keys(trial.features))])
    ].sort()
    const [bias = assumption.bias, ...weights] = LeastSquares.fit({
      rows: own.map(({ features, passed }) => ({ values: [1, ...names.map((name) => features[name] ?? 0)], passed })),
      prior: [assumption.bias, ...names.map((name) => assumption.features[name] ?? 0)],
      trust
    })
    return [[id, { bias, features: Object.fromEntries(names.map((name, at) => [name, weights[at] ?? 0])) }]]
  })
  return { ...model, candidates: Object.fromEntries(fitted) }
}
