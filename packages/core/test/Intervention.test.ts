import { assert, describe, it } from "@effect/vitest"
import * as Actor from "../src/Actor.ts"
import type * as FactoryEvent from "../src/FactoryEvent.ts"
import * as Intervention from "../src/Intervention.ts"

const event = (seq: number, fact: FactoryEvent.Fact): FactoryEvent.FactoryEvent => ({
  version: 1,
  seq,
  at: seq * 1_000,
  line: "Asked",
  run: "issue-1.1",
  item: "issue-1",
  stage: null,
  actor: Actor.host,
  fact
})

const opened = (seq: number, gate: string) =>
  event(seq, {
    _tag: "GateOpened",
    gate,
    name: "merge",
    token: "t",
    kind: "approve",
    question: "Ship it?",
    context: "",
    cause: "policy: source"
  })

const answered = (seq: number, gate: string, approved: boolean) =>
  event(seq, {
    _tag: "GateAnswered",
    gate,
    answer: { approved, note: "" },
    by: Actor.human("ada"),
    waited: 4_000,
    activeMinutes: null
  })

const ledger = (events: ReadonlyArray<FactoryEvent.FactoryEvent>) =>
  events.reduce(Intervention.step, Intervention.empty)

describe("Intervention", () => {
  it("is open from the gate on, and closed by its answer with who and how long", () => {
    const open = ledger([opened(1, "a")]).get("a")
    assert.strictEqual(open?.answered, null, "a gate that nobody answered is an open intervention")
    const closed = ledger([opened(1, "a"), answered(5, "a", true)]).get("a")
    assert.deepStrictEqual(closed?.answered, {
      by: Actor.human("ada"),
      at: 5_000,
      answer: { approved: true, note: "" },
      waited: 4_000,
      activeMinutes: null
    })
    assert.strictEqual(closed?.run, "issue-1.1")
  })

  it("keeps the first opening and the first answer, so a fact that is read twice changes nothing", () => {
    const once = [opened(1, "a"), answered(5, "a", true)]
    const twice = [...once, opened(6, "a"), answered(7, "a", false)]
    assert.deepStrictEqual([...ledger(twice)], [...ledger(once)])
  })

  it("counts reminders, and knows the last escalation; a reminder that crossed the answer is none", () => {
    const reminded = (seq: number, level: number, to: string | null) =>
      event(seq, { _tag: "GateReminded", gate: "a", level, to })
    const told = [opened(1, "a"), reminded(2, 0, null), reminded(3, 1, "lead")]
    assert.include(ledger(told).get("a"), { reminders: 2, level: 1, to: "lead" })
    const crossed = ledger([...told, answered(5, "a", true), reminded(6, 2, "on call")]).get("a")
    assert.include(crossed, { reminders: 2, level: 1, to: "lead" })
    assert.strictEqual(ledger([reminded(1, 0, null)]).size, 0, "a gate that was never opened was reminded of")
  })

  it("tells a human's answer from a time-out, and how it came", () => {
    const last = (more: { readonly timedOut?: true; readonly via?: string }) => {
      const { fact, ...rest } = answered(5, "a", true)
      return ledger([opened(1, "a"), { ...rest, fact: { ...fact, ...more } as FactoryEvent.Fact }]).get("a")?.answered
    }
    assert.include(last({ timedOut: true }), { timedOut: true })
    assert.include(last({ via: "webhook" }), { via: "webhook" })
    assert.doesNotHaveAnyKeys(last({}), ["timedOut", "via"])
  })

  it("knows nothing of an answer to a gate that was never opened", () => {
    assert.strictEqual(ledger([answered(1, "a", true)]).size, 0)
  })
})
