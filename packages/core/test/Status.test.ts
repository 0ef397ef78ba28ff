import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Actor from "../src/Actor.ts"
import * as MemoryJournal from "../src/adapters/MemoryJournal.ts"
import type * as FactoryEvent from "../src/FactoryEvent.ts"
import * as Journal from "../src/Journal.ts"
import * as Status from "../src/Status.ts"

const fault = { tag: "Broken", reason: "Once", message: "It broke.", retryable: false }
const started: FactoryEvent.Fact = { _tag: "LineStarted", title: "T", execution: "e", start: "s" }
const begun: FactoryEvent.Fact = { _tag: "StageStarted", attempt: 1 }
const done: FactoryEvent.Fact = { _tag: "StageFinished", attempt: 1, duration: 1 }
const failed: FactoryEvent.Fact = { _tag: "StageFailed", attempt: 1, duration: 1, fault }
const stalled: FactoryEvent.Fact = { _tag: "LineStalled", fault }
const opened: FactoryEvent.Fact = {
  _tag: "GateOpened",
  gate: "r:go",
  name: "go",
  token: "t",
  kind: "approve",
  question: "?",
  context: "",
  cause: "c"
}
const answered: FactoryEvent.Fact = {
  _tag: "GateAnswered",
  gate: "r:go",
  answer: null,
  by: Actor.host,
  waited: 1,
  activeMinutes: null
}

/** Facts as `fact` or `[fact, stage]`, and the status that they come to. */
type Told = FactoryEvent.Fact | readonly [FactoryEvent.Fact, string]

const after = (...told: ReadonlyArray<Told>) =>
  told.reduce<Status.Status | undefined>((status, one, index) => {
    const [fact, stage] = "_tag" in one ? [one, null] : one
    return Status.step(status, {
      version: 1,
      seq: index + 1,
      at: index,
      line: "L",
      run: "r",
      item: "i",
      actor: Actor.host,
      stage,
      fact
    })
  }, undefined)

describe("Status.step", () => {
  const cases: ReadonlyArray<readonly [title: string, told: ReadonlyArray<Told>, tag: string | undefined]> = [
    ["knows nothing of a run that never started", [begun], undefined],
    ["runs from its start", [started], "Running"],
    ["waits when a gate is open and no stage is", [started, [opened, "g"]], "Waiting"],
    ["runs when a stage is open beside a gate", [started, [begun, "a"], [opened, "g"]], "Running"],
    [
      "waits when the last open stage beside a gate ends",
      [started, [begun, "a"], [opened, "g"], [done, "a"]],
      "Waiting"
    ],
    ["runs again when the gate is answered", [started, [opened, "g"], answered], "Running"],
    ["stalls", [started, [begun, "a"], [failed, "a"], [stalled, "a"]], "Stalled"],
    [
      "stays stalled when another stage ends",
      [started, [begun, "a"], [begun, "b"], [failed, "a"], [stalled, "a"], [done, "b"]],
      "Stalled"
    ],
    ["stays stalled when another stage begins", [started, [failed, "a"], [stalled, "a"], [begun, "b"]], "Stalled"],
    ["stays stalled when another branch asks", [started, [failed, "a"], [stalled, "a"], [opened, "g"]], "Stalled"],
    ["runs again where it stalled", [started, [failed, "a"], [stalled, "a"], [begun, "a"]], "Running"],
    ["runs again after a fault between stages", [started, stalled, [begun, "a"]], "Running"],
    ["runs again when it is resumed", [started, [failed, "a"], [stalled, "a"], { _tag: "LineResumed" }], "Running"],
    [
      "forgets stages of a process that is gone when it is resumed",
      [started, [begun, "a"], [opened, "g"], { _tag: "LineResumed" }],
      "Waiting"
    ],
    [
      "finishes for good",
      [started, { _tag: "LineFinished", result: 1 }, [begun, "a"], answered, stalled, { _tag: "LineResumed" }],
      "Finished"
    ],
    ["is parked for good", [started, [opened, "g"], { _tag: "LineParked", reason: "no" }, answered], "Parked"],
    [
      "is cancelled, and undone later",
      [started, { _tag: "LineCancelled", reason: "no", undoing: true }, { _tag: "LineUndone" }],
      "Cancelled"
    ],
    ["fails for good", [started, { _tag: "LineFailed", fault }, answered], "Failed"]
  ]
  for (const [title, told, tag] of cases) {
    it(title, () => assert.strictEqual(after(...told)?._tag, tag))
  }

  it("keeps nothing of a fault once the run goes on, and no open gate once it is over", () => {
    const again = after(started, [stalled, "a"], [begun, "a"])
    assert.notProperty(again, "fault")
    const over = after(started, [opened, "g"], [stalled, "a"], { _tag: "LineFinished", result: 1 })
    assert.deepStrictEqual(over, {
      _tag: "Finished",
      result: 1,
      parent: null,
      run: "r",
      line: "L",
      item: "i",
      title: "T",
      execution: "e",
      openGates: [],
      openStages: [],
      isUndoing: false,
      children: {},
      expiries: {}
    })
  })
})

describe("Status.runs", () => {
  it.effect("keeps the runs of all lines apart, in the order of their starts", () =>
    Effect.gen(function* () {
      const record = (line: string, run: string, fact: FactoryEvent.Fact) =>
        Effect.provideService(Journal.record(fact), Journal.Origin, {
          line,
          run,
          item: "i",
          stage: null,
          actor: Actor.host
        })
      yield* record("A", "i.1", started)
      yield* record("B", "i.2", started)
      yield* record("A", "i.1", { _tag: "LineFinished", result: null })
      yield* Journal.record({ _tag: "Commented", item: "i", body: "outside of a run" })
      const tell = (all: ReadonlyArray<Status.Status>) => all.map(({ _tag, line, run }) => `${line} ${run} ${_tag}`)
      assert.deepStrictEqual(tell(yield* Status.runs()), ["A i.1 Finished", "B i.2 Running"])
      assert.deepStrictEqual(tell(yield* Status.runs("B")), ["B i.2 Running"])
      assert.strictEqual(yield* Status.of("i.3"), undefined)
    }).pipe(Effect.provide(MemoryJournal.layer, { local: true }))
  )
})
