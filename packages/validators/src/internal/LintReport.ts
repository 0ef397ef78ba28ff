/** Reads what eslint, oxlint and the TypeScript compiler found. */
import * as Schema from "effect/Schema"
import type { Found, ProblemReport } from "./ProblemReport.ts"
import * as ReportText from "./ReportText.ts"

const line = Schema.optionalKey(Schema.NullOr(Schema.Unknown))
const at = (value: unknown): number | null =>
  typeof value === "number" && Number.isInteger(value) && value > 0 ? value : null

/** What eslint's `json` formatter writes, as far as it is read. */
export const Eslint = Schema.Array(
  Schema.Struct({
    filePath: Schema.String,
    messages: Schema.Array(
      Schema.Struct({
        ruleId: Schema.optionalKey(Schema.NullOr(Schema.String)),
        severity: Schema.Literals([0, 1, 2]),
        message: Schema.String,
        line,
        fatal: Schema.optionalKey(Schema.Boolean)
      })
    ),
    suppressedMessages: Schema.optionalKey(Schema.Array(Schema.Unknown))
  })
)

/** What oxlint's `--format=json` writes, as far as it is read. */
export const Oxlint = Schema.Struct({
  diagnostics: Schema.Array(
    Schema.Struct({
      message: Schema.String,
      code: Schema.optionalKey(Schema.NullOr(Schema.String)),
      severity: Schema.String,
      filename: Schema.optionalKey(Schema.NullOr(Schema.String)),
      labels: Schema.optionalKey(Schema.Array(Schema.Struct({ span: Schema.optionalKey(Schema.Struct({ line })) })))
    })
  ),
  number_of_files: Schema.optionalKey(Schema.Number)
})

/** Reads eslint's. A file that could not be parsed has a problem without a rule. */
export const eslint = (files: typeof Eslint.Type, place: ReportText.Place): ProblemReport => ({
  format: "eslint",
  found: files.flatMap(({ filePath, messages }) =>
    messages.map((one): Found => ({
      rule: ReportText.name(one.ruleId ?? "", place) || "parse",
      message: ReportText.message(one.message, place),
      path: ReportText.path(filePath, place),
      line: at(one.line),
      level: one.severity === 2 || one.fatal === true ? "error" : one.severity === 1 ? "warning" : "note"
    }))
  ),
  suppressed: files.reduce((sum, { suppressedMessages = [] }) => sum + suppressedMessages.length, 0),
  troubles: []
})

/** Reads oxlint's. */
export const oxlint = (report: typeof Oxlint.Type, place: ReportText.Place): ProblemReport => ({
  format: "oxlint",
  found: report.diagnostics.map((one): Found => ({
    rule: ReportText.name(one.code ?? "", place) || "parse",
    message: ReportText.message(one.message, place),
    path: ReportText.path(one.filename ?? undefined, place),
    line: at(one.labels?.[0]?.span?.line),
    level: one.severity === "error" || one.severity === "warning" ? one.severity : "note"
  })),
  suppressed: 0,
  troubles: report.number_of_files === 0 ? ["it looked at no file"] : []
})

// `--pretty false` writes `file(1,2): error`, and `--pretty` `file:1:2 - error`; what has no place is about the program.
const diagnostic = /^(?:(.+?)(?:\((\d+),\d+\): |:(\d+):\d+ - ))?(error|warning|message)\s+(TS\d+):\s+(.*)$/

/** Reads what the TypeScript compiler prints. Lines that go on with a problem are left out. */
export const typescript = (text: string, place: ReportText.Place): ProblemReport => ({
  format: "typescript",
  found: text.split(/\r?\n/).flatMap((raw): ReadonlyArray<Found> => {
    const [all, file, first, second, level, rule = "", message = ""] = diagnostic.exec(ReportText.plain(raw)) ?? []
    if (all === undefined) return []
    return [
      {
        rule,
        message: ReportText.message(message, place),
        path: ReportText.path(file, place),
        line: at(Number(first ?? second)),
        level: level === "error" || level === "warning" ? level : "note"
      }
    ]
  }),
  suppressed: 0,
  troubles: []
})
