/** A **handoff**: what an agent that worked for another one gives it at the end. Whoever reads it has seen nothing of the work. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const items = (description: string) => Schema.optionalKey(Schema.Array(Schema.NonEmptyString).annotate({ description }))

/** What was done, what was not, and what nobody has looked at. */
export const Handoff = Schema.Struct({
  report: Schema.NonEmptyString.annotate({
    description: "What you did and what you found, with paths and lines, for somebody who has seen nothing of it"
  }),
  undone: items("What you were asked for and did not do, each with the reason. Leave it out when nothing is left."),
  unchecked: items("What you state without having seen that it is so, each with how it can be checked.")
})
/** What was done, what was not, and what nobody has looked at. */
export type Handoff = typeof Handoff.Type

/** Whether all that was asked for was done, and nothing of the report has still to be checked. */
export const isWhole = ({ unchecked = [], undone = [] }: Handoff): boolean =>
  undone.length === 0 && unchecked.length === 0

/** What an agent gave, whatever its shape: what is no handoff is a report as it stands. */
export const from = (outcome: unknown): Handoff =>
  Option.getOrElse(Schema.decodeUnknownOption(Handoff)(outcome), () => ({
    report: typeof outcome === "string" && outcome !== "" ? outcome : (JSON.stringify(outcome) ?? "nothing")
  }))

/** A handoff for a reader. */
export const text = ({ report, unchecked = [], undone = [] }: Handoff): string =>
  [report, list("Left undone:", undone), list("Not checked:", unchecked)].filter((part) => part !== "").join("\n\n")

const list = (title: string, items: ReadonlyArray<string>): string =>
  items.length === 0 ? "" : [title, ...items.map((item) => `- ${item}`)].join("\n")
