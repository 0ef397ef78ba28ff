/**
 * What every forge holds to. An adapter proves itself with one line and a {@link Fixture}, which makes issues and
 * branches on the forge by other means than the forge under test:
 *
 * ```text
 * ForgeTest.suite("MyForge", Layer.merge(MyForge.layer(options), fixture))
 * ```
 *
 * The layer must give a forge without comments and pull requests each time it is built; every test builds its own.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Change from "../Change.ts"
import * as Forge from "../Forge.ts"
import * as PullRequest from "../PullRequest.ts"
import * as Tainted from "../Tainted.ts"
import * as WorkItem from "../WorkItem.ts"

/** Makes what a forge is asked about. */
export class Fixture extends Context.Service<
  Fixture,
  {
    /** Makes an issue with this Markdown and answers with the reference by which the forge knows it. */
    readonly issue: (markdown: string) => Effect.Effect<string, unknown>
    /** Closes an issue. */
    readonly close: (reference: string) => Effect.Effect<void, unknown>
    /** A reference that names no issue. */
    readonly missing: string
    /** Puts one more commit on a branch, which is made where it is missing, and answers with the change against {@link into}. */
    readonly change: (branch: string) => Effect.Effect<Change.Change, unknown>
    /** A branch that changes can be merged into. */
    readonly into: string
  }
>()("@millwright/core/testing/ForgeTest/Fixture") {}

/** Registers the tests of a forge with vitest. */
export const suite = (name: string, layer: Layer.Layer<Forge.Forge | Fixture, unknown>): void => {
  describe(name, () => {
    const test = (title: string, body: Effect.Effect<void, unknown, Forge.Forge | Fixture>) =>
      it.live(title, () => Effect.provide(body, layer, { local: true }), 60_000)

    describe("issue", () => {
      test("reads title and body, as a valid work item, with the same id each time", reading)
      test("says that there is none", missing)
      test("refuses an empty one and one that is too large", badIssues)
    })
    describe("open", () => {
      test("gives the issues that are open, and one no more that was closed", openIssues)
    })
    describe("comment", () => {
      test("keeps comments in order, each key once, apart for each item", comments)
      test("of 8 writers are all kept", commentsConcurrent)
      test("with hostile text is kept as it is", commentsHostile)
    })
    describe("deliver", () => {
      test("opens a pull request that says what was delivered", delivering)
      test("with a key that stands answers with the pull request that stands", deliverTwice)
      test("from 8 fibers at once gives 8 ids", deliverConcurrent)
      test("from 8 fibers at once with one key opens one", deliverConcurrentKey)
      test("refuses a branch that is missing or moved, and a target that is missing", deliverRefused)
    })
    describe("changes", () => {
      test("gives pull requests opened from now on", following)
    })
  })
}

const markdown = "# Paging loses the last page\n\nAsk for page 3 of 3.\n"

const item = (text = markdown) =>
  Effect.gen(function* () {
    const [forge, fixture] = yield* Effect.all([Forge.Forge, Fixture])
    return yield* forge.issue(yield* fixture.issue(text))
  })

const delivery = (branch: string, key: string) =>
  Effect.gen(function* () {
    const fixture = yield* Fixture
    const change = yield* fixture.change(branch)
    return {
      item: yield* item(),
      change,
      title: `Deliver ${branch}`,
      body: "Why it is right.",
      into: fixture.into,
      key
    } satisfies Forge.Delivery
  })

const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index + 1)

const reading = Effect.gen(function* () {
  const [forge, fixture] = yield* Effect.all([Forge.Forge, Fixture])
  const reference = yield* fixture.issue(markdown)
  const read = yield* forge.issue(reference)
  assert.isTrue(Schema.is(WorkItem.WorkItem)(read), `a work item as its schema has it, not ${JSON.stringify(read)}`)
  assert.strictEqual(read.title, "Paging loses the last page", "the title")
  assert.include(Tainted.reveal(read.body, "measured"), "Ask for page 3 of 3.", "the body")
  assert.deepStrictEqual(yield* forge.issue(reference), read, "the same issue is the same work item each time")
})

const missing = Effect.gen(function* () {
  const [forge, fixture] = yield* Effect.all([Forge.Forge, Fixture])
  const error = yield* Effect.flip(forge.issue(fixture.missing))
  assert.strictEqual(error.reason, "NotFound", error.message)
  assert.include(error.message, fixture.missing, "the message names the reference")
})

