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
  /** Who made it, where {@link familyOf} does not know its name. */
  readonly family?: string
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

const families: ReadonlyArray<readonly [RegExp, string]> = [
  [/claude/, "claude"],
  [/(?:^|[^a-z])(?:gpt|chatgpt|codex|o[1-9](?![a-z0-9]))/, "gpt"],
  [/gemini|gemma/, "gemini"],
  [/llama/, "llama"],
  [/mistral|mixtral|codestral|devstral|magistral/, "mistral"],
  [/qwen|qwq/, "qwen"],
  [/deepseek/, "deepseek"],
  [/grok/, "grok"],
  [/(?:^|[^a-z])glm/, "glm"],
  [/kimi/, "kimi"]
]

/**
 * The family of a model, by the name that any provider gives it: models of one family tend to have the same blind spots. One whose name
 * says nothing is a family of its own.
 */
export const familyOf = ({ family, model }: Pick<Candidate, "family" | "model">): string => {
  const name = model.toLowerCase()
  return family ?? families.find(([pattern]) => pattern.test(name))?.[1] ?? name
}
