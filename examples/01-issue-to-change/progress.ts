/** Shows a run while it works: stages from the journal, tools from the harness. */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Redaction from "@millwright/core/Redaction"
import * as Progress from "@millwright/agents/Progress"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** Prints what happens in a run from an event on. Does not end by itself. */
export const follow = (run: string, after: number, print: (line: string) => void) =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    yield* Stream.runForEach(journal.follow({ after, run }), (event) =>
      Effect.sync(() => {
        const line = event.run === run ? describe(event) : undefined
        if (line !== undefined) print(line)
      })
    )
  })

const describe = ({ fact, stage }: FactoryEvent.FactoryEvent): string | undefined => {
  switch (fact._tag) {
    case "LineStarted":
      return `▶ ${fact.title}`
    case "LineResumed":
      return "▶ goes on from the last finished stage"
    case "StageStarted":
      return stage?.startsWith("gate-")
        ? undefined
        : `● ${stage}${fact.attempt > 1 ? ` (attempt ${fact.attempt})` : ""}`
    case "StageFailed":
      return `✗ ${stage}: ${fact.fault.message}`
    case "ModelFailed":
      return `  ${fact.fault.message}${fact.delay === null ? "" : ` Trying again in ${(fact.delay / 1000).toFixed(1)} s.`}`
    case "ChangeCommitted":
      return `  committed ${fact.commit.slice(0, 10)}: ${fact.files} file(s), ${fact.lines} line(s)`
    case "VerdictGiven":
      return `  verdict: ${fact.verdict.accepted ? "accepted" : "not accepted"}`
    case "GateOpened":
      return `? ${fact.question}`
    case "BudgetHit":
      return `  budget: ${fact.dimension} at ${fact.limit}`
    default:
      return undefined
  }
}

/** Prints the tools that a role uses, one line each, and below the call of a sub-agent those that it uses. */
export const tools = (print: (line: string) => void) => ({
  report: (report: Progress.Report) =>
    Effect.map(Redaction.Secrets, (secrets) => {
      const { event, path } = Progress.unwrap(report.event)
      const indent = " ".repeat(4 + 2 * path.length)
      if (event._tag === "ToolStarted") print(`${indent}${Redaction.scrub(event.summary, secrets)}`)
      if (event._tag === "ToolEnded" && !event.ok) print(`${indent}${event.tool} answered with a failure`)
    })
})
