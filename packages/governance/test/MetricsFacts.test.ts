import { assert, describe, it } from "@effect/vitest"
import * as Digest from "@millwright/core/Digest"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Usage from "@millwright/core/Usage"
import * as Metrics from "../src/Metrics.ts"
import * as Window from "../src/Window.ts"
import * as History from "./MetricsHistory.ts"
import { figuresOf, numbers, range, read, ships } from "./MetricsReading.ts"

const { at, defect, gate, intervened, of, shipped, skill, stage, started } = History
describe("A cause that was removed", () => {
  const removed = (cause: string, hours: number, fix: string, ids: ReadonlyArray<string> = []): History.Told => ({
    hours,
    fact: { _tag: "CauseRemoved", cause, interventions: ids, fix }
  })
  const edit = (hours: number, cause: string) => intervened(of("a"), hours, { id: `git:${hours}`, kind: "edit", cause })

  it("does not come again, comes again, or was not tried yet", () => {
    const state = read(
      [edit(1, "style"), edit(2, "style"), edit(3, "style"), removed("style", 10, "skill-2", ["git:1"])],
      [edit(4, "tests"), removed("tests", 11, "pr-9"), edit(30, "tests")],
      ships("later", 20),
      [edit(40, "late"), removed("late", 50, "pr-10")]
    )
    const { recurrence } = figuresOf(state)
    assert.deepStrictEqual(numbers(recurrence), [1, 2, 1])
    assert.deepStrictEqual(
      recurrence.parts.map((part) => [part.name, ...numbers(part)]),
      [
        ["late (pr-10)", 0, 1, 1],
        ["style (skill-2)", 0, 3, 0],
        ["tests (pr-9)", 1, 2, 0]
      ]
    )
    const nobodys = figuresOf(read([removed("never met", 1, "pr-1")], ships("later", 20))).recurrence
    assert.deepStrictEqual(numbers(nobodys), [0, 0, 1], "what never came can not be seen to stay away")
    const before = figuresOf(state, { window: Window.make(at(0), at(10)) }).recurrence
    assert.deepStrictEqual(numbers(before), [0, 0, 0], "nothing was removed before the window's end")
  })
})

describe("A regression that was planted in a version of a skill", () => {
  const state = read(
    ...range(6).map((n) => ships(`old-${n}`, n * 5)),
    ...range(4).map((n) => ships(`new-${n}`, 50 + n * 5, { digest: skill("two"), model: "n" })),
    range(3).map((n) => defect(100 + n, `bug-${n}`, n === 0 ? "c-pr-new-0" : `pr-new-${n}`)),
    [defect(110, "somewhere", null), defect(111, "elsewhere", "pr-99")]
  )

  it("is traced from the defects to the run, the model and the version", () => {
    const traces = Metrics.traces(state)
    assert.strictEqual(traces.length, 5)
    for (const { authors, models, run, versions } of traces.slice(0, 3)) {
      assert.deepStrictEqual(versions, [{ role: "Implement", skill: "Implement", digest: skill("two") }])
      assert.deepStrictEqual([authors, models], ["agent", ["p/n"]])
      assert.match(run ?? "", /^new-\d\.1$/)
    }
    for (const { authors, run, versions } of traces.slice(3))
      assert.deepStrictEqual([authors, run, versions], [null, null, []])
  })

  it("is none of a version that worked in the run after the change had shipped", () => {
    const late = stage(of("a"), [10, 11], { name: "watch", role: "Watch", usd: 1, model: "late" })
    const [trace] = Metrics.traces(read(ships("a", 0), late, [defect(20, "bug", "pr-a")]))
    assert.deepStrictEqual([trace?.versions.map(({ role }) => role), trace?.models], [["Implement"], ["p/m"]])
  })

  it("shows in the rates of the versions", () => {
    const { escapedDefects, escapedDefectsBySkill } = figuresOf(state, { asOf: at(100 * 24) })
    assert.deepStrictEqual(
      escapedDefectsBySkill.parts.map(({ name, value }) => [name, value]).sort(),
      [
        [`Implement@${Digest.short(skill("one"))}`, 0],
        [`Implement@${Digest.short(skill("two"))}`, 0.75]
      ].sort()
    )
    assert.deepStrictEqual(numbers(escapedDefects), [3, 10, 1], "the one of which nobody knows the change")
  })
})

