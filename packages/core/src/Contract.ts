/**
 * A **contract**: addressable assertions of what done means, frozen before code.
 *
 * The author of a change works against it, a validator that is not the author judges against it, and its digest
 * stands in every verdict, so that nobody can judge against another contract than the one that was frozen.
 */
import * as Schema from "effect/Schema"
import * as Digest from "./Digest.ts"

/** The address of an assertion: `VAL-001` and up, or `VAL-AUTH-001` in an area. */
export const AssertionId = Schema.String.check(Schema.isPattern(/^VAL-(?:[A-Z][A-Z0-9]*-)*\d{3,}$/))

/**
 * The address of a **rule**: what the house holds every change to, whatever its contract says, such as `RULE-SECRETS`. The
 * validator that judges it brings it.
 */
export const RuleId = Schema.String.check(Schema.isPattern(/^RULE-[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*$/))

/** How something that was built is met: by a person at a screen, by a program, at a terminal, or as a file. */
export const Kind = Schema.Literals(["ui", "api", "cli", "artifact"])
/** How something that was built is met. */
export type Kind = typeof Kind.Type

/** A part of the work that assertions belong to, in capitals: `AUTH` of `VAL-AUTH-001`. */
export const Area = Schema.String.check(Schema.isPattern(/^[A-Z][A-Z0-9]*(?:-[A-Z][A-Z0-9]*)*$/))

/** How a machine can decide an assertion. */
export const Check = Schema.TaggedUnion({
  /** A command that exits with 0 when it holds. */
  Command: { run: Schema.NonEmptyString }
})
/** How a machine can decide an assertion. */
export type Check = typeof Check.Type

/**
 * One assertion. `check` names how a machine can decide it. Without one, only a tester, a person or a reviewing role can.
 */
export const Assertion = Schema.Struct({
  id: AssertionId,
  statement: Schema.NonEmptyString,
  kind: Schema.optionalKey(Kind),
  check: Schema.optionalKey(Check)
})
/** One assertion. */
export type Assertion = typeof Assertion.Type

/** The assertions of one work item. `digest` covers `item` and `assertions`. */
export const Contract = Schema.Struct({
  item: Schema.String,
  assertions: Schema.NonEmptyArray(Assertion),
  digest: Digest.Digest
})
/** The assertions of one work item. */
export type Contract = typeof Contract.Type

/** An assertion before it has an address. `area` becomes a part of it. */
export interface Clause extends Omit<Assertion, "id"> {
  readonly area?: typeof Area.Type
}

/** Gives every clause its address, counted in its area, and seals the whole with a digest. */
export const freeze = (item: string, clauses: readonly [Clause, ...ReadonlyArray<Clause>]): Contract => {
  const counts = new Map<string, number>()
  const address = ({ area = "", ...clause }: Clause): Assertion => {
    const count = (counts.get(area) ?? 0) + 1
    counts.set(area, count)
    // Last, so that no clause brings an address of its own.
    return { ...clause, id: `VAL-${area === "" ? "" : `${area}-`}${String(count).padStart(3, "0")}` }
  }
  const [first, ...rest] = clauses
  const assertions = [address(first), ...rest.map(address)] as const
  return { item, assertions: [...assertions], digest: Digest.ofJson({ item, assertions }) }
}

/** Whether the digest still covers the content. */
export const isIntact = ({ assertions, digest, item }: Contract): boolean =>
  digest === Digest.ofJson({ item, assertions })
