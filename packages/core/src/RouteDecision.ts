/** A **decision** of the router as the journal keeps it: what was chosen, why, and why each other candidate was not. */
import * as Schema from "effect/Schema"
import * as TaskFeatures from "./TaskFeatures.ts"
import * as Usage from "./Usage.ts"

/** Why a candidate was not chosen. With the last three it could have taken the task. */
export const Reason = Schema.Literals([
  "Incapable",
  "Avoided",
  "ContextTooSmall",
  "BelowTier",
  "Unavailable",
  "Unscored",
  "NotStronger",
  "Unpriced",
  "OverBudget",
  "BelowThreshold",
  "Dearer",
  "NotAsked"
])
/** Why a candidate was not chosen. */
export type Reason = typeof Reason.Type

/** One candidate as it was looked at. `out` is `null` for the one that was chosen; what was not looked at is `null`. */
export const Alternative = Schema.Struct({
  candidate: Schema.String,
  /** The predicted probability that it does the task well, from 0 to 1. */
  quality: Schema.NullOr(Schema.Finite),
  /** What the rest of the work is expected to cost with it. */
  cost: Schema.NullOr(Usage.Cost),
  /** How long somebody would wait for its answers, in seconds, where its speed is known. */
  seconds: Schema.optionalKey(Schema.Finite),
  out: Schema.NullOr(Schema.Struct({ reason: Reason, detail: Schema.String }))
})
/** One candidate as it was looked at. */
export type Alternative = typeof Alternative.Type

/** What speaks against a model that works on the task. `Requested`: somebody asked for a stronger one. */
export const Evidence = Schema.Struct({
  kind: Schema.Literals(["FailedValidation", "DoomLoop", "Requested"]),
  candidate: Schema.String
})
/** What speaks against a model that works on the task. */
export type Evidence = typeof Evidence.Type

/** A decision, with all that it was made of. */
export const RouteDecision = Schema.Struct({
  chosen: Schema.String,
  why: Schema.Literals(["Pinned", "RoleDefault", "CheapestAboveThreshold", "StrongestBelowThreshold"]),
  threshold: Schema.Finite,
  /** The name of the scorer, `null` where none was asked. */
  scorer: Schema.NullOr(Schema.String),
  features: TaskFeatures.Features,
  evidence: Schema.Array(Evidence),
  /** Providers that were left out since a call of theirs failed for a transient reason. */
  outages: Schema.Array(Schema.String),
  /** Whoever had the conversation before, `null` at its beginning. */
  from: Schema.NullOr(Schema.String),
  /** Every candidate, by name. */
  alternatives: Schema.Array(Alternative)
})
/** A decision, with all that it was made of. */
export type RouteDecision = typeof RouteDecision.Type
