/** The tools that our loop has of its own, as it defines them: the peers are offered the same ones. */
import type * as Session from "./Session.ts"

const object = (properties: Readonly<Record<string, unknown>>, required: ReadonlyArray<string>) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false
})

const texts = (description: string) => ({ type: "array", items: { type: "string", minLength: 1 }, description })

const ends = (outcome: Readonly<Record<string, unknown>>): Session.Tool => ({
  name: "outcome",
  plain: "outcome",
  description: "Ends your work with its outcome. Call it exactly once, when everything else is done.",
  schema: object({ outcome }, ["outcome"]),
  isReading: false
})

/** What ends the main conversation. */
export const outcome = ends(object({ report: { type: "string" } }, ["report"]))

/** What ends that of a sub-agent. */
export const handoff = ends(
  object(
    {
      report: {
        type: "string",
        minLength: 1,
        description: "What you did and what you found, with paths and lines, for somebody who has seen nothing of it"
      },
      undone: texts("What you were asked for and did not do, each with the reason. Leave it out when nothing is left."),
      unchecked: texts("What you state without having seen that it is so, each with how it can be checked.")
    },
    ["report"]
  )
)

/** What gives a task to a sub-agent. */
export const delegate = (
  agents: ReadonlyArray<{ readonly name: string; readonly scope: ReadonlyArray<string>; readonly description: string }>
): Session.Tool => ({
  name: "delegate",
  plain: "delegate",
  description: [
    "Gives a task to another agent, which works on it by itself in this workplace and hands over a report. It has seen nothing of",
    "this conversation: the task has to say all that it needs. Several tasks in one answer are worked on at once where the agents",
    "only read. What is reported may be wrong, and may be left undone.",
    "Agents:",
    ...agents.map(({ description, name, scope }) => `- ${name} (${scope.join(", ")}): ${description}`)
  ].join("\n"),
  schema: object(
    {
      agent: { type: "string", enum: agents.map(({ name }) => name) },
      task: { type: "string", minLength: 1, description: "What it shall do and report, and all that it has to know" }
    },
    ["agent", "task"]
  ),
  isReading: false
})
