/** **Spec** writes down what shall be built, for a person to approve before anybody builds it. */
import * as Actor from "@millwright/core/Actor"
import type * as Contract from "@millwright/core/Contract"
import * as Gate from "@millwright/core/Gate"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"
import * as Specification from "../Specification.ts"
import * as Clauses from "./Clauses.ts"
import * as Question from "./Question.ts"

/** What is specified. `why` is what triage said; `feedback` why an earlier version was not approved, or what was answered. */
export const Input = Schema.Struct({
  item: WorkItem.WorkItem,
  repository: Tainted.text("what is known of the repository"),
  why: Schema.String,
  feedback: Schema.NullOr(Schema.String)
})

/** A specification, or the questions that stand in its way. */
export const Outcome = Schema.TaggedUnion({
  /** Without addresses: {@link sealed} gives them. Each criterion stands with the story that it belongs to. */
  Specified: {
    product: Schema.Struct({
      ...Specification.product,
      stories: Schema.Array(
        Schema.Struct({
          ...Specification.story,
          criteria: Schema.Array(Schema.Struct(Specification.criterion)).check(Schema.isMinLength(1))
        })
      ).check(Schema.isMinLength(1))
    }),
    tech: Specification.Tech
  },
  NeedsInfo: { questions: Question.List }
})
/** A specification, or the questions that stand in its way. */
export type Outcome = typeof Outcome.Type

/** What the role specified. */
export type Specified = Extract<Outcome, { readonly _tag: "Specified" }>

/** Gives each story and each criterion its address, in order, and seals the whole. */
export const sealed = (item: WorkItem.WorkItem, { product, tech }: Specified): Specification.Specification => {
  const { decisions, problem, stories } = product
  const numbered = stories.map(({ criteria, ...story }, at) => ({ criteria, story: { id: `US-${at + 1}`, ...story } }))
  const criteria = numbered
    .flatMap(({ criteria, story }) => criteria.map((criterion) => ({ story: story.id, ...criterion })))
    .map((criterion, at) => ({ id: `AC-${at + 1}`, ...criterion }))
  return Specification.seal({
    item: item.id,
    product: { problem, decisions, stories: numbered.map(({ story }) => story), criteria },
    tech
  })
}

/** `PRODUCT.md` and `TECH.md`. */
export const documents = Specification.documents

/** A clause of a contract for each acceptance criterion, in order, with its address, which `from` names too. */
export const clauses = ({ product }: Specification.Specification): ReadonlyArray<Contract.Clause> =>
  product.criteria.flatMap(({ command, id, statement }) =>
    Clauses.toClauses([{ statement: `${id}: ${statement}`, ...(command !== undefined && { command }) }]).map(
      (clause) => ({
        ...clause,
        from: id
      })
    )
  )

/** A specification that somebody has said yes to, at a gate that was opened with it as its subject. */
export type Approved = Gate.Approved<Specification.Specification>

const isApproved = (value: unknown): value is Approved =>
  Gate.isApproved(value) && Specification.isSpecification(value.subject)

/**
 * An approved specification as a field of an input. It can be written down and not be read back: a line gets it from its gate in
 * every life, and what somebody wrote is no approval.
 */
export const Approved = Schema.Struct({
  specification: Specification.Specification,
  by: Schema.String,
  note: Schema.String
}).pipe(
  Schema.decodeTo(
    Schema.declare(isApproved, {
      expected:
        "a specification that was approved at a gate (Gate.approve with it as the subject), and not changed since"
    }),
    {
      decode: SchemaGetter.forbidden(
        () => "An approval is not read back. Open its gate in the code of the line: it was answered."
      ),
      encode: SchemaGetter.transform(({ by, note, subject }: Approved) => ({
        specification: subject,
        by: Actor.label(by),
        note
      }))
    }
  )
)

/** Makes the role. */
export const make = (tuning: Role.Tuning = {}) =>
  Role.make("Spec", {
    skill: Skill.bundled("spec"),
    tier: "large",
    ...tuning,
    input: Input,
    outcome: Outcome,
    grants: ["read", "grep"]
  })

/** The role. */
export const Spec = make()
