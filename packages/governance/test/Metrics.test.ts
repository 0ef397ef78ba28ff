import { assert, describe, it } from "@effect/vitest"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Figure from "../src/Figure.ts"
import * as Metrics from "../src/Metrics.ts"
import * as Window from "../src/Window.ts"
import * as History from "./MetricsHistory.ts"

const { ada, at, defect, finished, gate, intervened, journal, of, parked, shipped, skill, stage, started } = History

const queued = (item: string, hours: number): History.Told => ({
  ...{ item, hours },
  fact: { _tag: "ItemQueued", priority: 1, after: [], resources: {}, source: "s", created: 0, again: false }
})
const committed = (run: History.Origin, hours: number): History.Told => ({
  ...run,
  hours,
  fact: { _tag: "ChangeCommitted", branch: "b", commit: "c", files: 1, lines: 1 }
})
const delivered = (run: History.Origin, hours: number, id: string): History.Told => ({
  ...run,
  hours,
  fact: {
    _tag: "ChangeDelivered",
    pullRequest: {
      ...{ id, item: run.item ?? "", key: id, title: "t", body: "", branch: "b", into: "main", base: "0", head: "1" },
      ...{ state: "open", view: "v" }
    }
  }
})
const attempt = (run: History.Origin, hours: number, number: number, isRefused: boolean): History.Told => {
  const spent = { usd: 0, tokens: 0, unpriced: 0 }
  return {
    ...{ ...run, hours },
    fact: isRefused
      ? { _tag: "AttemptRefused", part: "rework", attempt: number, failures: [], repeated: 0, spent }
      : { _tag: "AttemptBegun", part: "rework", attempt: number, spent }
  }
}

const [one, two, three, four, five, eight] = ["one", "two", "three", "four", "five", "eight"].map((item) => of(item))

/**
 * A week. Hours are since its beginning; money in dollars, in brackets the stage.
 *
 * | item  | queued | started | work                               | people                       | end          | authors |
 * |-------|--------|---------|------------------------------------|------------------------------|--------------|---------|
 * | one   | 0      | 2       | 1.00 (implement 2–4), 0.50 (review 4–5) | none                    | shipped 10   | agent   |
 * | two   | 0      | 4       | 2.00 (implement 4–8), 1.00 (review 8–9) | gate 9–13, 30 min active | shipped 14  | agent   |
 * | three | 10     | 12      | 4.00 (implement 12–16)             | steered at 14                | shipped 20   | agent   |
 * | four  | 20     | 22      | 1.00 (implement 22–24)             | edited at 26, 90 min, had waited 2 h | shipped 30 | mixed |
 * | five  |        | 30      | 5.00 (implement 30–36), refused twice | none                      | parked 36    |         |
 * |       |        |         |                                    |                              | six: shipped 40 | human |
 * |       |        |         |                                    |                              | seven: shipped 50 | unknown |
 * | eight |        | 100     | no price (implement, does not end) |                              | open         |         |
 *
 * After the week: a bug of two at 200. A revert of one at 60, which shipped as seven; an incident of nobody knows what at 70.
 */
