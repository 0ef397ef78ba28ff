/**
 * A **contract**: addressable assertions of what done means, frozen before code.
 *
 * The author of a change works against it, a validator that is not the author judges against it, and its digest
 * stands in every verdict, so that nobody can judge against another contract than the one that was frozen.
 */
import * as Schema from "effect/Schema"
import * as Digest from "./Digest.ts"

/** The address of an assertion, `VAL-001` and up. */
export const AssertionId = Schema.String.check(Schema.isPattern(/^VAL-\d{3,}$/))

/**
 * One assertion. `check` names how a machine can decide it: a command that exits with 0 when it holds. Without one,
 * only a person or a reviewing role can.
 */
export const Assertion = Schema.Struct({
  id: AssertionId,
  statement: Schema.NonEmptyString,
  check: Schema.optionalKey(Schema.TaggedStruct("Command", { run: Schema.NonEmptyString }))
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

/** An assertion before it has an address. */
export type Clause = Omit<Assertion, "id">

/** Gives every clause its address and seals the whole with a digest. */
export const freeze = (item: string, clauses: readonly [Clause, ...ReadonlyArray<Clause>]): Contract => {
  const address = (clause: Clause, index: number): Assertion => ({
    ...clause,
    // Last, so that no clause brings an address of its own.
    id: `VAL-${String(index + 1).padStart(3, "0")}`
  })
  const [first, ...rest] = clauses
  const assertions = [address(first, 0), ...rest.map((clause, index) => address(clause, index + 1))] as const
  return { item, assertions: [...assertions], digest: Digest.ofJson({ item, assertions }) }
}

/** Whether the digest still covers the content. */
export const isIntact = ({ assertions, digest, item }: Contract): boolean =>
  digest === Digest.ofJson({ item, assertions })
