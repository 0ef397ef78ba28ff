/** The parts of the report of metrics: each says what it shows, shows it, and has its numbers in a table. */
import { type Markup, markup, none } from "@millwright/core/Markup"
import * as Autonomy from "../Autonomy.ts"
import type * as Figure from "../Figure.ts"
import type * as Metrics from "../Metrics.ts"
import * as Amount from "./Amount.ts"
import * as Plot from "./Plot.ts"

type Name = Metrics.Name

/** The course of a window. */
interface Course {
  readonly by: "day" | "week"
  readonly course: ReadonlyArray<Metrics.Metrics>
}

/** A ratio with its name; `isWhole`: what is unknown of it are parts of the same whole. */
type Share = readonly [name: string, ratio: Figure.Ratio, isWhole?: boolean]

/** A part with its heading. */
const section = (title: string, about: string, body: Markup): Markup =>
  markup`<section><h2>${title}</h2><p class="soft small">${about}</p>${body}</section>`

/** Names of the report are short; the whole one is in the tip. */
const short = (name: string): string => (name.length > 80 ? `${[...name].slice(0, 79).join("")}…` : name)

const rowHead = (name: string): Markup =>
  name.length > 80 ? markup`<th scope="row" title="${name}">${short(name)}</th>` : markup`<th scope="row">${name}</th>`

const most = 25

/** The rows of a table, and how many were left out. */
const rows = <A>(all: ReadonlyArray<A>, row: (one: A) => Markup): Markup =>
  markup`${all.slice(0, most).map(row)}${
    all.length > most ? markup`<tr><td colspan="4" class="soft">and ${all.length - most} more</td></tr>` : none
  }`

