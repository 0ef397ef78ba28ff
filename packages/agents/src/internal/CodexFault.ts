/** Why Codex has no outcome, as a fault of the house. */
import * as Model from "@millwright/core/Model"
import * as Predicate from "effect/Predicate"
import * as Harness from "../Harness.ts"
import * as CliFault from "./CliFault.ts"
import type * as CodexLine from "./CodexLine.ts"

/** Whose run it was. */
export type Run = CliFault.Run

/** It took its turns, and has no outcome. */
export const tooManyTurns = (run: Run): Harness.HarnessError => CliFault.tooManyTurns("Codex", run)

/** It ended twice by saying something, and not by giving an outcome. */
export const noOutcome = ({ role }: Run): Harness.HarnessError =>
  new Harness.HarnessError({
    reason: "NoOutcome",
    message: `The role ${role} ended without an outcome, also when Codex was asked for it. Give it a larger tier, or a clearer skill.`
  })

/** It does not do what it was told. It takes about a million characters at once. */
export const refused = (what: string, said: string, run: Run): Harness.HarnessError | Model.ModelError =>
  /exceeds the maximum length/i.test(said)
    ? ofCall({ message: said, codexErrorInfo: "contextWindowExceeded" }, run)
    : new Harness.HarnessError({
        reason: "Broken",
        message: `Codex did not take \`${what}\` in the role ${run.role}: ${CliFault.clean(said, run)}. Try again; where it happens again, update it, or this package.`
      })

/** Its configuration is not only what we say: then it could have tools, instructions and places for the key that nobody granted. */
export const ofConfig = (
  layers: ReturnType<typeof CodexLine.configured>,
  run: Run
): Harness.HarnessError | Model.ModelError | undefined => {
  if (layers?.some(({ from }) => from === "sessionFlags") !== true) {
    return refused("config/read", "it does not say what holds of what it was told", run)
  }
  const other = layers.find(({ from }) => from !== "sessionFlags" && from !== "packagedDefaults")
  if (other === undefined) return undefined
  return new Harness.HarnessError({
    reason: "Unsupported",
    message: `Codex would follow ${other.where} where the role ${run.role} works, and can not leave it out. Take it away, or let the role work in a sandbox that does not show it.`
  })
}

/** There is nothing to pay with. */
export const noKey = (model: string): Model.ModelError =>
  new Model.ModelError({
    reason: "Unauthorized",
    message: `Model ${model}, asked by Codex: there is no key. Give the harness one that may use it.`
  })

/** Why the provider did not answer. Codex has tried again by then, where that helps. */
export const ofCall = (
  { additionalDetails, codexErrorInfo: info, message }: CodexLine.TurnError,
  run: Pick<Run, "model" | "secrets">
): Model.ModelError => {
  const said = Predicate.isString(additionalDetails) ? additionalDetails : message
  const reason = Predicate.isString(info) ? (named[info] ?? ofText(said)) : ofStatus(statusOf(info), said)
  return CliFault.ofModel("Codex", { reason, said }, run)
}

type Reason = Model.ModelError["reason"]

const named: Readonly<Record<string, Reason>> = {
  contextWindowExceeded: "ContextOverflow",
  usageLimitExceeded: "QuotaExhausted",
  sessionBudgetExceeded: "QuotaExhausted",
  rateLimitExceeded: "RateLimited",
  serverOverloaded: "Overloaded",
  flexUnavailable: "Overloaded",
  policyCapacityUnavailable: "Overloaded",
  internalServerError: "Overloaded",
  modelNotFound: "UnknownModel",
  unauthorized: "Unauthorized",
  badRequest: "Protocol",
  cyberPolicy: "Refused",
  misalignmentPolicyViolation: "Refused"
}

/** Codex has names for some ways to fail, with the status of the answer below. */
const statusOf = (info: unknown): number | undefined => {
  for (const detail of Predicate.isObject(info) ? Object.values(info) : []) {
    if (Predicate.hasProperty(detail, "httpStatusCode") && Predicate.isNumber(detail.httpStatusCode)) {
      return detail.httpStatusCode
    }
  }
  return undefined
}

const ofStatus = (status: number | undefined, said: string): Reason => {
  if (status === undefined) return ofText(said)
  if (status === 401 || status === 403) return "Unauthorized"
  if (status === 402) return "QuotaExhausted"
  if (status === 404) return "UnknownModel"
  if (status === 413) return "ContextOverflow"
  if (status === 429) return "RateLimited"
  return status >= 500 ? "Overloaded" : "Protocol"
}

const ofText = (said: string): Reason => {
  if (/error sending request|connection refused|dns|resolve/i.test(said)) return "Unreachable"
  return /disconnect|stream|timeout|timed out|connection/i.test(said) ? "Disconnected" : "Protocol"
}
