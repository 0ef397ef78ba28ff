/**
 * The holdout validator: holds every change to `RULE-HOLDOUTS`, that people of scenarios which its author can not see get what
 * they came for.
 *
 * - An assertion of the contract whose `check` names a scenario of the vault is judged by that one alone: how it ended, and no more.
 *   One that is no holdout of it is `blocked`.
 * - The verdict has what {@link Holdouts.Glimpse} has, and nothing of a scenario: it may go to the author as it is.
 * - The whole report is kept as evidence, sealed with the key of the vault and padded: neither its digest nor its size tells
 *   more than the verdict does. `Vault.openText` opens it.
 * - A change that was refused is a `fail`; one that could not be judged is an `error`, or `blocked` where the leak budget is used
 *   up or a scenario leaked. None of them is accepted.
 */
import * as Validator from "@millwright/core/Validator"
import * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as EvidenceStore from "./EvidenceStore.ts"
import * as Holdouts from "./Holdouts.ts"
import * as TrialPlan from "./TrialPlan.ts"
import * as Vault from "./Vault.ts"

/** The rule that it judges. */
export const rule = "RULE-HOLDOUTS"

const statuses = { accepted: "pass", refused: "fail", undecided: "error" } as const

const statusOf = (glimpse: Holdouts.Glimpse): Verdict.Status =>
  glimpse._tag === "Seen" ? statuses[glimpse.ended] : "blocked"

const reasons = {
  accepted: "The person of its scenario got what they came for.",
  refused: "The person of its scenario did not get what they came for.",
  undecided: "Its scenario could not be tried often enough to say whether its person gets what they came for."
} as const

/** The findings of the assertions that name scenarios of this vault. */
const named = (
  glimpse: Holdouts.Glimpse,
  { contract }: Validator.Subject,
  { label }: Vault.Vault
): ReadonlyArray<Omit<Verdict.Finding, "evidence">> =>
  [...Holdouts.named(contract)]
    .filter(([, scenario]) => label.scenarios.includes(scenario))
    .map(([assertion]) => {
      if (glimpse._tag !== "Seen") return { assertion, status: "blocked", reason: Holdouts.say(glimpse) }
      const one = glimpse.named?.find((each) => each.assertion === assertion)
      return one === undefined
        ? { assertion, status: "blocked", reason: `Its scenario is no holdout of ${label.name}, or is one no more.` }
        : { assertion, status: statuses[one.ended], reason: reasons[one.ended] }
    })

/** What of the options would make every look accept, or none. */
const problem = ({
  acceptAt = 1,
  seed,
  stop,
  trials = 1
}: Pick<Holdouts.Options<never>, "acceptAt" | "seed" | "stop" | "trials">): string | undefined => {
  if (!(acceptAt > 0 && acceptAt <= 1)) return `\`acceptAt\` is ${acceptAt}, and has to be above 0 and at most 1`
  if (!Number.isSafeInteger(seed)) return `\`seed\` is ${seed}, and has to be a whole number`
  if (!(trials >= 1 && trials < Infinity)) return `\`trials\` is ${trials}, and has to be at least 1`
  return stop === undefined || TrialPlan.isStop(stop)
    ? undefined
    : "`stop` has to have rates above 0 and below 1, `bad` below `good`, and errors that are less than 1 together"
}

/** Judges changes by the holdouts of a vault. Throws a `TypeError` where no look could come to anything but one answer. */
export const make = <R>(
  options: Holdouts.Options<R>
): Validator.Validator<R | Holdouts.Services | EvidenceStore.EvidenceStore> => {
  const wrong = problem(options)
  if (wrong !== undefined) throw new TypeError(`The holdouts of ${options.vault} can not be looked at: ${wrong}.`)
  return Validator.make({
    name: "holdouts",
    findings: (subject) =>
      Effect.gen(function* () {
        const { glimpse, report } = yield* Holdouts.look(options, subject)
        const store = yield* EvidenceStore.EvidenceStore
        const sealed = Vault.sealText(options.vault, JSON.stringify(report))
        yield* store.keep(sealed)
        const reason = Holdouts.say(glimpse)
        const evidence = Verdict.evidence({
          kind: "report",
          summary: "the sealed report on the holdouts",
          content: sealed
        })
        return [{ assertion: rule, status: statusOf(glimpse), reason }, ...named(glimpse, subject, options.vault)].map(
          (finding) => ({ ...finding, evidence: [evidence] })
        )
      }).pipe(
        Effect.mapError(
          (cause) =>
            new Validator.ValidatorError({
              reason: "SubjectUnavailable",
              message: `The holdouts of ${options.vault} could not be judged by: ${cause.message}`,
              cause
            })
        )
      )
  })
}
