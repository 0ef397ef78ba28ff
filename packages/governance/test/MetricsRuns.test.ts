import { assert, describe, it } from "@effect/vitest"
import * as Digest from "@millwright/core/Digest"
import * as Window from "../src/Window.ts"
import * as History from "./MetricsHistory.ts"
import { figuresOf, numbers, range, read, ships } from "./MetricsReading.ts"

const { at, finished, of, parked, shipped, stage, started } = History
describe("Runs", () => {
  it("hold out until half have failed; below ten failures nothing is said", () => {
    const lasting = (n: number, hours: number, isGood: boolean) => {
      const run = of(`run-${n}`)
      const work = stage(run, [n, n + hours], { name: "implement", usd: 0 })
      return [started(run, n), ...work, isGood ? finished(run, n + hours) : parked(run, n + hours)]
    }
    const failing = (failures: number) =>
      figuresOf(read(...range(20).map((n) => lasting(n, n + 1, n >= failures)))).horizon
    assert.deepStrictEqual(failing(10).distribution, { n: 10, censored: 10, p50: 10, p90: null })
    assert.strictEqual(failing(10).value, 10)
    assert.deepStrictEqual(failing(9).distribution, { n: 9, censored: 11, p50: null, p90: null })
  })

  it("that were put aside and went on ended twice, each time where it was", () => {
    const run = of("a")
    const state = read([
      ...[
        started(run, 0),
        parked(run, 5),
        { ...run, hours: 30, fact: { _tag: "LineRewinding", before: "x" } as const }
      ],
      ...[finished(run, 40), finished(run, 41)]
    ])
    const parkedIn = (from: number, to: number) =>
      numbers(figuresOf(state, { window: Window.make(at(from), at(to)) }).parked)
    assert.deepStrictEqual(
      [parkedIn(0, 24), parkedIn(24, 48), parkedIn(0, 48)],
      [
        [1, 1, 0],
        [0, 1, 0],
        [1, 2, 0]
      ]
    )
  })

  it("that were pruned count once, with what is left of their facts or without", () => {
    const spent = {
      stage: "implement",
      agent: "Implement",
      provider: "p",
      model: "m",
      paidBy: "key",
      rehearsed: false
    } as const
    const usage = { input: 1, cacheRead: 0, cacheWrite: 0, output: 0 }
    const charge = { ...spent, broken: false, calls: 1, usage, usd: 3, unpriced: 0 }
    const pruned: History.Told = {
      ...of("a"),
      hours: 50,
      fact: { _tag: "RunPruned", title: "t", facts: 9, spent: [charge] }
    }
    const left = stage(of("a"), [1, 2], { name: "implement", usd: 3 })
    for (const told of [[pruned], [...left, pruned], [pruned, pruned]]) {
      assert.deepStrictEqual(numbers(figuresOf(read(told)).costPerShipped), [3, 0, 1])
    }
    assert.deepStrictEqual(
      numbers(figuresOf(read(ships("a", 0), [pruned])).costPerShipped),
      [1, 1, 0],
      "its facts were read"
    )
  })
})

