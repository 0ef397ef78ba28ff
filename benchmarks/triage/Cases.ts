/** The issues of the triage bench: each with what a person who knows the repository decided about it. */
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Bench from "../Bench.ts"

/** What triage can come to, as the role calls it. */
export const kinds = ["Automatable", "NeedsSpec", "NeedsInfo", "Duplicate", "Park"] as const

/** One issue. `duplicateOf` is the id of another line of the file. */
export const Case = Schema.Struct({
  id: Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,79}$/)),
  title: Schema.NonEmptyString,
  body: Schema.String,
  expected: Schema.Literals(kinds),
  duplicateOf: Schema.optionalKey(Schema.String),
  /** Why, for whoever reads the file. No model sees it. */
  because: Schema.optionalKey(Schema.String)
})
/** One issue. */
export type Case = typeof Case.Type

/** The file that comes with the project. */
export const own = fileURLToPath(new URL("../data/triage/issues.jsonl", import.meta.url))

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Case))

const most = 10_000

/** Reads a file of cases, one JSON object a line. */
export const load = (file: string): ReadonlyArray<Case> => {
  const cases = readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line, at): ReadonlyArray<Case> => {
      if (line.trim() === "") return []
      try {
        return [decode(line)]
      } catch (error) {
        throw new Bench.BadInput(
          `Line ${at + 1} of ${file} is no case: ${error instanceof Error ? error.message.replaceAll(/\s+/g, " ") : error}. ` +
            `benchmarks/data/triage/README.md has the shape.`
        )
      }
    })
  const ids = new Set(cases.map(({ id }) => id))
  const lost = cases.find(({ duplicateOf, expected, id }) =>
    expected === "Duplicate" ? duplicateOf === id || !ids.has(duplicateOf ?? "") : duplicateOf !== undefined
  )
  if (cases.length === 0)
    throw new Bench.BadInput(
      `${file} holds no cases. Write one on each line; benchmarks/data/triage/README.md has the shape.`
    )
  if (cases.length > most) throw new Bench.BadInput(`${file} holds ${cases.length} cases, and at most ${most} are run.`)
  if (ids.size < cases.length) throw new Bench.BadInput(`Two cases of ${file} have one id.`)
  if (lost !== undefined) {
    throw new Bench.BadInput(
      `The case ${lost.id} of ${file} is a Duplicate exactly when \`duplicateOf\` names another case.`
    )
  }
  return cases
}
