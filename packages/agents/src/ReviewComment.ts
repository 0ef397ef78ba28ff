/** A **comment** of a review: what is wrong at a place of a change, how bad it is, and what to do about it. */
import * as Schema from "effect/Schema"

/** The longest range that a comment speaks of, in lines. */
export const maxLines = 10

/** The worst first. */
export const Severity = Schema.Literals(["critical", "important", "suggestion", "nit"])
/** How bad it is. */
export type Severity = typeof Severity.Type

const Line = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/**
 * A comment. `path` and the lines are those after the change, or before it on the side `old`. `replacement` is the exact text for the
 * lines; a nit needs one.
 */
export const ReviewComment = Schema.Struct({
  path: Schema.NonEmptyString.check(Schema.isMaxLength(4_000)),
  line: Line,
  /** Default: `line`. */
  endLine: Schema.optionalKey(Line),
  /** Default: `new`. */
  side: Schema.optionalKey(Schema.Literals(["new", "old"])),
  severity: Severity,
  body: Schema.NonEmptyString.check(Schema.isMaxLength(8_000)),
  replacement: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(8_000)))
}).check(
  Schema.makeFilter(({ endLine, line }) => endLine === undefined || (endLine >= line && endLine - line < maxLines), {
    expected: `endLine from line on, and at most ${maxLines} lines`
  }),
  Schema.makeFilter(({ replacement, severity }) => severity !== "nit" || replacement !== undefined, {
    expected: "a nit with its exact replacement"
  })
)
/** A comment. */
export type ReviewComment = typeof ReviewComment.Type

/** Whether a change must not go on with it. */
export const isSerious = ({ severity }: Pick<ReviewComment, "severity">): boolean =>
  severity === "critical" || severity === "important"

/** `src/a.ts:3-5`, with `(old)` for a line of the file before. */
export const place = ({
  endLine,
  line,
  path,
  side
}: Pick<ReviewComment, "path" | "line" | "endLine" | "side">): string =>
  `${path}:${line}${endLine === undefined || endLine === line ? "" : `-${endLine}`}${side === "old" ? " (old)" : ""}`

/** The worst first, then by place and text: one order for the same comments, however they came. */
export const order = (a: ReviewComment, b: ReviewComment): number =>
  Severity.literals.indexOf(a.severity) - Severity.literals.indexOf(b.severity) ||
  compare(a.path, b.path) ||
  a.line - b.line ||
  (a.endLine ?? a.line) - (b.endLine ?? b.line) ||
  compare(a.side ?? "new", b.side ?? "new") ||
  compare(a.body, b.body) ||
  compare(a.replacement ?? "", b.replacement ?? "")

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
