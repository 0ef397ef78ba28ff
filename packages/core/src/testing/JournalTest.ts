/**
 * What every journal holds to. An adapter proves itself with one line:
 *
 * ```text
 * JournalTest.suite("MyJournal", MyJournal.layer({ file: ":memory:" }))
 * ```
 *
 * The layer must give an **empty** journal each time it is built; every test builds its own.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as FactoryEvent from "../FactoryEvent.ts"
import * as Journal from "../Journal.ts"
import * as Redaction from "../Redaction.ts"
import * as OutputClaims from "./OutputClaims.ts"

/** Registers the tests of a journal with vitest. `layer` gives an empty journal each time it is built. */
export const suite = (name: string, layer: Layer.Layer<Journal.Journal, unknown>): void => {
  describe(name, () => {
    const test = (title: string, body: Effect.Effect<void, unknown, Journal.Journal>, timeout = 30_000) =>
      // The real clock: an adapter may have to look at a file now and then.
      it.live(title, () => Effect.provide(body, layer, { local: true }), timeout)

    describe("append", () => {
      test("answers with the events, in order, from 1 and without a gap", numbers)
      test("writes nothing for no entries", nothing)
      test("keeps time and origin", origins)
      test("writes all entries of an append or none when it is interrupted", allOrNone)
      test("keeps the order of each of 8 concurrent writers, and every event once", concurrentWriters)
    })
    describe("keys", () => {
      test("a key that stands writes nothing and answers with the first event", keyTwice)
      test("a key twice within one append is one event", keyWithin)
      test("8 writers with one key write one event", keyConcurrent)
      test("keys that only look alike are different keys", keysAlike)
    })
    describe("read", () => {
      test("pages over more than 1,000 events, from the start and from any place", paging, 60_000)
      test("of an empty journal ends at once", emptyRead)
    })
    describe("follow", () => {
      test("gives what is there and then what comes, each event once, under 8 writers", following, 60_000)
      test("waits for an event that comes after it has seen everything", wakeUp)
      test("two followers each see everything", twoFollowers)
      test("of one run, gives its events and no others, also while they come", ofOneRun)
    })
    describe("what tools said in full", () => {
      test("is left out of what is read and followed, unless it is asked for", OutputClaims.leftOut)
      test("has keys like every other fact", OutputClaims.keyed)
    })
    describe("content", () => {
      test("holds no known secret and no token in any text of any fact", secrets, 60_000)
      test("keeps every text: unicode, NUL, lone surrogates, quotes, 1 MB", texts)
      it.live.prop(
        "what is appended is what is read",
        [Schema.Array(FactoryEvent.Fact)],
        ([facts]) => Effect.provide(roundTrip(facts), layer, { local: true }),
        { timeout: 120_000, arbitrary: { runs: 50 } }
      )
    })
  })
}

const comment = (body: string): FactoryEvent.Fact => ({ _tag: "Commented", item: "item", body })

const entry = (body: string, key?: string): FactoryEvent.Entry => ({
  line: "Line",
  run: "run",
  item: "item",
  stage: null,
  actor: { _tag: "Host" },
  at: 1_700_000_000_000,
  fact: comment(body),
  key
})

const append = (entries: ReadonlyArray<FactoryEvent.Entry>) =>
  Effect.flatMap(Journal.Journal, (journal) => journal.append(entries))

const all = (after = 0) =>
  Effect.flatMap(Journal.Journal, (journal) => Stream.runCollect(journal.read({ after, outputs: true })))

const seqs = (events: ReadonlyArray<FactoryEvent.FactoryEvent>): ReadonlyArray<number> => events.map(({ seq }) => seq)

const bodies = (events: ReadonlyArray<FactoryEvent.FactoryEvent>): ReadonlyArray<string> =>
  events.map(({ fact }) => (fact._tag === "Commented" ? fact.body : fact._tag))

const range = (count: number, from = 1): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, index) => index + from)

const followed = Effect.fnUntraced(function* (count: number, after = 0) {
  const journal = yield* Journal.Journal
  return yield* Stream.runCollect(Stream.take(journal.follow({ after }), count)).pipe(
    Effect.timeoutOrElse({
      duration: "20 seconds",
      orElse: () => Effect.die(new Error(`follow(${after}) did not give ${count} events within 20 seconds`))
    })
  )
})