const badIssues = Effect.gen(function* () {
  const [forge, fixture] = yield* Effect.all([Forge.Forge, Fixture])
  for (const [text, reason] of [
    [" \n\t\n", "Empty"],
    [`# Big\n${"x".repeat(WorkItem.maxBodyLength)}`, "TooLarge"]
  ] as const) {
    const error = yield* Effect.flip(forge.issue(yield* fixture.issue(text)))
    assert.strictEqual(error.reason, reason, error.message)
  }
})

const openIssues = Effect.gen(function* () {
  const [forge, fixture] = yield* Effect.all([Forge.Forge, Fixture])
  const listed = Effect.map(Stream.runCollect(forge.open), (all) => all.map(({ id }) => id))
  if (!forge.supports.open) {
    const error = yield* Effect.flip(listed)
    assert.strictEqual(error.reason, "Refused", "a forge that does not know what is open says so")
    return
  }
  const references = yield* Effect.forEach(["# One", "# Two", "# Three"], fixture.issue)
  const [one, two, three] = yield* Effect.forEach(references, (reference) => forge.issue(reference))
  const ids = [one?.id, two?.id, three?.id]
  const open = yield* listed
  for (const id of ids) assert.include(open, id, "what was made is open, under the id by which it is read")
  yield* fixture.close(references[1] ?? "")
  const after = yield* listed
  assert.notInclude(after, two?.id, "what was closed is not")
  for (const id of [one?.id, three?.id]) assert.include(after, id, "and the others are")
})

const comments = Effect.gen(function* () {
  const forge = yield* Forge.Forge
  if (!forge.supports.comments) {
    const error = yield* Effect.flip(forge.comment(yield* item(), { body: "a", key: "a" }))
    assert.strictEqual(error.reason, "Refused", "a forge that does not support comments refuses them")
    return
  }
  const [one, other] = yield* Effect.all([item(), item("# Another\n\nissue")])
  for (const [body, key] of [
    ["first", "a"],
    ["second", "b"],
    ["first again", "a"]
  ] as const)
    yield* forge.comment(one, { body, key })
  yield* forge.comment(other, { body: "elsewhere", key: "a" })
  assert.deepStrictEqual(yield* forge.comments(one), ["first", "second"], "a key that stands writes nothing")
  assert.deepStrictEqual(yield* forge.comments(other), ["elsewhere"], "another item has its own comments and keys")
})

const commentsConcurrent = Effect.gen(function* () {
  const forge = yield* Forge.Forge
  if (!forge.supports.comments) return
  const one = yield* item()
  yield* Effect.forEach(range(8), (at) => forge.comment(one, { body: `${at}`, key: `${at}` }), {
    concurrency: "unbounded"
  })
  assert.sameMembers([...(yield* forge.comments(one))], range(8).map(String), "no comment is lost or doubled")
})

const commentsHostile = Effect.gen(function* () {
  const forge = yield* Forge.Forge
  if (!forge.supports.comments) return
  const one = yield* item()
  const bodies = [
    "--help",
    "$(id) `id` ; | & \"'\\",
    "line\nline\r\n\n",
    "\u{1f980} e\u0301 \u202e",
    "<!-- -->",
    "x".repeat(50_000)
  ]
  for (const [key, body] of bodies.entries()) yield* forge.comment(one, { body, key: String(key) })
  assert.deepStrictEqual(yield* forge.comments(one), bodies, "the text comes back as it was written")
})

const delivering = Effect.gen(function* () {
  const forge = yield* Forge.Forge
  const wanted = yield* delivery("work/one", "k")
  const opened = yield* forge.deliver(wanted)
  assert.isTrue(
    Schema.is(PullRequest.PullRequest)(opened),
    `a pull request as its schema has it, not ${JSON.stringify(opened)}`
  )
  const { base, branch, head } = wanted.change
  const { title, into } = wanted
  assert.deepInclude(
    opened,
    { item: wanted.item.id, title, branch, into, base, head, state: "open" },
    "it says what was delivered"
  )
  assert.isTrue(opened.body.startsWith(wanted.body), "the body starts with what was asked for")
  assert.notStrictEqual(opened.view, "", "a person is told where to look at it")
  assert.deepStrictEqual(yield* forge.pullRequests, [opened], "it is listed")
})

