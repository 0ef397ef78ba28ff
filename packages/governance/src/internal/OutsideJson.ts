/** JSON that comes from outside, read as a schema says; what is wrong with it in one bounded text. And JSON with one text for one value. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

/** Why it can not be read. */
export interface Refused {
  readonly reason: "TooLarge" | "Malformed"
  /** Goes on after what it is about: `is no JSON`. */
  readonly why: string
}

const refuse = (reason: Refused["reason"], why: string) => Result.fail<Refused>({ reason, why })

/** Reads JSON. What the schema does not name is left out. */
export const read = <A>(
  content: string | Uint8Array,
  schema: Schema.ConstraintDecoder<A>,
  maxBytes: number
): Result.Result<A, Refused> => {
  const size = Buffer.byteLength(content)
  if (size > maxBytes) return refuse("TooLarge", `has ${size} bytes, and at most ${maxBytes} are read`)
  const value = Result.try((): unknown =>
    JSON.parse(typeof content === "string" ? content : new TextDecoder("utf-8", { fatal: true }).decode(content))
  )
  if (Result.isFailure(value)) return refuse("Malformed", "is no JSON in UTF-8")
  if (isDeeper(value.success, deepest)) return refuse("Malformed", `is nested more than ${deepest} deep`)
  return Result.mapError(Schema.decodeUnknownResult(schema)(value.success, { errors: "all" }), ({ issue }) => ({
    reason: "Malformed",
    why: `is not of its form: ${told(issue)}`
  }))
}

// What is read can be written again: that takes a stack as deep as the value.
const deepest = 60

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === "object" &&
  value !== null &&
  (levels === 0 || Object.values(value).some((part) => isDeeper(part, levels - 1)))

const told = (issue: SchemaIssue.Issue): string => {
  const { issues } = SchemaIssue.makeFormatterStandardSchemaV1()(issue)
  const lines = issues.slice(0, 3).map(({ message, path = [] }) => {
    const at = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".")
    return `${at === "" ? "" : `${at.slice(0, 200)}: `}${message.slice(0, 200).toWellFormed()}`
  })
  return [...lines, ...(issues.length > 3 ? [`and ${issues.length - 3} more`] : [])].join("; ")
}

/** The JSON of a value, its keys sorted, without white space: one text for one value. */
export const canonical = (value: unknown): string => JSON.stringify(value, sortKeys)

const sortKeys = (_key: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    : value