/** Changes that shipped, day by day or week by week, told apart by how much of them people did. */
export const levels = ({ by, course }: Course): Markup => {
  const tones: Readonly<Record<string, string>> = {
    "zero-touch": "t1",
    approved: "t2",
    steered: "t3",
    edited: "t4",
    "taken over": "t5",
    "by hand": "t6",
    unknown: "unknown"
  }
  const counted = course.map(({ figures }) => {
    const parts = new Map(figures.autonomy.parts.map(({ name, numerator }) => [name, numerator]))
    return parts.set("unknown", figures.autonomy.unknown)
  })
  const names = [...Autonomy.Level.literals.filter((level) => level !== "unknown"), "by hand", "unknown"]
  const series = names
    .map((name) => ({ name, tone: tones[name] ?? "t6", values: counted.map((parts) => parts.get(name) ?? 0) }))
    .filter(({ values }) => values.some((value) => value > 0))
  const title = `Shipped changes by ${by} and autonomy level`
  return section(
    "How much of each change people did",
    `Shipped changes by ${by}. Zero-touch: nobody was needed. Approved: somebody said yes. By hand: no agent had a part in it. Unknown: not all that people did was observed.`,
    series.length === 0
      ? nothing
      : markup`${Plot.legend(series)}${Plot.bars({ title, labels: labelsOf(course), series, axis: Amount.number, isCount: true })}
<details><summary>Numbers</summary><div class="wide"><table><thead><tr><th scope="col">${by === "day" ? "Day" : "Week of"}</th>${series.map(({ name }) => markup`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${course.map(({ window }, at) => markup`<tr>${rowHead(Amount.day(window.from))}${series.map(({ values }) => markup`<td>${values[at] ?? 0}</td>`)}</tr>`)}</tbody></table></div></details>`
  )
}

const labelsOf = (course: ReadonlyArray<Metrics.Metrics>) => course.map(({ window }) => Amount.shortDay(window.from))

/** What a shipped change cost, day by day or week by week. */
export const cost = ({ by, course }: Course): Markup => {
  const values = course.map(({ figures }) => figures.costPerShipped.value)
  const title = `Money for models per shipped change, by ${by}`
  const labels = labelsOf(course)
  const axis = (value: number) => Amount.inUnit(value, "USD")
  return section(
    "What a shipped change cost",
    `All money paid for models in the ${by}, failed and abandoned work included, over the changes that shipped in it; –: none did. A lower bound where calls have no known price.`,
    values.every((value) => value === null)
      ? nothing
      : markup`${Plot.bars({ title, labels, series: [{ name: "USD per change", tone: "t1", values }], axis })}
<details><summary>Numbers</summary><div class="wide"><table><thead><tr><th scope="col">${by === "day" ? "Day" : "Week of"}</th><th scope="col">Per change</th><th scope="col">Made of</th><th scope="col">Unknown</th></tr></thead>
<tbody>${course.map(({ figures: { costPerShipped: each }, window }) => markup`<tr>${rowHead(Amount.day(window.from))}<td>${Amount.inUnit(each.value, "USD")}</td><td>${Amount.parts({ ...each, unknown: 0 })}</td><td>${each.unknown}</td></tr>`)}</tbody></table></div></details>`
  )
}

/** How long things took: half of them, and nine in ten. */
export const times = ({ leadTime, waiting }: Metrics.Metrics["figures"]): Markup => {
  const all = [
    { ...leadTime, name: "From queued to shipped" },
    ...leadTime.parts.map((part) => ({ ...part, unit: leadTime.unit, name: part.name.replace(/^\d+ /, "") })),
    { ...waiting, name: "Waiting for a human" }
  ].filter(({ distribution }) => distribution !== undefined && distribution.n + distribution.censored > 0)
  const longest = Math.max(0, ...all.map(({ distribution }) => distribution?.p90 ?? distribution?.p50 ?? 0))
  // Beyond it there is room for what is longer, and nobody knows by how much.
  const width = all.some(({ distribution }) => distribution?.p90 === null) ? 1.25 * longest : longest
  return section(
    "How long it took",
    "Dark: half of them took at most so long. Light: nine in ten. Hatched: too many are still open to say. What is open counts as longer than it has lasted.",
    all.length === 0
      ? nothing
      : markup`<div class="wide"><table><thead><tr><th scope="col"></th><th scope="col"></th><th scope="col">half</th><th scope="col">nine in ten</th><th scope="col">of</th></tr></thead><tbody>${all.map(
          (each) =>
            markup`<tr>${rowHead(each.name)}<td class="b">${Plot.range(each.distribution?.p50 ?? null, each.distribution?.p90 ?? null, width)}</td><td class="n">${Amount.inUnit(each.distribution?.p50 ?? null, "hours")}</td><td class="n">${Amount.inUnit(each.distribution?.p90 ?? null, "hours")}</td><td class="n soft">${Amount.parts(each)}</td></tr>`
        )}</tbody></table></div>`
  )
}

const nothing = markup`<p class="soft">Nothing to show.</p>`

/** Why people were needed, and which causes were removed. */
export const causes = ({ interventionsByCause, recurrence }: Metrics.Metrics["figures"]): Markup => {
  const all = interventionsByCause.parts.toSorted((a, b) => b.numerator - a.numerator || (a.name < b.name ? -1 : 1))
  const longest = Math.max(0, ...all.map(({ numerator }) => numerator))
  const fixes = recurrence.parts.map(
    ({ denominator, name, numerator }) =>
      markup`<tr>${rowHead(name)}<td class="n">${numerator === 0 ? "did not come again" : `came again ${Amount.number(numerator)} times`}</td><td class="n soft">${Amount.number(denominator)} in all</td></tr>`
  )
  return section(
    "Why people were needed",
    "Interventions of the window by cause, also those that were withdrawn.",
    markup`${
      all.length === 0
        ? nothing
        : markup`<div class="wide"><table><thead><tr><th scope="col">Cause</th><th scope="col"></th><th scope="col">times</th></tr></thead><tbody>${rows(all, (each) => markup`<tr>${rowHead(each.name)}<td class="b">${Plot.lying(each.numerator, longest)}</td><td class="n">${Amount.number(each.numerator)}</td></tr>`)}</tbody></table></div>`
    }${
      fixes.length === 0
        ? none
        : markup`<div class="wide"><table><caption>Causes that were removed, and what came after</caption><tbody>${fixes.slice(0, most)}</tbody></table></div>`
    }`
  )
}

/** Shares that judging and the provider's cache have of the work. */
export const work = (figures: Metrics.Metrics["figures"]): Markup =>
  shares("What the work was spent on", "Shares of all.", [
    ["Runs that validate", figures.validationRuns],
    ["Tokens used to validate", figures.validationTokens],
    ["Time in stages that validate", figures.validationTime],
    ["Money paid to validate", figures.validationMoney],
    ["Prompts read from the provider's cache", figures.cacheRead],
    ["Parts accepted at their first attempt", figures.firstPass],
    ["Runs put aside", figures.parked],
    ["Runs that a human had to take up", figures.pickedUp]
  ])

/** What shipped and was wrong, by whoever and whatever made it. */
export const defects = (figures: Metrics.Metrics["figures"]): Markup =>
  shares(
    "What shipped and was wrong",
    "Shipped changes with a revert, hot fix, bug or incident. Hatched: changes whose follow-up is not over; few changes say little.",
    [
      ["All shipped changes", figures.escapedDefects, true],
      ...figures.escapedDefects.parts.map((part) => [`by ${part.name}`, part, true] as const),
      ...figures.escapedDefectsBySkill.parts.map((part) => [`skill ${part.name}`, part, true] as const),
      ...figures.escapedDefectsByModel.parts.map((part) => [`model ${part.name}`, part, true] as const)
    ]
  )

const shares = (title: string, about: string, named: ReadonlyArray<Share>): Markup => {
  const all = named.filter(([, { denominator, unknown }]) => denominator > 0 || unknown > 0)
  return section(
    title,
    about,
    all.length === 0
      ? nothing
      : markup`<div class="wide"><table><thead><tr><th scope="col"></th><th scope="col"></th><th scope="col">share</th><th scope="col">of</th></tr></thead><tbody>${rows(
          all,
          ([name, ratio, isWhole = false]) =>
            markup`<tr>${rowHead(name)}<td class="b">${bar(ratio, isWhole)}</td><td class="n">${Amount.inUnit(ratio.value, "share")}</td><td class="n soft">${Amount.parts({ ...ratio, unit: "share" })}</td></tr>`
        )}</tbody></table></div>`
  )
}

const bar = ({ denominator, numerator, unknown }: Figure.Ratio, isWhole: boolean): Markup =>
  denominator > 0 ? Plot.lying(numerator, denominator, isWhole ? unknown : 0) : none

/** Every figure with its definition. */
export const all = (figures: Metrics.Metrics["figures"]): Markup =>
  markup`<section class="long"><h2>All figures</h2><p class="soft small">What is divided by what, and what counts as unknown. “–”: there was nothing to divide by, or too little is known.</p>
<div class="wide"><table><thead><tr><th scope="col">Figure</th><th scope="col">value</th><th scope="col">of</th><th scope="col">definition</th></tr></thead><tbody>${Object.values(
    figures
  ).map(
    (figure) =>
      markup`<tr>${rowHead(words(figure.name))}<td class="n">${Amount.inUnit(figure.value, figure.unit)}</td><td class="n soft">${Amount.parts(figure)}</td><td class="d">${figure.definition}</td></tr>`
  )}</tbody></table></div></section>`

/** `costPerShipped` as `cost per shipped`. */
export const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

const titles = ({ roi }: Metrics.Metrics["figures"]): ReadonlyArray<readonly [Name, string]> => [
  ["throughput", "Changes shipped a week"],
  ["fullyAutomated", "Fully automated"],
  ["costPerShipped", "Cost per shipped change"],
  ["humanHours", "Human work per change"],
  ["leadTime", "Queued to shipped, median"],
  ["interventions", "Interventions per change"],
  ["escapedDefects", "Escaped defects"],
  roi.value === null ? ["waiting", "Wait for a human, median"] : ["roi", "Return on a dollar"]
]

/** What a meeting begins with, beside the same of the window before. */
export const heads = (figures: Metrics.Metrics["figures"], before?: Metrics.Metrics["figures"]): Markup =>
  markup`<dl class="heads">${titles(figures).map(([name, title]) => {
    const figure = figures[name]
    // The title says what it is per.
    const unit = figure.unit.replace(/^(?:changes )?per .*/, "").replace(/ per change$/, "")
    const [big = "", ...rest] = Amount.inUnit(figure.value, unit).split(" ")
    const earlier = before?.[name]
    const was =
      earlier === undefined || earlier.value === null
        ? none
        : markup`<dd class="of">before: ${Amount.inUnit(earlier.value, unit)}</dd>`
    return markup`<div class="head"><dt>${title}</dt><dd class="big">${big} <small>${rest.join(" ")}</small></dd><dd class="of">${Amount.parts(figure)}</dd>${was}</div>`
  })}</dl>`
