import { assert, describe, it } from "@effect/vitest"
import * as Prompt from "effect/ai/Prompt"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as SourceIndex from "../src/SourceIndex.ts"
import * as ScriptedSource from "../src/testing/ScriptedSource.ts"
import * as SavedTools from "../src/SavedTools.ts"
import * as ToolSession from "../src/ToolSession.ts"
import { tool } from "./tools.ts"

const many = (server: string, count: number) =>
  Array.from({ length: count }, (_, number) =>
    tool(`tool_${number}`, `Does number ${number} of ${server}. ${"At length. ".repeat(20)}`)
  )

const indexOf = Effect.fnUntraced(function* (
  count: number,
  more: Partial<Record<"list", ScriptedSource.Script["list"]>> = {}
) {
  const source = ScriptedSource.make("s")
  source.lists(...many("s", count))
  if (more.list !== undefined) source.script.list = more.list
  const index = yield* SourceIndex.make([source.source])
  return { index, source }
})

const session = Effect.fnUntraced(function* (count: number, options: Partial<ToolSession.Options> = {}) {
  const { index, source } = yield* indexOf(count)
  return {
    index,
    source,
    session: yield* ToolSession.make({ index, loading: ["native", "inline"], prefix: 5_000, ...options })
  }
})

const empty = Prompt.make("hello")
const names = (session: ToolSession.ToolSession, prompt = empty) =>
  Effect.map(session.tools(prompt), (tools) => tools.map(({ name }) => name))

