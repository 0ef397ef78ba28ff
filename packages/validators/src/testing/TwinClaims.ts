/** What every twin holds to about its answers, its state and its journal. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type * as Twin from "../Twin.ts"
import * as TwinLab from "./TwinLab.ts"

const isGood = ({ status }: TwinLab.Reply) => status >= 200 && status < 300

const said = ({ body, status }: TwinLab.Reply) => `${status} ${body.slice(0, 300)}`

const digestOf = (twin: Twin.Twin) => Effect.map(twin.snapshot, ({ digest }) => digest)

const working = Effect.gen(function* () {
  const { read, start, write } = yield* TwinLab.Fixture
  const { ask, twin } = yield* start()
  const first = yield* ask(read)
  assert.isTrue(isGood(first), `reading is answered with ${said(first)}`)
  const before = yield* digestOf(twin)
  assert.strictEqual(yield* digestOf(twin), before, "looking at the state changes it")
  const written = yield* ask(write(1))
  assert.isTrue(isGood(written), `writing is answered with ${said(written)}`)
  assert.notStrictEqual(yield* digestOf(twin), before, "what was written can not be seen in the state")
  assert.match(twin.url, /^http:\/\/127\.0\.0\.1:\d+$/, "it listens at an address of this machine alone")
})

const honest = Effect.gen(function* () {
  const { missing, start } = yield* TwinLab.Fixture
  const { ask, twin } = yield* start()
  const asks: ReadonlyArray<TwinLab.Ask> = [
    missing,
    { method: "GET", path: "/no/such/thing/as/this" },
    { method: "TRACE", path: "/" },
    { method: "GET", path: "/%ff%" },
    { method: "GET", path: "//" },
    { method: "PATCH", path: `/${"a".repeat(5_000)}`, body: {} }
  ]
  for (const one of asks) {
    for (const token of [undefined, "a-token-that-nobody-gave"]) {
      const reply = yield* ask(one, token)
      assert.strictEqual(reply.status, 501, `${one.method} ${one.path.slice(0, 60)} is answered with ${said(reply)}`)
      assert.include(reply.body, "NotImplemented", "the answer does not say what it is")
      assert.include(reply.body, `${one.method} ${one.path.split("?")[0]}`, "the answer does not name the route")
    }
  }
  assert.isTrue(
    (yield* twin.journal).every(({ changed, route }) => route === null && !changed),
    "the journal has a route for what there is none for"
  )
})

const strict = Effect.gen(function* () {
  const { read, refuses = {}, start, weakToken, write } = yield* TwinLab.Fixture
  const { ask, twin } = yield* start()
  const before = yield* digestOf(twin)
  const unauthorized = refuses.unauthorized ?? (({ status }) => status === 401)
  const forbidden = refuses.forbidden ?? (({ status }) => status === 403)
  for (const token of [null, "a-token-that-nobody-gave", "constructor", "__proto__"]) {
    for (const one of [read, write(1)]) {
      const reply = yield* ask(one, token)
      assert.isTrue(unauthorized(reply), `${one.method} with the token ${token} is answered with ${said(reply)}`)
    }
  }
  const reply = yield* ask(write(1), weakToken)
  assert.isTrue(forbidden(reply), `writing without the scope is answered with ${said(reply)}`)
  assert.strictEqual(yield* digestOf(twin), before, "a request that was refused has changed something")
})

const malformed = Effect.gen(function* () {
  const { maxBody, refuses = {}, start, write } = yield* TwinLab.Fixture
  const { ask, twin } = yield* start()
  const before = yield* digestOf(twin)
  const one = write(1)
  const expect = (what: string, [reply, holds]: readonly [TwinLab.Reply, (reply: TwinLab.Reply) => boolean]): void =>
    assert.isTrue(holds(reply), `${what} is answered with ${said(reply)}`)
  const status = (expected: number) => (reply: TwinLab.Reply) => reply.status === expected
  for (const body of ['{"a":', "not json", "\u0000", "[1,]"]) {
    expect(`The body ${JSON.stringify(body)}`, [
      yield* ask({ ...one, body, headers: { "content-type": "application/json" } }),
      refuses.invalidJson ?? status(400)
    ])
  }
  expect("A picture", [
    yield* ask({ ...one, body: "x", headers: { "content-type": "image/png" } }),
    refuses.contentType ?? status(415)
  ])
  for (const size of [maxBody + 1, maxBody * 3]) {
    expect(`A body of ${size} bytes`, [
      yield* ask({ ...one, body: { text: "x".repeat(size) } }),
      refuses.tooLarge ?? status(413)
    ])
  }
  assert.strictEqual(yield* digestOf(twin), before, "a request that was refused has changed something")
  assert.isTrue(isGood(yield* ask(one)), "and it works no more after it")
})

const resetting = Effect.gen(function* () {
  const { edit, start, write } = yield* TwinLab.Fixture
  const { ask, sow, twin } = yield* start()
  const seeded = yield* twin.snapshot
  const work = Effect.gen(function* () {
    for (const one of [write(1), write(2), edit.write("changed")]) yield* ask(one)
    yield* twin.clock.advance(60_000)
    return { digest: yield* digestOf(twin), journal: yield* twin.journal }
  })
  const first = yield* work
  assert.notStrictEqual(first.digest, seeded.digest, "the requests have changed nothing")
  yield* twin.faults([{ _tag: "Answer", when: { times: 99 }, what: { _tag: "Refuse", status: 500 } }])
  yield* twin.reset
  assert.deepStrictEqual(yield* twin.snapshot, seeded, "a reset does not bring back the seed")
  assert.deepStrictEqual(yield* twin.journal, [], "a reset keeps the journal")
  assert.deepStrictEqual(yield* work, first, "after a reset the same requests come to something else")
  yield* sow("other")
  const other = yield* twin.snapshot
  assert.notStrictEqual(other.digest, seeded.digest, "another seed gives the same state")
  yield* ask(write(1))
  yield* twin.reset
  assert.deepStrictEqual(yield* twin.snapshot, other, "a reset goes back to a seed before the last one")
  const failed = yield* Effect.flip(sow("none"))
  assert.strictEqual(failed.reason, "Invalid", "what is no seed is taken as one")
  assert.deepStrictEqual(yield* twin.snapshot, other, "a seed that was refused has changed something")
})

const repeatable = Effect.gen(function* () {
  const { edit, read, start, weakToken, write } = yield* TwinLab.Fixture
  const run = Effect.scoped(
    Effect.gen(function* () {
      const { ask, twin } = yield* start()
      const replies: Array<TwinLab.Reply> = []
      for (const one of [read, write(1), edit.write("a"), write(2), edit.read]) replies.push(yield* ask(one))
      replies.push(yield* ask(write(3), weakToken))
      const bodies = replies.map(({ body, status }) => [status, body.replaceAll(twin.url, "")])
      return JSON.stringify([bodies, yield* twin.journal, yield* twin.snapshot])
    })
  )
  const [first, second] = [yield* run, yield* run]
  const at = [...first].findIndex((letter, index) => letter !== second[index])
  assert.isTrue(
    first === second,
    `two runs differ: ${first.slice(at - 60, at + 60)} and ${second.slice(at - 60, at + 60)}`
  )
  const other = yield* start({ now: 1_000_000_000_000, ids: (_kind, n) => n + 700_000 })
  yield* other.ask(write(1))
  assert.isAtMost(yield* other.twin.clock.now, 1_000_000_100_000, "its clock is not the one that it was given")
  const here = yield* start()
  yield* here.ask(write(1))
  assert.notStrictEqual(yield* digestOf(here.twin), yield* digestOf(other.twin), "ids or time are not those given")
})

const recording = Effect.gen(function* () {
  const { read, start, token, weakToken, write } = yield* TwinLab.Fixture
  const { ask, twin } = yield* start({ keep: 5 })
  yield* ask(read)
  yield* ask(write(1))
  yield* ask(write(2), weakToken)
  const journal = yield* twin.journal
  assert.deepStrictEqual(
    journal.map(({ changed, method, number, path }) => ({ changed, method, number, path })),
    [read, write(1), write(2)].map(({ method, path }, index) => ({
      changed: index === 1,
      method,
      number: index + 1,
      path
    })),
    "the journal does not say what was asked"
  )
  assert.isTrue(
    journal.every(({ answer, caller }) => answer !== null && caller !== null),
    "the journal does not say who asked and what the answer was"
  )
  const told = JSON.stringify([journal, yield* twin.snapshot])
  assert.notInclude(told, token, "a token can be read in the journal or the snapshot")
  assert.notInclude(told, weakToken, "a token can be read in the journal or the snapshot")
  assert.notInclude(told, twin.url, "the journal differs with the port")
  yield* ask(read, "hushhush")
  assert.notInclude(
    JSON.stringify(yield* twin.journal),
    "hushhush",
    "a token that is unknown can be read in the journal"
  )
  for (let n = 3; n < 20; n++) yield* ask(write(n))
  assert.deepStrictEqual(
    (yield* twin.journal).map(({ number }) => number),
    [17, 18, 19, 20, 21],
    "the journal is not the last five"
  )
})

const concurrent = Effect.gen(function* () {
  const { edit, start, write } = yield* TwinLab.Fixture
  const { ask, twin } = yield* start()
  const many = Array.from({ length: 40 }, (_, n) => n + 1)
  const replies = yield* Effect.forEach(many, (n) => ask(write(n)), { concurrency: 20 })
  assert.isTrue(
    replies.every(isGood),
    `not all of 40 at once went well: ${replies.map(said).find((each) => !each.startsWith("2"))}`
  )
  const journal = yield* twin.journal
  assert.deepStrictEqual(
    journal.map(({ changed, number }) => [changed, number]),
    many.map((n) => [true, n]),
    "requests that are sent at once do not take effect one after the other"
  )
  const edits = yield* Effect.forEach(many.slice(0, 20), (n) => ask(edit.write(`edit ${n}`)), { concurrency: 20 })
  assert.isTrue(edits.every(isGood), "not all edits of one thing went well")
  const last = (yield* twin.journal).at(-1)
  const text = edit.text((yield* ask(edit.read)).body)
  assert.match(text, /^edit \d+$/, "two edits at once are mixed")
  assert.include(last?.body ?? "", text, "what is there is not the edit that took effect last")
})

const apart = Effect.gen(function* () {
  const { read, start, write } = yield* TwinLab.Fixture
  const [one, two] = [yield* start(), yield* start()]
  const before = yield* digestOf(two.twin)
  yield* one.ask(write(1))
  assert.strictEqual(yield* digestOf(two.twin), before, "two twins share a state")
  const taken = yield* Effect.flip(start({ port: Number(new URL(one.twin.url).port) }))
  assert.strictEqual(taken.reason, "NotListening", taken.message)
  const scope = yield* Scope.make()
  const third = yield* Scope.provide(start(), scope)
  assert.isTrue(isGood(yield* third.ask(read)))
  yield* Scope.close(scope, Exit.void)
  yield* Effect.flip(third.ask(read))
})

/** The promises about answers. */
export const claims = [
  { name: "answers, and what is written is in its state", holds: working },
  { name: "names a route that it does not have, with 501", holds: honest },
  { name: "lets in the tokens of its seed alone, and each as far as its scopes go", holds: strict },
  { name: "refuses a body that is no JSON, of another type, or too large", holds: malformed },
  { name: "goes back to its seed exactly", holds: resetting },
  { name: "gives the same run twice, byte for byte", holds: repeatable },
  { name: "keeps every request with its answer, bounded, without tokens", holds: recording },
  { name: "does what is asked at once one after the other", holds: concurrent },
  { name: "is apart from other twins, and ends with its scope", holds: apart }
]
