/**
 * The **report of metrics**: what a factory came to, as one file of HTML that a person shows in a meeting, as Markdown for a chat, and as
 * JSON. The file asks for nothing: no script, no font, no picture from elsewhere. The same metrics give the same bytes.
 *
 * ```ts
 * import * as Metrics from "@millwright/governance/Metrics"
 * import * as MetricsReport from "@millwright/governance/MetricsReport"
 * import * as Window from "@millwright/governance/Window"
 *
 * export const quarter = (state: Metrics.State, now: number): string =>
 *   MetricsReport.html(MetricsReport.of(state, { title: "Checkout team", window: Window.days(90, now), rate: 110 }))
 * ```
 */
import { markup, Markup, none } from "@millwright/core/Markup"
import * as Markdown from "@millwright/core/Markup"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import type * as Figure from "./Figure.ts"
import * as Amount from "./internal/Amount.ts"
import * as Sections from "./internal/MetricsSections.ts"
import { style } from "./internal/MetricsStyle.ts"
import { hatch } from "./internal/Plot.ts"
import * as Metrics from "./Metrics.ts"
import * as Window from "./Window.ts"

/** A window with its course, by day or by week, and the window before, so that one sees where it goes. */
export const Report = Schema.Struct({
  version: Schema.Literal(1),
  title: Schema.String,
  metrics: Metrics.Metrics,
  /** The window of the same length before. `null`: there was none, or nothing happened in it. */
  before: Schema.NullOr(Metrics.Metrics),
  /** The window, cut where days begin, or weeks where it is longer than two of them; the oldest first. */
  by: Schema.Literals(["day", "week"]),
  course: Schema.Array(Metrics.Metrics)
})
/** A window with its course and the window before. */
export type Report = typeof Report.Type

/** The JSON codec of a report. */
export const Json = Schema.toCodecJson(Report)

/** What is asked: as of `Metrics.of`, with what the report is called. */
export interface Options extends Metrics.Options {
  readonly title: string
}

/** Makes a report of all that is known. Throws a `RangeError` as `Metrics.of` does. */
export const of = (state: Metrics.State, { title, ...options }: Options): Report => {
  const inWindow = (window: Window.Window) => Metrics.of(state, { ...options, window })
  const before = Window.before(options.window)
  const isEarly = before === undefined || state.first === null || state.first >= before.to
  const by = options.window.to - options.window.from > 2 * Window.week ? "week" : "day"
  return {
    version: 1,
    title,
    metrics: inWindow(options.window),
    before: isEarly ? null : inWindow(before),
    by,
    course: Window.cut(options.window, by).map(inWindow)
  }
}

/** The report as one file of HTML. */
export const html = (report: Report): string => {
  const { before, course, metrics, title } = report
  const { asOf, figures, followUp, rate, window } = metrics
  const hash = createHash("sha256").update(style).digest("base64")
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}: ${span(window)}</title>
<style>${new Markup(style)}</style>
</head>
<body>
${hatch}
<main>
<h1>${title}</h1>
<p class="lead">${span(window)}, in UTC. ${asOf === 0 ? "Nothing has happened." : `Known up to ${moment(asOf)}.`}${before === null ? "" : ` Before: ${span(before.window)}.`}</p>
${Sections.heads(figures, before?.figures)}
${course.length < 2 ? none : Sections.levels(report)}
${course.length < 2 ? none : Sections.cost(report)}
${Sections.times(figures)}
${Sections.causes(figures)}
${Sections.work(figures)}
${Sections.defects(figures)}
${Sections.all(figures)}
<footer>Made from the journal of the factory alone. ${rate === 0 ? "People's time is not priced." : `An hour of people's work counts as $${Amount.number(rate)}; only measured work counts.`} Defects are looked for ${Amount.duration(followUp / Window.hour)} after a change shipped. Names were written by others.</footer>
</main>
</body>
</html>
`.text
}

/** The last whole day of a window is named, not the moment after it. */
const span = ({ from, to }: Window.Window): string => `${Amount.day(from)} to ${Amount.day(to - 1)}`

const moment = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`

/** The report as Markdown: every figure that has a value, what it is made of, and the autonomy levels. */
export const markdown = ({ before, metrics, title }: Report): string => {
  const lines = Object.values(metrics.figures).flatMap(({ name, parts, unit, ...ratio }) => {
    // What tells a figure apart in another way has the same sum.
    if (ratio.value === null || /By[A-Z]/.test(name)) return []
    const earlier = before?.figures[name as Metrics.Name] // its own key
    const row = (name: string, now: Figure.Ratio, was: Figure.Ratio | undefined) => {
      const cells = [name, Amount.inUnit(now.value, unit), Amount.parts({ ...now, unit })]
      return `| ${[...cells, ...(before === null ? [] : [Amount.inUnit(was?.value ?? null, unit)])].join(" | ")} |`
    }
    const told = name === "autonomy" ? parts : []
    return [
      row(Sections.words(name), ratio, earlier),
      ...told.map((part) =>
        row(
          `– ${part.name}`,
          part,
          earlier?.parts.find((other) => other.name === part.name)
        )
      )
    ]
  })
  const columns = ["figure", "value", "made of", ...(before === null ? [] : ["before"])]
  return [
    `## ${Markdown.line(title)}`,
    "",
    `${span(metrics.window)}, in UTC.`,
    "",
    ...(lines.length === 0
      ? ["Nothing happened."]
      : [`| ${columns.join(" | ")} |`, `|${columns.map(() => "---").join("|")}|`, ...lines]),
    ""
  ].join("\n")
}
