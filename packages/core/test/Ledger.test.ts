import { assert, describe, it } from "@effect/vitest"
import type * as FactoryEvent from "../src/FactoryEvent.ts"
import * as Ledger from "../src/Ledger.ts"
import * as Usage from "../src/Usage.ts"
import { at, called, started } from "./Ledgers.ts"

const ledger = (...events: ReadonlyArray<FactoryEvent.FactoryEvent>) => events.reduce(Ledger.step, Ledger.empty)
const total = (...events: ReadonlyArray<FactoryEvent.FactoryEvent>) => Ledger.total(Ledger.charges(ledger(...events)))
const output = (tokens: number): Usage.Usage => ({ ...Usage.zero, output: tokens })
const named = (events: ReadonlyArray<FactoryEvent.FactoryEvent>, dimension: Ledger.Dimension) =>
  Ledger.by(Ledger.charges(ledger(...events)), dimension).map(({ account, name }) => [name, account.paid.usd])

describe("Ledger", () => {
  it("gives what calls cost to the item, run, stage, role, agent, model and provider that they are of", () => {
    const events = [
      called(1, { cost: Usage.known(4) }),
      called(2, { cost: Usage.known(2), role: "Implement/explorer", model: "small" }),
      called(3, { cost: Usage.known(1), stage: "review", role: "Review", run: "issue-2.1", item: "issue-2" }),
      called(4, { cost: Usage.known(0.5), run: null, item: null, stage: null, provider: "q" })
    ]
    const said = (dimension: Ledger.Dimension) => named(events, dimension)
    assert.deepStrictEqual(said("item"), [
      ["issue-1", 6],
      ["issue-2", 1],
      [null, 0.5]
    ])
    assert.deepStrictEqual(said("run"), [
      ["issue-1.1", 6],
      ["issue-2.1", 1],
      [null, 0.5]
    ])
    assert.deepStrictEqual(said("stage"), [
      ["implement", 6],
      ["review", 1],
      [null, 0.5]
    ])
    assert.deepStrictEqual(
      said("role"),
      [
        ["Implement", 6.5],
        ["Review", 1]
      ],
      "a sub-agent works for its role"
    )
    assert.deepStrictEqual(said("agent"), [
      ["Implement", 4.5],
      ["Implement/explorer", 2],
      ["Review", 1]
    ])
    assert.deepStrictEqual(said("model"), [
      ["p/m", 5],
      ["p/small", 2],
      ["q/m", 0.5]
    ])
    assert.deepStrictEqual(said("provider"), [
      ["p", 7],
      ["q", 0.5]
    ])
  })

  it("adds up money to the billionth, in whatever order it comes", () => {
    const tenths = Array.from({ length: 10 }, (_, index) => called(index + 1, { cost: Usage.known(0.1) }))
    assert.strictEqual(total(...tenths).paid.usd, 1, "ten times a tenth is not one")
  })

  it("counts an answer once that was recorded in two runs, and gives it to the one that had it first", () => {
    const first = called(1, { message: "msg_0123456789abcdef", usage: output(7) })
    const again = called(9, { message: "msg_0123456789abcdef", usage: output(7), run: "issue-1.2" })
    const other = called(10, { message: "msg_0123456789abcdef", usage: output(7), provider: "q" })
    assert.strictEqual(total(first, again).calls, 1)
    assert.deepStrictEqual(named([again, first], "run"), [["issue-1.1", 0.5]])
    assert.strictEqual(total(first, other).calls, 2, "a name is only unique with its provider")
    const rehearsed = [first, again].map((event, seq) =>
      called(seq, { message: "msg_0123456789abcdef", rehearsed: true, at: event.at })
    )
    assert.strictEqual(total(...rehearsed).calls, 2, "a rehearsal plays the same answers again, and each is one")
  })

  it("takes the fullest record of an answer that was told in pieces", () => {
    const message = "msg_0123456789abcdef"
    const pieces = [
      called(3, { message, usage: output(9) }),
      called(1, { message, usage: output(1), broken: true }),
      called(2, { message, usage: output(4) })
    ]
    const account = total(...pieces)
    assert.deepStrictEqual([account.calls, account.usage.output, account.broken.calls], [1, 9, 0])
  })

  it("keeps apart what nobody knows", () => {
    const account = total(
      called(1, { cost: Usage.known(1), usage: output(10) }),
      called(2, { cost: Usage.unknown("no table"), usage: output(20) }),
      called(3, { cost: Usage.known(-5), usage: output(40) }),
      called(4, { cost: Usage.known(0.25), usage: { ...Usage.zero, input: 3 }, broken: true })
    )
    assert.deepStrictEqual(account.list, { usd: 1, unpriced: 2 }, "an unknown price became a number")
    assert.strictEqual(account.usage.output, 70)
    assert.deepStrictEqual(account.broken, { calls: 1, usage: { ...Usage.zero, input: 3 }, usd: 0.25 })
    assert.isFalse(Ledger.isWhole(account))
    assert.isTrue(Ledger.isWhole(total(called(1))))
    assert.deepStrictEqual(Ledger.bill(account), {
      ...{ usd: 1.25, calls: 3, unpriced: 2 },
      usage: { ...Usage.zero, input: 3, output: 70 }
    })
  })

  it("tells the list price from what was really paid", () => {
    const account = total(
      called(1, { cost: Usage.known(1) }),
      called(2, { cost: Usage.known(2), paidBy: "subscription" }),
      called(3, { cost: Usage.unknown("no table"), paidBy: "subscription" }),
      called(4, { cost: Usage.known(4), paidBy: "subscription", broken: true })
    )
    assert.deepStrictEqual(account.list, { usd: 3, unpriced: 1 })
    assert.deepStrictEqual(
      account.paid,
      { usd: 1, unpriced: 0 },
      "what a subscription pays costs nothing more, and that is known"
    )
    assert.strictEqual(account.broken.usd, 0)
  })

  it("says how much of the prompts came from the cache", () => {
    const usage = { input: 1, cacheRead: 6, cacheWrite: 1, output: 100 }
    assert.strictEqual(Ledger.cacheShare(total(called(1, { usage }))), 0.75)
    assert.isUndefined(Ledger.cacheShare(total()))
  })

  it("counts what was spent for stages that were forgotten, and once for those that a fork took over", () => {
    const account = [
      started(1, "issue-1.1"),
      called(2, { cost: Usage.known(1), stage: "plan" }),
      called(3, { cost: Usage.known(2), stage: "implement" }),
      at(4, { _tag: "LineRewound", before: "implement", dropped: ["implement"], gates: [] }),
      called(5, { cost: Usage.known(4), stage: "implement" }),
      started(6, "issue-1.2", { forkOf: { run: "issue-1.1", before: "implement", took: ["plan"] } }),
      called(7, { cost: Usage.known(8), stage: "implement", run: "issue-1.2" })
    ]
    assert.deepStrictEqual(named(account, "run"), [
      ["issue-1.2", 8],
      ["issue-1.1", 7]
    ])
    assert.strictEqual(total(...account).paid.usd, 15)
    const taken = Ledger.takenOver(
      ledger(
        ...account,
        started(8, "issue-1.3", { forkOf: { run: "issue-1.2", before: "review", took: ["plan", "implement"] } })
      ),
      "issue-1.3"
    )
    assert.strictEqual(Ledger.total(taken).paid.usd, 9, "a fork of a fork took over what both had paid")
  })

  it("knows a run's children, and theirs", () => {
    const of = (run: string) => ({ parent: { run, stage: "child" } })
    const known = ledger(started(4, "c", of("b")), started(1, "a"), started(3, "b", of("a")), started(2, "other"))
    assert.deepStrictEqual([...Ledger.family(known, "a")], ["a", "b", "c"])
    assert.deepStrictEqual([...Ledger.family(known, "nobody")], ["nobody"])
  })

  it("counts a run that was pruned by what was written down of it, also while its facts are being taken out", () => {
    const calls = [
      called(1),
      called(2, { usage: output(3), cost: Usage.unknown("?") }),
      called(3, { broken: true, usage: output(1) })
    ]
    const spent = Ledger.charges(ledger(...calls)).map(
      ({ at: _, item: _1, line: _2, run: _3, seq: _4, ...charge }) => charge
    )
    const pruned = at(9, { _tag: "RunPruned", title: "t", facts: 3, spent, parent: "a" })
    const whole = total(...calls)
    assert.deepStrictEqual(total(pruned), whole)
    assert.deepStrictEqual(
      total(calls[2] ?? pruned, pruned),
      whole,
      "what is left is counted beside what was written down"
    )
    assert.isTrue(Ledger.family(ledger(pruned), "a").has("issue-1.1"))
    assert.lengthOf(Ledger.unknownRuns(ledger(pruned)), 0)
    const lost = ledger(at(9, { _tag: "RunPruned", title: "t", facts: 3 }))
    assert.deepStrictEqual(
      Ledger.unknownRuns(lost).map(({ run }) => run),
      ["issue-1.1"]
    )
  })
})
