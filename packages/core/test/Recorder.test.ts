import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Actor from "../src/Actor.ts"
import * as MemoryJournal from "../src/adapters/MemoryJournal.ts"
import * as Digest from "../src/Digest.ts"
import * as Gate from "../src/Gate.ts"
import * as Intervention from "../src/Intervention.ts"
import * as Journal from "../src/Journal.ts"
import * as Line from "../src/Line.ts"
import * as Recorder from "../src/Recorder.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, count, events, item, journal, live, range, test } from "./FactoryStore.ts"

const ada = Actor.human("ada")
const bob = Actor.human("bob")
const edit = {
  id: "git:0123abc",
  kind: "edit",
  name: "branch",
  cause: Intervention.causes.edited,
  why: "The agent left a debug line.",
  by: ada
} as const

/** A test on a journal in memory. */
const inMemory = (title: string, body: Effect.Effect<void, unknown, Journal.Journal>) =>
  it.effect(title, () => Effect.provide(body, MemoryJournal.layer))

const refused = <A, R>(recording: Effect.Effect<A, Recorder.RecorderError | Journal.JournalError, R>) =>
  Effect.map(Effect.flip(recording), (error) => error)

describe("Recorder.record", () => {
  inMemory(
    "puts what a human did into the ledger, with who, why, where, before and after, and what was not measured as not known",
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const [before, after] = [Digest.of("before"), Digest.of("after")]
      const place = { item: "issue-1", run: "issue-1.1", stage: "implement" }
      const recorded = yield* Recorder.record({ ...edit, place, since: 60_000, before, after, ref: "0123abc" })
      assert.deepStrictEqual(recorded, {
        ...{ id: edit.id, line: null, run: "issue-1.1", item: "issue-1", stage: "implement" },
        ...{ name: "branch", kind: "edit", cause: "edited by hand", question: edit.why, openedAt: 60_000 },
        ...{ reminders: 0, level: 0, to: null, before, after, ref: "0123abc", fix: null },
        answered: { by: ada, at: 60_000, answer: null, waited: null, activeMinutes: null }
      })
      assert.deepStrictEqual([...(yield* Recorder.ledger).values()], [recorded])
      assert.deepStrictEqual(yield* Recorder.open, [], "what is over is not open")
    })
  )

  inMemory(
    "counts the same once, however often it is found, and refuses another one of its id",
    Effect.gen(function* () {
      const first = yield* Recorder.record({ ...edit, activeMinutes: 4 })
      const again = yield* Recorder.record({ ...edit, why: "Told in other words, by git.", activeMinutes: null })
      assert.deepStrictEqual(again, first, "the first one stands")
      for (const other of [{ by: bob }, { kind: "review" as const }]) {
        const error = yield* refused(Recorder.record({ ...edit, ...other }))
        assert.strictEqual(error.reason, "OtherIntervention")
        assert.include(error.message, edit.id)
      }
      assert.strictEqual(yield* count("Intervened"), 1)
    })
  )

  inMemory(
    "refuses what can not be one, and writes nothing",
    Effect.gen(function* () {
      const bad: ReadonlyArray<readonly [Partial<Recorder.Past>, RegExp]> = [
        ...[
          "",
          "git",
          "git:",
          ":a",
          "issue-1.1:merge",
          "issue-1.1#7",
          "Git:a",
          "takeover:issue-1:1",
          `git:${"a".repeat(500)}`
        ].map((id) => [{ id }, /can not be its id/] as const),
        ...[-1, Number.NaN, Infinity].map((activeMinutes) => [{ activeMinutes }, /no minutes/] as const),
        ...[-1, 0.5, Number.NaN].flatMap((at) => [
          [{ since: at }, /since/] as const,
          [{ waited: at }, /waited/] as const
        ]),
        ...["", " ", "c".repeat(501)].map((cause) => [{ cause }, /cause is a class/] as const),
        [{ since: 8_640_000_000_000_001 }, /no date/],
        [{ before: "abc" as Digest.Digest }, /before/],
        [{ kind: "ask" as "edit" }, /kind/]
      ]
      for (const [part, message] of bad) {
        const error = yield* refused(Recorder.record({ ...edit, ...part }))
        assert.strictEqual(error.reason, "Invalid", `${JSON.stringify(part)} was taken`)
        assert.match(error.message, message)
      }
      assert.strictEqual((yield* events).length, 0)
    })
  )

  inMemory(
    "keeps 4,000 characters of a reason of a megabyte, and no secret of it",
    Effect.gen(function* () {
      const secret = `ghp_${"a1B2".repeat(9)}`
      const { question } = yield* Recorder.record({ ...edit, why: `${secret} ${"😀".repeat(500_000)}` })
      assert.isAtMost(question.length, 4_001)
      assert.isTrue(question.isWellFormed(), "a character was cut in two")
      assert.notInclude(question, secret)
      const cut = yield* Recorder.record({ ...edit, id: "git:cut", why: `${"x ".repeat(1_983)}${secret}` })
      assert.notInclude(cut.question, secret.slice(0, 20), "most of a secret was left where the text was cut")
    })
  )

  inMemory(
    "takes it from humans and from the host that was told, never from an agent",
    Effect.gen(function* () {
      // @ts-expect-error: an agent is no human
      const agent = yield* refused(Recorder.record({ ...edit, by: { _tag: "Agent", role: "Implement" } }))
      assert.strictEqual(agent.reason, "NotHuman")
      // @ts-expect-error: nor is the host
      assert.strictEqual((yield* refused(Recorder.record({ ...edit, by: Actor.host }))).reason, "NotHuman")
      for (const name of ["", " "]) {
        assert.strictEqual((yield* refused(Recorder.record({ ...edit, by: Actor.human(name) }))).reason, "NotHuman")
      }
      const asAgent = Journal.as({ _tag: "Agent", role: "Implement" })
      const posing = yield* refused(Recorder.record(edit).pipe(asAgent))
      assert.strictEqual(posing.reason, "NotHuman", "an agent recorded what a human did")
      assert.include(posing.message, "agent:Implement")
      const taking = Recorder.takeOver({ item: "issue-1", by: ada, why: "so that nobody looks" })
      assert.strictEqual((yield* refused(asAgent(taking))).reason, "NotHuman")
      const mine = yield* taking
      const back = Recorder.handBack(mine, { by: ada, why: "done" })
      assert.strictEqual((yield* refused(asAgent(back))).reason, "NotHuman")
      yield* back
    })
  )
})

