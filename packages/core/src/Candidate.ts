/** A **candidate**: a model that the router may choose, with what it can do and how its provider caches prompts. */
import type * as Model from "./Model.ts"

/** What a task can need beyond text. A model has it or has not; nothing weighs against it. */
export type Capability = "tools" | "images" | "documents" | "reasoning" | "structured-output"

/**
 * How a provider caches a prompt:
 * - `written`: what is new is written to the cache at a price of its own.
 * - `automatic`: what is new is billed as input, and read from the cache afterwards.
 * - `none`: everything is input, each time.
 */
export type Cache = "written" | "automatic" | "none"

/** A model that the router may choose. The same model of two providers is two candidates. */
export interface Candidate {
  /** As price tables spell it: `anthropic`, `openai`, `openrouter`, …. */
  readonly provider: string
  readonly model: string
  readonly tier: Model.Tier
  /** The longest conversation that it holds, in tokens, its answers included. */
  readonly context: number
  readonly can: ReadonlyArray<Capability>
  readonly cache: Cache
  /** How fast it answers. Left out: not known, and where time has a price it counts as the slowest that is. */
  readonly speed?: Speed
}

/** How fast a model answers. */
export interface Speed {
  /** Seconds until an answer begins. */
  readonly first: number
  /** Tokens of an answer in a second, from then on. */
  readonly perSecond: number
}

/** The name of a candidate: `provider/model`. */
export const idOf = ({ model, provider }: Pick<Candidate, "model" | "provider">): string => `${provider}/${model}`
