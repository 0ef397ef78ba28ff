/**
 * A **validator** judges a change against its contract. It is never the author: this port is all that an author's
 * package can see of it.
 *
 * An adapter gives `findings`, one for each assertion that it can speak about; the verdict has `blocked` for the assertions
 * that nobody spoke about, so silence is never a pass.
 */
import * as Effect from "effect/Effect"
import type * as Change from "./Change.ts"
import * as Contract from "./Contract.ts"
import * as Fault from "./Fault.ts"
import * as Verdict from "./Verdict.ts"

/** Judging broke before there was a finding. */
export class ValidatorError extends Fault.Class<ValidatorError>()("ValidatorError", {
  /** The contract is not the one that was frozen: its digest does not cover its content. */
  ContractAltered: false,
  /** The subject can not be reached: no workspace, no such commit, no server. */
  SubjectUnavailable: true
}) {}

/** What is judged. */
export interface Subject {
  readonly contract: Contract.Contract
  readonly change: Change.Change
}

/** Judges a change against its contract. `R` is what it needs for it: a sandbox, a model, a browser. */
export interface Validator<R = never> {
  readonly name: string
  readonly judge: (subject: Subject) => Effect.Effect<Verdict.Verdict, ValidatorError, R>
}

/** Derives a validator from the findings that it can give. It is not asked about a contract that was altered. */
export const make = <R>(options: {
  readonly name: string
  readonly findings: (subject: Subject) => Effect.Effect<ReadonlyArray<Verdict.Finding>, ValidatorError, R>
}): Validator<R> => ({
  name: options.name,
  judge: Effect.fnUntraced(function* (subject) {
    if (!Contract.isIntact(subject.contract)) {
      return yield* new ValidatorError({
        reason: "ContractAltered",
        message:
          `The contract of ${subject.contract.item} was changed after it was frozen: its digest does not cover it. ` +
          `Judge against the frozen contract, or have a human amend it.`
      })
    }
    return Verdict.make(options.name, subject.contract, yield* options.findings(subject))
  })
})

/** What validators need together. */
type ServicesOf<Validators> = Validators extends ReadonlyArray<Validator<infer R>> ? R : never

/** Judges by several validators, one after the other, and combines their verdicts. */
export const all = <const Validators extends ReadonlyArray<Validator<unknown>>>(
  validators: Validators,
  subject: Subject
): Effect.Effect<Verdict.Verdict, ValidatorError, ServicesOf<Validators>> => {
  const judged = Effect.forEach(validators, ({ judge }) => judge(subject))
  // A tuple of validators needs what each of them needs.
  return Effect.map(judged, (verdicts) => Verdict.combine(subject.contract, verdicts)) as Effect.Effect<
    Verdict.Verdict,
    ValidatorError,
    ServicesOf<Validators>
  >
}
