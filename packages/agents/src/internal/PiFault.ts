/** Why pi has no outcome, as a fault of the house. */
import * as Model from "@millwright/core/Model"
import * as Harness from "../Harness.ts"
import * as CliFault from "./CliFault.ts"

/** Whose run it was. */
export type Run = CliFault.Run

/** How pi is installed, as a sentence. */
export const install = "Install @earendil-works/pi-coding-agent with npm, or say in `command` where it is."

/** It took its turns, and has no outcome. */
export const tooManyTurns = (run: Run): Harness.HarnessError => CliFault.tooManyTurns("pi", run)

/** It ended its work without an outcome, also when it was asked for it. */
export const noOutcome = ({ model, role }: Run): Harness.HarnessError =>
  new Harness.HarnessError({
    reason: "NoOutcome",
    message: `The role ${role} ended twice without calling the outcome tool (model ${model}, in pi). Give it a larger tier, or a clearer skill.`
  })

/** What runs is older than what the extension is written for. */
export const tooOld = (said: string): Harness.HarnessError =>
  new Harness.HarnessError({
    reason: "NotInstalled",
    message: `pi, as it is installed where the agent works, is too old: ${said}. ${install}`
  })

/** Why it ended before it said a word, where that is known. */
export const ofStart = (errors: string, run: Run): Harness.HarnessError | Model.ModelError | undefined => {
  const node = ofNode(errors, run)
  if (node !== undefined) return node
  const unknown = /^Error: ((?:Unknown provider|--provider requires).*)$/m.exec(errors)?.[1]
  if (unknown === undefined) return undefined
  return new Model.ModelError({
    reason: "UnknownModel",
    message:
      `Model ${run.model}, asked by pi: UnknownModel. ${CliFault.clean(unknown, run)} ` +
      "Name the provider as pi does, and a model for this tier; a provider that pi does not know needs `api` and `baseUrl`."
  })
}

/** The oldest Node that pi runs on. */
const oldestNode = [22, 19] as const

/** What the Node that it was started with could not do, where it is too old, or may be. Node says its version behind what it says. */
const ofNode = (errors: string, run: Run): Harness.HarnessError | undefined => {
  const [, found, major, minor] = /^Node\.js (v(\d+)\.(\d+)\S*)\s*$/m.exec(errors) ?? []
  const isKnown = found !== undefined
  const isOld =
    isKnown && (Number(major) < oldestNode[0] || (Number(major) === oldestNode[0] && Number(minor) < oldestNode[1]))
  const isSyntax = /does not provide an export named|SyntaxError/.test(errors)
  if (!isOld && !isSyntax) return undefined
  const said = CliFault.clean(/^\w*Error\b.*$/m.exec(errors)?.[0] ?? errors.slice(-200), run).slice(0, 200)
  if (isKnown && !isOld) return tooOld(`its Node, ${found}, does not run it: ${said}`)
  return new Harness.HarnessError({
    reason: "NotInstalled",
    message:
      `pi needs Node ${oldestNode.join(".")} or newer where the agent works, and the first \`node\` on the PATH there ` +
      `${isKnown ? `is ${found}` : "does not run it"}: ${said}. Put a newer one before it on that PATH.`
  })
}

/** It did not do what it was told to. */
export const refused = (what: string, said: string, run: Run): Harness.HarnessError =>
  new Harness.HarnessError({
    reason: "Broken",
    message: `pi ${what} in the role ${run.role}: ${CliFault.clean(said, run)}. Update it, or this package.`
  })

/** Why it did not take what was said to it. */
export const ofPrompt = (said: string, run: Run): Harness.HarnessError | Model.ModelError =>
  isLogin(said) ? ofCall(said, run) : refused("does not take what it is to do", said, run)

/** Why the provider did not answer. It begins with the status, where there was one. */
export const ofCall = (said: string, run: Pick<Run, "model" | "secrets">): Model.ModelError => {
  const status = /^\s*(\d{3})\b/.exec(said)?.[1]
  const reason = reasonOf(status === undefined ? undefined : Number(status), said)
  return CliFault.ofModel("pi", { reason, said }, run)
}

const isLogin = (said: string): boolean => /no api key|\/login|not logged in|authenticat|no credentials/i.test(said)

const reasonOf = (status: number | undefined, said: string): Model.ModelError["reason"] => {
  if (status === 401 || status === 403 || (status === undefined && isLogin(said))) return "Unauthorized"
  if (status === 402 || /credit balance|usage limit|insufficient_quota/i.test(said)) return "QuotaExhausted"
  if (status === 413 || /prompt is too long|context.{0,20}(length|window|limit)/i.test(said)) return "ContextOverflow"
  if (status === 404) return "UnknownModel"
  if (status === 429) return "RateLimited"
  if (status !== undefined && status >= 500) return "Overloaded"
  if (status !== undefined) return "Protocol"
  return /refused|resolve|ENOTFOUND|unable to connect|connection error|fetch failed/i.test(said)
    ? "Unreachable"
    : "Disconnected"
}