describe("A defect", () => {
  it("counts while the follow-up of its change is open, and not later", () => {
    const found = (hours: number) =>
      figuresOf(read(ships("a", 0), [defect(hours, "bug", "pr-a")]), { followUp: "2 days" })
    assert.deepStrictEqual(numbers(found(50).escapedDefects), [1, 1, 0])
    assert.deepStrictEqual(numbers(found(52).escapedDefects), [0, 1, 0])
    const none = figuresOf(read(ships("a", 0)), { followUp: "2 days" })
    assert.deepStrictEqual(numbers(none.escapedDefects), [0, 1, 1], "nobody knows yet")
  })

  it("counts once, however often it is found", () => {
    const bugs = [defect(5, "bug", "pr-a"), defect(6_000, "bug", "pr-a"), defect(7, "other bug", "pr-a")]
    assert.deepStrictEqual(numbers(figuresOf(read(ships("a", 0), bugs)).escapedDefects), [1, 1, 0])
    assert.deepStrictEqual(numbers(figuresOf(read(ships("a", 0), bugs.slice(0, 2))).escapedDefects), [1, 1, 0])
  })

  it("makes rework of the revert that shipped, and is not known as that where none did", () => {
    const reverts = [
      defect(9, "git:c-pr-b", "pr-a", "revert"),
      defect(9, "git:0", "pr-a", "hotfix"),
      defect(9, "pr-a", "x", "bug")
    ]
    assert.deepStrictEqual(numbers(figuresOf(read(ships("a", 0), ships("b", 5), reverts)).rework), [1, 2, 1])
  })
})

describe("Ways", () => {
  it("that lead past a place are not on the way there, once the item shipped", () => {
    const open = figuresOf(read([started(of("a"), 0)])).leadTime.parts
    const passed = figuresOf(read(ships("a", 0))).leadTime.parts
    const legOf = (parts: typeof open) => parts.find(({ name }) => name.endsWith("to first commit"))?.distribution
    assert.deepStrictEqual(legOf(open), { n: 0, censored: 1, p50: null, p90: null })
    assert.deepStrictEqual(legOf(passed), { n: 0, censored: 0, p50: null, p90: null }, "it never will commit")
  })
})

describe("Money", () => {
  const calls = (...facts: ReadonlyArray<FactoryEvent.Fact>) =>
    figuresOf(
      read([
        started(of("a"), 0),
        ...facts.map((fact, n) => ({ ...of("a"), hours: n + 1, fact })),
        shipped(of("a"), 50, "pr")
      ])
    ).costPerShipped
  const usage = { input: 1, cacheRead: 0, cacheWrite: 0, output: 1 }
  const call = { provider: "p", usage, cost: Usage.known(2), rehearsed: false, message: "msg_0123456789abcdef" }
  const called = (more: Partial<Extract<FactoryEvent.Fact, { readonly _tag: "ModelCalled" }>> = {}) =>
    ({ _tag: "ModelCalled", model: "m", latency: 1, ...call, ...more }) as const
  const fault = { tag: "ModelError", reason: "Disconnected", message: "It broke off.", retryable: true }
  const broken = {
    _tag: "ModelFailed",
    model: "m",
    fault,
    delay: null,
    billed: { ...call, cost: Usage.known(0.5) }
  } as const

  it("of an answer that was told twice counts once", () => {
    assert.deepStrictEqual(numbers(calls(called(), called())), [2, 1, 0])
    assert.deepStrictEqual(numbers(calls(called(), called({ message: "msg_another_0123456789" }))), [4, 1, 0])
  })

  it("of an answer that broke off is its least, until the whole one is there, in whatever order", () => {
    assert.deepStrictEqual(numbers(calls(broken)), [0.5, 1, 1])
    assert.deepStrictEqual(numbers(calls(broken, called())), [2, 1, 0])
    assert.deepStrictEqual(numbers(calls(called(), broken)), [2, 1, 0])
    assert.deepStrictEqual(numbers(calls(broken, broken)), [0.5, 1, 1])
  })

  it("that a subscription pays is nothing, and a price that is none is unknown", () => {
    assert.deepStrictEqual(numbers(calls(called({ paidBy: "subscription", cost: Usage.unknown("?") }))), [0, 1, 0])
    assert.deepStrictEqual(numbers(calls(called({ cost: Usage.known(-5) }))), [0, 1, 1])
  })

  it("has no return where nobody knows a worth, and a marginal one where more was paid than before", () => {
    const state = read(ships("a", 10), ships("b", 40), ships("c", 42))
    const day = { window: Window.make(at(24), at(48)) }
    assert.isNull(figuresOf(state, day).roi.value)
    assert.isNull(figuresOf(state, day).marginalRoi.value)
    const { marginalRoi, roi } = figuresOf(state, { ...day, worth: () => 5 })
    assert.deepStrictEqual([roi.value, ...numbers(roi)], [5, 10, 2, 0])
    assert.deepStrictEqual([marginalRoi.value, ...numbers(marginalRoi)], [5, 5, 1, 0])
    const none = figuresOf(state, { window: Window.make(at(48), at(72)), worth: () => 5 }).marginalRoi
    assert.isNull(none.value, "less was paid: what one more dollar would bring is not known")
  })
})

