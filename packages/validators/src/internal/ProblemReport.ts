/**
 * A **problem report**: what a program that looks for problems found, such as a linter or a type checker, as one model,
 * whatever program it was.
 */
import * as Verdict from "@millwright/core/Verdict"
import * as Schema from "effect/Schema"

/** How much a problem weighs for the program that found it. */
export const Level = Schema.Literals(["error", "warning", "note"])
/** How much a problem weighs for the program that found it. */
export type Level = typeof Level.Type

/** What was found, with its weight. */
export const Found = Schema.Struct({ ...Verdict.Problem.fields, level: Level })
/** What was found, with its weight. */
export type Found = typeof Found.Type

/** What a program that looks for problems found. */
export const ProblemReport = Schema.Struct({
  format: Schema.Literals(["sarif", "eslint", "oxlint", "typescript", "dependency-cruiser", "knip", "ast-grep"]),
  found: Schema.Array(Found),
  /** How many were found that somebody allowed, where the report says so. */
  suppressed: Schema.Natural,
  /** What went wrong in the program itself. Then it may not have found all that there is. */
  troubles: Schema.Array(Schema.String)
})
/** What a program that looks for problems found. */
export type ProblemReport = typeof ProblemReport.Type

/** A problem without its weight, as a verdict has it. */
export const problem = ({ line, message, path, rule }: Found): Verdict.Problem => ({ rule, message, path, line })

/** The same wherever in its file it stands: what a problem is known by at another commit. */
const key = ({ message, path, rule }: Found) => JSON.stringify([rule, path, message])

/**
 * What `head` has and `base` has not. Problems are known by their rule, path and message, and counted: lines move. A file that
 * was renamed has its problems anew unless `renamed` answers with the path that it had.
 */
export const added = (
  base: Pick<ProblemReport, "found">,
  head: Pick<ProblemReport, "found">,
  renamed: (path: string) => string = (path) => path
): ReadonlyArray<Found> => {
  const known = new Map<string, number>()
  for (const one of base.found) known.set(key(one), (known.get(key(one)) ?? 0) + 1)
  return head.found.filter((one) => {
    const before = key({ ...one, path: one.path === null ? null : renamed(one.path) })
    const count = known.get(before) ?? 0
    if (count > 0) known.set(before, count - 1)
    return count === 0
  })
}

/** Whether something that goes wrong for its finder is among it. */
export const hasErrors = ({ found }: Pick<ProblemReport, "found">): boolean =>
  found.some(({ level }) => level === "error")
