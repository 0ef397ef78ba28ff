/**
 * A **specification**: what shall be built, for users and in the code, with an address for each user story and each acceptance
 * criterion. The host gives the addresses and seals the whole with a digest; what a person approves is that digest.
 */
import * as Digest from "@millwright/core/Digest"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Schema from "effect/Schema"
import * as Prose from "./internal/Prose.ts"

const Text = Schema.NonEmptyString

/** What is not built, and why not. */
const Excluded = Schema.Struct({ what: Text, why: Text })

/** What a criterion says: observable from outside; `command` exits with 0 exactly when it holds. */
export const criterion = {
  statement: Text,
  command: Schema.optionalKey(Text.check(Tainted.filter(Tainted.command)))
} as const

/** What a user story says. */
export const story = { as: Text, want: Text, soThat: Text } as const

/** The parts of the product side that have no address. */
export const product = {
  problem: Text,
  decisions: Schema.Array(Schema.Struct({ decision: Text, instead: Text, why: Text }))
} as const

/** The technical side: how, where, and what could go wrong. */
export const Tech = Schema.Struct({
  strategy: Text,
  /** In an order in which each leaves the repository working. */
  steps: Schema.Array(Text).check(Schema.isMinLength(1)),
  places: Schema.Array(Schema.Struct({ path: Text, symbol: Text, why: Text })).check(Schema.isMinLength(1)),
  /** Every signature, format, flag or message that is added or altered, exactly. */
  interfaces: Schema.Array(Text),
  edgeCases: Schema.Array(Schema.Struct({ situation: Text, behaviour: Text })).check(Schema.isMinLength(1)),
  risks: Schema.Array(Schema.Struct({ risk: Text, sign: Text })),
  outOfScope: Schema.Array(Excluded)
})

/** The addresses, `US-1` and `AC-1` and up. */
export const StoryId = Schema.String.check(Schema.isPattern(/^US-[1-9]\d*$/))
/** The address of an acceptance criterion. */
export const CriterionId = Schema.String.check(Schema.isPattern(/^AC-[1-9]\d*$/))

const content = {
  /** The id of the work item. */
  item: WorkItem.WorkItem.fields.id,
  product: Schema.Struct({
    ...product,
    stories: Schema.Array(Schema.Struct({ id: StoryId, ...story })),
    criteria: Schema.Array(Schema.Struct({ id: CriterionId, story: StoryId, ...criterion }))
  }),
  tech: Tech
} as const

/** What shall be built. `digest` covers the rest. */
export const Specification = Schema.Struct({ ...content, digest: Digest.Digest })
/** What shall be built. */
export type Specification = typeof Specification.Type

/** Without its digest. */
export type Content = Omit<Specification, "digest">

/** Seals a content with its digest. */
export const seal = (content: Content): Specification => ({ ...content, digest: Digest.ofJson(content) })

/** Whether the digest still covers the content. */
export const isIntact = ({ digest, ...content }: Specification): boolean => digest === Digest.ofJson(content)

/** Whether a value is a specification that nobody has changed since it was sealed. */
export const isSpecification = (value: unknown): value is Specification =>
  Schema.is(Specification)(value) && isIntact(value)

/**
 * `PRODUCT.md` and `TECH.md`: the same specification gives the same bytes. Text of a model stands in them as text: it makes no
 * heading, no list, no markup and no address.
 */
export const documents = (specification: Specification): { readonly product: string; readonly tech: string } => ({
  product: productOf(specification),
  tech: techOf(specification)
})

const document = (parts: ReadonlyArray<string>): string => `${parts.filter((part) => part !== "").join("\n\n")}\n`

const footer = ({ digest, item }: Specification): string => `<!-- ${item} ${digest} -->`

const productOf = (specification: Specification): string => {
  const { criteria, decisions, problem, stories } = specification.product
  const told = stories.map(({ as, id, soThat, want }) =>
    [
      `### ${id}`,
      `As ${Prose.line(as)}, I want ${Prose.line(want)}, so that ${Prose.line(soThat)}`,
      criteria
        .filter(({ story }) => story === id)
        .map(({ command, id, statement }) => `- **${id}** ${Prose.line(statement)}${decidedBy(command)}`)
        .join("\n")
    ].join("\n\n")
  )
  const decided = decisions.map(
    ({ decision, instead, why }) =>
      `- ${Prose.line(decision)}\n  - instead of: ${Prose.line(instead)}\n  - why: ${Prose.line(why)}`
  )
  return document([
    "# Product",
    "## Problem",
    Prose.paragraphs(problem),
    "## User stories and acceptance criteria",
    ...told,
    ...Prose.section("Decisions", decided),
    footer(specification)
  ])
}

const decidedBy = (command: string | undefined): string =>
  command === undefined ? "" : `\n  - decided by: ${Prose.line(command)}`

const techOf = (specification: Specification): string => {
  const { edgeCases, interfaces, outOfScope, places, risks, steps, strategy } = specification.tech
  const item = (...parts: ReadonlyArray<string>) => `- ${parts.map(Prose.line).join(": ")}`
  return document([
    "# Tech",
    "## Strategy",
    Prose.paragraphs(strategy),
    ...Prose.section(
      "Steps",
      steps.map((step, at) => `${at + 1}. ${Prose.line(step)}`)
    ),
    ...Prose.section(
      "Places",
      places.map(({ path, symbol, why }) => item(path, symbol, why))
    ),
    ...Prose.section(
      "Interfaces and data",
      interfaces.map((one) => item(one))
    ),
    ...Prose.section(
      "Edge cases",
      edgeCases.map(({ behaviour, situation }) => item(situation, behaviour))
    ),
    ...Prose.section(
      "Risks",
      risks.map(({ risk, sign }) => item(risk, sign))
    ),
    ...Prose.section(
      "Out of scope",
      outOfScope.map(({ what, why }) => item(what, why))
    ),
    footer(specification)
  ])
}