describe("People", () => {
  const run = of("a")
  const rewound = (hours: number): History.Told => ({
    ...run,
    hours,
    fact: { _tag: "LineRewound", before: "implement", dropped: [], gates: ["a.1:merge"] }
  })

  it("who were asked again after a rewind were asked twice, also when the journal is read twice", () => {
    const told = [
      started(run, 0),
      ...gate(run, [1, 2], { active: 6 }),
      rewound(3),
      ...gate(run, [4, 6], { active: 12 }),
      shipped(run, 9, "pr")
    ]
    const once = read(told)
    const twice = History.journal(told).reduce(Metrics.step, once)
    for (const state of [once, twice]) {
      const { humanHours, interventions, waiting } = figuresOf(state)
      assert.deepStrictEqual(numbers(interventions), [2, 1, 0])
      assert.deepStrictEqual(numbers(humanHours), [0.3, 1, 0])
      assert.deepStrictEqual(waiting.distribution, { n: 2, censored: 0, p50: 1, p90: 2 })
    }
  })

  it("whose time ran out did not work, and no time is less than none", () => {
    const [opened, answered] = gate(run, [1, 2])
    if (opened === undefined || answered?.fact._tag !== "GateAnswered") return assert.fail("a gate is two facts")
    const out = { ...answered, fact: { ...answered.fact, timedOut: true as const } }
    assert.deepStrictEqual(numbers(figuresOf(read([opened, out, shipped({}, 9, "pr")])).humanHours), [0, 1, 0])
    const odd = intervened(run, 1, { id: "x", kind: "edit", active: -5 })
    assert.deepStrictEqual(numbers(figuresOf(read([odd, shipped({}, 9, "pr")])).humanHours), [0, 1, 1])
  })

  it("who still work on it are not known, and what waits for them is censored", () => {
    const { humanHours, waiting } = figuresOf(
      read([started(run, 0), ...gate(run, [1, undefined]), shipped({}, 9, "pr")])
    )
    assert.deepStrictEqual(numbers(humanHours), [0, 1, 1])
    assert.deepStrictEqual(waiting.distribution, { n: 0, censored: 1, p50: null, p90: null })
  })

  it("are not waited for any more by a run that is over", () => {
    const answered = gate(of("b"), [1, 4])
    const cancelled: History.Told = { ...run, hours: 2, fact: { _tag: "LineCancelled", reason: "r" } }
    const state = read([started(run, 0), ...gate(run, [1, undefined]), cancelled], answered, [shipped({}, 120, "pr")])
    assert.deepStrictEqual(figuresOf(state).waiting.distribution, { n: 1, censored: 1, p50: 3, p90: 3 })
    const later = figuresOf(state, { window: Window.make(at(100), at(200)) })
    assert.deepStrictEqual(numbers(later.humanHours), [0, 1, 0], "nobody can still be at work on what is over")
  })

  it("who took work over are waited for by nobody, and worked when they gave it back", () => {
    const taken = intervened(run, 1, { id: "takeover:a:1", kind: "takeover" })
    const back = { by: History.ada, why: "w", activeMinutes: 30, after: null }
    const ended: History.Told = { ...run, hours: 9, fact: { _tag: "InterventionEnded", id: "takeover:a:1", ...back } }
    if (taken.fact._tag !== "Intervened") return assert.fail("it is an intervention")
    const open: History.Told = { ...taken, fact: { ...taken.fact, open: true } }
    const end = shipped({}, 20, "pr")
    for (const [state, hours] of [
      [read([open, end]), [0, 1, 1]],
      [read([open, ended, end]), [0.5, 1, 0]]
    ] as const) {
      const { activeShare, humanHours, waiting } = figuresOf(state)
      assert.deepStrictEqual(numbers(waiting), [0, 0, 1])
      assert.deepStrictEqual(numbers(humanHours), [...hours])
      assert.isNull(activeShare.value, "a share of no time that anything waited")
    }
    const early = figuresOf(read([open, ended, end]), { window: Window.make(at(0), at(5)) })
    assert.strictEqual(early.humanHours.numerator, 0, "it is counted where it was given back")
  })

  it("are told apart by the class of the cause, and not by each case of it", () => {
    const { interventionsByCause } = figuresOf(
      read(
        ["policy: schema", "policy: auth", "style"].flatMap((cause, n) => gate(of(`g${n}`), [n, n + 1], { cause })),
        [shipped({}, 9, "pr")]
      )
    )
    assert.deepStrictEqual(
      interventionsByCause.parts.map(({ name, numerator }) => [name, numerator]),
      [
        ["policy", 2],
        ["style", 1]
      ]
    )
  })

  const levels = (...told: ReadonlyArray<ReadonlyArray<History.Told>>) =>
    figuresOf(read(...told)).autonomy.parts.map(({ name, numerator }) => [name, numerator])

  it("belong to the next change of their item, and to those above it", () => {
    const second = of("a", 2)
    const child = of("part")
    assert.deepStrictEqual(
      levels(
        [
          intervened(of("a"), 1, { id: "git:0", kind: "takeover" }),
          ...ships("a", 0),
          ...gate(second, [4, 5]),
          started(second, 4),
          shipped(second, 9, "pr-2"),
          ...gate(second, [10, 11], { name: "late" })
        ],
        [started(of("top"), 0), started(child, 1, { parent: { run: "top.1", stage: "child" } })],
        [intervened(child, 2, { id: "git:1", kind: "edit" }), shipped(of("top"), 20, "pr-top")]
      ),
      [
        ["approved", 1],
        ["edited", 1],
        ["taken over", 1]
      ]
    )
  })

  it("who were asked when a change shipped were asked, also if the question was withdrawn later", () => {
    assert.deepStrictEqual(levels([...ships("a", 0), ...gate(run, [1, undefined]), rewound(5)]), [["approved", 1]])
    assert.deepStrictEqual(levels([...ships("a", 0), ...gate(run, [1, undefined]), rewound(2)]), [["zero-touch", 1]])
  })

  it("are found by what they refer to where history knows of no run", () => {
    const edit = intervened({}, 1, { id: "git:1", kind: "edit", ref: "h-7" })
    assert.deepStrictEqual(levels([edit, shipped({}, 5, "7"), shipped({}, 5, "8")]), [
      ["edited", 1],
      ["zero-touch", 1]
    ])
  })

  it("are not needed by a change that policy lets ship, whoever merges it", () => {
    const merged = shipped({}, 5, "7")
    if (merged.fact._tag !== "ChangeShipped") return assert.fail("it shipped")
    assert.deepStrictEqual(levels([{ ...merged, fact: { ...merged.fact, by: History.ada } }]), [["zero-touch", 1]])
  })

  it("are unknown where an earlier run of the item was pruned", () => {
    const pruned: History.Told = { ...of("a"), hours: 1, fact: { _tag: "RunPruned", title: "t", facts: 9 } }
    const second = of("a", 2)
    const state = read([pruned, started(second, 2), shipped(second, 5, "7")])
    assert.deepStrictEqual(numbers(figuresOf(state).autonomy), [0, 1, 1])
  })

  it("are unknown where the beginning of the run was not read", () => {
    assert.deepStrictEqual(numbers(figuresOf(read([shipped(run, 5, "7")])).autonomy), [0, 1, 1])
  })
})

