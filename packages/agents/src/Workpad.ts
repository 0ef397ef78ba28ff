/** A **workpad**: what an author did on a work item, as a document that a person can read and the next author can work from. */
import * as Contract from "@millwright/core/Contract"
import type * as WorkItem from "@millwright/core/WorkItem"
import * as Schema from "effect/Schema"
import * as OneEach from "./internal/OneEach.ts"
import * as Prose from "./internal/Prose.ts"

const Text = Schema.NonEmptyString

/** The plan, what holds of the contract, what was run, and what is worth knowing. */
export const Workpad = Schema.Struct({
  plan: Schema.Array(Schema.Struct({ step: Text, done: Schema.Boolean })).check(Schema.isMinLength(1)),
  /** Of the contract, by address. */
  criteria: Schema.Array(Schema.Struct({ assertion: Contract.AssertionId, holds: Schema.Boolean, evidence: Text })),
  /** What was run, and what it said. */
  validation: Schema.Array(Schema.Struct({ command: Text, result: Text })),
  notes: Schema.Array(Text),
  /** What was not clear, contradicts itself, or was understood only late. */
  confusions: Schema.Array(Text)
})
/** The plan, what holds of the contract, what was run, and what is worth knowing. */
export type Workpad = typeof Workpad.Type

/** What is wrong with a workpad: an assertion that is not of the contract, or that stands in it never or twice. */
export const problems = (
  { assertions }: Pick<Contract.Contract, "assertions">,
  { criteria }: Workpad
): ReadonlyArray<string> =>
  OneEach.problems(
    assertions.map(({ id }) => id),
    criteria.map(({ assertion }) => assertion),
    {
      times: (id, times) => `The workpad has ${id} of the contract ${times} times, and has to have it once`,
      unknown: (id) => `The contract has no assertion ${id}`
    }
  )

/** As Markdown; the same workpad gives the same bytes, and its texts make no structure of their own. */
export const markdown = ({ id }: Pick<WorkItem.WorkItem, "id">, workpad: Workpad): string => {
  const task = (isDone: boolean, text: string) => `- [${isDone ? "x" : " "}] ${text}`
  return `${[
    `# Workpad of ${Prose.line(id)}`,
    ...Prose.section(
      "Plan",
      workpad.plan.map(({ done, step }) => task(done, Prose.line(step)))
    ),
    ...Prose.section(
      "Acceptance criteria",
      workpad.criteria.map(({ assertion, evidence, holds }) => task(holds, `**${assertion}** ${Prose.line(evidence)}`))
    ),
    ...Prose.section(
      "Validation",
      workpad.validation.map(({ command, result }) => `- ${Prose.line(command)}\n  - ${Prose.line(result)}`)
    ),
    ...Prose.section(
      "Notes",
      workpad.notes.map((note) => `- ${Prose.line(note)}`)
    ),
    ...Prose.section(
      "Confusions",
      workpad.confusions.map((confusion) => `- ${Prose.line(confusion)}`)
    )
  ].join("\n\n")}\n`
}
