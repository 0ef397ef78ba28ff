import { assert, describe, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"
import type * as Harness from "../../src/Harness.ts"
import * as Compaction from "../../src/loop/Compaction.ts"
import * as Session from "../../src/Session.ts"
import type * as SessionEntry from "../../src/SessionEntry.ts"
import type * as Sessions from "../../src/Sessions.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./CompactionLab.ts"
import * as Loop from "./LoopLab.ts"

const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
  it.live(title, () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Loop.Services)))

const eight = Array.from({ length: 8 }, (_, at) => Lab.prints(`n${at}`, 2_000))
const compaction = { window: 14_000, reserve: 2_000, keep: 5_000 }
/** Breaks nothing: so many requests pass before the next breakage. */
const passing = (count: number) =>
  Array.from({ length: count }, () => ({ _tag: "Cut" as const, after: 1_000_000, how: "end" as const }))
const later: ReadonlyArray<ProviderTwin.Turn> = [
  Loop.done("x"),
  Loop.done("x"),
  Lab.prints("late", 100),
  Loop.done("x")
]

describe.each(Loop.protocols)("compaction over %s", (protocol) => {
  test(
    "keeps the instructions and the last turns as they are, and says what was taken out",
    Effect.gen(function* () {
      const before = (yield* Metric.value(Compaction.compactions)).count
      const lab = yield* Lab.start({ protocol, first: eight, later, loop: { compaction }, isChosen: true })
      const ended = yield* lab.run()
      assert.deepStrictEqual(ended.outcome, { _tag: "Done", note: "x" })
      const [fact, ...more] = yield* lab.facts("ContextCompacted")
      assert.isDefined(fact, "The conversation outgrew its window, and was not compacted")
      assert.lengthOf(more, 0)
      assert.deepStrictEqual([fact.trigger, fact.notes], ["window", "model"])
      assert.isAbove(fact.before, 10_000)
      assert.isBelow(fact.after, 10_000, "It is still as long")
      assert.isAbove(fact.dropped.toolResults, 0)
      assert.isAbove(fact.usage.output, 0)
      const prefix = yield* lab.facts("PrefixChanged")
      assert.deepStrictEqual(
        prefix.map(({ what, why }) => [why, what.map(({ part }) => part)]),
        [["compaction", ["messages"]]],
        "A turn before or after it lost its prefix"
      )
      const bodies = yield* lab.bodies
      const asked = bodies.findIndex((body) => Lab.textOf(body).includes("becoming too long"))
      const [last, question, next] = bodies.slice(asked - 1)
      assert.isTrue(
        Lab.textOf(question).startsWith(Lab.textOf(last).slice(0, -1)),
        "The notes were asked for behind another prefix, and the cache was of no use"
      )
      assert.include(JSON.stringify(Lab.toolsOf(last)), "escalate")
      assert.deepStrictEqual(Lab.toolsOf(question), Lab.toolsOf(last), "Other tools were offered")
      const blocks = Loop.blocksOf(next)
      const opening = Loop.blocksOf(bodies[0])
      assert.deepStrictEqual(blocks.slice(0, opening.length), opening, "The task is not what it was")
      const text = Lab.textOf(next)
      assert.match(
        text,
        /To make room, \d+ messages of this conversation were taken out, with results of tools \(bash \d\)/
      )
      assert.include(text, "plumbago")
      assert.include(text, 'origin=\\"your own notes\\">')
      assert.deepStrictEqual(Lab.torn(next), [], "A call and its result were torn apart")
      const tail = Loop.blocksOf(last).slice(-2)
      assert.include(text, JSON.stringify(tail.at(-1)?.block), "The last turn is not as it was")
      assert.strictEqual((yield* Metric.value(Compaction.compactions)).count, before + 1)
      assert.lengthOf(readFileSync("log", "utf8").trim().split("\n"), asked + 1, "A tool ran twice, or not at all")
    })
  )

  test(
    "happens on an overflow, where nobody knows the window, over as much as fits",
    Effect.gen(function* () {
      const lab = yield* Lab.start({
        protocol,
        first: eight,
        later,
        contextTokens: 14_000,
        loop: { compaction: { keep: 5_000 } }
      })
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "x" })
      const [fact, ...more] = yield* lab.facts("ContextCompacted")
      assert.lengthOf(more, 0)
      assert.deepStrictEqual([fact?.trigger, fact?.notes], ["overflow", "model"])
      const last = (yield* lab.twin.requests).findLast(({ body }) => Lab.textOf(body).includes("To make room"))
      assert.deepStrictEqual(Lab.torn(last?.body), [])
      const refused = (yield* lab.twin.requests).filter(({ outcome }) => outcome === "refused")
      assert.lengthOf(refused, 1, "What was shown for the notes did not fit either")
    })
  )

  test(
    "is never asked for where it is off",
    Effect.gen(function* () {
      const lab = yield* Lab.start({
        protocol,
        first: eight,
        later,
        contextTokens: 14_000,
        loop: { compaction: false }
      })
      const error = yield* Effect.flip(lab.run())
      assert.strictEqual(error.reason, "ContextOverflow")
      assert.lengthOf(yield* lab.facts("ContextCompacted"), 0)
    })
  )

  test(
    "makes a list of what was done where the model writes no notes",
    Effect.gen(function* () {
      for (const noted of [
        { text: "" },
        { text: "Let me see.", calls: [Loop.call("bash", { script: "echo no > ran" })] }
      ]) {
        const lab = yield* Lab.start({ protocol, first: eight, noted, later, loop: { compaction } })
        yield* lab.run()
        const [fact] = yield* lab.facts("ContextCompacted")
        assert.strictEqual(fact?.notes, "calls")
        const text = Lab.textOf((yield* lab.bodies).at(-1))
        assert.include(text, "There are no notes of it")
        assert.match(text, /Called bash echo n0 >> log.*Result of bash: n0 line number 1/)
        assert.notInclude(text, "Let me see.")
      }
    })
  )
})

