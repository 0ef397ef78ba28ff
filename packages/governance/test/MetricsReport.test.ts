import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Xml from "effect/encoding/Xml"
import * as Metrics from "../src/Metrics.ts"
import * as MetricsReport from "../src/MetricsReport.ts"
import * as Window from "../src/Window.ts"
import * as History from "./MetricsHistory.ts"

const weeks = (count: number) => Window.make(History.start, History.start + count * Window.week)

/** Three weeks with a change in each; the names are somebody's. */
const stateOf = (name: string) => {
  const told = [0, 1, 2].flatMap((week) => {
    const run = History.of(`item-${week}`)
    const begin = week * 168
    return [
      History.started(run, begin + 1),
      ...History.stage(run, [begin + 1, begin + 3], { name: `stage ${name}`, usd: week === 2 ? null : 2, model: name }),
      ...History.gate(run, [begin + 3, begin + 5], { cause: name, active: 12 }),
      History.shipped(run, begin + 6, `pr-${week}`, week === 1 ? "unknown" : "agent"),
      History.finished(run, begin + 6)
    ]
  })
  return History.journal([...told, History.defect(400, "bug", "pr-0")]).reduce(Metrics.step, Metrics.empty)
}

const reportOf = (name: string, title = name) =>
  MetricsReport.of(stateOf(name), { title, window: weeks(3), rate: 100, worth: () => 50 })

/** Fails unless it is well-formed XML, once what HTML closes by itself is closed. */
const wellFormed = (html: string) =>
  Stream.make(html.replace("<!doctype html>\n", "").replace(/<meta ([^>]*)>/g, "<meta $1/>")).pipe(
    Stream.pipeThroughChannel(Xml.decodeString()),
    Stream.runCount
  )

const hostile = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "</style></title>",
  "\u202eevil",
  "a".repeat(5_000),
  "&amp;",
  "__proto__",
  ""
]

const shownAsText = (name: string) => {
  const html = MetricsReport.html(reportOf(name))
  assert.notMatch(html, /<script|<img|\u202e/)
  assert.strictEqual(html.match(/<\/style>/g)?.length, 1)
  assert.strictEqual(html.match(/<section/g)?.length, 7, "a name opened or closed a part")
}

describe("MetricsReport", () => {
  it("asks for nothing: no script, no address, no style but its own", () => {
    const html = MetricsReport.html(reportOf("source"))
    assert.notMatch(html, /<script|<link|<img|<iframe|\bsrc=|\bhref=|\bon\w+=|@import|https?:/i)
    assert.match(html, /default-src 'none'; style-src 'sha256-[\w+/=]+'/)
    assert.notMatch(html, / style=/, "an inline style would be refused by its own policy")
  })

  it("is the same, byte by byte, for the same metrics", () => {
    assert.strictEqual(MetricsReport.html(reportOf("source")), MetricsReport.html(reportOf("source")))
  })

  it("shows what a number is made of, and what is not known", () => {
    const html = MetricsReport.html(reportOf("source"))
    assert.match(html, /Cost per shipped change<\/dt><dd class="big">\$1\.33/)
    assert.match(html, /\$4\.00 \/ 3 changes · 1 unknown/, "the call without a price is not told")
    assert.match(html, /by week and autonomy/)
    for (const { definition } of Object.values(Metrics.definitions)) {
      assert.include(html.replaceAll("&#39;", "'"), definition.replaceAll("<", "&lt;"))
    }
  })

  it("has every number of a plot in a table", () => {
    const html = MetricsReport.html(reportOf("source"))
    const [plots = "", ...rest] = [html.match(/<div class="plot">[\s\S]*?<\/div>/g)?.join("") ?? ""]
    assert.isEmpty(rest)
    const tables = (html.match(/<table>[\s\S]*?<\/table>/g) ?? []).join("")
    for (const [, value = ""] of plots.matchAll(/<title>[^<]*: ([^<]*)<\/title><\/rect>/g)) {
      assert.include(tables, `<td>${value}</td>`, `${value} is drawn and stands in no table`)
    }
    assert.match(plots, /<rect class="unknown"/, "what is not known is not drawn")
  })

  it.prop("shows names as text, whatever they are", [Arbitrary.schema(Schema.String)], ([name]) => shownAsText(name), {
    arbitrary: { runs: 25 }
  })

  it("shows hostile names as text", () => {
    assert.isNotEmpty(hostile)
    hostile.forEach(shownAsText)
  })

  it.effect("is well-formed", () =>
    Effect.gen(function* () {
      for (const name of hostile) {
        assert.isAbove(yield* wellFormed(MetricsReport.html(reportOf(name))), 500)
      }
    })
  )

  it("says so where nothing happened, and where there is one day only", () => {
    const oneDay = MetricsReport.of(stateOf("a"), {
      title: "One",
      window: Window.make(History.start, History.start + Window.day),
      rate: 0
    })
    const empty = MetricsReport.of(Metrics.empty, { title: "Nothing", window: weeks(2), rate: 0 })
    const html = MetricsReport.html(empty)
    assert.notMatch(html, /NaN|Infinity|undefined/)
    assert.match(html, /Nothing to show/)
    assert.notMatch(
      html,
      /<svg class="lying"|0 of 0<\/td><\/tr>|1970/,
      "rows of nothing, or a time at which nothing was"
    )
    assert.match(MetricsReport.markdown(empty), /Nothing happened/)
    assert.notMatch(MetricsReport.html(oneDay), /and autonomy level<\/title>/, "a single bar is no course of time")
  })

  it("shows the course of a week by day, and that of more than two weeks by week", () => {
    const { by, course } = MetricsReport.of(stateOf("a"), { title: "One", window: weeks(1), rate: 0 })
    assert.deepStrictEqual([by, course.length], ["day", 7])
    assert.strictEqual(reportOf("a").by, "week")
  })

  it("stands a window beside the one before, where something happened in that", () => {
    const state = stateOf("a")
    const later = Window.make(History.start + Window.week, History.start + 2 * Window.week)
    const report = MetricsReport.of(state, { title: "Later", window: later, rate: 0 })
    const html = MetricsReport.html(report)
    assert.match(html, /class="unknown"/)
    assert.strictEqual(html.match(/id="hatch"/g)?.length, 1, "what is unknown is drawn in one week, too")
    const { before } = report
    assert.strictEqual(before?.figures.throughput.numerator, 1)
    assert.isNull(MetricsReport.of(state, { title: "First", window: weeks(1), rate: 0 }).before)
  })

  it.effect("is JSON that decodes to the same report", () =>
    Effect.gen(function* () {
      const report = reportOf("source")
      const json = yield* Schema.encodeEffect(MetricsReport.Json)(report)
      const back = yield* Schema.decodeUnknownEffect(MetricsReport.Json)(JSON.parse(JSON.stringify(json)))
      assert.deepStrictEqual(back, report)
    })
  )

  it("is a table of Markdown in which names make no structure", () => {
    const text = MetricsReport.markdown(reportOf("x", "| a\n# b @ada <b>"))
    assert.match(text, /^## /)
    const table = text.split("\n").filter((row) => row.startsWith("|"))
    assert.isNotEmpty(table)
    assert.isTrue(table.every((row) => row.split("|").length === table[0]?.split("|").length))
    assert.notMatch(text, /@ada|<b>/)
  })
})
