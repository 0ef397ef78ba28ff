/** What agents answer in tests that play a script of their own: complete, and short where the test reads it. */
import * as Triage from "@millwright/agents/roles/Triage"
import * as Quickstart from "./Quickstart.ts"

/** An item that can be done without a person: every gate holds. */
export const automatable = (summary: string, more: object = {}) =>
  Quickstart.outcome("Automatable", {
    summary,
    symptoms: [summary],
    hypotheses: [],
    reproduction: { _tag: "NotAttempted", reason: "It is played." },
    gates: Triage.gates.map(({ name }) => ({ gate: name, judgement: "holds", because: "It is played." })),
    clauses: [],
    ...more
  })

/** A change that is done, for a contract of so many assertions. */
export const implemented = (summary: string, assertions: number) =>
  Quickstart.outcome("Implemented", {
    summary,
    tests: [],
    workpad: {
      plan: [{ step: summary, done: true }],
      criteria: Array.from({ length: assertions }, (_, at) => ({
        assertion: `VAL-${String(at + 1).padStart(3, "0")}`,
        holds: true,
        evidence: "It is played."
      })),
      validation: [],
      notes: [],
      confusions: []
    },
    checklist: []
  })
