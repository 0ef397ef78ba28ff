/** Why an agent that speaks ACP has no outcome, as a fault of the house. */
import * as Model from "@millwright/core/Model"
import type * as Grant from "../Grant.ts"
import * as Harness from "../Harness.ts"
import * as AcpRefusal from "./AcpRefusal.ts"
import * as CliFault from "./CliFault.ts"

/** Whose run it was. */
export interface Run extends CliFault.Run {
  /** What people call the agent. */
  readonly title: string
}

/** Why the agent did not do what it was asked. `what` is what that was. */
export const refused = (
  { code, fault, message }: AcpRefusal.Refusal,
  what: string,
  run: Run
): Harness.HarnessError | Model.ModelError => {
  if (fault !== undefined) return fault
  const said = CliFault.clean(message, run)
  const status = statusOf(said)
  const isLogin = status === undefined || status === 401
  if (code === AcpRefusal.authRequired || (isLogin && login.test(said))) {
    return new Model.ModelError({
      reason: "Unauthorized",
      message: `${run.title} needs a login, and nobody is asked for one: ${said}. Give it a key (\`key\`), or log it in where it works before it starts.`
    })
  }
  const reason = reasonOf(status, said)
  if (reason !== undefined) {
    return new Model.ModelError({
      reason,
      message:
        `${run.model === run.title ? "The model" : `Model ${run.model}`}, asked by ${run.title}: ${reason}. ${sentence(said)} ${mend[reason] ?? ""}`.trim()
    })
  }
  return new Harness.HarnessError({
    reason: "Broken",
    message: `${run.title} did not ${what} in the role ${run.role}: ${said}. Try again; where it happens again, update it, or this package.`
  })
}

const login = /\blog(ged)? ?in\b|api key|authenticat|unauthorized|\b401\b/i

/** The status of the provider's answer, as agents write it: ACP has no place for it. */
const statusOf = (said: string): number | undefined => {
  const status = /\b(?:API Error|HTTP|status|code|rejected)["':\s(]{0,4}([45]\d\d)\b/i.exec(said)?.[1]
  return status === undefined ? undefined : Number(status)
}

/** Why the provider did not answer. `undefined`: nothing says that it was the provider. */
const reasonOf = (status: number | undefined, said: string): Model.ModelError["reason"] | undefined => {
  if (status === 401 || status === 403) return "Unauthorized"
  if (status === 402 || /credit balance|usage limit|insufficient_quota|billing_error/i.test(said)) {
    return "QuotaExhausted"
  }
  if (status === 413 || /request too large|prompt is too long|context.{0,20}(length|window|limit)/i.test(said)) {
    return "ContextOverflow"
  }
  if (status === 404 || /model_not_found|issue with the selected model/i.test(said)) return "UnknownModel"
  if (status === 429 || /rate_limit/i.test(said)) return "RateLimited"
  if (status !== undefined) return status >= 500 ? "Overloaded" : "Protocol"
  return /unable to connect to (the )?API/i.test(said) ? "Unreachable" : undefined
}

const mend: Partial<Record<Model.ModelError["reason"], string>> = {
  ...CliFault.mend,
  Unauthorized: "Give the agent a key that may use this model.",
  UnknownModel: "Check the name of the model for this tier, in `models` or where the agent is set up.",
  Protocol: "Trying again does not help: check the model, and how the agent is set up."
}

/** Without what JSON-RPC and Claude Code have around it. */
const sentence = (said: string): string => {
  const bare = said.replace(/^Internal error: /, "").replace(/: \{"errorKind":"\w+"\}$/, "")
  return /[.!?]$/.test(bare) ? bare : `${bare}.`
}

/** It took its turns, and has no outcome. */
export const tooManyTurns = (run: Run): Harness.HarnessError => CliFault.tooManyTurns(run.title, run)

/** It ended, and said why in a word of the protocol. */
export const noOutcome = (stop: string, { role, title }: Run): Harness.HarnessError =>
  new Harness.HarnessError({
    reason: "NoOutcome",
    message: `The role ${role} ended without an outcome (${stop}), also when ${title} was asked for it. Give it a larger tier, or a clearer skill.`
  })

/** It speaks another version of the protocol. */
export const version = (theirs: unknown, ours: number, { title }: Run): Harness.HarnessError =>
  new Harness.HarnessError({
    reason: "NotInstalled",
    message: `${title}, as it is installed where the agent works, speaks version ${JSON.stringify(theirs)?.slice(0, 40)} of ACP, and this package version ${ours}. Install one that fits.`
  })

/** It can not do what the request asks for. */
export const unsupported = (what: string, { role, title }: Pick<Run, "role" | "title">): Harness.HarnessError =>
  new Harness.HarnessError({ reason: "Unsupported", message: `The role ${role} can not run on ${title}: ${what}` })

/** It may do what the role may not, and nobody says that it asks before. */
export const unconfined = (
  missing: ReadonlyArray<Grant.Grant>,
  run: Pick<Run, "role" | "title">
): Harness.HarnessError =>
  unsupported(
    `the role does not have ${missing.join(", ")}, and nothing says that the agent asks before it does that. ` +
      "Name in `asks` what it asks for, as it is set up; take the others away by its own settings (`meta`, `args`) and name them too; or grant them.",
    run
  )

/** The session is none of this agent. */
export const foreign = (theirs: string): Harness.HarnessError =>
  new Harness.HarnessError({
    reason: "Broken",
    message: `The session to go on with is one of the harness "${theirs}", or is damaged. Start the role anew.`
  })
