/** A **decision** on a change, as the journal keeps it. `Policy` makes it. */
import * as Schema from "effect/Schema"

/** A decision without its reason, from the lowest class to the highest. */
export const Class = Schema.Literals(["AutoShip", "HumanReview", "HardStop"])
/** A decision without its reason. */
export type Class = typeof Class.Type

/** One thing that a policy says of a change: the rule, the class that it asks for, and the paths (at most 20, sorted). */
export const Reason = Schema.Struct({
  rule: Schema.String,
  class: Class,
  paths: Schema.Array(Schema.String),
  /** How many humans have to look at it. */
  reviewers: Schema.Natural,
  /** What kinds of human have to be among them, sorted. */
  roles: Schema.Array(Schema.String)
})
/** One thing that a policy says of a change. */
export type Reason = typeof Reason.Type

// Decisions that were written before there were reviewers have none of the optional fields: see `needs`.
const fields = {
  rule: Schema.String,
  paths: Schema.Array(Schema.String),
  reasons: Schema.optionalKey(Schema.Array(Reason))
}
const humans = { reviewers: Schema.optionalKey(Schema.Natural), roles: Schema.optionalKey(Schema.Array(Schema.String)) }

/**
 * What may be done with a change. `rule` names what decided it (of several, the first by name), `paths` the paths (at
 * most 20, sorted) that it decided over; none where the whole change decided. `reasons` are all that was said, at most 50,
 * the weightiest first. `reviewers` and `roles` are the humans that it takes; ask {@link needs}.
 */
export const Decision = Schema.TaggedUnion({
  AutoShip: fields,
  HumanReview: { ...fields, ...humans },
  HardStop: { ...fields, ...humans }
})
/** What may be done with a change. */
export type Decision = typeof Decision.Type

/** The humans that a decision asks for. */
export interface Needs {
  readonly reviewers: number
  readonly roles: ReadonlyArray<string>
}

/**
 * How many humans, and of which roles, it takes: none for what ships, at least one for the rest. Of a hard stop it is what
 * it takes where a human's own commits are let through.
 */
export const needs = (decision: Decision): Needs =>
  decision._tag === "AutoShip"
    ? { reviewers: 0, roles: [] }
    : {
        reviewers: Math.max(1, decision.reviewers ?? 1, decision.roles?.length ?? 0),
        roles: decision.roles ?? []
      }

/** What is said of a path that no rule of a policy knows. */
export const unknownPath = "no rule knows this path"

/** The place of a class, from 0. */
export const rank = (each: Class): number => Class.literals.indexOf(each)

/** The decision that some reasons make together, in whatever order they come. */
export const ofReasons = (all: ReadonlyArray<Reason>): Decision => {
  const reasons = merged(all)
  const highest = reasons[0]
  // Nothing was said: nobody knows it.
  if (highest === undefined) return { _tag: "HumanReview", rule: "no rule", paths: [], reviewers: 1, roles: [] }
  const raising = reasons.filter((reason) => reason.class !== "AutoShip")
  const told = { paths: highest.paths, reasons: reasons.slice(0, 50) }
  const deciding = reasons.filter((reason) => reason.class === highest.class)
  const rule = deciding.map((reason) => reason.rule).reduce((first, next) => (next < first ? next : first))
  const decided = { ...told, rule, paths: deciding.find((reason) => reason.rule === rule)?.paths ?? [] }
  if (highest.class === "AutoShip") return { _tag: "AutoShip", ...decided }
  const roles = [...new Set(raising.flatMap((reason) => reason.roles))].sort()
  const reviewers = raising.reduce((most, reason) => Math.max(most, reason.reviewers), Math.max(1, roles.length))
  return { _tag: highest.class, ...decided, reviewers, roles }
}

/** One reason for each rule and class, the weightiest first. */
const merged = (all: ReadonlyArray<Reason>): ReadonlyArray<Reason> =>
  [...Map.groupBy(all, (reason) => `${reason.class}\0${reason.rule}`).values()]
    .flatMap((same): ReadonlyArray<Reason> => {
      const [first] = same
      if (first === undefined) return []
      const paths = [...new Set(same.flatMap((reason) => reason.paths))].sort().slice(0, 20)
      const roles = [...new Set(same.flatMap((reason) => reason.roles))].sort()
      const reviewers = same.reduce((most, reason) => Math.max(most, reason.reviewers), 0)
      return [{ rule: first.rule, class: first.class, paths, reviewers, roles }]
    })
    .sort((a, b) => rank(b.class) - rank(a.class) || b.reviewers - a.reviewers || (a.rule < b.rule ? -1 : 1))