describe("A run", () => {
  const run = of("a")
  const spent = { usd: 0, tokens: 0, unpriced: 0 }
  const begun: History.Told = { ...run, hours: 1, fact: { _tag: "AttemptBegun", part: "rework", attempt: 1, spent } }

  it("that was stopped at its first attempt says nothing of it", () => {
    const stopped: History.Told = { ...run, hours: 2, fact: { _tag: "LineCancelled", reason: "r" } }
    const { firstPass, reworkAttempts } = figuresOf(read([started(run, 0), begun, stopped]))
    assert.deepStrictEqual(
      [numbers(firstPass), numbers(reworkAttempts)],
      [
        [0, 0, 1],
        [0, 0, 1]
      ]
    )
  })

  it("begins its parts anew when it goes on after an end", () => {
    const refused: History.Told = {
      ...run,
      hours: 2,
      fact: { _tag: "AttemptRefused", part: "rework", attempt: 1, failures: [], repeated: 0, spent }
    }
    const back: History.Told = { ...run, hours: 4, fact: { _tag: "LineRewinding", before: "x" } }
    const { reworkAttempts } = figuresOf(
      read([started(run, 0), begun, refused, parked(run, 3), back, finished(run, 9)])
    )
    assert.deepStrictEqual(numbers(reworkAttempts), [1, 1, 0])
  })

  it("was picked up in the passage in which somebody took it up, and in no other", () => {
    const back: History.Told = { ...run, hours: 4, actor: History.ada, fact: { _tag: "LineRewinding", before: "x" } }
    const pickedUp = (...told: ReadonlyArray<History.Told>) =>
      numbers(figuresOf(read([started(run, 0), parked(run, 3), back, finished(run, 9), ...told])).pickedUp)
    assert.deepStrictEqual(pickedUp(), [1, 2, 0])
    assert.deepStrictEqual(pickedUp({ ...back, hours: 20, actor: History.ada }), [1, 2, 0], "it has not ended since")
    const again: History.Told = { ...run, hours: 20, fact: { _tag: "LineRewinding", before: "x" } }
    assert.deepStrictEqual(pickedUp(again, finished(run, 30)), [1, 3, 0], "nobody had to do it the last time")
  })

  it("has its stages under their names, whichever attempt it was, with the time under the first role that worked there", () => {
    const [begun, ...rest] = stage(run, [1, 4], { name: "review#2", role: "Review", usd: 1 })
    const helper = stage(run, [2, 3], { name: "review#2", role: "Helper", usd: 1 }).slice(1, 4)
    const resumed = { _tag: "AgentStarted", role: "Review", session: "s", resumed: true } as const
    if (begun === undefined) return assert.fail("a stage begins")
    const state = read([
      ...[started(run, 0), begun, ...rest, ...helper, { ...run, stage: "review#2", hours: 1.5, fact: resumed }],
      ...[...stage(run, [5, 6], { name: "look/review#3/deep", role: "Other", usd: 1 }), finished(run, 9)]
    ])
    const { stageCoverage, validationRuns, validationTime } = figuresOf(state)
    assert.deepStrictEqual(
      stageCoverage.parts.map(({ name }) => name),
      ["Fix/look/review/deep", "Fix/review"]
    )
    assert.deepStrictEqual(numbers(validationTime), [3, 4, 0])
    assert.deepStrictEqual(numbers(validationRuns), [1, 3, 0], "an agent that goes on is no other one")
  })

  it("validates in a stage in which a verdict is given, whatever its name", () => {
    const contract = Digest.of("contract")
    const verdict = { validator: "v", contract, accepted: true, findings: [] }
    const given: History.Told = { ...run, stage: "check", hours: 2, fact: { _tag: "VerdictGiven", verdict } }
    const state = read(stage(run, [1, 3], { name: "check", role: "Robot", usd: 1 }), [given])
    assert.deepStrictEqual(numbers(figuresOf(state).validationTime), [2, 2, 0])
  })
})

describe("An item", () => {
  const queued = (item: string, hours: number): History.Told => ({
    ...{ item, hours },
    fact: { _tag: "ItemQueued", priority: 1, after: [], resources: {}, source: "s", created: 0, again: false }
  })
  const shipsAt = (item: string, from: number, to: number) => [queued(item, from), shipped({ item }, to, `pr-${item}`)]

  it("that nobody wants any more is censored when that was said", () => {
    const closed: History.Told = { item: "c", hours: 5, fact: { _tag: "ItemClosed", reason: "r" } }
    const state = read(shipsAt("a", 0, 10), shipsAt("b", 0, 20), [queued("c", 0), closed])
    assert.deepStrictEqual(figuresOf(state).leadTime.distribution, { n: 2, censored: 1, p50: 10, p90: 20 })
  })

  it("that shipped before it was queued again has no lead time", () => {
    const { leadTime } = figuresOf(read([queued("a", 10), shipped({ item: "a" }, 5, "pr")]))
    assert.deepStrictEqual(leadTime.distribution, { n: 0, censored: 0, p50: null, p90: null })
  })
})

describe("A change that is told of twice", () => {
  it("shipped when it first was, by whoever anybody knows to have written it", () => {
    const authorsOf = (...told: ReadonlyArray<"agent" | "human" | "mixed" | "unknown">) =>
      figuresOf(read(told.map((authors, n) => shipped({}, 5 - n, "pr", authors)))).escapedDefects.parts.map(
        ({ name }) => name
      )
    assert.deepStrictEqual(authorsOf("agent", "unknown"), ["agent"])
    assert.deepStrictEqual(authorsOf("unknown", "agent"), ["agent"])
    assert.deepStrictEqual(authorsOf("agent", "human"), ["mixed"])
    const early = { window: Window.make(at(4), at(5)) }
    const twice = read([shipped({}, 9, "pr"), shipped({}, 4, "pr")])
    assert.strictEqual(figuresOf(twice, early).throughput.numerator, 1)
  })
})