describe("Recorder.takeOver", () => {
  const taking = { item: "issue-1", by: ada, why: "The agent goes in circles." }

  inMemory(
    "is open until it is handed back, and tells how long it was and what of it was work",
    Effect.gen(function* () {
      const mine = yield* Recorder.takeOver({ ...taking, stage: "implement" })
      const [open, ...more] = yield* Recorder.open
      assert.deepStrictEqual(more, [])
      assert.include(open, { id: mine.id, kind: "takeover", stage: "implement", to: "ada", answered: null })
      yield* TestClock.adjust("3 hours")
      const over = yield* Recorder.handBack(mine, {
        by: ada,
        why: "It works.",
        activeMinutes: 40,
        after: Digest.of("x")
      })
      const answered = { by: ada, at: 10_800_000, answer: null, waited: null, activeMinutes: 40 }
      assert.deepStrictEqual(over.answered, answered, "how long somebody had the work is no time that it waited")
      assert.strictEqual(over.after, Digest.of("x"))
      assert.deepStrictEqual(yield* Recorder.open, [])
    })
  )

  inMemory(
    "gives the same human the same one, and says to everybody else who has it",
    Effect.gen(function* () {
      const mine = yield* Recorder.takeOver(taking)
      assert.deepStrictEqual(yield* Recorder.takeOver({ ...taking, why: "I came back after a crash." }), mine)
      for (const other of [{ by: bob }, { by: bob, stage: "implement" }, { stage: "implement" }]) {
        const error = yield* refused(Recorder.takeOver({ ...taking, ...other }))
        assert.strictEqual(error.reason, "Taken", `${JSON.stringify(other)} is a part of what ada has`)
        assert.match(error.message, /^ada has taken over the item "issue-1"/)
      }
      yield* Recorder.takeOver({ ...taking, item: "issue-2", by: bob })
      yield* Recorder.handBack(mine, { by: ada, why: "done" })
      const next = yield* Recorder.takeOver({ ...taking, by: bob })
      assert.notStrictEqual(next.id, mine.id, "another one has the id of one that is over")
      assert.strictEqual((yield* Recorder.ledger).size, 3)
    })
  )

  inMemory(
    "of stages lets several humans have different ones, and nobody the whole item meanwhile",
    Effect.gen(function* () {
      const one = yield* Recorder.takeOver({ ...taking, stage: "implement" })
      yield* Recorder.takeOver({ ...taking, by: bob, stage: "review" })
      assert.strictEqual((yield* refused(Recorder.takeOver({ ...taking, by: bob }))).reason, "Taken")
      yield* Recorder.handBack(one.id, { by: ada, why: "done" })
      assert.deepStrictEqual(
        (yield* Recorder.open).map(({ stage, to }) => [stage, to]),
        [["review", "bob"]]
      )
    })
  )

  inMemory(
    "is handed back once: twice by the same changes nothing, by somebody else only in the name of who has it",
    Effect.gen(function* () {
      const mine = yield* Recorder.takeOver(taking)
      const notYours = yield* refused(Recorder.handBack(mine, { by: bob, why: "I need it." }))
      assert.strictEqual(notYours.reason, "NotYours")
      assert.include(notYours.message, "ada")
      assert.strictEqual((yield* Recorder.open).length, 1, "it is still open")
      const over = yield* Recorder.handBack(mine.id, { by: bob, insteadOf: ada, why: "Ada is on leave." })
      assert.deepStrictEqual(over.answered?.by, bob)
      const again = yield* Recorder.handBack(mine, { by: bob, why: "once more", activeMinutes: 90 })
      assert.deepStrictEqual(again, over, "the first hand-back stands")
      const late = yield* refused(Recorder.handBack(mine, { by: ada, why: "Back from leave." }))
      assert.strictEqual(late.reason, "Ended")
      assert.include(late.message, "bob")
      assert.strictEqual(yield* count("InterventionEnded"), 1)
    })
  )

  inMemory(
    "refuses what nobody has, what is no takeover, and what says nothing",
    Effect.gen(function* () {
      const mine = yield* Recorder.takeOver(taking)
      const unknown = yield* refused(Recorder.handBack("takeover:issue-9:1", { by: ada, why: "done" }))
      assert.strictEqual(unknown.reason, "NoSuchIntervention")
      assert.include(unknown.message, mine.id, "it says what is open")
      const { id } = yield* Recorder.record(edit)
      assert.strictEqual((yield* refused(Recorder.handBack(id, { by: ada, why: "done" }))).reason, "NotATakeover")
      const silent = yield* refused(Recorder.takeOver({ ...taking, item: "issue-2", why: " \n" }))
      assert.strictEqual(silent.reason, "Invalid")
      for (const item of ["", "a:b", "../etc", "A"]) {
        assert.strictEqual((yield* refused(Recorder.takeOver({ ...taking, item }))).reason, "Invalid")
      }
      const minutes = yield* refused(Recorder.handBack(mine, { by: ada, why: "done", activeMinutes: -3 }))
      assert.strictEqual(minutes.reason, "Invalid")
      assert.strictEqual((yield* Recorder.open).length, 1)
    })
  )

  test("goes to one of many who want it at once, in processes of their own", (path) =>
    Effect.gen(function* () {
      const names = range(8).map((n) => `human-${n}`)
      const tries = names.map((name) =>
        alone(Effect.exit(Recorder.takeOver({ ...taking, by: Actor.human(name) })), journal(path))
      )
      const exits = yield* Effect.all(tries, { concurrency: "unbounded" })
      const taken = exits.flatMap((exit) => (exit._tag === "Success" ? [exit.value] : []))
      assert.strictEqual(taken.length, 1, "several have it")
      const ledger = [...(yield* alone(Recorder.ledger, journal(path))).values()]
      assert.deepStrictEqual(
        ledger.map(({ id, to }) => [id, to]),
        taken.map(({ by, id }) => [id, by.name])
      )
      // Stages of one item, which do not exclude each other, all come through.
      const stages = names.map((name) =>
        alone(Recorder.takeOver({ ...taking, item: "issue-2", stage: name, by: Actor.human(name) }), journal(path))
      )
      const each = yield* Effect.all(stages, { concurrency: "unbounded" })
      assert.strictEqual(new Set(each.map(({ id }) => id)).size, names.length, "two have one id")
    }))
})