const numbers = Effect.gen(function* () {
  const first = yield* append([entry("a"), entry("b"), entry("c")])
  const second = yield* append([entry("d")])
  assert.deepStrictEqual(seqs([...first, ...second]), [1, 2, 3, 4], "seq starts at 1 and has no gaps")
  assert.deepStrictEqual(bodies(first), ["a", "b", "c"], "the answer is in the order of the entries")
  const read = yield* all()
  assert.deepStrictEqual(read, [...first, ...second], "read gives what append answered with")
  assert.isTrue(
    read.every(({ version }) => version === FactoryEvent.version),
    "every event carries the version it was written with"
  )
})

const nothing = Effect.gen(function* () {
  assert.deepStrictEqual(yield* append([]), [], "no entries, no events")
  assert.deepStrictEqual(seqs(yield* append([entry("a")])), [1], "an empty append takes no place")
})

const origins = Effect.gen(function* () {
  const outside: FactoryEvent.Entry = { ...entry("x"), line: null, run: null, item: null, stage: null, at: 0 }
  const inside: FactoryEvent.Entry = {
    ...entry("y"),
    stage: "Implement/2",
    actor: { _tag: "Agent", role: "Implement", model: "m" },
    at: 1_899_999_999_999
  }
  const human: FactoryEvent.Entry = { ...entry("z"), actor: { _tag: "Human", name: "Ada Ⅲ" } }
  yield* append([outside, inside, human])
  const read = yield* all()
  const expected = [outside, inside, human].map(({ key: _, ...rest }, index) => ({
    version: FactoryEvent.version,
    seq: index + 1,
    ...rest
  }))
  assert.deepStrictEqual(
    read,
    expected,
    "time, line, run, item, stage and actor are kept, nulls too, and the key is not part of the event"
  )
})

const allOrNone = Effect.gen(function* () {
  const batch = (index: number) => range(20).map((at) => entry(`${index}/${at}`))
  for (const index of range(20)) {
    const fiber = yield* Effect.forkChild(append(batch(index)), { startImmediately: index % 2 === 0 })
    if (index % 3 === 0) yield* Effect.yieldNow
    yield* Fiber.interrupt(fiber)
  }
  yield* append(batch(99))
  const read = yield* all()
  assert.deepStrictEqual(seqs(read), range(read.length), "an interrupted append leaves no gap in seq")
  const byBatch = new Map<string, number>()
  for (const body of bodies(read)) {
    const [index = ""] = body.split("/")
    byBatch.set(index, (byBatch.get(index) ?? 0) + 1)
  }
  for (const [index, count] of byBatch) assert.strictEqual(count, 20, `append ${index} was written in part`)
  assert.strictEqual(byBatch.get("99"), 20, "an append after interrupted ones is written")
})

const concurrentWriters = Effect.gen(function* () {
  const answers = yield* Effect.forEach(
    range(8),
    (writer) => Effect.forEach(range(10), (turn) => append(range(5).map((at) => entry(`${writer}/${turn * 5 + at}`)))),
    { concurrency: "unbounded" }
  )
  const read = yield* all()
  assert.deepStrictEqual(seqs(read), range(400), "400 events of 8 writers have 400 places without a gap")
  const answered = answers.flat(2).sort((a, b) => a.seq - b.seq)
  assert.deepStrictEqual(read, answered, "each writer was answered with the events that stand")
  for (const writer of range(8)) {
    const own = bodies(read)
      .filter((body) => body.startsWith(`${writer}/`))
      .map((body) => Number(body.slice(2)))
    assert.deepStrictEqual(
      own,
      range(50, 6),
      `the events of writer ${writer} stand in the order in which it wrote them`
    )
  }
})

const keyTwice = Effect.gen(function* () {
  const [first] = yield* append([entry("first", "k")])
  const answer = yield* append([entry("before"), entry("second", "k"), entry("after", "other")])
  assert.deepStrictEqual(answer[1], first, "the second append with a key is answered with the event that stands")
  assert.deepStrictEqual(bodies(answer), ["before", "first", "after"], "there is one answer for each entry, in order")
  assert.deepStrictEqual(bodies(yield* all()), ["first", "before", "after"], "a key that stands writes nothing")
  assert.deepStrictEqual(seqs(yield* all()), [1, 2, 3], "a key that stands takes no place")
})

const keyWithin = Effect.gen(function* () {
  const answer = yield* append([entry("first", "k"), entry("second", "k"), entry("third")])
  assert.deepStrictEqual(bodies(answer), ["first", "first", "third"], "the key stands from its first entry on")
  assert.deepStrictEqual(seqs(answer), [1, 1, 2], "the second entry took no place")
})

