/** Why Claude Code has no outcome, as a fault of the house. */
import type * as Model from "@millwright/core/Model"
import * as Predicate from "effect/Predicate"
import * as Harness from "../Harness.ts"
import * as CliFault from "./CliFault.ts"
import type * as ClaudeLine from "./ClaudeLine.ts"

/** Whose run it was. */
export type Run = CliFault.Run

/** Why a result is no outcome. */
export const ofResult = (result: ClaudeLine.Result, run: Run): Harness.HarnessError | Model.ModelError => {
  const { api_error_status: status, is_error: isError, subtype, terminal_reason: reason } = result
  const said = CliFault.clean(
    Predicate.isString(result.result) ? result.result : JSON.stringify(result.errors ?? ""),
    run
  )
  if (subtype === "error_max_turns") return tooManyTurns(run)
  if (isError === true && (reason === "api_error" || Predicate.isNotNullish(status) || isLogin(said))) {
    return ofCall({ status: status ?? undefined, said }, run)
  }
  if (isError === true) {
    return new Harness.HarnessError({
      reason: "Broken",
      message: `Claude Code broke (${subtype}) in the role ${run.role}: ${said}. Try again; where it happens again, update it.`
    })
  }
  return new Harness.HarnessError({
    reason: "NoOutcome",
    message: `The role ${run.role} ended without an outcome, also when Claude Code asked for it: ${said}. Give it a larger tier, or a clearer skill.`
  })
}

/** It took its turns, and has no outcome. */
export const tooManyTurns = (run: Run): Harness.HarnessError => CliFault.tooManyTurns("Claude Code", run)

/** Why it did not take what it was told at first. */
export const refused = (said: string, run: Run): Harness.HarnessError =>
  new Harness.HarnessError({
    reason: "Broken",
    message: `Claude Code does not take what the role ${run.role} is to do: ${CliFault.clean(said, run)}. Update it, or this package.`
  })

/** Why the provider did not answer. Claude Code has tried again by then. */
export const ofCall = (
  { said, status }: { readonly status: number | undefined; readonly said: string },
  run: Pick<Run, "model" | "secrets">
): Model.ModelError => {
  const reason = reasonOf(status, said)
  const remedy =
    reason === "Unauthorized"
      ? "Give the harness a key, or the token of a subscription, that may use this model."
      : CliFault.mend[reason]
  return CliFault.ofModel("Claude Code", { reason, said, remedy }, run)
}

const isLogin = (said: string): boolean => /\/login|invalid api key|not logged in|authenticat/i.test(said)

const reasonOf = (status: number | undefined, said: string): Model.ModelError["reason"] => {
  if (status === 401 || status === 403 || (status === undefined && isLogin(said))) return "Unauthorized"
  if (status === 402 || /credit balance|usage limit/i.test(said)) return "QuotaExhausted"
  if (status === 413 || /prompt is too long/i.test(said)) return "ContextOverflow"
  if (status === 404 || /issue with the selected model/i.test(said)) return "UnknownModel"
  if (status === 429) return "RateLimited"
  if (status !== undefined && status >= 500) return "Overloaded"
  if (status === undefined)
    return /refused|resolve|ENOTFOUND|unable to connect/i.test(said) ? "Unreachable" : "Disconnected"
  return "Protocol"
}
