/**
 * The holdout validator: holds every change to `RULE-HOLDOUTS`, that people of scenarios which its author can not see get what
 * they came for.
 *
 * - The verdict has what {@link Holdouts.Glimpse} has, and nothing of a scenario: it may go to the author as it is.
 * - The whole report is kept as evidence, sealed with the key of the vault and padded: neither its digest nor its size tells
 *   more than the verdict does. `Vault.openText` opens it.
 * - A change that was refused is a `fail`; one that could not be judged is an `error`, or `blocked` where the leak budget is used
 *   up or a scenario leaked. None of them is accepted.
 */
import * as Validator from "@millwright/core/Validator"
import * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as EvidenceStore from "../EvidenceStore.ts"
import * as Holdouts from "../Holdouts.ts"
import * as Vault from "../Vault.ts"

/** The rule that it judges. */
export const rule = "RULE-HOLDOUTS"

const statusOf = (glimpse: Holdouts.Glimpse): Verdict.Status => {
  if (glimpse._tag !== "Seen") return "blocked"
  return glimpse.ended === "accepted" ? "pass" : glimpse.ended === "refused" ? "fail" : "error"
}

/** Judges changes by the holdouts of a vault. */
export const make = <R>(
  options: Holdouts.Options<R>
): Validator.Validator<R | Holdouts.Services | EvidenceStore.EvidenceStore> =>
  Validator.make({
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
        return [{ assertion: rule, status: statusOf(glimpse), reason, evidence: [evidence] }]
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
