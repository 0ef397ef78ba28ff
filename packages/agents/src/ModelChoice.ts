/**
 * **Model choice**: which model a conversation of the loop is with. It is asked at the beginning, and again where something
 * speaks against the model that has the conversation. {@link tiers} is what is used where nobody says anything else: the
 * model of the role's tier, from the beginning to the end. `RoutedModels` asks the router.
 *
 * A choice keeps nothing: all that it has to know of a conversation is in its {@link Standing}, which comes from the session.
 */
import type * as Budget from "@millwright/core/Budget"
import type * as Forecast from "@millwright/core/Forecast"
import type * as Journal from "@millwright/core/Journal"
import type * as Model from "@millwright/core/Model"
import type * as RouteDecision from "@millwright/core/RouteDecision"
import type * as Router from "@millwright/core/Router"
import type * as Scorer from "@millwright/core/Scorer"
import type * as TaskFeatures from "@millwright/core/TaskFeatures"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Harness from "./Harness.ts"

/** What is known of a conversation when a model is to be chosen for it. */
export interface Standing {
  readonly request: Harness.Request
  /** Who has the conversation, as the session keeps it, and how much of it is in that model's cache. */
  readonly current: Forecast.Current | undefined
  /** What speaks against those who had it. */
  readonly evidence: ReadonlyArray<RouteDecision.Evidence>
  /** Those who had it since the last answer and could not be reached. */
  readonly failed: ReadonlyArray<string>
  /** The prompt of the next turn, in estimated tokens. */
  readonly context: number
  readonly hasImages: boolean
  /** The tool calls of the conversation, the last one last. */
  readonly tools: NonNullable<TaskFeatures.Task["tools"]>
  /** Whom a person wants. */
  readonly pin: string | undefined
  /** Whose families it may not be. */
  readonly apart?: Apart
}

/** What speaks against the model that has a conversation. */
export type Signal =
  | { readonly _tag: RouteDecision.Evidence["kind"] }
  | { readonly _tag: "Failed"; readonly error: Model.ModelError }

/** Who is to have the conversation. */
export interface Chosen {
  readonly model: Model.Model
  /** Under this name the session keeps it, so that whoever takes it up goes on with the same. Left out: it is not kept. */
  readonly candidate?: string
  /** Somebody stronger can be had, so the agent may ask for one. */
  readonly hasStronger: boolean
}

/** Why nobody could be chosen for a conversation. */
export type Failure =
  | Harness.HarnessError
  | Router.RouteError
  | Scorer.ScorerError
  | Budget.BudgetError
  | Journal.JournalError

/** Chooses the model of a conversation. */
export class ModelChoice extends Context.Service<
  ModelChoice,
  {
    /** Who begins. Who has a conversation already keeps it, unless a person wants somebody else. */
    readonly choose: (standing: Standing) => Effect.Effect<Chosen, Failure, Harness.Workplace>
    /** Who goes on after something spoke against whoever has it. `undefined`: nobody else. */
    readonly after: (
      standing: Standing,
      signal: Signal
    ) => Effect.Effect<Chosen | undefined, Budget.BudgetError | Journal.JournalError, Harness.Workplace>
    /** Somebody answered, so the provider is there. */
    readonly answered: (candidate: string) => Effect.Effect<void>
  }
>()("@millwright/agents/ModelChoice") {}

/** The model of the role's tier, whatever happens. */
export const tiers = ({ forTier }: Model.Models["Service"]): ModelChoice["Service"] => ({
  choose: ({ request }) => Effect.succeed({ model: forTier(request.tier), hasStronger: false }),
  after: () => Effect.undefined,
  answered: () => Effect.void
})

/**
 * Whom a person wants, by the name of the candidate; `undefined`: nobody in particular. It is asked before every turn,
 * so somebody who steers can change it in the middle of a conversation. It wins over everything but what a model can
 * not do.
 */
export const Pin = Context.Reference<Effect.Effect<string | undefined>>("@millwright/agents/ModelChoice/Pin", {
  defaultValue: () => Effect.undefined
})

/** Families of models that a conversation may not be with, since they wrote what it judges. */
export interface Apart {
  readonly families: ReadonlyArray<string>
  /** Whether somebody of them may be chosen where nobody else is left. */
  readonly orElse: "refuse" | "warn"
  /** The family of a model by its name. */
  readonly familyOf: (model: string) => string
}

/** From whom the conversations that begin within stand apart. `Independence` sets it. */
export const Apart = Context.Reference<Apart | undefined>("@millwright/agents/ModelChoice/Apart", {
  defaultValue: () => undefined
})

/** Whether a model is of a family that the conversation stands apart from. */
export const isApart = (apart: Apart | undefined, model: Model.Model): boolean =>
  apart === undefined || !apart.families.includes(apart.familyOf(model.name))