const keyConcurrent = Effect.gen(function* () {
  const answers = yield* Effect.forEach(range(8), (writer) => append([entry(`${writer}`, "k")]), {
    concurrency: "unbounded"
  })
  const read = yield* all()
  assert.strictEqual(read.length, 1, "8 concurrent appends with one key are one event")
  assert.deepStrictEqual(
    answers.flat(),
    range(8).flatMap(() => read),
    "every writer was answered with the one event"
  )
})

const keysAlike = Effect.gen(function* () {
  const keys = ["k", "K", "k ", " k", "\u00e9", "e\u0301", "k\0a", "k\0b", "k%", "k_", "1", "01", "1.0", "null", ""]
  yield* Effect.forEach(keys, (key) => append([entry(`key ${JSON.stringify(key)}`, key)]))
  assert.strictEqual((yield* all()).length, keys.length, "keys are compared exactly, code unit by code unit")
})

const paging = Effect.gen(function* () {
  for (const page of range(5)) yield* append(range(301).map((at) => entry(`${page}/${at}`)))
  const read = yield* all()
  assert.deepStrictEqual(seqs(read), range(1_505), "read gives every event once, over all its pages")
  for (const after of [0, 1, 499, 500, 501, 999, 1_000, 1_504]) {
    const rest = yield* all(after)
    assert.deepStrictEqual(rest, read.slice(after), `read(${after}) gives what comes after ${after}`)
  }
  assert.deepStrictEqual(yield* all(1_505), [], "after the last event there is nothing")
  assert.deepStrictEqual(yield* all(9_999), [], "after a place that is not taken yet there is nothing")
})

const emptyRead = Effect.gen(function* () {
  assert.deepStrictEqual(yield* all(), [], "an empty journal has no events")
})

const following = Effect.gen(function* () {
  yield* append(range(30).map((at) => entry(`0/${at}`)))
  const early = yield* Effect.forkChild(followed(830), { startImmediately: true })
  const late = yield* Effect.forkChild(followed(820, 10), { startImmediately: true })
  yield* Effect.forEach(
    range(8),
    (writer) =>
      Effect.forEach(range(50), (turn) => append([entry(`${writer}/${turn}/a`), entry(`${writer}/${turn}/b`)])),
    { concurrency: "unbounded" }
  )
  const seen = yield* Fiber.join(early)
  assert.deepStrictEqual(seqs(seen), range(830), "a follower sees earlier and later events, each once and in order")
  assert.deepStrictEqual(
    seqs(yield* Fiber.join(late)),
    range(820, 11),
    "a follower from a place sees what comes after it"
  )
  assert.deepStrictEqual(seen, yield* all(), "what a follower saw is what stands")
})

const ofOneRun = Effect.gen(function* () {
  const journal = yield* Journal.Journal
  const of = (run: string, body: string) => ({ ...entry(body), run })
  yield* append(range(1_200).map((at) => of(at % 2 === 0 ? "even" : "odd", `${at}`)))
  const even = yield* Stream.runCollect(journal.read({ run: "even" }))
  assert.deepStrictEqual(
    seqs(even),
    range(600).map((at) => at * 2),
    "every event of the run, over all pages"
  )
  assert.deepStrictEqual(seqs(yield* Stream.runCollect(journal.read({ run: "odd", after: 1_195 }))), [1_197, 1_199])
  assert.deepStrictEqual(
    yield* Stream.runCollect(journal.read({ run: "none" })),
    [],
    "a run that nobody knows is empty"
  )
  const next = yield* Effect.forkChild(Stream.runHead(journal.follow({ run: "odd", after: 1_200 })), {
    startImmediately: true
  })
  yield* append([of("even", "not mine")])
  yield* append([of("odd", "mine")])
  const seen = yield* Fiber.join(next)
  assert.deepStrictEqual(
    bodies(seen._tag === "Some" ? [seen.value] : []),
    ["mine"],
    "a follower of a run waits for its events"
  )
})

const wakeUp = Effect.gen(function* () {
  const first = yield* Effect.forkChild(followed(1), { startImmediately: true })
  yield* append([entry("a")])
  assert.deepStrictEqual(bodies(yield* Fiber.join(first)), ["a"], "a follower of an empty journal sees the first event")
  const journal = yield* Journal.Journal
  const sawAll = yield* Effect.forkChild(
    Stream.runCollect(
      Stream.take(
        Stream.tap(journal.follow(), ({ seq }) => (seq < 4 ? append([entry(`after ${seq}`)]) : Effect.void)),
        4
      )
    ),
    { startImmediately: true }
  )
  assert.deepStrictEqual(
    bodies(yield* Fiber.join(sawAll)),
    ["a", "after 1", "after 2", "after 3"],
    "a follower that writes what it then waits for is woken each time"
  )
})

