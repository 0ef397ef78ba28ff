import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqliteEngine from "../src/adapters/SqliteEngine.ts"
import * as SqliteJournal from "../src/adapters/SqliteJournal.ts"
import * as Actor from "../src/Actor.ts"
import * as FactoryEvent from "../src/FactoryEvent.ts"
import * as Gate from "../src/Gate.ts"
import * as InterventionSum from "../src/internal/InterventionSum.ts"
import * as Line from "../src/Line.ts"
import * as Recorder from "../src/Recorder.ts"
import * as Retention from "../src/Retention.ts"
import * as Sqlite from "../src/Sqlite.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, events, item, range, test } from "./FactoryStore.ts"

const ada = Actor.human("ada")
const Asking = Line.make("Asking", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })
const ask = (name: string) => Gate.answer(name, { question: "What?", cause: "needs info: name" })
const code = Asking.toLayer(() => Effect.asVoid(Effect.all([ask("one"), ask("two")])))

const live = (path: string) =>
  Layer.provideMerge(
    code,
    Layer.provideMerge(
      Layer.merge(SqliteJournal.layer, SqliteEngine.layer()),
      Sqlite.layer({ path, poll: "5 millis", synchronous: "NORMAL" })
    )
  )

const asked = { kind: "answer", cause: "needs info: name", answered: { activeMinutes: 2 } } as const

describe("Of a run that is pruned", () => {
  test("stays how often people were needed, when it was, and none of what they said", (path) =>
    alone(
      Effect.gen(function* () {
        const run = yield* Asking.start({ item })
        yield* Line.settled(run)
        const reply = { _tag: "Reply", text: "a secret name" } as const
        yield* Gate.settle(`${run}:one`, reply, { actor: ada, activeMinutes: 12.5 })
        yield* Line.settled(run)
        yield* Gate.settle(`${run}:two`, reply, { actor: ada })
        const past = { name: "branch", cause: "edited by hand", why: "It was wrong.", by: ada, place: { run } } as const
        yield* Recorder.record({ ...past, id: "git:1", kind: "edit", activeMinutes: 3 })
        yield* Recorder.record({ ...past, id: "git:2", kind: "edit", place: { item: item.id } })
        assert.strictEqual((yield* Line.ended(run))._tag, "Finished")
        const before = yield* events
        const timeOf = (tag: string) => before.find(({ fact }) => fact._tag === tag)?.at
        // The engine ends an execution a little after its run.
        const pruned = yield* Effect.repeat(Retention.prune({ keepLast: 0 }), { until: ({ runs }) => runs.length > 0 })
        assert.deepStrictEqual(pruned.runs, [run])
        const left = yield* events
        assert.notInclude(JSON.stringify(left), "a secret name")
        assert.deepStrictEqual(
          left.flatMap(({ fact }) => (fact._tag === "RunPruned" ? [fact] : [])),
          [
            {
              _tag: "RunPruned",
              title: item.title,
              facts: before.filter((event) => event.run === run).length,
              spent: [],
              began: timeOf("LineStarted") ?? 0,
              ended: timeOf("LineFinished") ?? 0,
              interventions: [
                { kind: "answer", cause: "needs info: name", count: 2, activeMinutes: 12.5, unmeasured: 1 },
                { kind: "edit", cause: "edited by hand", count: 1, activeMinutes: 3, unmeasured: 0 }
              ]
            }
          ]
        )
        assert.strictEqual((yield* Retention.prune({ keepLast: 0 })).runs.length, 0)
        assert.isTrue(
          left.some(({ fact }) => fact._tag === "Intervened" && fact.id === "git:2"),
          "what belongs to no run stays"
        )
      }),
      live(path)
    ))
})

describe("The sums of interventions", () => {
  it("know what nobody measured from what nobody worked on", () => {
    const of = (more: object) => {
      const [sum] = InterventionSum.sums([{ ...asked, ...more }])
      return [sum?.activeMinutes, sum?.unmeasured]
    }
    assert.deepStrictEqual(of({}), [2, 0])
    assert.deepStrictEqual(of({ answered: { activeMinutes: null } }), [0, 1])
    assert.deepStrictEqual(of({ answered: { activeMinutes: null, timedOut: true } }), [0, 0], "nobody came")
    assert.deepStrictEqual(of({ answered: { activeMinutes: -1 } }), [0, 1])
    assert.deepStrictEqual(of({ answered: null }), [0, 1], "it is still open")
    assert.deepStrictEqual(of({ answered: null, withdrawn: true }), [0, 0])
    assert.deepStrictEqual(of({ withdrawn: true }), [2, 0], "what was answered before was work")
  })

  it("stay small, and lose none, whatever causes say and minutes are", () => {
    const causes = range(10_000).map((at) => `${"x".repeat(at % 2 === 0 ? 150 : 1_000)}${at}`)
    const all = causes.map((cause, at) => ({ ...asked, kind: at % 3 === 0 ? "ask" : "edit", cause }))
    const sums = InterventionSum.sums([asked, asked, ...all])
    assert.isAtMost(sums.length, 52)
    assert.isBelow(JSON.stringify(sums).length, 20_000)
    assert.strictEqual(
      sums.reduce((sum, { count }) => sum + count, 0),
      10_002
    )
    assert.deepInclude(sums[0], { cause: `${"x".repeat(200)}…` })
    assert.isTrue(sums.some(({ cause, count }) => cause === asked.cause && count === 2))
    const huge = { ...asked, answered: { activeMinutes: Number.MAX_VALUE } }
    const interventions = InterventionSum.sums([huge, huge])
    const fact = { _tag: "RunPruned", title: "t", facts: 1, interventions }
    assert.isTrue(Schema.is(FactoryEvent.Fact)(fact), "a journal can not hold it")
    assert.isTrue(
      Schema.is(FactoryEvent.Fact)({ _tag: "RunPruned", title: "t", facts: 1 }),
      "an old fact is none any more"
    )
  })
})
