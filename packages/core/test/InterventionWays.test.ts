/** Every way in which a human steps into a run is one intervention: over real lines, on a real store. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Actor from "../src/Actor.ts"
import * as Digest from "../src/Digest.ts"
import * as Fault from "../src/Fault.ts"
import * as Gate from "../src/Gate.ts"
import * as Intervention from "../src/Intervention.ts"
import * as Line from "../src/Line.ts"
import * as Recorder from "../src/Recorder.ts"
import * as Stage from "../src/Stage.ts"
import type * as Status from "../src/Status.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { item, live, test } from "./FactoryStore.ts"

const ada = Actor.human("ada")
const settings = { payload: { item: WorkItem.WorkItem }, success: Schema.String }

/** What the ledger holds now, without what is the same for all. */
const interventions = Effect.map(Recorder.ledger, (ledger) => [...ledger.values()])
const brief = Effect.map(interventions, (all) => all.map(({ cause, kind, name, run }) => ({ run, kind, name, cause })))

class Broken extends Fault.Class<Broken>()("Broken", { PrinterOff: false }) {}

describe("At a gate", () => {
  const Asking = Line.make("Asking", settings)
  const subject = { title: "Faster paging" }
  const code = Asking.toLayer(() =>
    Effect.gen(function* () {
      yield* Gate.approve("spec", { question: "This?", cause: "spec approval", subject })
      const name = yield* Gate.answer("name", { question: "Which name?", cause: "needs info" })
      const size = yield* Gate.ask("size", { question: "How large?", cause: "needs info", schema: Schema.Int })
      return `${name} ${size}`
    }).pipe(Effect.catchTag("Rejected", ({ message }) => Effect.succeed(message)))
  )

  test("each question is one, with who, how long, the cause, and digests of the subject and the answer", (path) =>
    live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Asking.start({ item })
        const answers: ReadonlyArray<readonly [string, Gate.Answer]> = [
          ["spec", { _tag: "Approve", note: "good" }],
          ["name", { _tag: "Reply", text: "millwright" }],
          ["size", { _tag: "Give", value: 3 }]
        ]
        for (const [name, answer] of answers) {
          yield* Effect.repeat(Line.settled(run), { until: ({ openGates }) => openGates.includes(`${run}:${name}`) })
          yield* Gate.settle(`${run}:${name}`, answer, { actor: ada, activeMinutes: 3 })
          // The same once more is the same.
          yield* Gate.settle(`${run}:${name}`, answer, { actor: ada, activeMinutes: 3 })
        }
        yield* Line.ended(run)
        const all = yield* interventions
        assert.deepStrictEqual(
          all.map(({ answered, cause, kind }) => [kind, cause, answered?.by, answered?.activeMinutes]),
          [
            ["approve", "spec approval", ada, 3],
            ["answer", "needs info", ada, 3],
            ["ask", "needs info", ada, 3]
          ]
        )
        assert.deepStrictEqual(
          all.map(({ after, before }) => [before, after]),
          [
            [Digest.ofJson(subject), Digest.ofJson({ approved: true, note: "good" })],
            [null, Digest.ofJson({ text: "millwright" })],
            [null, Digest.ofJson({ value: 3 })]
          ]
        )
      })
    ))
})

describe("A run that is stopped by a human", () => {
  const Child = Line.make("Child", settings)
  const Parent = Line.make("Parent", settings)
  const code = Child.toLayer(() => Gate.answer("what", { question: "What?", cause: "needs info" }))
  const both = Parent.toLayer(({ item }) => Effect.orDie(Child.child({ item })))

  for (const [how, stop] of [
    ["cancel", (run: string) => Line.cancel(run, { reason: "a duplicate", by: ada })],
    ["park", (run: string) => Line.park(run, { reason: "a duplicate", by: ada })]
  ] as const) {
    test(`is one intervention (${how}), however many children stop with it`, (path) =>
      live(
        path,
        Layer.merge(code, both),
        Effect.gen(function* () {
          const run = yield* Parent.start({ item })
          const isAsking = ({ openGates, parent }: Status.Status) => parent?.run === run && openGates.length > 0
          const all = yield* Effect.repeat(Line.list(), { until: (all) => all.some(isAsking) })
          const child = all.find(isAsking)
          yield* stop(run)
          yield* stop(run)
          yield* Line.ended(run)
          assert.strictEqual((yield* Line.ended(child?.run ?? ""))._tag, "Cancelled")
          assert.deepStrictEqual(
            (yield* brief).filter(({ kind }) => kind === "interrupt"),
            [{ run, kind: "interrupt", name: how, cause: "stopped by hand" }]
          )
          const [stopped] = (yield* interventions).filter(({ kind }) => kind === "interrupt")
          assert.deepInclude(stopped, { question: "a duplicate" })
          assert.deepStrictEqual(stopped?.answered?.by, ada)
          assert.strictEqual(stopped?.answered?.activeMinutes, null, "nobody measured it")
        })
      ))
  }

  test("is none where the host stopped it, or the line itself", (path) => {
    const Aside = Line.make("Aside", settings)
    const aside = Aside.toLayer(({ item }) => Line.park(item, { reason: "nothing to do" }))
    return live(
      path,
      Layer.merge(code, aside),
      Effect.gen(function* () {
        const run = yield* Child.start({ item })
        yield* Line.settled(run)
        yield* Line.cancel(run, { reason: "the issue was closed" })
        yield* Line.ended(yield* Aside.start({ item }))
        assert.deepStrictEqual(
          (yield* brief).filter(({ kind }) => kind === "interrupt"),
          []
        )
      })
    )
  })
})