describe("a session", () => {
  it.effect("defers many, and does not defer a few", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* session(3)).session.mode, "upfront")
      assert.strictEqual((yield* session(200)).session.mode, "native")
      assert.strictEqual((yield* session(200, { loading: ["inline"] })).session.mode, "inline")
      assert.strictEqual((yield* session(200, { loading: [] })).session.mode, "bridge")
      assert.strictEqual((yield* session(200, { deferral: "never" })).session.mode, "upfront")
      assert.strictEqual((yield* session(1, { deferral: "always" })).session.mode, "native")
    })
  )

  it.effect(
    "takes a way that the model has in the place of one that it has not, and says so and which pins it has not",
    () =>
      Effect.gen(function* () {
        const said: Array<string> = []
        const logger = Logger.layer([Logger.make(({ message }) => void said.push(String(message)))])
        const options = {
          deferral: "always",
          loading: ["inline"],
          mode: "native",
          pins: ["tool_1", "no_such"]
        } as const
        const { session: made } = yield* session(50, options).pipe(Effect.provide(logger))
        assert.strictEqual(made.mode, "inline")
        assert.lengthOf(said, 2, said.join("\n"))
        assert.match(said[0] ?? "", /pinned is left out.*"no_such"/)
        assert.match(said[1] ?? "", /in the mode native: it is inline/)
        said.length = 0
        const pins = Array.from({ length: ToolSession.maxPins + 2 }, (_, number) => `tool_${number}`)
        yield* session(50, { deferral: "always", pins }).pipe(Effect.provide(logger))
        assert.match(said.join(), /Left out: s\/tool_5, s\/tool_6\./)
      })
  )

  it.effect("does not send with each request what is too large for it", () =>
    Effect.gen(function* () {
      const two = yield* Effect.forEach(["a", "b"], (name) => {
        const source = ScriptedSource.make(name)
        source.lists(...many(name, 6_000))
        return Effect.succeed(source.source)
      })
      const index = yield* SourceIndex.make(two)
      assert.strictEqual((yield* ToolSession.make({ index, loading: ["native"], prefix: 0 })).mode, "bridge")
    })
  )

  it.effect("defers while a source is still to come: what comes late can be searched for", () =>
    Effect.gen(function* () {
      const { index } = yield* indexOf(0, { list: Effect.never })
      const made = yield* ToolSession.make({ index: { ...index, settled: Effect.void }, loading: [], prefix: 5_000 })
      assert.strictEqual(made.mode, "bridge")
    })
  )

  it.effect("defers while a source fails that may come back, and not for one that will not", () =>
    Effect.gen(function* () {
      for (const [reason, mode] of [
        ["Disconnected", "bridge"],
        ["NotConfigured", "upfront"]
      ] as const) {
        const { index } = yield* indexOf(0, { list: Effect.fail(ScriptedSource.error(reason)) })
        const made = yield* ToolSession.make({ index, loading: [], prefix: 5_000 })
        assert.strictEqual(made.mode, mode, reason)
      }
    })
  )

  it.effect("is the same after it was stored, with what was pinned", () =>
    Effect.gen(function* () {
      const {
        index,
        session: first,
        source
      } = yield* session(200, { mode: "inline", pins: ["tool_7", "no_such", "tool_3"] })
      const pinned = ["tool_search", "tool_describe", "mcp__s__tool_3", "mcp__s__tool_7"]
      assert.deepStrictEqual(yield* names(first), pinned)
      const stored = yield* Schema.encodeEffect(Schema.toCodecJson(SavedTools.Saved))(yield* first.save)
      const saved = yield* Schema.decodeEffect(Schema.toCodecJson(SavedTools.Saved))(JSON.parse(JSON.stringify(stored)))
      source.lists(tool("tool_3", "Another tool now."))
      const before = yield* first.tools(empty)
      const second = yield* ToolSession.make({ index, loading: ["inline"], prefix: 0, saved })
      assert.strictEqual(second.mode, "inline")
      assert.deepStrictEqual(JSON.stringify(yield* second.tools(empty)), JSON.stringify(before))
      const third = yield* ToolSession.make({ index, loading: [], prefix: 0, saved })
      assert.strictEqual(third.mode, "bridge", "A model that can not load inline should read and call")
    })
  )

  it.effect("takes what a source asks for and what is pinned, five together at most", () =>
    Effect.gen(function* () {
      const source = ScriptedSource.make("s")
      source.lists(...many("s", 100).map((each) => ({ ...each, _meta: { alwaysLoad: true } })))
      const index = yield* SourceIndex.make([source.source])
      const made = yield* ToolSession.make({ index, loading: ["inline"], prefix: 0, pins: ["tool_99"] })
      const pinned = (yield* names(made)).filter((name) => name.startsWith("mcp__"))
      assert.lengthOf(pinned, ToolSession.maxPins)
      assert.include(pinned, "mcp__s__tool_99")
    })
  )

  it.effect("answers whatever a model writes, and never fails", () =>
    Effect.gen(function* () {
      const { session: made, source } = yield* session(50, { deferral: "always", mode: "bridge" })
      const odd = [
        undefined,
        null,
        3,
        "text",
        "{",
        [],
        {},
        { query: 3 },
        { names: "x" },
        { name: "s/tool_1", arguments: "{" },
        { name: 3 }
      ]
      for (const name of ["tool_search", "tool_describe", "tool_call"]) {
        for (const params of odd) {
          const result = yield* made.run({ name, params }, empty)
          assert.isDefined(result, `${name} of ${JSON.stringify(params)} should be answered`)
          assert.isNotEmpty(result.text)
        }
      }
      assert.strictEqual(source.count.call, 0)
      assert.isUndefined(
        yield* made.run({ name: "read", params: {} }, empty),
        "What is no tool of the index is somebody else's"
      )
      const asText = yield* made.run({ name: "tool_call", params: { name: "tool_1", arguments: "{}" } }, empty)
      assert.deepStrictEqual([asText?.ok, asText?.text], [true, "tool_1"])
      const whole = yield* made.run({ name: "tool_call", params: '{"name":"s/tool_2"}' }, empty)
      assert.strictEqual(whole?.text, "tool_2")
    })
  )

  it.effect("says what it can not find, and what there is", () =>
    Effect.gen(function* () {
      const { session: made } = yield* session(50, { deferral: "always", mode: "bridge" })
      const result = yield* made.run({ name: "tool_search", params: { query: "select:tol_1" } }, empty)
      assert.include(result?.text, "No tool fits.")
      assert.include(result?.text, "s (50)")
    })
  )

  it.effect("knows which calls change nothing, as far as a source says", () =>
    Effect.gen(function* () {
      const source = ScriptedSource.make("s")
      source.lists({ ...tool("look", "Looks."), annotations: { readOnlyHint: true } }, tool("change", "Changes."))
      const index = yield* SourceIndex.make([source.source])
      const made = yield* ToolSession.make({ index, loading: [], prefix: 0, deferral: "always" })
      const isReadOnly = (name: string, params: unknown = {}) => made.isReadOnly({ name, params })
      assert.isTrue(yield* isReadOnly("tool_search"))
      assert.isTrue(yield* isReadOnly("tool_call", { name: "s/look" }))
      assert.isFalse(yield* isReadOnly("tool_call", { name: "s/change" }))
      assert.isTrue(yield* isReadOnly("mcp__s__look"))
      assert.isFalse(yield* isReadOnly("no_such"))
    })
  )
})
