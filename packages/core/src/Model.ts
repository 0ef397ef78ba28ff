/**
 * The model seam. A model is Effect's own `LanguageModel`; this adds what a factory has to know beside it: which model
 * answers for which tier, who the provider is, and which failures may be tried again.
 *
 * This is the only file of the package, adapters apart, that touches `effect/ai`, which is marked unstable.
 */
import type * as LanguageModel from "effect/ai/LanguageModel"
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import * as Fault from "./Fault.ts"

/** How much model a role needs: `small` sorts and labels, `standard` writes code, `large` is for what `standard` fails at. */
export const Tier = Schema.Literals(["small", "standard", "large"])
/** How much model a role needs. */
export type Tier = typeof Tier.Type

/** A model that can be called. */
export interface Model {
  /** The name that the provider knows it by. */
  readonly name: string
  /** The provider, as price tables spell it: `anthropic`, `openai`, `openrouter`, …. */
  readonly provider: string
  /** A loopback server answers in the place of the provider. */
  readonly rehearsed: boolean
  readonly languageModel: LanguageModel.LanguageModel
}

/** Which model answers for which tier. */
export class Models extends Context.Service<Models, {
  readonly forTier: (tier: Tier) => Model
}>()("@millwright/core/Model/Models") {}

/** One model for every tier. */
export const single = (model: Model): Models["Service"] => ({ forTier: () => model })

/** A model call failed. Each reason is what a caller can do about it. */
export class ModelError extends Fault.Class<ModelError>()("ModelError", {
  /** The key is missing, wrong, or may not use this model. */
  Unauthorized: false,
  UnknownModel: false,
  /** The account is out of money or over its quota; waiting a little does not help. */
  QuotaExhausted: false,
  RateLimited: true,
  Overloaded: true,
  /** The connection broke, perhaps in the middle of an answer. */
  Disconnected: true,
  /** Nothing listens at the provider's address. */
  Unreachable: true,
  /** The prompt is longer than the model's context. */
  ContextOverflow: false,
  /** The provider does not take the request, or this package does not understand the answer. */
  Protocol: false,
  /** The provider's policy refuses the content. */
  Refused: false
}) {}
