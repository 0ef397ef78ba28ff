import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Journal from "@millwright/core/Journal"
import * as Tainted from "@millwright/core/Tainted"
import type * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Harness from "../src/Harness.ts"
import * as Monitor from "../src/roles/Monitor.ts"
import * as Signal from "../src/Signal.ts"
import * as SignalIntake from "../src/SignalIntake.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"

const signal = (text: string, source = "logs/api"): Signal.Signal => ({ source, text: Tainted.of("log", text), at: 0 })
const letters = (n: number) => [...`${n}`].map((digit) => "abcdefghij"[Number(digit)]).join("")

const report: Schema.Json = { _tag: "Report", title: "Uploads fail", body: "They fail.", severity: "high" }
const noise: Schema.Json = { _tag: "Noise", why: "A probe." }

/** A monitor with a journal that outlives it. */
const lab = Effect.gen(function* () {
  const { journal } = yield* MemoryJournal.make
  const filed: Array<WorkItem.WorkItem> = []
  const facts = Effect.map(Stream.runCollect(journal.read()), (events) => events.map(({ fact }) => fact))
  const watch = Effect.fnUntraced(function* (
    signals: Stream.Stream<Signal.Signal>,
    outcomes: ReadonlyArray<Schema.Json>,
    options: Partial<Monitor.Options<never, never>> = {}
  ) {
    let asked = 0
    const { harness } = yield* Effect.provideService(
      // Each request is a conversation of its own, but the ones that mend an outcome.
      ScriptedHarness.make(({ session }) =>
        session === undefined
          ? [{ outcome: outcomes[Math.min(asked++, outcomes.length - 1)] ?? null }]
          : [{}, { outcome: outcomes[asked - 1] ?? null }]
      ),
      Journal.Journal,
      journal
    )
    const all = yield* Stream.runCollect(
      Monitor.run(signals, { file: (item) => Effect.sync(() => void filed.push(item)), ...options })
    ).pipe(
      Effect.provideService(Harness.Harness, harness),
      Effect.provideService(Journal.Journal, journal),
      Effect.provide(NodeServices.layer)
    )
    return { all, asked }
  })
  return { watch, facts, filed }
})

describe("Signal", () => {
  it("is of one kind with others that differ in numbers, ids, paths, addresses and times", () => {
    const pairs: ReadonlyArray<readonly [string, string]> = [
      ["timeout after 30 s on attempt 2", "timeout after 31.5 s on attempt 11"],
      ["no user 6f1e3c1e-8b1a-4c8e-9a55-0f2f4a1c9b77", "no user 00000000-1111-4222-8333-444444444444"],
      ["open /var/lib/app/a.db failed", "open /home/x/y/z.db failed"],
      ["2026-11-21T21:00:00.123Z down", "2025-01-02 03:04:05 down"],
      ["from 10.0.0.1:4432", "from 192.168.17.4:80"],
      ["object 0xdeadbeef freed", "object 0x1 freed"],
      ["commit 9a85290 broke", "commit 5d2a335f00d broke"],
      ["GET https://a.example/x?y=1 gave 500", "GET http://b.example/ gave 503"],
      ["Disk  FULL", "disk full"]
    ]
    for (const [one, other] of pairs) {
      assert.strictEqual(Signal.fingerprint(signal(one)), Signal.fingerprint(signal(other)), `${one} | ${other}`)
    }
    assert.notStrictEqual(Signal.fingerprint(signal("disk full")), Signal.fingerprint(signal("disk slow")))
    assert.notStrictEqual(Signal.fingerprint(signal("disk full")), Signal.fingerprint(signal("disk full", "logs/web")))
    const named = { ...signal("a"), kind: "DiskFull" }
    assert.strictEqual(Signal.fingerprint(named), Signal.fingerprint({ ...named, ...signal("b") }))
  })

  it("is of another kind where its status or the end of it is another, or it is an alert with a name", () => {
    const pairs: ReadonlyArray<readonly [string, string]> = [
      ['GET /users/1 HTTP/1.1" 404 12', 'GET /users/2 HTTP/1.1" 500 12'],
      ["worker exited with code 0", "worker exited with code 137"],
      ["upstream status: 200", "upstream status: 503"],
      [`${"at frame\n".repeat(600)}cause: a probe`, `${"at frame\n".repeat(600)}cause: the disk is full`],
      [`${"x".repeat(40_000)} a probe`, `${"x".repeat(40_000)} the disk is full`]
    ]
    for (const [one, other] of pairs) {
      assert.notStrictEqual(
        Signal.fingerprint(signal(one)),
        Signal.fingerprint(signal(other)),
        `${other.slice(-40)} is hidden by what was judged before`
      )
    }
    const alert = { ...signal("a"), kind: "diskfull" }
    assert.notStrictEqual(Signal.fingerprint(alert), Signal.fingerprint(signal("diskfull")), "a log hides an alert")
  })

  it("has a shape in time that grows with the text, whatever stands in it", () => {
    for (const unit of ["/a", "1.", "a-", "://", "0x", "f1", " "]) assert.isString(Signal.shape(unit.repeat(500_000)))
  })
})