describe("compaction", () => {
  test(
    "takes the window that the model has, and the summary of a summary stands for both",
    Effect.gen(function* () {
      const first = Array.from({ length: 20 }, (_, at) => Lab.prints(`n${at}`, 2_000))
      const late = Array.from({ length: 20 }, (_, at) => Lab.prints(`late${at}`, 2_000))
      const lab = yield* Lab.start({
        first,
        later: late,
        contextWindow: 14_000,
        loop: { compaction: { reserve: 2_000, keep: 5_000 } }
      })
      const error = yield* Effect.flip(lab.run({ maxTurns: 16 }))
      assert.strictEqual(error.reason, "TooManyTurns", "The turns are counted across compactions")
      const facts = yield* lab.facts("ContextCompacted")
      assert.isAbove(facts.length, 1)
      const last = Lab.textOf((yield* lab.bodies).at(-1))
      assert.lengthOf(last.match(/To make room/g) ?? [], 1, "The earlier summary is there as well")
      for (const { after, before } of facts) assert.isBelow(after, before)
    })
  )

  test(
    "is not made where it would not get below the limit",
    Effect.gen(function* () {
      const first = [...eight.slice(0, 3), Loop.done("y")]
      const lab = yield* Lab.start({ first, later, contextWindow: 30_000, loop: { compaction: { reserve: 20_000 } } })
      const ended = yield* lab.run({ prompt: "Try it. ".repeat(7_000) })
      assert.deepStrictEqual(ended.outcome, { _tag: "Done", note: "y" })
      const sizes = (yield* lab.facts("ModelCalled")).map(({ usage }) => Usage.total(usage))
      assert.isAbove(Math.min(...sizes), 14_000, "Nothing was above the limit of 15,000")
      assert.lengthOf(yield* lab.facts("ContextCompacted"), 0, "It was compacted in vain")
    })
  )

  test(
    "fails when the instructions alone do not fit, and names the sizes",
    Effect.gen(function* () {
      const lab = yield* Lab.start({ first: eight, later, contextTokens: 9_000, contextWindow: 9_000 })
      const error = yield* Effect.flip(lab.run({ prompt: "Try it. ".repeat(6_000) }))
      assert.strictEqual(error.reason, "ContextOverflow")
      assert.match(
        error.message,
        /role Tester does not fit into m \(its 9000 tokens\): about \d{5} tokens, .* instructions are \d{5}/
      )
      assert.lengthOf(yield* lab.twin.requests, 1, "It was asked again")
    })
  )

  test(
    "shows the model less and less of what does not fit, and lists what its notes can not know of",
    Effect.gen(function* () {
      const refused = { _tag: "Refuse" as const, status: 400, message: "prompt is too long" }
      const lab = yield* Lab.start({ first: eight, later })
      yield* lab.twin.breakNext([...passing(6), refused, refused])
      yield* lab.run()
      const [fact] = yield* lab.facts("ContextCompacted")
      assert.deepStrictEqual([fact?.trigger, fact?.notes], ["overflow", "model"])
      const [more, less, next] = (yield* lab.bodies).slice(7)
      assert.isBelow(Lab.textOf(less).length, Lab.textOf(more).length)
      assert.isAbove(Loop.blocksOf(less).length, 3, "Nothing was shown")
      assert.match(
        Lab.textOf(next),
        /plumbago.*The notes do not know of what was done after them.*Called bash echo n1 .*Called bash echo n2 .*"role":"assistant"/
      )
    })
  )

  test(
    "ends the run when twice did not help",
    Effect.gen(function* () {
      const lab = yield* Lab.start({ first: eight.slice(0, 4), later, contextTokens: 200_000 })
      const failing = Effect.gen(function* () {
        const refused = { _tag: "Refuse" as const, status: 400, message: "prompt is too long" }
        yield* lab.twin.breakNext([...passing(3), ...Array.from({ length: 60 }, () => refused)])
        return yield* Effect.flip(lab.run())
      })
      const error = yield* failing
      assert.strictEqual(error.reason, "ContextOverflow")
      assert.include(error.message, "twice")
      assert.lengthOf(yield* lab.facts("ContextCompacted"), 2)
      assert.isBelow((yield* lab.twin.requests).length, 12)
    })
  )

  test(
    "leaves the session as it was when the notes can not be had, and is done when it goes on",
    Effect.gen(function* () {
      const store = recording()
      const lab = yield* Lab.start({ first: eight, later, loop: { compaction }, sessions: store.sessions })
      const asking = yield* Lab.start({ first: eight, later, loop: { compaction }, sessions: store.sessions })
      yield* lab.twin.breakNext([
        ...passing(5),
        { _tag: "Refuse" as const, status: 401 },
        { _tag: "Refuse" as const, status: 401 }
      ])
      const error = yield* Effect.flip(lab.run({ id: "one" }))
      assert.strictEqual(error.reason, "Unauthorized")
      assert.notInclude(
        store.entries.map(({ body }) => body._tag),
        "Compacted"
      )
      assert.deepStrictEqual((yield* asking.run({ id: "one" })).outcome, { _tag: "Done", note: "x" })
      assert.lengthOf(yield* asking.facts("ContextCompacted"), 1)
    })
  )

  test(
    "tries again what may be tried again",
    Effect.gen(function* () {
      const lab = yield* Lab.start({ first: eight, later, loop: { compaction } })
      yield* lab.twin.breakNext([
        ...passing(5),
        { _tag: "Refuse" as const, status: 529, retryAfter: 0 },
        { _tag: "Refuse" as const, status: 529, retryAfter: 0 }
      ])
      yield* lab.run()
      assert.lengthOf(yield* lab.facts("ContextCompacted"), 1)
      assert.isAtLeast((yield* lab.facts("ModelFailed")).length, 1)
    })
  )

  test(
    "is gone on with wherever the process died",
    Effect.gen(function* () {
      const store = recording()
      const first = Array.from({ length: 4 }, (_, at) => Lab.prints(`n${at}`, 3_600))
      const lab = yield* Lab.start({ first, later, loop: { compaction }, sessions: store.sessions })
      yield* lab.run({ id: "one" })
      const all = store.entries.length
      assert.isAbove(all, 10)
      for (let room = 1; room < all; room++) {
        store.empty(room)
        const error = yield* Effect.flip(lab.run({ id: "one" }))
        assert.strictEqual(error.reason, "NotWritable")
        store.empty()
        const before = (yield* lab.bodies).length
        const ended = yield* lab.run({ id: "one" })
        assert.deepStrictEqual(ended.outcome, { _tag: "Done", note: "x" }, `It died after ${room} entries`)
        const compacted = store.entries.filter(({ body }) => body._tag === "Compacted")
        assert.lengthOf(compacted, 1, `It died after ${room} entries`)
        for (const body of (yield* lab.bodies).slice(before)) {
          assert.deepStrictEqual(Lab.torn(body), [], `It died after ${room} entries`)
        }
      }
    })
  )
})