const deliverTwice = Effect.gen(function* () {
  const [forge, fixture] = yield* Effect.all([Forge.Forge, Fixture])
  const wanted = yield* delivery("work/one", "k")
  const opened = yield* forge.deliver(wanted)
  assert.deepStrictEqual(yield* forge.deliver(wanted), opened, "the same call has the same answer")
  yield* fixture.change("work/one")
  assert.deepStrictEqual(
    yield* forge.deliver({ ...wanted, title: "Another" }),
    opened,
    "although the branch went on since"
  )
  assert.strictEqual((yield* forge.pullRequests).length, 1, "and one effect")
  const second = yield* forge.deliver(yield* delivery("work/two", "k2"))
  assert.notStrictEqual(second.id, opened.id, "another key is another pull request")
  assert.strictEqual((yield* forge.pullRequests).length, 2, "both are listed")
})

const deliverConcurrent = Effect.gen(function* () {
  const forge = yield* Forge.Forge
  const wanted = yield* Effect.forEach(range(8), (at) => delivery(`work/${at}`, `${at}`))
  const opened = yield* Effect.forEach(wanted, forge.deliver, { concurrency: "unbounded" })
  assert.strictEqual(
    new Set(opened.map(({ id }) => id)).size,
    8,
    `ids are unique, not ${opened.map(({ id }) => id).join(", ")}`
  )
  assert.deepStrictEqual(
    opened.map(({ branch }) => branch),
    wanted.map(({ change }) => change.branch),
    "each answer is the caller's own"
  )
  assert.sameMembers(
    (yield* forge.pullRequests).map(({ branch }) => branch),
    opened.map(({ branch }) => branch),
    "all are listed"
  )
})

const deliverConcurrentKey = Effect.gen(function* () {
  const forge = yield* Forge.Forge
  const wanted = yield* delivery("work/one", "k")
  const opened = yield* Effect.forEach(range(8), () => forge.deliver(wanted), { concurrency: "unbounded" })
  assert.strictEqual(new Set(opened.map(({ id }) => id)).size, 1, "one key is one pull request")
  assert.strictEqual((yield* forge.pullRequests).length, 1, "one is listed")
})

const deliverRefused = Effect.gen(function* () {
  const [forge, fixture] = yield* Effect.all([Forge.Forge, Fixture])
  const stale = yield* delivery("work/moved", "moved")
  yield* fixture.change("work/moved")
  const good = yield* delivery("work/good", "good")
  const bad: ReadonlyArray<readonly [Forge.Delivery, string]> = [
    [stale, "a head that is not the branch's"],
    [{ ...good, change: { ...good.change, branch: "work/none" } }, "a branch that does not exist"],
    [{ ...good, change: { ...good.change, branch: "--all" } }, "a branch that reads as an option"],
    [{ ...good, into: "no-such-target" }, "a target that does not exist"]
  ]
  for (const [wanted, why] of bad) {
    const error = yield* Effect.flip(forge.deliver(wanted))
    assert.strictEqual(error.reason, "Refused", `${why}: ${error.message}`)
    assert.isAbove(error.message.length, 20, "the message says what and how to mend it")
  }
  assert.deepStrictEqual(yield* forge.pullRequests, [], "what is refused opens nothing")
  assert.strictEqual((yield* forge.deliver(good)).state, "open", "and does not use up the key")
})

const following = Effect.gen(function* () {
  const forge = yield* Forge.Forge
  yield* forge.deliver(yield* delivery("work/before", "before"))
  const seen = yield* Effect.forkChild(
    Stream.runCollect(Stream.take(forge.changes, 3)).pipe(
      Effect.timeoutOrElse({
        duration: "30 seconds",
        orElse: () => Effect.die(new Error("changes did not give 3 pull requests within 30 seconds"))
      })
    ),
    { startImmediately: true }
  )
  // From when on a follower follows can not be seen from outside: so what it sees must be a part without a gap.
  const opened: Array<PullRequest.PullRequest> = []
  for (const at of range(12)) opened.push(yield* forge.deliver(yield* delivery(`work/${at}`, `${at}`)))
  const found = yield* Fiber.join(seen)
  const from = opened.findIndex(({ id }) => id === found[0]?.id)
  assert.deepStrictEqual(
    found,
    opened.slice(Math.max(0, from), from + 3),
    "what is opened from now on, in order, and nothing from before"
  )
})
