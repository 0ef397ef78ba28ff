import { assert, describe, it } from "@effect/vitest"
import * as ToolkitSource from "@millwright/context/adapters/ToolkitSource"
import * as ToolSourceTest from "@millwright/context/testing/ToolSourceTest"
import * as ToolEntry from "@millwright/context/ToolEntry"
import * as ToolListing from "@millwright/context/ToolListing"
import * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"

class Greeting extends Context.Service<Greeting, { readonly word: string }>()("test/Greeting") {}

const parameters = Schema.Struct({ text: Schema.String })

const echo = Tool.make("echo", { description: "Says it again.", parameters, success: Schema.String })
  .annotate(Tool.Readonly, true)
  .annotate(Tool.Destructive, false)
const point = Tool.make("point", { parameters, success: Schema.Struct({ x: Schema.Number }) })
const refuse = Tool.make("refuse", { parameters, failure: Schema.Struct({ message: Schema.String }) })
const hand = Tool.make("hand_back", {
  parameters,
  failure: Schema.Struct({ message: Schema.String }),
  failureMode: "return"
})
const wait = Tool.make("wait", { success: Schema.String })
const draw = Tool.make("draw", {
  success: Schema.String,
  toModelOutput: (data) => [Prompt.textPart({ text: "a dot" }), Prompt.filePart({ mediaType: "image/png", data })]
})

const lab = Effect.gen(function* () {
  const interrupted = yield* Deferred.make<void>()
  const toolkit = yield* Effect.provide(
    Toolkit.make(echo, point, refuse, hand, wait, draw),
    Toolkit.make(echo, point, refuse, hand, wait, draw).toLayer({
      echo: ({ text }) => Effect.succeed(text),
      point: ({ text }) => Effect.succeed({ x: text.length }),
      refuse: () => Effect.fail({ message: "I would rather not." }),
      hand_back: () => Effect.fail({ message: "Take it back." }),
      wait: () => Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined)),
      draw: () => Effect.succeed("iVBORw0KGgo=")
    })
  )
  return {
    source: ToolkitSource.make(toolkit, { name: "own" }),
    sound: { name: "echo", args: { text: "hello" }, says: "hello" },
    failing: { name: "refuse", args: { text: "please" } },
    endless: { name: "wait", args: {}, interrupted: Deferred.await(interrupted) }
  } satisfies ToolSourceTest.Lab
})

ToolSourceTest.suite("ToolkitSource", lab)

describe("ToolkitSource", () => {
  it.effect("lists the JSON Schema of its tools, and what they are annotated with", () =>
    Effect.gen(function* () {
      const { source } = yield* lab
      const [tool] = ToolListing.parse((yield* source.list).tools).tools
      assert.isDefined(tool)
      assert.deepInclude(ToolEntry.schemaOf(tool), { type: "object", required: ["text"] })
      assert.deepStrictEqual(tool.hints, { readOnly: true, destructive: false, idempotent: false, openWorld: true })
      assert.strictEqual(tool.description, "Says it again.")
    })
  )

  it.effect("writes no arguments into the span around the call", () =>
    Effect.gen(function* () {
      const { source } = yield* lab
      const span = yield* Effect.makeSpan("around")
      yield* Effect.withParentSpan(source.call("echo", { text: "for nobody else" }), span)
      assert.deepStrictEqual([...span.attributes], [], "what a tool was called with left the house")
    })
  )

  it.effect("answers with a text as it is, with JSON for another value, and with images", () =>
    Effect.gen(function* () {
      const { source } = yield* lab
      assert.deepStrictEqual((yield* source.call("echo", { text: "a b" })).content, [{ type: "text", text: "a b" }])
      assert.deepStrictEqual((yield* source.call("point", { text: "abc" })).content, [
        { type: "text", text: '{"x":3}' }
      ])
      assert.deepStrictEqual((yield* source.call("draw", {})).content, [
        { type: "text", text: "a dot" },
        { type: "image", mediaType: "image/png", data: "iVBORw0KGgo=" }
      ])
    })
  )

  it.effect("a failure is an answer that says so, in both failure modes, and for arguments that do not fit", () =>
    Effect.gen(function* () {
      const { source } = yield* lab
      for (const [name, args, says] of [
        ["refuse", { text: "x" }, "I would rather not."],
        ["hand_back", { text: "x" }, "Take it back."],
        ["echo", { text: 1 }, "text"]
      ] as const) {
        const answer = yield* source.call(name, args)
        assert.isTrue(answer.isError, name)
        assert.include(JSON.stringify(answer.content), says, name)
      }
    })
  )

  it.effect("one tool whose schema can not be written costs no other", () =>
    Effect.gen(function* () {
      const odd = Tool.make("odd", {
        parameters: Schema.Struct({ at: Schema.Any.check(Schema.makeFilter(() => true)) })
      })
      const broken = Object.create(odd, {
        name: { value: "broken" },
        parametersSchema: {
          get: () => {
            throw new Error("no schema today")
          }
        }
      })
      const both = { tools: { echo, broken }, handle: () => Effect.die("not called") }
      // A toolkit that is broken on purpose.
      const source = ToolkitSource.make(both as unknown as Toolkit.WithHandler<{ echo: typeof echo }>, { name: "own" })
      const { quarantined, tools } = ToolListing.parse((yield* source.list).tools)
      assert.deepStrictEqual(
        tools.map(({ name }) => name),
        ["echo"]
      )
      assert.include(quarantined[0]?.reason, "no schema today")
    })
  )

  it.effect("handlers get the services that the source was made with, whoever calls", () =>
    Effect.gen(function* () {
      const greet = Tool.make("greet", { success: Schema.String, dependencies: [Greeting] })
      const kit = Toolkit.make(greet)
      const toolkit = yield* Effect.provide(kit, kit.toLayer({ greet: () => Effect.map(Greeting, ({ word }) => word) }))
      const services = Context.make(Greeting, { word: "moin" })
      const source = ToolkitSource.make(toolkit, { name: "own", services })
      const answer = yield* Effect.provideService(source.call("greet", {}), Greeting, { word: "of somebody else" })
      assert.deepStrictEqual(answer.content, [{ type: "text", text: "moin" }])
      // @ts-expect-error the handler needs a greeting
      ToolkitSource.make(toolkit, { name: "own" })
    })
  )

  it.effect("a handler that breaks is a defect of ours, and not an answer", () =>
    Effect.gen(function* () {
      const bad = Tool.make("bad")
      const kit = Toolkit.make(bad)
      const toolkit = yield* Effect.provide(kit, kit.toLayer({ bad: () => Effect.die(new Error("oh")) }))
      const exit = yield* Effect.exit(ToolkitSource.make(toolkit, { name: "own" }).call("bad", {}))
      assert.isTrue(Exit.hasDies(exit))
    })
  )
})
