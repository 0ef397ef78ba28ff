/**
 * A **contract from a specification**: at least one clause for each acceptance criterion, which keeps the address of the one that it
 * comes from. So every test that a contract asks for can be followed back to what a person approved.
 */
import * as Spec from "@millwright/agents/roles/Spec"
import * as Specification from "@millwright/agents/Specification"
import * as Contract from "@millwright/core/Contract"
import * as Result from "effect/Result"

/** What a specification does not say, and a contract needs. */
export interface Options {
  /** The area of a story's clauses, by the story's address: `{ "US-1": "LIST" }`. */
  readonly areas?: Readonly<Record<string, typeof Contract.Area.Type>>
  /** How something is met, by the address of a criterion or of a story; the criterion's own counts before its story's. */
  readonly kinds?: Readonly<Record<string, Contract.Kind>>
  /** Further clauses, behind those of the criteria. One that belongs to a criterion says so in `from`. */
  readonly more?: ReadonlyArray<Contract.Clause>
  readonly base?: string
  readonly acceptAt?: number
}

/** Freezes the contract of a specification. On failure everything that is wrong. */
export const freeze = (
  specification: Specification.Specification,
  { areas = {}, kinds = {}, more = [], ...terms }: Options = {}
): Result.Result<Contract.Contract, ReadonlyArray<string>> => {
  if (!Specification.isSpecification(specification)) {
    return Result.fail(["The specification was changed after it was sealed. Take the one that was approved"])
  }
  const { criteria, stories } = specification.product
  const storyOf = new Map(criteria.map(({ id, story }) => [id, story]))
  const clauses = Spec.clauses(specification).map((clause): Contract.Clause => {
    const [criterion, story] = [clause.from ?? "", storyOf.get(clause.from ?? "") ?? ""]
    const area = own(areas, story)
    const kind = own(kinds, criterion) ?? own(kinds, story)
    return { ...clause, ...(area !== undefined && { area }), ...(kind !== undefined && { kind }) }
  })
  const [first, ...rest] = [...clauses, ...more]
  if (first === undefined) return Result.fail(["The specification has no criterion. Nothing would say when it is done"])
  const contract = Contract.freeze(specification.item, [first, ...rest], terms)
  const addresses = new Set([...stories, ...criteria].map(({ id }) => id))
  const strange = [...Object.keys(areas), ...Object.keys(kinds)].filter((id) => !addresses.has(id))
  const problems = [
    ...strange.map((id) => `The specification has no ${id}. Look at the addresses of its stories and criteria`),
    ...uncovered(specification, contract),
    ...Contract.problems(contract).map(({ at, message }) => `${at}: ${message}`)
  ]
  return problems.length === 0 ? Result.succeed(contract) : Result.fail(problems)
}

/** What a contract, also an amended one, has lost of its specification: criteria without a clause, and clauses of criteria that there are not. */
export const uncovered = (
  { item, product }: Specification.Specification,
  contract: Contract.Contract
): ReadonlyArray<string> => {
  const covered = new Set(contract.assertions.map(({ from }) => from))
  const known = new Set<string>(product.criteria.map(({ id }) => id))
  return [
    ...(contract.item === item ? [] : [`The contract is of ${contract.item}, and the specification of ${item}`]),
    ...product.criteria.flatMap(({ id }) =>
      covered.has(id) ? [] : [`No clause comes from ${id}. Write one, or take the criterion out`]
    ),
    ...contract.assertions.flatMap(({ from, id }) =>
      from !== undefined && isCriterion(from) && !known.has(from)
        ? [`${id} comes from ${from}, which the specification does not have`]
        : []
    )
  ]
}

const isCriterion = (from: string): boolean => /^AC-\d+$/.test(from)

const own = <A>(record: Readonly<Record<string, A>>, key: string): A | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined
