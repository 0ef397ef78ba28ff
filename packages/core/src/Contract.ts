/**
 * A **contract**: addressable assertions of what done means, frozen before code.
 *
 * The author of a change works against it, a validator that is not the author judges against it, and its digest
 * stands in every verdict, so that nobody can judge against another contract than the one that was frozen.
 */
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Digest from "./Digest.ts"
import * as ClauseClaims from "./internal/ClauseClaims.ts"
import * as ForeignJson from "./internal/ForeignJson.ts"
import * as Tainted from "./Tainted.ts"

export {
  /** The assertions that one feature, or one stage, says it will make true. */
  type Claim,
  /** What is wrong with claims. */
  type Misclaimed
} from "./internal/ClauseClaims.ts"
export {
  /** One thing that is wrong with a value from outside, and where. */
  type Problem
} from "./internal/ForeignJson.ts"

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

/** What a file has to be. */
export const FileRule = Schema.TaggedUnion({
  /** Something but white space stands in it. */
  NotEmpty: {},
  /** It is JSON; with a `schema`, JSON that fits this JSON Schema (2020-12). */
  Json: { schema: Schema.optionalKey(Schema.Json) },
  /** It is Markdown with a heading of each of these titles, and something below each. */
  Markdown: { sections: Schema.NonEmptyArray(Schema.NonEmptyString) }
})
/** What a file has to be. */
export type FileRule = typeof FileRule.Type

/** How a machine can decide an assertion. */
export const Check = Schema.TaggedUnion({
  /** A command that exits with 0 when it holds. */
  Command: { run: Schema.NonEmptyString },
  /** The change alters the content of at least so many files whose paths match one of these globs, dot files included. */
  Changed: { paths: Schema.NonEmptyArray(Schema.NonEmptyString), least: Schema.Int.check(Schema.isGreaterThan(0)) },
  /** There is this file, by its path in the repository, at the head of the change. */
  File: { path: Schema.NonEmptyString, is: FileRule },
  /** A scenario that the author can not see is satisfied; the contract has its name, and nothing of what it says. */
  Scenario: { scenario: Schema.NonEmptyString }
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
  check: Schema.optionalKey(Check),
  /** Where it comes from, such as the address of a criterion of a specification. */
  from: Schema.optionalKey(Schema.NonEmptyString),
  /** How much it counts where the contract has an `acceptAt`. Left out: 1. */
  weight: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))),
  /** That it does not hold is a forbidden outcome: nothing outweighs it. */
  essential: Schema.optionalKey(Schema.Literal(true))
})
/** One assertion. */
export type Assertion = typeof Assertion.Type

const content = {
  item: Schema.String,
  /** The full id of the commit that the repository stood at when the contract was frozen: no part of the work is in it. */
  base: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/))),
  /**
   * How much of the weight has to pass, above 0 and up to 1, where not every assertion has to. What is `essential` has to in any
   * case, and so have the rules of the house. Left out: all of it.
   */
  acceptAt: Schema.optionalKey(
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1, exclusiveMinimum: true }))
  ),
  assertions: Schema.NonEmptyArray(Assertion)
} as const

/** The assertions of one work item. `digest` covers everything else. */
export const Contract = Schema.Struct({ ...content, digest: Digest.Digest })
/** The assertions of one work item. */
export type Contract = typeof Contract.Type

/** A contract that is not frozen yet. */
export const Draft = Schema.Struct(content)
/** A contract that is not frozen yet. */
export type Draft = typeof Draft.Type

/** An assertion before it has an address. `area` becomes a part of it. */
export interface Clause extends Omit<Assertion, "id"> {
  readonly area?: typeof Area.Type
}

/** Seals a draft with its digest. Whoever got it from outside asks {@link problems} first. */
export const seal = (draft: Draft): Contract => ({ ...draft, digest: Digest.ofJson(draft) })

/** Gives every clause its address, counted in its area. */
export const addressed = (clauses: readonly [Clause, ...ReadonlyArray<Clause>]): Draft["assertions"] => {
  const counts = new Map<string, number>()
  const address = ({ area = "", ...clause }: Clause): Assertion => {
    const count = (counts.get(area) ?? 0) + 1
    counts.set(area, count)
    // Last, so that no clause brings an address of its own.
    return { ...clause, id: `VAL-${area === "" ? "" : `${area}-`}${String(count).padStart(3, "0")}` }
  }
  const [first, ...rest] = clauses
  return [address(first), ...rest.map(address)]
}

/** Gives every clause its address, counted in its area, and seals the whole with a digest. */
export const freeze = (
  item: string,
  clauses: readonly [Clause, ...ReadonlyArray<Clause>],
  terms: Pick<Draft, "base" | "acceptAt"> = {}
): Contract => seal({ item, ...terms, assertions: addressed(clauses) })

/** Whether the digest still covers the content. */
export const isIntact = ({ digest, ...draft }: Contract): boolean => digest === Digest.ofJson(draft)

/** The part of a contract that an assertion belongs to, from its address. Empty for none. */
export const areaOf = ({ id }: Pick<Assertion, "id">): string => id.slice("VAL-".length).replace(/-?\d+$/, "")

/** The most assertions that a contract from outside may have. */
export const maxAssertions = 10_000

/** The longest statement of a contract from outside, in characters. */
export const maxStatement = 10_000

/** What is known where a contract is read. */
export interface Known {
  /** The names of the scenarios that there are. Left out: nobody looks whether a scenario is one. */
  readonly scenarios?: ReadonlySet<string>
}

/**
 * Everything that is wrong with a contract, or with a draft of one, that comes from outside: at most 100 problems, none where it
 * can be used. It takes any value.
 */
export const problems = (value: unknown, known: Known = {}): ReadonlyArray<ForeignJson.Problem> => {
  const rules = (draft: Draft) => [
    ...tooMany(draft),
    ...ids(draft),
    ...draft.assertions.flatMap((one, at) => clause(one, at, known))
  ]
  const found = ForeignJson.has(value, "digest")
    ? ForeignJson.problems(value, Contract, rules)
    : ForeignJson.problems(value, Draft, rules)
  return found.length === 0 && Schema.is(Contract)(value) && !isIntact(value)
    ? [{ at: "digest", message: "The digest does not cover the content: it was changed after it was frozen" }]
    : found
}

const tooMany = ({ assertions }: Draft): ReadonlyArray<ForeignJson.Problem> =>
  assertions.length > maxAssertions
    ? [
        {
          at: "assertions",
          message: `There are ${assertions.length} assertions, and at most ${maxAssertions} are read. Split the item`
        }
      ]
    : []

const ids = ({ assertions }: Draft): ReadonlyArray<ForeignJson.Problem> => {
  const first = new Map<string, number>()
  return assertions.flatMap(({ id }, at) => {
    const before = first.get(id)
    if (before === undefined) first.set(id, at)
    return before === undefined
      ? []
      : [
          {
            at: `assertions.${at}.id`,
            message: `${id} is the address of assertions.${before} already. Give each its own`
          }
        ]
  })
}

const clause = (
  { check, statement }: Assertion,
  at: number,
  { scenarios }: Known
): ReadonlyArray<ForeignJson.Problem> => {
  const where = `assertions.${at}`
  const found: Array<ForeignJson.Problem> = []
  if (statement.trim() === "") found.push({ at: `${where}.statement`, message: "The statement says nothing" })
  if (statement.length > maxStatement) {
    const message = `The statement has ${statement.length} characters, and at most ${maxStatement} are read. Make several of it`
    found.push({ at: `${where}.statement`, message })
  }
  if (check?._tag === "Command") found.push(...refused(`${where}.check.run`, check.run, Tainted.command))
  if (check?._tag === "File") found.push(...refused(`${where}.check.path`, check.path, Tainted.path))
  if (check?._tag === "Changed") {
    check.paths.forEach((glob, nth) => {
      if (/^\s*$|^\/|(?:^|\/)\.\.?(?:\/|$)|\\/.test(glob)) {
        const message = `${JSON.stringify(glob)} matches no path of a repository. Write it from the root, with \`/\`: src/**`
        found.push({ at: `${where}.check.paths.${nth}`, message })
      }
    })
  }
  if (check?._tag === "Scenario" && scenarios?.has(check.scenario) === false) {
    const message = `There is no scenario ${JSON.stringify(check.scenario)}. Name one that there is, or write it first`
    found.push({ at: `${where}.check.scenario`, message })
  }
  return found
}

const refused = (at: string, text: string, check: Tainted.Check<string>): ReadonlyArray<ForeignJson.Problem> =>
  ForeignJson.refused(text, check).map((why) => ({ at, message: `It is not ${check.name}: ${why}` }))

/**
 * Who makes which assertion true: every one is claimed by exactly one feature or stage, or what is wrong with the claims.
 */
export const claimed = (
  { assertions }: Pick<Contract, "assertions">,
  claims: ReadonlyArray<ClauseClaims.Claim>
): Result.Result<ReadonlyMap<string, string>, ClauseClaims.Misclaimed> =>
  ClauseClaims.check(
    assertions.map(({ id }) => id),
    claims
  )
