/**
 * The **scorer**: how likely a candidate does a task well. An adapter gives one call; a model of its own that reads the task
 * is one, and {@link linear}, which needs nothing, is another.
 *
 * - The same question has the same answer, whatever the order of the candidates.
 * - Who can not be scored is left out of the answer, and is not chosen. What is no number from 0 to 1 counts as left out.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Candidate from "./Candidate.ts"
import * as Fault from "./Fault.ts"
import * as QualityModel from "./QualityModel.ts"
import type * as TaskFeatures from "./TaskFeatures.ts"

/** A task can not be scored. */
export class ScorerError extends Fault.Class<ScorerError>()("ScorerError", {
  /** What the scorer asks does not answer. */
  Unavailable: true,
  /** What it asks answers with something else than scores. */
  Malformed: false
}) {}

/** What is scored: a task by its features and as it is, and who could do it. */
export interface Question {
  readonly features: TaskFeatures.Features
  readonly task: TaskFeatures.Task
  readonly candidates: ReadonlyArray<Candidate.Candidate>
}

/** Probabilities from 0 to 1, by the names of candidates. */
export type Scores = Readonly<Record<string, number>>

/** How likely a candidate does a task well. */
export class Scorer extends Context.Service<
  Scorer,
  {
    /** As decisions name it. */
    readonly name: string
    readonly score: (question: Question) => Effect.Effect<Scores, ScorerError>
  }
>()("@millwright/core/Scorer") {}

/** Scores by features alone, with a model whose weights can be read. */
export const linear = (model: QualityModel.QualityModel): Scorer["Service"] => ({
  name: model.name,
  score: ({ candidates, features }) =>
    Effect.succeed(
      Object.fromEntries(
        candidates.map((candidate) => [Candidate.idOf(candidate), QualityModel.predict(model, candidate, features)])
      )
    )
})

/** The linear scorer as a service. */
export const layer = (model: QualityModel.QualityModel): Layer.Layer<Scorer> => Layer.succeed(Scorer, linear(model))