describe("An interruption", () => {
  test("at any moment leaves all of it or nothing, and the same once more makes it whole", (path) =>
    alone(
      Effect.gen(function* () {
        for (const n of range(30)) {
          const taking = { item: `issue-${n}`, by: ada, why: "faster" }
          const all = Effect.gen(function* () {
            yield* Recorder.record({ ...edit, id: `git:${n}` })
            yield* Recorder.handBack(yield* Recorder.takeOver(taking), { by: ada, why: "done" })
          })
          const fiber = yield* Effect.forkChild(all)
          for (let turns = 0; turns < n; turns++) yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
          const before = (yield* Recorder.ledger).get(`takeover:issue-${n}:1`)
          if (before?.answered === null || before === undefined) yield* all
        }
        const ledger = [...(yield* Recorder.ledger).values()]
        assert.deepStrictEqual(
          range(30).map((n) => ledger.filter(({ id }) => id === `git:${n}` || id === `takeover:issue-${n}:1`).length),
          range(30).map(() => 2)
        )
        assert.strictEqual(ledger.length, 60, "something is there twice")
        assert.deepStrictEqual(yield* Recorder.open, [])
      }),
      journal(path)
    ))
})

describe("Recorder.fixed", () => {
  const stop = (n: number, cause: string = "flaky network") =>
    Recorder.record({ ...edit, id: `page:${n}`, kind: "interrupt", cause })

  inMemory(
    "links interventions to what removed their cause, and one that comes again is seen to",
    Effect.gen(function* () {
      yield* Effect.forEach([1, 2], (n) => stop(n))
      yield* stop(3, "something else")
      const mended = yield* Recorder.fixed({ cause: "flaky network", fix: "pr:12" })
      assert.deepStrictEqual(
        mended.map(({ fix, id }) => [id, fix]),
        [
          ["page:1", "pr:12"],
          ["page:2", "pr:12"]
        ]
      )
      assert.deepStrictEqual(yield* Recorder.fixed({ cause: "flaky network", fix: "pr:12" }), mended, "twice is once")
      yield* stop(4)
      const next = yield* Recorder.fixed({ cause: "flaky network", fix: "pr:20" })
      assert.deepStrictEqual(
        next.map(({ id }) => id),
        ["page:4"]
      )
      const byAgent = Recorder.fixed({ cause: "something else", fix: "pr:21" }).pipe(
        Journal.as({ _tag: "Agent", role: "Implement" })
      )
      assert.strictEqual((yield* refused(byAgent)).reason, "NotHuman", "an agent says that nobody is needed any more")
      const fixes = [...(yield* Recorder.ledger).values()].map(({ fix }) => fix)
      assert.deepStrictEqual(fixes, ["pr:12", "pr:12", null, "pr:20"])
      assert.strictEqual(yield* count("CauseRemoved"), 2)
    })
  )

  inMemory(
    "takes interventions by name, and refuses what is not there or was mended before",
    Effect.gen(function* () {
      yield* Effect.forEach([1, 2], (n) => stop(n))
      const named = { cause: "the proxy", fix: Digest.of("skill"), interventions: ["page:2", "page:2"] }
      assert.strictEqual((yield* Recorder.fixed(named)).length, 1)
      const other = yield* refused(Recorder.fixed({ ...named, fix: "pr:3" }))
      assert.strictEqual(other.reason, "AlreadyFixed")
      for (const wrong of [
        { ...named, interventions: ["page:9"] },
        { ...named, interventions: [] },
        { cause: "nobody's", fix: "pr:3" }
      ]) {
        assert.strictEqual((yield* refused(Recorder.fixed(wrong))).reason, "NoSuchIntervention")
      }
      assert.strictEqual((yield* refused(Recorder.fixed({ ...named, fix: " " }))).reason, "Invalid")
      assert.strictEqual(yield* count("CauseRemoved"), 1)
    })
  )
})