const week = [
  ...[queued("one", 0), started(one, 2), attempt(one, 2, 1, false)],
  ...stage(one, [2, 4], { name: "implement", usd: 1 }),
  ...stage(one, [4, 5], { name: "review", role: "Review", usd: 0.5 }),
  ...[committed(one, 4), delivered(one, 5, "1"), shipped(one, 10, "1"), finished(one, 10)],
  ...[queued("two", 0), started(two, 4), attempt(two, 4, 1, false)],
  ...stage(two, [4, 8], { name: "implement", usd: 2, digest: skill("two"), model: "n" }),
  ...stage(two, [8, 9], { name: "review", role: "Review", usd: 1 }),
  ...[committed(two, 8), delivered(two, 8, "2"), shipped(two, 14, "2"), finished(two, 14)],
  ...gate(two, [9, 13], { active: 30 }),
  ...[queued("three", 10), started(three, 12)],
  ...stage(three, [12, 16], { name: "implement", usd: 4 }),
  {
    ...three,
    ...{ hours: 14, stage: "implement", actor: ada },
    fact: { _tag: "AgentPrompted", session: "s", lane: "steer", text: "Leave the tests alone." }
  },
  ...[committed(three, 16), delivered(three, 16, "3"), shipped(three, 20, "3"), finished(three, 20)],
  ...[queued("four", 20), started(four, 22)],
  ...stage(four, [22, 24], { name: "implement", usd: 1 }),
  ...[committed(four, 24), delivered(four, 24, "4"), shipped(four, 30, "4", "mixed"), finished(four, 30)],
  intervened(four, 26, { id: "git:e1", kind: "edit", active: 90, waited: 2 * History.hour }),
  ...[started(five, 30), attempt(five, 30, 1, false), attempt(five, 33, 1, true)],
  ...[attempt(five, 33, 2, false), attempt(five, 36, 2, true), parked(five, 36)],
  ...stage(five, [30, 36], { name: "implement", usd: 5 }).toSpliced(4, 1),
  { ...five, hours: 36, stage: "implement", fact: { _tag: "StageFinished", attempt: 1, duration: 6 * History.hour } },
  ...[shipped({}, 40, "6", "human"), shipped({}, 50, "7", "unknown")],
  started(eight, 100),
  ...stage(eight, [100, 101], { name: "implement", usd: null }).slice(0, 4),
  ...[defect(60, "7", "1", "revert"), defect(70, "incident-1", null, "incident"), defect(200, "bug-1", "2")]
] satisfies ReadonlyArray<History.Told>

const window = Window.make(at(0), at(168))
const worth = (change: string) => (change === "7" ? undefined : 100)
const read = (events: ReadonlyArray<FactoryEvent.FactoryEvent>) => events.reduce(Metrics.step, Metrics.empty)
const of1 = (events: ReadonlyArray<FactoryEvent.FactoryEvent>, more: Partial<Metrics.Options> = {}) =>
  Metrics.of(read(events), { window, rate: 50, worth, ...more })

const usage = (calls: number) => calls * 105
const figures = of1(journal(week)).figures

/** name, numerator, denominator, unknown; the value where it is no quotient. */
const expected: ReadonlyArray<
  readonly [Metrics.Name, numerator: number, denominator: number, unknown: number, value?: number | null]
> = [
  ["fullyAutomated", 1, 6, 1],
  ["semiAutomated", 3, 6, 1],
  ["autonomy", 5, 6, 1],
  ["throughput", 6, 1, 0],
  // 1 + 0.5 + 2 + 1 + 4 + 1 + 5, and the call of eight without a price.
  ["costPerShipped", 14.5, 6, 1],
  // 30 and 90 minutes; nobody measured the steering.
  ["humanHours", 2, 6, 1],
  ["efficiency", 6, 14.5 + 2 * 50, 2],
  ["roi", 500, 114.5, 3],
  ["marginalRoi", 500, 14.5, 2],
  // 10, 10, 10 and 14 hours; five and eight are not over. Of six, half are over at 10.
  ["leadTime", 4, 6, 0, 10],
  // 4 hours at the gate, 2 before the edit.
  ["waiting", 2, 2, 1, 2],
  ["activeShare", 2, 6, 1],
  ["interventions", 3, 6, 1],
  ["interventionsByCause", 3, 6, 1],
  ["interventionsByStage", 3, 6, 1],
  ["recurrence", 0, 0, 0, null],
  // One was reverted, two has a bug; of the four others nobody knows yet, nor of which change the incident is.
  ["escapedDefects", 2, 6, 5],
  ["escapedDefectsBySkill", 2, 6, 5],
  ["escapedDefectsByModel", 2, 6, 5],
  ["rework", 1, 6, 0],
  ["validationRuns", 2, 8, 0],
  ["validationTokens", usage(2), usage(8), 0],
  // 2 of 2 + 1 + 4 + 1 + 4 + 2 + 6 hours.
  ["validationTime", 2, 20, 0],
  ["validationMoney", 1.5, 14.5, 1],
  ["cacheRead", 640, 800, 0],
  // Five runs ended and came by implement, two of them by review.
  ["stageCoverage", 7, 10, 0],
  ["stageHealth", 7, 7, 0],
  // One and two at the first attempt, five not.
  ["firstPass", 2, 3, 0],
  ["reworkAttempts", 2, 3, 0],
  ["parked", 1, 5, 0],
  ["pickedUp", 0, 5, 0],
  ["horizon", 1, 5, 0, null]
]

