/** Reads what dependency-cruiser, knip and ast-grep say about the build of a code base, in JSON. */
import * as Schema from "effect/Schema"
import type { Found, Level, ProblemReport } from "./ProblemReport.ts"
import * as ReportText from "./ReportText.ts"

const text = Schema.optionalKey(Schema.NullOr(Schema.String))

/** What `depcruise --output-type json` writes, as far as it is read. */
export const DependencyCruiser = Schema.Struct({
  modules: Schema.Array(Schema.Unknown),
  summary: Schema.Struct({
    violations: Schema.Array(
      Schema.Struct({
        from: Schema.String,
        to: text,
        rule: Schema.Struct({ name: Schema.String, severity: Schema.String }),
        cycle: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String }))),
        via: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String })))
      })
    )
  })
})

const Named = Schema.Struct({ name: Schema.String, line: Schema.optionalKey(Schema.Number) })

/** What `knip --reporter json` writes, as far as it is read. */
export const Knip = Schema.Struct({
  issues: Schema.Array(
    Schema.StructWithRest(Schema.Struct({ file: Schema.String }), [Schema.Record(Schema.String, Schema.Unknown)])
  )
})

/** What `ast-grep scan --json` writes, as far as it is read. */
export const AstGrep = Schema.Array(
  Schema.Struct({
    file: Schema.String,
    ruleId: Schema.String,
    severity: Schema.String,
    message: text,
    range: Schema.Struct({ start: Schema.Struct({ line: Schema.Natural }) })
  })
)

const levels: Readonly<Record<string, Level>> = { error: "error", warn: "warning", warning: "warning" }

/** Reads dependency-cruiser's. */
export const dependencyCruiser = (
  { modules, summary }: typeof DependencyCruiser.Type,
  place: ReportText.Place
): ProblemReport => ({
  format: "dependency-cruiser",
  found: summary.violations
    .filter(({ rule }) => rule.severity !== "ignore")
    .map(({ cycle, from, rule, to, via }): Found => {
      const way = (cycle ?? via ?? []).map(({ name }) => name)
      const path =
        way.length > 0 ? [from, ...way] : to === undefined || to === null || to === from ? [from] : [from, to]
      return {
        rule: ReportText.name(rule.name, place) || "a rule without a name",
        message: ReportText.message(path.join(" → "), place),
        path: ReportText.path(from, place),
        line: null,
        level: levels[rule.severity] ?? "note"
      }
    }),
  suppressed: summary.violations.filter(({ rule }) => rule.severity === "ignore").length,
  troubles: modules.length === 0 ? ["it looked at no module"] : []
})

const isNamed = Schema.is(Named)

/** Reads knip's, which has a list for each kind of what nothing uses; all of them are errors. */
export const knip = ({ issues }: typeof Knip.Type, place: ReportText.Place): ProblemReport => ({
  format: "knip",
  found: issues.flatMap(({ file, ...kinds }) =>
    Object.entries(kinds).flatMap(([kind, all]) =>
      (Array.isArray(all) ? all : []).flatMap((one: unknown): ReadonlyArray<Found> => {
        const group = (Array.isArray(one) ? one : [one]).filter(isNamed)
        const [first] = group
        if (first === undefined) return []
        return [
          {
            rule: ReportText.name(kind, place) || "unused",
            message: ReportText.message(group.map(({ name }) => name).join(", "), place),
            path: ReportText.path(file, place),
            line: first.line !== undefined && Number.isInteger(first.line) && first.line > 0 ? first.line : null,
            level: "error"
          }
        ]
      })
    )
  ),
  suppressed: 0,
  troubles: []
})

/** Reads ast-grep's. */
export const astGrep = (matches: typeof AstGrep.Type, place: ReportText.Place): ProblemReport => ({
  format: "ast-grep",
  found: matches
    .filter(({ severity }) => severity !== "off")
    .map(({ file, message, range, ruleId, severity }): Found => ({
      rule: ReportText.name(ruleId, place) || "a rule without a name",
      message: ReportText.message(message ?? "", place),
      path: ReportText.path(file, place),
      // From 0, other than everybody else's.
      line: range.start.line + 1,
      level: levels[severity] ?? "note"
    })),
  suppressed: 0,
  troubles: []
})
