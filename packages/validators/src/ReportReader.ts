/**
 * Reads the reports of programs that test or look for problems: JUnit XML, TAP 13 and 14, CTRF, and the JSON of vitest, jest and
 * mocha as a `TestReport`; SARIF, the JSON of eslint, oxlint, dependency-cruiser, knip and ast-grep, and what `tsc` prints, as
 * a `ProblemReport`.
 *
 * What a report says comes from programs that run an author's code: it is data. Colours and the folder of the checkout are taken
 * out, texts are bounded, documents types are refused, and no more than 32 MiB is read.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as FitnessReport from "./internal/FitnessReport.ts"
import * as JsonReport from "./internal/JsonReport.ts"
import * as JunitReport from "./internal/JunitReport.ts"
import * as LintReport from "./internal/LintReport.ts"
import { malformed, ReportError } from "./internal/ReportError.ts"
import type { Place } from "./internal/ReportText.ts"
import * as SarifReport from "./internal/SarifReport.ts"
import * as TapReport from "./internal/TapReport.ts"
import type { ProblemReport } from "./internal/ProblemReport.ts"
import type { Case, TestReport } from "./TestReport.ts"

export {
  /** A report can not be read. */
  ReportError
} from "./internal/ReportError.ts"

export type {
  /** What a program that looks for problems found. */
  ProblemReport
} from "./internal/ProblemReport.ts"

/** How a report is read. */
export interface Options extends Place {
  /** What it is. Left out: what its content looks like. */
  readonly format?: TestReport["format"] | ProblemReport["format"]
}

/** No more of a report is read, in bytes. */
export const largest = 32 * 1024 ** 2

type Format = NonNullable<Options["format"]>

/** Bytes as text, in the encoding that they say they are in. What is not of it is marked. */
const textOf = (bytes: Uint8Array): Effect.Effect<{ readonly text: string; readonly warning?: string }, ReportError> =>
  Effect.suspend(() => {
    if (bytes.byteLength > largest) {
      return Effect.fail(
        new ReportError({
          reason: "TooLarge",
          message: `The report has ${bytes.byteLength} bytes, and ${largest} are read. Leave the output of tests out of it, or split it.`
        })
      )
    }
    const start = Buffer.from(bytes.subarray(0, 200)).toString("latin1")
    const said = /^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.-]+)["']/.exec(start)?.[1]
    const encoding = start.startsWith("\xff\xfe")
      ? "utf-16le"
      : start.startsWith("\xfe\xff")
        ? "utf-16be"
        : (said ?? "utf-8")
    try {
      return Effect.succeed({ text: new TextDecoder(encoding, { fatal: true }).decode(bytes) })
    } catch (cause) {
      if (cause instanceof RangeError) return Effect.fail(malformed("text", `its encoding ${encoding} is not known`))
      const text = new TextDecoder(encoding).decode(bytes)
      return Effect.succeed({ text, warning: `the report has bytes that are no ${encoding}` })
    }
  })

const has = (value: unknown, ...keys: ReadonlyArray<string>): boolean =>
  typeof value === "object" && value !== null && keys.every((key) => key in value)

const jsonFormat = (value: unknown): Format | undefined => {
  if (Array.isArray(value)) {
    const [first] = value
    if (first === undefined) return undefined
    if (has(first, "filePath", "messages")) return "eslint"
    return has(first, "ruleId", "range") ? "ast-grep" : undefined
  }
  if (has(value, "runs") || (has(value, "$schema", "version") && JSON.stringify(value).includes("sarif")))
    return "sarif"
  if (has(value, "results") && has((value as { readonly results: unknown }).results, "tests")) return "ctrf" // checked before
  if (has(value, "testResults")) return "vitest"
  if (has(value, "stats", "tests")) return "mocha"
  if (has(value, "diagnostics")) return "oxlint"
  if (has(value, "modules", "summary")) return "dependency-cruiser"
  return has(value, "issues") ? "knip" : undefined
}

