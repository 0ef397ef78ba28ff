/** The command `metrics`: the figures of a window of time, in a table with what each is made of, or as a report in a file. */
import * as Fault from "@millwright/core/Fault"
import type * as Figure from "@millwright/governance/Figure"
import * as Metrics from "@millwright/governance/Metrics"
import * as MetricsReport from "@millwright/governance/MetricsReport"
import * as Window from "@millwright/governance/Window"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Looking from "./looking.ts"
import * as Text from "./text.ts"

/** What is asked for makes no sense. */
export class MetricsError extends Fault.Class<MetricsError>()("MetricsError", {
  NoWindow: false,
  NoAmount: false,
  /** The report is of one store, and its file can be written. */
  NoReport: false
}) {}

/** What is asked for. */
export interface Asked {
  readonly days: Option.Option<number>
  readonly from: Option.Option<string>
  readonly to: Option.Option<string>
  readonly rate: number
  readonly worth: Option.Option<number>
  readonly parts: boolean
  readonly html: Option.Option<string>
}

const flags = {
  days: Flag.Int("days").pipe(Flag.withDescription("So many days in UTC, today included. Default: 28"), Flag.optional),
  from: Flag.String("from").pipe(Flag.withDescription("From this day in UTC, in the place of --days"), Flag.optional),
  to: Flag.String("to").pipe(
    Flag.withDescription("Until before this day in UTC. Default: today is the last"),
    Flag.optional
  ),
  rate: Flag.Finite("rate").pipe(
    Flag.withDescription("What an hour of people's work costs, in US dollars. Default: 0, and their time is left out"),
    Flag.withDefault(0)
  ),
  worth: Flag.Finite("worth").pipe(
    Flag.withDescription("What a shipped change is worth, in US dollars"),
    Flag.optional
  ),
  parts: Flag.Boolean("parts").pipe(
    Flag.withDescription("With what each figure is told apart by"),
    Flag.withDefault(false)
  ),
  html: Flag.String("html").pipe(
    Flag.withDescription(
      "Write a report with plots into this file, for a meeting: it runs no script and asks for nothing"
    ),
    Flag.optional
  )
}

/** `metrics`. Which stores are looked at is the program's. */
export const metrics = <E, R>(look: (asked: Asked) => Effect.Effect<void, E, R>) =>
  Command.make("metrics", flags, look).pipe(
    Command.withDescription(
      "Show what the factory came to in a window of time: what of it shipped alone, cost, took and broke"
    )
  )

/** The figures of each store. */
export const show = (
  stores: ReadonlyArray<{ readonly store: string; readonly state: Metrics.State }>,
  asked: Asked,
  { json, print }: Pick<Looking.Printing, "json" | "print">
) =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const window = yield* windowOf(asked, now)
    const worth = Option.getOrUndefined(asked.worth)
    const { rate } = asked
    if (rate < 0) {
      return yield* new MetricsError({
        reason: "NoAmount",
        message: `An hour of people's work can not cost ${rate} US dollars. Give --rate 0 or more.`
      })
    }
    const options = { window, rate, asOf: now, ...(worth !== undefined && { worth: () => worth }) }
    if (Option.isSome(asked.html)) return yield* report(asked.html.value, stores, options)
    const all = stores.map(({ state, store }) => ({ store, ...Metrics.of(state, options) }))
    if (json) return yield* print(Text.json({ metrics: all }))
    const tables = all.map(({ store, ...metrics }) => [
      ...(stores.length === 1 ? [] : [`Store ${store}`]),
      ...lines(metrics, asked.parts)
    ])
    yield* print(tables.map((lines) => lines.join("\n")).join("\n\n"))
  })

const report = Effect.fnUntraced(function* (
  file: string,
  [only, ...others]: ReadonlyArray<{ readonly store: string; readonly state: Metrics.State }>,
  options: Metrics.Options
) {
  const refuse = (message: string) => new MetricsError({ reason: "NoReport", message })
  if (only === undefined || others.length > 0) {
    return yield* refuse("A report is of one store. Name it with --store.")
  }
  const made = MetricsReport.html(MetricsReport.of(only.state, { ...options, title: "What the factory came to" }))
  yield* (yield* FileSystem.FileSystem)
    .writeFileString(file, made)
    .pipe(
      Effect.mapError(({ message }) =>
        refuse(`The report can not be written: ${message}. Give --html a file in a folder that is there.`)
      )
    )
})

const windowOf = Effect.fnUntraced(function* ({ days, from, to }: Asked, now: number) {
  const refuse = (what: string) =>
    new MetricsError({
      reason: "NoWindow",
      message: `${what} A window begins in 1970 or later, ends after that, and has whole hours in UTC: --days 7, or --from 2026-01-05 --to 2026-01-12.`
    })
  if (Option.isSome(days) && Option.isSome(from)) return yield* refuse("--days and --from exclude each other.")
  const end = Option.match(to, { onNone: () => Window.days(1, now).to, onSome: moment })
  const begin = Option.match(from, {
    onNone: () => end - Option.getOrElse(days, () => 28) * Window.day,
    onSome: moment
  })
  if (begin >= 0 && begin < end && begin % Window.hour === 0 && end % Window.hour === 0) return Window.make(begin, end)
  const told = [...Option.toArray(from), ...Option.toArray(to), ...Option.toArray(days).map((count) => `${count} days`)]
  return yield* refuse(`There is no such window: ${told.join(", ")}.`)
})

/** A time without a zone is one in UTC. */
const moment = (text: string): number =>
  Date.parse(/T[\d:.]+$/.test(text) ? `${text}Z` : /^\d{4}-\d\d-\d\d(?:$|T)/.test(text) ? text : "")

/** The table, in lines. */
export const lines = ({ asOf, figures, rate, window }: Metrics.Metrics, hasParts: boolean): ReadonlyArray<string> => {
  const rows = Object.values(figures).flatMap((figure) => [
    cells(figure.name, figure.unit, figure),
    ...(hasParts ? figure.parts.map((part) => cells(`  ${Text.oneLine(part.name)}`, figure.unit, part)) : [])
  ])
  const table = [["FIGURE", "VALUE", "UNIT", "MADE OF", "UNKNOWN"], ...rows]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => Text.width(row[column] ?? "")))) ?? []
  return [
    `From ${time(window.from)} to before ${time(window.to)}, as of ${time(Math.min(asOf, window.to))}.`,
    "",
    ...table.map((row) =>
      row
        .map((cell, at) => Text.column(cell, widths[at] ?? 0))
        .join("  ")
        .trimEnd()
    ),
    ...(rate > 0 ? [] : ["", "Efficiency and ROI are without people's time: --rate says what an hour of it costs."])
  ]
}

const cells = (name: string, unit: string, { denominator, distribution, numerator, unknown, value }: Figure.Ratio) => {
  const shown = unit === "share" && value !== null ? [amount(100 * value), "%"] : [amount(value), unit]
  const madeOf =
    distribution === undefined
      ? `${amount(numerator)} / ${amount(denominator)}`
      : `p90 ${amount(distribution.p90)}; ${distribution.n} over, ${distribution.censored} not`
  return [name, ...shown, madeOf, unknown === 0 ? "" : String(unknown)]
}

const amount = (value: number | null): string =>
  value === null ? "-" : Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 1 ? 4 : 2)

const time = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`