describe("What is asked", () => {
  it("is refused where it makes no sense", () => {
    const ask = (more: Partial<Metrics.Options>) => () => figuresOf(Metrics.empty, more)
    for (const rate of [-1, NaN, Infinity]) assert.throws(ask({ rate }), /rate is .*US dollars/)
    assert.throws(ask({ followUp: "Infinity" }), /followUp/)
    assert.throws(ask({ asOf: 0.5 }), /asOf/)
  })

  it("of nothing has no value at all", () => {
    for (const figure of Object.values(figuresOf(Metrics.empty))) assert.isNull(figure.value, figure.name)
    assert.isUndefined(Metrics.window(Metrics.empty))
  })

  it("may say what validates, and is not misled by names that say nothing", () => {
    const state = read(
      stage(of("a"), [0, 1], { name: "look", role: "Critic", usd: 1 }),
      stage(of("a"), [1, 4], { name: "constructor", role: "__proto__", usd: 3 })
    )
    assert.deepStrictEqual(numbers(figuresOf(state).validationMoney), [0, 4, 0])
    const isValidation = ({ role }: Metrics.Work) => role === "Critic"
    assert.deepStrictEqual(numbers(figuresOf(state, { isValidation }).validationMoney), [1, 4, 0])
    assert.deepStrictEqual(numbers(figuresOf(state, { isValidation }).validationTime), [1, 4, 0])
  })
})