describe("Metrics of a week that was computed by hand", () => {
  it("has every figure in the table, in its order", () => {
    assert.deepStrictEqual(Object.keys(Metrics.definitions), [...expected.map(([name]) => name)].sort(inOrder))
    assert.deepStrictEqual(Object.keys(figures), Object.keys(Metrics.definitions))
  })
  for (const [name, numerator, denominator, unknown, value = numerator / denominator] of expected) {
    it(name, () => {
      const figure = figures[name]
      const { numerator: top, denominator: bottom, unknown: doubt, value: quotient } = figure
      assert.deepStrictEqual(
        [top, bottom, doubt, quotient],
        [numerator, denominator, unknown, value],
        Figure.text(figure)
      )
    })
  }

  const partsOf = (name: Metrics.Name) =>
    Object.fromEntries(figures[name].parts.map(({ denominator, name, numerator }) => [name, [numerator, denominator]]))

  it("tells levels, authors, skills and models apart", () => {
    assert.deepStrictEqual(partsOf("autonomy"), {
      approved: [1, 6],
      "by hand": [1, 6],
      edited: [1, 6],
      steered: [1, 6],
      "zero-touch": [1, 6]
    })
    assert.deepStrictEqual(partsOf("escapedDefects"), { agent: [2, 3], human: [0, 1], mixed: [0, 1], unknown: [0, 1] })
    assert.deepStrictEqual(partsOf("escapedDefectsByModel"), { "p/m": [2, 4], "p/n": [1, 1] })
    assert.deepStrictEqual(partsOf("interventions"), { approve: [1, 6], edit: [1, 6], steer: [1, 6] })
    assert.deepStrictEqual(partsOf("interventionsByStage"), { "(none)": [2, 6], implement: [1, 6] })
    assert.deepStrictEqual(partsOf("stageCoverage"), { "Fix/implement": [5, 5], "Fix/review": [2, 5] })
  })

  it("tells the legs of the way apart", () => {
    const legs = Object.fromEntries(
      figures.leadTime.parts.map(({ distribution, name }) => [name.slice(2), distribution])
    )
    assert.deepStrictEqual(legs, {
      "queued to started": { n: 4, censored: 0, p50: 2, p90: 4 },
      // 2, 4, 4 and 2 hours; five and eight committed nothing.
      "started to first commit": { n: 4, censored: 2, p50: 4, p90: null },
      "specification asked to approved": { n: 0, censored: 0, p50: null, p90: null },
      "first commit to pull request": { n: 4, censored: 0, p50: 0, p90: 1 },
      // Only two was reviewed, at the gate; the others shipped without.
      "pull request to first human review": { n: 1, censored: 0, p50: 5, p90: 5 },
      "pull request to shipped": { n: 4, censored: 0, p50: 5, p90: 6 },
      // 8, 10, 8 and 8 hours.
      "started to shipped": { n: 4, censored: 2, p50: 8, p90: null }
    })
  })
})

const names: ReadonlyArray<string> = Object.keys(Metrics.definitions)
const inOrder = (a: string, b: string) => names.indexOf(a) - names.indexOf(b)