/** A store that dies when it has so many entries. */
const recording = () => {
  const entries: Array<SessionEntry.SessionEntry> = []
  let room = Number.POSITIVE_INFINITY
  const sessions: Sessions.Sessions["Service"] = {
    append: (_, added) =>
      Effect.gen(function* () {
        for (const entry of added) {
          if (entries.length >= room) {
            return yield* new Session.SessionError({ reason: "NotWritable", message: "The process died." })
          }
          entries.push(entry)
        }
      }),
    read: () => Effect.sync(() => [...entries])
  }
  return {
    sessions,
    entries,
    /** Begins anew with so much room; without it, goes on. */
    empty: (most?: number) => {
      if (most !== undefined) entries.length = 0
      room = most ?? Number.POSITIVE_INFINITY
    }
  }
}

const issue = { title: "It breaks" }
const modes = [
  ["native", Loop.call("mcp__github__create_issue", issue)],
  ["inline", Loop.call("mcp__github__create_issue", issue)],
  ["bridge", Loop.call("tool_call", { name: "github/create_issue", arguments: issue })]
] as const

describe.each(modes)("a tool that was loaded in the mode %s", (mode, use) => {
  test(
    "can be called when the turn that loaded it is gone",
    Effect.gen(function* () {
      const source = ScriptedSource.make("github")
      source.lists(
        ...["create", "delete", "update"].map((verb) => ({
          name: `${verb}_issue`,
          description: `Will ${verb} an issue.`,
          inputSchema: { type: "object", properties: { title: { type: "string" } }, required: ["title"] }
        }))
      )
      source.script.call = () => Effect.succeed(ScriptedSource.answer("It is made."))
      const index = yield* SourceIndex.make([source.source])
      yield* index.settled
      const lab = yield* Lab.start({
        index,
        first: [{ calls: [Loop.call("tool_search", { query: "select:github/create_issue" })] }, ...eight],
        later: [{ calls: [use] }, { calls: [use] }, { calls: [use] }, Loop.done("x")],
        loop: { compaction: { ...compaction, window: 15_000 }, tools: { deferral: "always", mode } }
      })
      const { session } = yield* lab.run({ tools: ["*/*"] })
      assert.isAtLeast((yield* lab.facts("ContextCompacted")).length, 1)
      assert.isAtLeast(source.count.call, 1, "It was not called")
      const next = (yield* lab.bodies).find((body) => Lab.textOf(body).includes("To make room"))
      const text = JSON.stringify(next)
      const definition = Lab.toolsOf(next).find(({ name }) => name === "mcp__github__create_issue")
      if (mode === "native") {
        assert.isDefined(definition, "It is not in the request")
        assert.notStrictEqual(definition.defer_loading, true, "It waits for a reference that is gone")
      }
      if (mode === "inline") {
        assert.include(text, '"type":"tool_addition"', "It is not declared again")
        assert.include(text.slice(text.indexOf("To make room")), "mcp__github__create_issue")
      }
      // Another process, with an index of its own, has it as well.
      const second = yield* Lab.start({
        index,
        first: [],
        later: Array.from({ length: 20 }, () => Loop.done("again")),
        loop: { compaction, tools: { deferral: "always", mode } }
      })
      yield* second.run({ tools: ["*/*"], session: JSON.parse(JSON.stringify(session)), prompt: "Once more." })
      assert.deepStrictEqual(Lab.toolsOf((yield* second.bodies)[0]), Lab.toolsOf((yield* lab.bodies).at(-1)))
    })
  )
})
