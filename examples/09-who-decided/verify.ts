/** What this example is there to show. Whoever changes it finds out here what is not so any more. */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import type * as Intervention from "@millwright/core/Intervention"
import * as Policy from "@millwright/core/Policy"
import * as InterventionNotes from "@millwright/governance/InterventionNotes"
import type * as LineOwners from "@millwright/governance/LineOwners"
import * as Metrics from "@millwright/governance/Metrics"
import { strict as assert } from "node:assert"
import * as Audit from "./audit.ts"
import { tasks } from "./tasks.ts"

/** A ledger as text: the same for the same interventions. */
const text = (ledger: Intervention.Ledger): ReadonlyArray<string> =>
  InterventionNotes.format({
    records: [...ledger].map(([key, intervention]) => ({ _tag: "Stood", key, intervention })),
    unread: []
  }).split("\n")

/** Two ledgers are one. */
export const ledgers = (journal: Intervention.Ledger, rebuilt: Intervention.Ledger): void =>
  assert.deepEqual(text(rebuilt), text(journal), "the clone tells another ledger than the journal")

/** The row of an item. */
export const row = ({ rows }: Audit.Audit, item: keyof typeof tasks): Audit.Row => {
  const found = rows.find(({ change }) => change.branch === `factory/${item}`)
  assert(found !== undefined, `the audit says nothing of ${item}`)
  return found
}

const levels = {
  readme: "zero-touch",
  whole: "approved",
  guide: "steered",
  short: "edited",
  page: "taken over",
  server: "steered",
  moods: "steered",
  deploy: "unknown"
} as const satisfies Record<keyof typeof tasks, string>

interface Found {
  readonly audit: Audit.Audit
  readonly events: ReadonlyArray<FactoryEvent.FactoryEvent>
  readonly lines: LineOwners.Summary
  readonly metrics: Metrics.Metrics
  readonly state: Metrics.State
}

/** The week was as it is told. */
export const week = ({ audit, events, lines, metrics, state }: Found): void => {
  for (const [item, level] of Object.entries(levels)) {
    const found = row(audit, item as keyof typeof levels) // its own keys
    const { change, decided, decision, hasShipped, people } = found
    assert.equal(decided.level, level, `${item}: ${decided.why.join(" ")}`)
    const recorded = events.findLast(({ fact, item: of }) => of === item && fact._tag === "ChangeClassified")?.fact
    assert(recorded?._tag === "ChangeClassified", `nobody asked policy about ${item}`)
    assert.equal(Policy.digest(decision), Policy.digest(recorded.decision), `policy says something else of ${item} now`)
    const isApproved = people.some((each) => Audit.isYes(found, each))
    assert(
      !hasShipped || isApproved === (decision._tag === "HumanReview"),
      `nobody said yes to the ${item} that shipped`
    )
    for (const { answered } of people) assert(answered?.by._tag !== "Agent", `an agent decided in #${change.id}`)
  }
  const forged = row(audit, "deploy")
  assert(!forged.hasShipped && forged.decision._tag === "HardStop", "a forged commit shipped")
  assert(!forged.commits.some(({ standing }) => standing._tag === "HumanSigned"), "a forged commit was taken for Ada's")
  assert(!row(audit, "moods").hasShipped, "what was stopped has shipped")
  const signed = row(audit, "short").commits.filter(({ standing }) => standing._tag === "HumanSigned")
  assert.equal(signed.length, 1, "Ada's commit is not known as hers")

  // What the journal alone tells comes to the same as the clone.
  const { fullyAutomated, semiAutomated } = metrics.figures
  assert.deepEqual([fullyAutomated.numerator, semiAutomated.numerator, fullyAutomated.denominator], [1, 5, 6])
  const [defect] = Metrics.traces(state)
  assert.deepEqual([defect?.change, defect?.versions[0]?.digest], ["2", tasks.whole.skill], "the defect has no origin")
  assert(lines.agent > 0 && lines.human > 0, "nobody knows whose the lines are")
}