const twoFollowers = Effect.gen(function* () {
  const fibers = yield* Effect.forEach(range(2), () => Effect.forkChild(followed(20), { startImmediately: true }))
  for (const at of range(20)) yield* append([entry(`${at}`)])
  for (const fiber of fibers)
    assert.deepStrictEqual(seqs(yield* Fiber.join(fiber)), range(20), "each follower sees each event once")
})

/** Puts a text into every free text of a fact; places that a schema keeps closed (digests, tags, states) stay. */
const planted = (fact: FactoryEvent.Fact, text: string): FactoryEvent.Fact => {
  const isFact = Schema.is(FactoryEvent.Fact)
  const leaves = (value: unknown, path: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> =>
    typeof value === "string"
      ? [path]
      : typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([key, each]) => leaves(each, [...path, key]))
        : []
  const replace = (value: unknown, [key, ...rest]: ReadonlyArray<string>): unknown => {
    if (key === undefined) return `${String(value)} ${text} end`
    if (Array.isArray(value)) return value.map((each, index) => (String(index) === key ? replace(each, rest) : each))
    return Object.fromEntries(
      Object.entries(Object(value)).map(([name, each]) => [name, name === key ? replace(each, rest) : each])
    )
  }
  return leaves(fact, []).reduce((sofar, path) => {
    const next = replace(sofar, path)
    return isFact(next) ? next : sofar
  }, fact)
}

const secrets = Effect.gen(function* () {
  const known = "correct-horse/battery+staple=="
  const token = `ghp_${"a1B2".repeat(9)}`
  const text = `before ${known} between ${token} after`
  const samples = yield* Effect.forEach(Object.values(FactoryEvent.Fact.cases), (each) =>
    Arbitrary.sampleEffect(Arbitrary.schema(each), { count: 5, seed: each.ast.toString() })
  )
  const facts = samples.flat().map((fact) => planted(fact, text))
  const holding = facts.filter((fact) => JSON.stringify(fact).includes(known)).length
  assert.isAbove(holding, 50, "the secret was planted; else this test says nothing")
  yield* append(facts.map((fact) => ({ ...entry(""), fact }))).pipe(
    Effect.provideService(Redaction.Secrets, [Redacted.make(known)])
  )
  const read = yield* all()
  assert.strictEqual(read.length, facts.length, "every fact was written")
  for (const event of read) {
    const written = JSON.stringify(event)
    assert.notInclude(written, known, `a known secret was written in ${event.fact._tag}`)
    assert.notInclude(written, token, `a token was written in ${event.fact._tag}`)
  }
  const marked = read.filter((event) => JSON.stringify(event).includes(Redaction.mark)).length
  assert.strictEqual(marked, holding, `where a secret stood, ${Redaction.mark} stands`)
})

const texts = Effect.gen(function* () {
  const hostile = [
    "",
    "\0",
    "a\0b",
    "\ud800",
    "\udfff\ud800",
    "\u{1f469}\u200d\u{1f680} \u0627\u0644\u0639\u0631\u0628\u064a\u0629 e\u0301 \u2028 \u2029 \ufeff",
    "'; drop table events; --",
    '"\\\r\n\t\b\u001b[31m',
    '{"_tag":"LineFinished"}',
    "x".repeat(1024 * 1024),
    "\u{1f980}".repeat(256 * 1024)
  ]
  yield* append(hostile.map((body) => entry(body)))
  const read = bodies(yield* all())
  assert.strictEqual(read.length, hostile.length, "every text was written")
  hostile.forEach((body, index) =>
    assert.isTrue(
      read[index] === body,
      `the text ${JSON.stringify(body.slice(0, 40))} came back as ${JSON.stringify(read[index]?.slice(0, 40))}`
    )
  )
})

/** JSON has no `-0`; apart from that, what JSON keeps is what a journal keeps. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const roundTrip = Effect.fnUntraced(function* (facts: ReadonlyArray<FactoryEvent.Fact>) {
  yield* append(facts.map((fact) => ({ ...entry(""), fact })))
  const read = yield* all()
  assert.deepStrictEqual(
    asJson(read.map(({ fact }) => fact)),
    asJson(facts.map((fact) => Redaction.scrubJson(fact))),
    "what is appended is what is read"
  )
})
