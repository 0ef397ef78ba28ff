/** What whoever called a tool reads when nothing came of it. */
import type { Entry } from "../ToolEntry.ts"
import { ToolCallError } from "../ToolIndex.ts"
import type { ToolSourceError } from "../ToolSource.ts"

/** The most of a schema that is shown in an error, in characters. */
const longestSchema = 20_000

/** A schema as text, for a model. */
export const schema = ({ schema }: Entry): string => {
  const text = Buffer.from(schema).toString("utf8")
  return text.length <= longestSchema
    ? text
    : `${text.slice(0, longestSchema)}… (${text.length - longestSchema} characters more)`
}

/** Says what is wrong, and what would be right. */
export const badArguments = (entry: Entry, problems: ReadonlyArray<string>): string =>
  `${entry.id} was not called: ${problems.length === 0 ? "its arguments are named values" : problems.join("; ")}. Its arguments have to fit this schema:\n${schema(entry)}`

const reasons: Record<ToolSourceError["reason"], ToolCallError["reason"]> = {
  NotConfigured: "Unavailable",
  Disconnected: "Unavailable",
  TimedOut: "Unavailable",
  Protocol: "Unavailable",
  NoSuchTool: "Removed",
  TooLarge: "TooLarge"
}

/** What a source could not do. */
export const failed = (entry: Entry, error: ToolSourceError): ToolCallError =>
  new ToolCallError({ reason: reasons[error.reason], message: `${entry.id}: ${error.message}`, cause: error })
