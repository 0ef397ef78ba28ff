/** The tests of a checkout, run once, and what they report. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Checkout from "../Checkout.ts"
import * as ReportReader from "../ReportReader.ts"
import type * as TestReport from "../TestReport.ts"
import * as CheckRun from "./CheckRun.ts"

/** How tests are run. */
export interface Command {
  /** For bash, in the checkout: `npx vitest run --reporter=junit --outputFile=report.xml`. */
  readonly run: string
  /** Where the report is: a file of the checkout, or standard output. */
  readonly report: "output" | { readonly file: string; readonly format?: TestReport.TestReport["format"] }
  /** Default: 10 minutes. */
  readonly timeout?: Duration.Input
  /** The most that it may print, in bytes. Default: 256 MiB. */
  readonly most?: number
}

/** What came of it. */
export type Ran =
  | { readonly _tag: "Reported"; readonly report: TestReport.TestReport; readonly checked: CheckRun.Checked }
  | { readonly _tag: "Unknown"; readonly why: string; readonly checked: CheckRun.Checked }

/** Runs the tests. That they fail is a report, and that there is no report no failure. */
export const run = Effect.fnUntraced(function* (checkout: Checkout.Checkout, command: Command): Effect.fn.Return<Ran> {
  const checked = yield* CheckRun.run(command, checkout)
  const unknown = (why: string): Ran => ({ _tag: "Unknown", why, checked })
  const why = CheckRun.broken(checked) ?? (checked.lacking && `${checked.name} ${checked.lacking}`)
  if (why !== undefined) return unknown(why)
  const format = typeof command.report === "object" ? command.report.format : undefined
  const options = { directory: checkout.directory, ...(format && { format }) }
  return yield* ReportReader.tests(checked.report ?? Buffer.of(), options).pipe(
    Effect.match({
      onFailure: ({ message }) => unknown(`${checked.name}: ${message}`),
      onSuccess: (report): Ran => ({ _tag: "Reported", report, checked })
    })
  )
})
