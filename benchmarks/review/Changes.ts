/** The changes of the review bench: each with the defects that somebody put in, or knows of. */
import * as Patch from "@millwright/agents/Patch"
import * as ReviewComment from "@millwright/agents/ReviewComment"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import * as Bench from "../Bench.ts"

const Line = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/** Something that is wrong. */
export const Defect = Schema.Struct({
  path: Schema.NonEmptyString,
  line: Line,
  endLine: Schema.optionalKey(Line),
  side: Schema.optionalKey(Schema.Literals(["new", "old"])),
  severity: ReviewComment.Severity,
  /** For whoever reads the file. No model sees it. */
  what: Schema.NonEmptyString
})
/** Something that is wrong. */
export type Defect = typeof Defect.Type

/** One change. */
export const Change = Schema.Struct({
  id: Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,79}$/)),
  title: Schema.NonEmptyString,
  body: Schema.String,
  patch: Schema.NonEmptyString,
  defects: Schema.Array(Defect)
})
/** One change. */
export type Change = typeof Change.Type

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Change))

const most = 10_000

const shape = "benchmarks/data/review/README.md has the shape."

/** Reads a file of changes, one JSON object a line. */
export const load = (file: string): ReadonlyArray<Change> => {
  const changes = readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line, at): ReadonlyArray<Change> => {
      if (line.trim() === "") return []
      try {
        return [decode(line)]
      } catch (error) {
        const why = error instanceof Error ? error.message.replaceAll(/\s+/g, " ") : String(error)
        throw new Bench.BadInput(`Line ${at + 1} of ${file} is no change: ${why}. ${shape}`)
      }
    })
  if (changes.length === 0) throw new Bench.BadInput(`${file} holds no changes. Write one on each line; ${shape}`)
  if (changes.length > most) {
    throw new Bench.BadInput(`${file} holds ${changes.length} changes, and at most ${most} are run.`)
  }
  for (const key of ["id", "title"] as const) {
    const twice = changes.find((change, at) => changes.findIndex((other) => other[key] === change[key]) !== at)
    if (twice !== undefined) throw new Bench.BadInput(`Two changes of ${file} have the ${key} ${twice[key]}. ${shape}`)
  }
  for (const { defects, id, patch } of changes) {
    const read = Patch.parse(patch)
    if (Result.isFailure(read)) throw new Bench.BadInput(`The change ${id} of ${file}: ${read.failure.message}`)
    for (const defect of defects) {
      const wrong = Patch.objection(read.success, defect)
      if (wrong !== undefined) throw new Bench.BadInput(`A defect of the change ${id} of ${file}: ${wrong}. ${shape}`)
    }
  }
  return changes
}
