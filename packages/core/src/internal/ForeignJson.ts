/** What is wrong with a value from outside that should be one of a schema: in words, with the place, bounded. */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Tainted from "../Tainted.ts"

/** One thing that is wrong with a value from outside, and where. */
export interface Problem {
  /** The way to it, such as `assertions.3.id`; empty for the whole. */
  readonly at: string
  readonly message: string
}

const most = 100
const deepest = 60

/** Everything that is wrong, the first 100 of it. `rules` are what the schema can not say. */
export const problems = <A>(
  value: unknown,
  schema: Schema.ConstraintDecoder<A>,
  rules: (value: A) => ReadonlyArray<Problem>
): ReadonlyArray<Problem> => {
  const texts: Array<Problem> = []
  if (!walk({ value, at: "", depth: 0 }, texts)) {
    return [{ at: "", message: `It may be nested ${deepest} deep, and is nested deeper, or holds itself` }]
  }
  const decoded = Schema.decodeUnknownResult(schema)(value, { errors: "all", onExcessProperty: "error" })
  const found = Result.match(decoded, {
    onFailure: (error) => [...issues(error), ...texts],
    onSuccess: (right) => [...texts, ...rules(right)]
  })
  return found.slice(0, most)
}

/** Whether a value has a field. */
export const has = (value: unknown, field: string): boolean => Predicate.hasProperty(value, field)

/** Why a check does not take a text as it stands; empty where it does. */
export const refused = (text: string, { accept }: Tainted.Check<string>): ReadonlyArray<string> =>
  Result.match(accept(text), {
    onFailure: (why) => [why],
    onSuccess: (to) => (to === text ? [] : ["it would have to be changed"])
  })

const issues = ({ issue }: Schema.SchemaError): ReadonlyArray<Problem> =>
  SchemaIssue.makeFormatterStandardSchemaV1()(issue)
    .issues.slice(0, most)
    .map(({ message, path = [] }) => ({
      at: path.map((part) => String(typeof part === "object" ? part.key : part)).join("."),
      message: message.length > 500 ? `${message.slice(0, 500).toWellFormed()}…` : message
    }))

interface Part {
  readonly value: unknown
  readonly at: string
  readonly depth: number
}

/** Collects texts that could hide something. Answers whether the value is nested as deep as it may be. */
const walk = ({ at, depth, value }: Part, found: Array<Problem>): boolean => {
  if (depth > deepest) return false
  if (Predicate.isString(value)) {
    Tainted.hidden.lastIndex = 0
    const hidden = Tainted.hidden.exec(value)?.[0]
    Tainted.hidden.lastIndex = 0
    if (hidden !== undefined && found.length < most) found.push({ at, message: named(hidden) })
    return true
  }
  if (typeof value !== "object" || value === null) return true
  return Object.entries(value).every(([key, part]) =>
    walk({ value: part, at: at === "" ? key : `${at}.${key}`, depth: depth + 1 }, found)
  )
}

const named = (character: string): string => {
  const point = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")
  const name = { "0000": " (NUL)", "000D": " (a carriage return)", FEFF: " (a byte order mark)" }[point] ?? ""
  return `The text holds the character U+${point}${name}, which nobody sees. Take it out`
}
