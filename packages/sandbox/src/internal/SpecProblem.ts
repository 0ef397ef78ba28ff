/** What is wrong with a spec, in words: which field, and what it has to be. */
import type * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

/** Says it, the first problem only. */
export const text = ({ issue }: Schema.SchemaError): string => {
  const [problem] = format(issue).issues
  if (problem === undefined) return String(issue)
  const { message, path = [] } = problem
  const field = fieldOf(path.map((key) => (typeof key === "object" ? key.key : key)))
  return message === unknown ? `${unknown} ${field}` : `${field || "it"} ${worded(message)}`
}

/** What is left of Effect's own words: `Expected string`, `Expected "Read" | "Write"`. */
const worded = (message: string): string =>
  message.replace(
    /^Expected (.*)$/s,
    (_, what: string) => `must be ${articles[what] ?? what.replaceAll(" | ", " or ")}`
  )

const articles: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  boolean: "true or false",
  array: "an array",
  object: "an object"
}

const unknown = "unknown field"

const format = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    const said = SchemaIssue.defaultLeafHook(issue)
    if (issue._tag === "MissingKey") return "is missing"
    if (issue._tag === "UnexpectedKey") return issue.ast.annotations?.messageUnexpectedKey === said ? said : unknown
    return said
  }
})

/** As it is written in code: `mounts[0].source`. */
const fieldOf = (path: ReadonlyArray<PropertyKey>): string =>
  path
    .map((key, at) => {
      if (typeof key === "string" && /^[A-Za-z_]\w*$/.test(key)) return at === 0 ? key : `.${key}`
      const written = typeof key === "string" ? JSON.stringify(key) : String(key)
      return at === 0 ? written : `[${written}]`
    })
    .join("")
