/** Values as a person reads them: what a line came to, and what somebody answered. */
import * as Predicate from "effect/Predicate"
import * as Text from "./text.ts"

/** A value in lines: the fields of an object by their names, the items of a list with a dash. */
export const lines = (value: unknown): ReadonlyArray<string> => {
  if (Array.isArray(value)) return value.length === 0 ? ["none"] : value.flatMap((item) => behind("- ", lines(item)))
  if (!Predicate.isObject(value)) return scalar(value)
  const fields = Object.entries(value).map(([name, field]) => ({ name: Text.oneLine(name), field: lines(field) }))
  const column = fields.reduce((most, { name }) => Math.max(most, Text.width(name)), 0) + 2
  return fields.flatMap(({ field, name }) => behind(Text.column(name, column), field))
}

const scalar = (value: unknown): ReadonlyArray<string> =>
  value === null || value === undefined || value === "" ? ["none"] : Text.plain(String(value)).trimEnd().split("\n")

/** The first line stands behind the mark, the others below the first. */
const behind = (mark: string, [first = "", ...rest]: ReadonlyArray<string>): ReadonlyArray<string> => [
  `${mark}${first}`,
  ...rest.map((line) => `${" ".repeat(Text.width(mark))}${line}`)
]

/** What was answered at a gate, as the journal keeps it, in words. */
export const answer = (kept: unknown): string => {
  if (!Predicate.isObject(kept)) return "nobody, in time"
  if ("approved" in kept) {
    const note = "note" in kept && Predicate.isString(kept.note) ? Text.oneLine(kept.note) : ""
    return `${kept.approved === true ? "yes" : "no"}${note === "" ? "" : `: ${note}`}`
  }
  const said = "text" in kept ? kept.text : "value" in kept ? kept.value : kept
  return lines(said).map(Text.oneLine).join("; ")
}
