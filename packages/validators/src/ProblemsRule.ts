/**
 * Rules that are judged by a program of the repository that looks for problems: types (`RULE-TYPES`), lint (`RULE-LINT`), and the
 * fitness functions of its architecture (`RULE-ARCHITECTURE`: dependency-cruiser, knip, ast-grep). The program is the
 * repository's own, with its own configuration; it is run in a fresh checkout, and what it says is read.
 *
 * - Severities are the program's. What it calls an error fails the rule; with `fails: "warning"`, what it calls a warning too.
 * - With `compare`, it is run at the base as well, and only what the change adds counts.
 * - A program that is not there, that writes no report, or that says that it did not look, is an `error`.
 */
import type * as Contract from "@millwright/core/Contract"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as CheckRun from "./internal/CheckRun.ts"
import * as PlainText from "./internal/PlainText.ts"
import * as ProblemReport from "./internal/ProblemReport.ts"
import * as ReportReader from "./ReportReader.ts"
import type * as Rule from "./Rule.ts"

/** How a program is run. */
export interface Options {
  /** For bash, in the checkout: `npx oxlint --format=json`. */
  readonly run: string
  /**
   * Where its report is: a file of the checkout, or standard output. `format` has to be named where an empty report looks like
   * nothing, as of `tsc` and eslint. `none`: the exit code is all that is known.
   */
  readonly report: CheckRun.Where<ProblemReport.ProblemReport["format"]> | "none"
  /** What `output` is. */
  readonly format?: ProblemReport.ProblemReport["format"]
  /** The least level that fails the rule. Default: `error`. */
  readonly fails?: "error" | "warning"
  /** Counts only what the base has not. What a base has is kept for its commit as long as this rule. */
  readonly compare?: boolean
  /** Default: 10 minutes. */
  readonly timeout?: Duration.Input
  /** The most that it may print, in bytes. Default: 256 MiB. */
  readonly most?: number
}

/** What a program said at one commit, or why it said nothing. */
interface Told {
  readonly checked: CheckRun.Checked
  readonly report: ProblemReport.ProblemReport | string
}

const look = Effect.fnUntraced(function* (options: Options, context: Rule.Context, at: "head" | "base") {
  const checkout = yield* context[at]
  const checked = yield* CheckRun.run(options, checkout)
  const { name, ran } = checked
  const why = CheckRun.broken(checked) ?? (checked.lacking === undefined ? undefined : `${name} ${checked.lacking}`)
  if (why !== undefined) return { checked, report: why } satisfies Told
  if (options.report === "none") {
    return { checked, report: { format: "sarif", found: [], suppressed: 0, troubles: [] } } satisfies Told
  }
  const format = typeof options.report === "object" ? options.report.format : options.format
  const read = ReportReader.problems(checked.report ?? Buffer.of(), {
    directory: checkout.directory,
    ...(format !== undefined && { format })
  })
  const report = yield* Effect.match(read, {
    onFailure: ({ message }) => `${name} ${ran.said}: ${message}`,
    onSuccess: (report) =>
      report.troubles.length > 0
        ? `${name} did not look at everything: ${report.troubles.slice(0, 3).join("; ")}`
        : ran.status !== "pass" && report.found.length === 0
          ? `${name} ${ran.said}, and reported nothing`
          : report
  })
  return { checked, report } satisfies Told
})

const counted = (found: ReadonlyArray<ProblemReport.Found>): string =>
  (["error", "warning", "note"] as const)
    .map((level) => [level, found.filter((one) => one.level === level).length] as const)
    .filter(([, count]) => count > 0)
    .map(([level, count]) => PlainText.count(count, level))
    .join(", ") || "no problem"

const placed = ({ level, line, message, path, rule }: ProblemReport.Found): string =>
  `${level} ${path ?? "-"}${line === null ? "" : `:${line}`} ${rule}: ${message}`

/** Makes the rule of a name. */
export const make = (id: typeof Contract.RuleId.Type, statement: string, options: Options): Rule.Rule => {
  const bases = new Map<string, ProblemReport.ProblemReport>()
  const { fails = "error" } = options
  const counts = ({ level }: ProblemReport.Found) => level === "error" || level === fails

  const atBase = Effect.fnUntraced(function* (context: Rule.Context) {
    const key = JSON.stringify([context.repository, context.change.base])
    const known = bases.get(key)
    if (known !== undefined) return known
    const { report } = yield* look(options, context, "base")
    if (typeof report !== "string") bases.set(key, report)
    return report
  })

  const judge = Effect.fnUntraced(function* (context: Rule.Context) {
    const { checked, report } = yield* look(options, context, "head")
    const { name, ran } = checked
    if (checked.report !== undefined) yield* CheckRun.keep(checked.report)
    if (typeof report === "string") {
      return { status: "error", reason: report, evidence: [ran.evidence] } satisfies Rule.Judgement
    }
    if (options.report === "none") {
      return { status: ran.status, reason: `${name} ${ran.said}`, evidence: [ran.evidence] } satisfies Rule.Judgement
    }
    const before = options.compare === true ? yield* atBase(context) : undefined
    const summary = `${name}: ${counted(report.found)}${report.suppressed > 0 ? `, ${report.suppressed} allowed` : ""}`
    const excerpt = report.found.map(placed).join("\n")
    const evidence = [CheckRun.evidence(checked.report ?? Buffer.of(), { summary, excerpt }), ran.evidence]
    if (typeof before === "string") {
      const reason = `${summary}; what the base has is not known: ${before}`
      return { status: "error", reason, evidence } satisfies Rule.Judgement
    }
    const renames = new Map(context.change.files.map(({ path, previousPath }) => [path, previousPath ?? path]))
    const found =
      before === undefined ? report.found : ProblemReport.added(before, report, (path) => renames.get(path) ?? path)
    const against = found.filter(counts)
    // Without a base, what it exits with is its own word; with one, it may be about what was there before.
    const isRefused = before === undefined && ran.status !== "pass"
    const added = before === undefined ? [] : [`the change adds ${counted(found)}`]
    const code = isRefused && against.length === 0 ? [`it ${ran.said}`] : []
    return {
      status: against.length > 0 || isRefused ? "fail" : "pass",
      reason: [summary, ...added, ...code].join("; "),
      evidence,
      problems: CheckRun.listed((isRefused && against.length === 0 ? found : against).map(ProblemReport.problem))
    } satisfies Rule.Judgement
  })
  return { id, statement, judge }
}

/** `RULE-TYPES`. */
export const types = (options: Options): Rule.Rule => make("RULE-TYPES", "The types of the repository hold.", options)

/** `RULE-LINT`. */
export const lint = (options: Options): Rule.Rule =>
  make("RULE-LINT", "The linter of the repository finds nothing that it calls an error.", options)

/** `RULE-ARCHITECTURE`. Of several such rules the worst stands. */
export const architecture = (options: Options): Rule.Rule =>
  make("RULE-ARCHITECTURE", "The build of the repository keeps to its own rules.", options)
