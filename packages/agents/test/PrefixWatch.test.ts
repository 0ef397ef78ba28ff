import { assert, describe, it } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Journal from "@millwright/core/Journal"
import * as ToolLoading from "@millwright/core/ToolLoading"
import * as Usage from "@millwright/core/Usage"
import * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as PrefixWatch from "../src/loop/PrefixWatch.ts"
import * as Transcript from "../src/loop/Transcript.ts"
import type * as SessionEntry from "../src/SessionEntry.ts"

const model = { name: "m", provider: "anthropic" }
const text = (text: string) => Prompt.userMessage({ content: [Prompt.textPart({ text })] })
const schema = (...names: ReadonlyArray<string>) => ({
  type: "object" as const,
  properties: Object.fromEntries(names.map((name) => [name, { type: "string" }]))
})
const tool = (name: string, parameters = schema("a")) => Tool.dynamic(name, { description: name, parameters })
const long = [Prompt.systemMessage({ content: "Role: Tester" }), ...["one", "two", "three"].map(text)]

let count = 0
const entry = (body: SessionEntry.Body): SessionEntry.SessionEntry => ({
  id: `e${count++}`,
  parent: null,
  at: 0,
  body
})

const start = Effect.fnUntraced(function* (...bodies: ReadonlyArray<SessionEntry.Body>) {
  const { journal } = yield* MemoryJournal.make
  const transcript = Transcript.of(bodies.map(entry))
  const watch = PrefixWatch.make(transcript)
  const within = Effect.provideService(Journal.Journal, journal)
  return {
    transcript,
    asked: (request: Partial<PrefixWatch.Request>) =>
      within(watch.asked({ model, messages: long, tools: [tool("bash")], ...request })),
    answered: (usage: Partial<Usage.Usage>) => within(watch.answered({ ...Usage.zero, ...usage })),
    facts: Effect.map(Stream.runCollect(journal.read()), (events) =>
      events.flatMap(({ fact }) => (fact._tag === "PrefixChanged" ? [fact] : []))
    )
  }
})

describe("PrefixWatch", () => {
  it.effect("says nothing of requests that go on where the last one ended", () =>
    Effect.gen(function* () {
      const { answered, asked, facts } = yield* start()
      yield* asked({})
      yield* answered({ input: 5, cacheWrite: 20_000 })
      // Other objects that say the same, and a tool that is out of the prompt.
      yield* asked({
        messages: [...structuredClone(long), text("four")],
        tools: [tool("bash"), tool("waits").annotate(ToolLoading.Deferred, true)]
      })
      yield* answered({ input: 5, cacheRead: 20_000, cacheWrite: 300 })
      assert.deepStrictEqual(yield* facts, [])
    })
  )

  it.effect("names the tools that join, leave and change", () =>
    Effect.gen(function* () {
      const { asked, facts } = yield* start()
      yield* asked({ tools: [tool("bash"), tool("read"), tool("grep")] })
      yield* asked({ tools: [tool("bash"), tool("grep", schema("a", "b")), tool("write")] })
      yield* asked({ tools: [tool("write"), tool("bash"), tool("grep", schema("a", "b"))] })
      const [first, second] = yield* facts
      assert.deepStrictEqual(first?.what, [
        { part: "tools", detail: "read left." },
        { part: "tools", detail: "write joined." },
        { part: "tools", detail: "grep changed." }
      ])
      assert.isNull(first.why)
      assert.isAbove(first.lost, 10, "All of the earlier request is lost")
      assert.deepStrictEqual(second?.what, [{ part: "tools", detail: "They are the same, in another order." }])
    })
  )

  it.effect("names the message that changed, and counts what is behind it", () =>
    Effect.gen(function* () {
      const { asked, facts } = yield* start()
      const many = [...long, text("x".repeat(4_000)), text("end")]
      yield* asked({ messages: many })
      yield* asked({ messages: many.with(2, text("TWO")) })
      yield* asked({ messages: many.slice(0, 5) })
      yield* asked({ messages: [Prompt.systemMessage({ content: "Role: Other" }), ...many.slice(1)] })
      const [changed, gone, system] = yield* facts
      assert.deepStrictEqual(changed?.what, [{ part: "messages", detail: "Message 3 of 6 is another one." }])
      assert.isAbove(changed.lost, 1_000)
      assert.isBelow(changed.lost, 1_100)
      assert.deepStrictEqual(gone?.what[0]?.detail, "Message 3 of 6 is another one.")
      assert.deepStrictEqual(system?.what, [{ part: "system", detail: "The system prompt changed." }])
    })
  )

  it.effect("knows a compaction, a conversation that another model had, and one that is given to another", () =>
    Effect.gen(function* () {
      const usage = { ...Usage.zero, input: 9_000 }
      const had = yield* start(
        { _tag: "Opened", role: "Tester", system: "s", request: "r" },
        { _tag: "Answered", messages: [], model: "small", usage, isCut: false }
      )
      yield* had.asked({})
      Transcript.take(
        had.transcript,
        entry({
          _tag: "Compacted",
          summary: text("notes"),
          kept: null,
          dropped: { messages: 1, toolResults: 0, tokens: 1 }
        })
      )
      yield* had.asked({ messages: long.slice(0, 2) })
      for (const why of ["Requested", "Failed"] as const) {
        Transcript.take(had.transcript, entry({ _tag: "Routed", candidate: why, why, hasStronger: false }))
        yield* had.asked({ messages: long.slice(0, 2), model: { name: why, provider: "anthropic" } })
      }
      const [handed, compacted, ...routed] = yield* had.facts
      assert.deepStrictEqual(
        routed.map(({ what, why }) => [why, what[0]?.detail]),
        [
          ["escalation", "m became Requested."],
          ["handover", "Requested became Failed."]
        ]
      )
      assert.deepStrictEqual(handed, {
        _tag: "PrefixChanged",
        model: "m",
        what: [{ part: "model", detail: "small gave the conversation to m." }],
        why: "handover",
        lost: 9_000
      })
      assert.strictEqual(compacted?.why, "compaction")
      assert.deepStrictEqual(compacted.what, [{ part: "messages", detail: "Message 3 of 4 is gone." }])
    })
  )

  it.effect("hears from the provider that its cache is gone, and says how old it was", () =>
    Effect.gen(function* () {
      const { answered, asked, facts } = yield* start()
      yield* asked({})
      yield* answered({ input: 10, cacheWrite: 20_000 })
      yield* TestClock.adjust("6 minutes")
      yield* asked({})
      yield* answered({ input: 10, cacheWrite: 20_200 })
      const [lost] = yield* facts
      assert.deepStrictEqual(
        lost?.what.map(({ part }) => part),
        ["provider"]
      )
      assert.match(lost.what[0]?.detail ?? "", /of 20010 tokens .* only 0 .* 360 s ago: the cache has expired/)
      assert.strictEqual(lost.lost, 20_010)
    })
  )

  it.effect("expects nothing of a provider that keeps no cache, or of a prompt that is too short for one", () =>
    Effect.gen(function* () {
      const { answered, asked, facts } = yield* start()
      for (const usage of [{ input: 20_000 }, { input: 21_000 }, { input: 900, cacheRead: 10 }, { input: 950 }]) {
        yield* asked({})
        yield* answered(usage)
      }
      assert.deepStrictEqual(yield* facts, [])
    })
  )
})