describe("Recorder.open", () => {
  test("holds what gates ask and what is taken over, and no gate of a run that is over", (path) => {
    const Asking = Line.make("Asking", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
    const code = Asking.toLayer(() => Gate.answer("what", { question: "What?", cause: "needs info" }))
    return live(
      path,
      code,
      Effect.gen(function* () {
        const stopped = yield* Asking.start({ item })
        const waiting = yield* Asking.start({ item })
        for (const run of [stopped, waiting]) yield* Line.settled(run)
        yield* Line.cancel(stopped, { reason: "nobody needs it", by: ada })
        const { id } = yield* Recorder.takeOver({ item: item.id, by: ada, why: "faster by hand" })
        assert.deepStrictEqual(
          (yield* Recorder.open).map((each) => each.id),
          [`${waiting}:what`, id]
        )
        // A gate is answered at its desk, not handed back, and its id is no other's.
        assert.strictEqual(
          (yield* refused(Recorder.handBack(`${waiting}:what`, { by: ada, why: "x" }))).reason,
          "NotATakeover"
        )
      })
    )
  })
})

describe("What is not recorded by the recorder", () => {
  inMemory(
    "is none, where somebody wrote that an agent or the host stepped in, or gave a takeover or a gate back",
    Effect.gen(function* () {
      const measures = { waited: null, activeMinutes: null, before: null, after: null, ref: null }
      for (const [n, by] of [Actor.host, { _tag: "Agent", role: "Implement" } as const].entries()) {
        yield* Journal.record({ _tag: "Intervened", ...edit, ...measures, id: `git:${n}`, by })
      }
      assert.strictEqual((yield* Recorder.ledger).size, 0)
      const { id } = yield* Recorder.takeOver({ item: "issue-1", by: ada, why: "faster" })
      yield* Journal.record({
        _tag: "InterventionEnded",
        id,
        by: Actor.host,
        why: "",
        activeMinutes: null,
        after: null
      })
      assert.strictEqual((yield* Recorder.open).length, 1, "the host gave back what a human has")
    })
  )
})
