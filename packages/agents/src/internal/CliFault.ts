/** What every coding agent's faults have in common: whose run it was, and words for what its provider refused. */
import * as Model from "@millwright/core/Model"
import * as Redaction from "@millwright/core/Redaction"
import type * as Redacted from "effect/Redacted"
import * as Harness from "../Harness.ts"

/** Whose run it was. */
export interface Run {
  readonly role: string
  readonly model: string
  readonly maxTurns: number
  readonly secrets: ReadonlyArray<Redacted.Redacted<string>>
}

/** What a program said, in one line and without secrets. */
export const clean = (text: string, { secrets }: Pick<Run, "secrets">): string =>
  Redaction.scrub(text, secrets).replace(/\s+/g, " ").trim().slice(0, 600)

/** What helps where a provider refuses. */
export const mend: Partial<Record<Model.ModelError["reason"], string>> = {
  Unauthorized: "Give the harness a key that may use this model.",
  QuotaExhausted: "Add credit or raise the quota, then resume the line.",
  ContextOverflow: "Give the role less context.",
  UnknownModel: "Check the name of the model for this tier.",
  RateLimited: "Try again later, or run fewer lines at once.",
  Overloaded: "Try again later.",
  Unreachable: "Check that the place where the agent works has a way to the provider."
}

/** It took its turns, and has no outcome. */
export const tooManyTurns = (title: string, { maxTurns, role }: Pick<Run, "maxTurns" | "role">): Harness.HarnessError =>
  new Harness.HarnessError({
    reason: "TooManyTurns",
    message: `${title} took the ${maxTurns} turns that the role ${role} may take, and has no outcome. Give it more, or a smaller task.`
  })

/** Its call of a model failed. `said` is what it says of it, `remedy` what helps where {@link mend} does not say it. */
export const ofModel = (
  title: string,
  {
    reason,
    remedy = mend[reason],
    said
  }: { readonly reason: Model.ModelError["reason"]; readonly said: string; readonly remedy?: string | undefined },
  run: Pick<Run, "model" | "secrets">
): Model.ModelError =>
  new Model.ModelError({
    reason,
    message: `Model ${run.model}, asked by ${title}: ${reason}. ${clean(said, run)} ${remedy ?? ""}`.trim()
  })