describe("A run that is picked up by hand", () => {
  const Stalling = Line.make("Stalling", settings)
  let isOn = false
  const code = Stalling.toLayer(() =>
    Effect.gen(function* () {
      yield* Stage.run({ name: "one", success: Schema.String }, Effect.succeed("one"))
      return yield* Stage.run(
        { name: "print", success: Schema.String },
        Effect.suspend(() =>
          isOn ? Effect.succeed("printed") : Effect.fail(new Broken({ reason: "PrinterOff", message: "It is off." }))
        )
      )
    })
  )

  test("after a fault is an intervention with the class of the fault; one that the host resumes is none", (path) => {
    isOn = false
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Stalling.start({ item })
        assert.strictEqual((yield* Line.settled(run))._tag, "Stalled")
        yield* Line.resume(run)
        yield* Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag === "Stalled" })
        assert.deepStrictEqual(yield* brief, [], "the host is no human")
        isOn = true
        yield* Line.resume(run, { by: ada })
        assert.strictEqual((yield* Line.ended(run))._tag, "Finished")
        const cause = "taken up by hand: Broken.PrinterOff"
        assert.deepStrictEqual(yield* brief, [{ run, kind: "pickup", name: "resume", cause }])
        assert.strictEqual(Intervention.classOf(cause), Intervention.causes.takenUp)
        assert.strictEqual((yield* interventions)[0]?.question, "It is off.")
      })
    )
  })

  test("by going back, or by another way beside it, is one each, with the stage and who did it", (path) => {
    isOn = true
    return live(
      path,
      code,
      Effect.gen(function* () {
        const run = yield* Stalling.start({ item })
        yield* Line.ended(run)
        yield* Line.rewind(run, { before: "print", by: ada })
        yield* Line.ended(run)
        const other = yield* Line.fork(run, { before: "print", by: ada })
        yield* Line.ended(other)
        yield* Line.rewind(run, { before: "print" })
        yield* Line.ended(run)
        yield* Line.ended(yield* Line.fork(run, { before: "print" }))
        assert.deepStrictEqual(yield* brief, [
          { run, kind: "pickup", name: "print", cause: "sent back by hand" },
          { run: other, kind: "pickup", name: "print", cause: "forked by hand" }
        ])
        const forked = (yield* interventions)[1]
        assert.strictEqual(forked?.ref, run, "it says what it was forked from")
        assert.deepStrictEqual(forked?.answered?.by, ada)
      })
    )
  })
})

describe("The ledger", () => {
  it("knows a class of every cause", () => {
    for (const [cause, expected] of [
      ["policy: schema change", "policy"],
      ["needs info", "needs info"],
      ["", ""],
      [":", ""],
      ["a:b:c", "a"]
    ] as const) {
      assert.strictEqual(Intervention.classOf(cause), expected)
    }
  })
})

describe("Asking a human", () => {
  it("has one place in the sources of all packages that opens a gate, and one that answers it", () => {
    const root = fileURLToPath(new URL("../../", import.meta.url))
    const sources = globSync("*/src/**/*.ts", { cwd: root })
    assert.isAbove(sources.length, 300, "the sources of the packages were not found")
    const makers = (tag: string) =>
      // Where a fact is made, and not where its type is named.
      sources.filter((path) => new RegExp(`(?<!readonly )_tag: "${tag}"`).test(readFileSync(`${root}${path}`, "utf8")))
    assert.deepStrictEqual(makers("GateOpened"), ["core/src/Gate.ts"], "somebody is asked without a gate")
    assert.deepStrictEqual(makers("GateAnswered"), ["core/src/GateDesk.ts"], "a gate is answered beside its desk")
  })
})