const tap = /^(?:TAP version 1[34]|1\.\.\d+|(?:not )?ok\b|Bail out!)/m

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a content looks like, and what it is as JSON. */
const sniffed = (text: string): { readonly format: Format | undefined; readonly json: unknown } => {
  const start = text.trimStart()
  if (start.startsWith("<")) return { format: "junit", json: undefined }
  const json = /^[[{]/.test(start) ? parsed(text) : undefined
  if (json !== undefined) return { format: jsonFormat(json), json }
  return { format: tap.test(text) ? "tap" : /\bTS\d+: /.test(text) ? "typescript" : undefined, json }
}

const json = <A, I>(format: string, schema: Schema.Codec<A, I>, value: unknown): Effect.Effect<A, ReportError> =>
  value === undefined
    ? Effect.fail(malformed(format, "it is no JSON"))
    : Effect.mapError(Schema.decodeUnknownEffect(schema)(value), (error) =>
        malformed(format, error.message.slice(0, 500))
      )

const unknownFormat = (what: string, format: string | undefined) =>
  new ReportError({
    reason: "UnknownFormat",
    message:
      format === undefined
        ? `The report is in no format that is known for ${what}. Name the format, or have another one written.`
        : `A report of the format ${format} does not tell about ${what}. Have another one written.`
  })

/** Whether a case is a file in which node found no test: it passes, under the file's own name. */
const isFile = ({ file, name, status }: Case): boolean =>
  status === "passed" &&
  /^\S+\.[cm]?[jt]sx?$/.test(name) &&
  (file === null || file === name || file.endsWith(`/${name}`))

/** Reads what tests did. */
export const tests = (bytes: Uint8Array, options: Options = {}): Effect.Effect<TestReport, ReportError> =>
  Effect.gen(function* () {
    const { text, warning } = yield* textOf(bytes)
    const found = sniffed(text)
    const format = options.format ?? found.format
    const report = yield* Effect.suspend((): Effect.Effect<TestReport, ReportError> => {
      if (format === "junit") return JunitReport.read(text, options)
      if (format === "tap") return Effect.sync(() => TapReport.read(text, options))
      if (format === "ctrf") {
        return Effect.map(json("CTRF", JsonReport.Ctrf, found.json), (read) => JsonReport.ctrf(read, options))
      }
      if (format === "vitest") {
        return Effect.map(json("JSON of vitest or jest", JsonReport.Vitest, found.json), (read) =>
          JsonReport.vitest(read, options)
        )
      }
      if (format === "mocha") {
        return Effect.map(json("JSON of mocha", JsonReport.Mocha, found.json), (read) =>
          JsonReport.mocha(read, options)
        )
      }
      return Effect.fail(unknownFormat("tests", format))
    })
    const empty = report.cases.filter(isFile)
    const warnings = empty.map(({ name }) => `${name} has no test`)
    return {
      ...report,
      cases: report.cases.filter((one) => !isFile(one)),
      warnings: [...report.warnings, ...warnings, ...(warning === undefined ? [] : [warning])].sort()
    }
  })

/** Reads what was found to be wrong. */
export const problems = (bytes: Uint8Array, options: Options = {}): Effect.Effect<ProblemReport, ReportError> =>
  Effect.gen(function* () {
    const { text } = yield* textOf(bytes)
    const found = sniffed(text)
    const format = options.format ?? found.format
    switch (format) {
      case "sarif":
        return SarifReport.read(yield* json("SARIF", SarifReport.Sarif, found.json), options)
      case "eslint":
        return LintReport.eslint(yield* json("JSON of eslint", LintReport.Eslint, found.json), options)
      case "oxlint":
        return LintReport.oxlint(yield* json("JSON of oxlint", LintReport.Oxlint, found.json), options)
      case "typescript":
        return LintReport.typescript(text, options)
      case "dependency-cruiser":
        return FitnessReport.dependencyCruiser(
          yield* json("JSON of dependency-cruiser", FitnessReport.DependencyCruiser, found.json),
          options
        )
      case "knip":
        return FitnessReport.knip(yield* json("JSON of knip", FitnessReport.Knip, found.json), options)
      case "ast-grep":
        return FitnessReport.astGrep(yield* json("JSON of ast-grep", FitnessReport.AstGrep, found.json), options)
      default:
        return yield* unknownFormat("problems", format)
    }
  })