describe("Monitor", () => {
  it.effect("files what is new, once, as an item whose text is tainted", () =>
    Effect.gen(function* () {
      const { facts, filed, watch } = yield* lab
      const signals = Stream.make(signal("upload 1 failed"), signal("upload 2 failed"), signal("upload 3 failed"))
      const { all, asked } = yield* watch(signals, [report])
      assert.deepStrictEqual(
        all.map(({ _tag }) => _tag),
        ["Reported", "Counted"]
      )
      assert.strictEqual(asked, 1)
      assert.lengthOf(filed, 1)
      const [item] = filed
      assert.strictEqual(item?.title, "Uploads fail")
      assert.deepStrictEqual(item?.labels, ["monitor", "high"])
      assert.instanceOf(item?.body, Tainted.Tainted)
      assert.deepInclude(all[1], { source: "logs/api", repeated: 2, held: 0 })
      assert.isTrue((yield* facts).some((fact) => fact._tag === "SignalJudged" && fact.of === item?.id))
    })
  )

  it.effect("reports nothing twice after a restart", () =>
    Effect.gen(function* () {
      const { filed, watch } = yield* lab
      yield* watch(Stream.make(signal("upload 1 failed"), signal("probe seen")), [report, noise])
      const { all, asked } = yield* watch(Stream.make(signal("upload 2 failed"), signal("probe seen")), [report])
      assert.strictEqual(asked, 0)
      assert.deepStrictEqual(all, [{ _tag: "Counted", source: "logs/api", repeated: 2, held: 0 }])
      assert.lengthOf(filed, 1)
    })
  )

  it.effect("knows an item by its id without a model, and one that the role names only where it is open", () =>
    Effect.gen(function* () {
      const { filed, watch } = yield* lab
      const first = signal("upload failed")
      const open = (...ids: ReadonlyArray<string>) => ({
        open: Effect.succeed(ids.map((id) => ({ id, title: Tainted.of("item", id) })))
      })
      const id = Monitor.idOf(Signal.fingerprint(first))
      const known = yield* watch(Stream.make(first), [report], open(id))
      assert.strictEqual(known.asked, 0)
      assert.deepInclude(known.all[0], { _tag: "Known", of: id })
      const named = yield* watch(Stream.make(signal("other")), [{ _tag: "Known", of: "issue-7" }], open("issue-7"))
      assert.deepInclude(named.all[0], { _tag: "Known", of: "issue-7" })
      const invented = yield* watch(Stream.make(signal("third")), [{ _tag: "Known", of: "issue-9" }], open("issue-7"))
      assert.strictEqual(invented.all[0]?._tag, "Unjudged")
      assert.lengthOf(filed, 0)
    })
  )

  it.effect("judges what could not be judged when it comes again, and counts it as held back", () =>
    Effect.gen(function* () {
      const { watch } = yield* lab
      const { all, asked } = yield* watch(Stream.make(signal("upload failed"), signal("upload failed")), [null, noise])
      assert.strictEqual(asked, 2)
      assert.deepStrictEqual(
        all.map(({ _tag }) => _tag),
        ["Unjudged", "Noise", "Counted"]
      )
    })
  )

  it.effect("holds back what goes over a limit, says how much, and judges it in another window", () =>
    Effect.gen(function* () {
      const { facts, watch } = yield* lab
      const kinds = (from: number, to: number) =>
        Stream.range(from, to).pipe(Stream.map((n) => signal(`failure ${letters(n)}`)))
      const later = Stream.unwrap(Effect.as(TestClock.adjust("61 minutes"), kinds(1, 12)))
      const { all, asked } = yield* watch(Stream.concat(kinds(1, 12), later), [noise], {
        limits: { perSource: 5, total: 8 }
      })
      assert.strictEqual(asked, 10, "five in each window")
      const counted = all.flatMap((each) => (each._tag === "Counted" ? [[each.repeated, each.held]] : []))
      const sum = counted.reduce(([a = 0, b = 0], [c = 0, d = 0]) => [a + c, b + d], [0, 0])
      assert.deepStrictEqual(sum, [5, 9], "24 signals: 10 are judged, 5 repeated, 9 held back")
      assert.isAbove(counted.length, 1, "the first window was not reported when it ended")
      assert.lengthOf(
        (yield* facts).filter(({ _tag }) => _tag === "SignalsCounted"),
        counted.length
      )
    })
  )

  it.live("bounds what a storm costs: a few calls of a model, a few counts, and nothing lost", () =>
    Effect.gen(function* () {
      const { facts, watch } = yield* lab
      const size = 100_000
      const storm = Stream.range(1, size).pipe(Stream.map((n) => signal(`failure ${letters(n)}`, `host-${n % 5_000}`)))
      const { all, asked } = yield* watch(storm, [noise], { limits: { sources: 100 } })
      assert.strictEqual(asked, SignalIntake.usual.total)
      const counted = all.flatMap((each) => (each._tag === "Counted" ? [each] : []))
      assert.isAtMost(counted.length, 101)
      assert.strictEqual(
        counted.reduce((sum, { held, repeated }) => sum + held + repeated, asked),
        size,
        "signals got lost"
      )
      assert.isBelow((yield* facts).length, 400, "the journal grows with the storm")
    })
  )

  it.effect("keeps its limits over a restart", () =>
    Effect.gen(function* () {
      const { watch } = yield* lab
      const kinds = (from: number, to: number) =>
        Stream.range(from, to).pipe(Stream.map((n) => signal(`failure ${letters(n)}`)))
      const options = { limits: { perSource: 3, total: 5 } }
      assert.strictEqual((yield* watch(kinds(1, 2), [noise], options)).asked, 2)
      assert.strictEqual((yield* watch(kinds(3, 9), [noise], options)).asked, 1, "a restart lifts the limits")
      yield* TestClock.adjust("61 minutes")
      assert.strictEqual((yield* watch(kinds(3, 9), [noise], options)).asked, 3)
    })
  )

  it("has no longer window where the clock is set back", () => {
    const intake = SignalIntake.make(1_000_000, { ...SignalIntake.usual, perSource: 1, window: 1_000 })
    const admit = (fingerprint: string, now: number) => intake.admit({ source: "s", fingerprint, now })
    assert.strictEqual(admit("a", 1_000_000), "new")
    assert.strictEqual(admit("b", 5), "held")
    assert.strictEqual(admit("b", 1_005), "new", "nothing is judged until the clock is where it was")
    assert.lengthOf(intake.counted(2_004), 0)
    assert.lengthOf(intake.counted(2_005), 1)
  })

  it("forgets the oldest kind when it knows too many", () => {
    const intake = SignalIntake.make(0, { ...SignalIntake.usual, remembered: 2 })
    for (const kind of ["a", "b", "c"]) intake.judged(kind)
    const admitted = ["a", "b", "c"].map((fingerprint) => intake.admit({ source: "s", fingerprint, now: 0 }))
    assert.deepStrictEqual(admitted, ["new", "repeated", "repeated"])
  })
})
