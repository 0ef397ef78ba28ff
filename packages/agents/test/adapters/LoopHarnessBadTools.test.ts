import { assert, describe, it } from "@effect/vitest"
import * as ToolkitSource from "@millwright/context/adapters/ToolkitSource"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { existsSync, readFileSync } from "node:fs"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"
import * as Wire from "./LoopWire.ts"

/** An index with one own tool that does as it is told. */
const own = Effect.fnUntraced(function* (does: Effect.Effect<string>, readonly = false) {
  const tool = Tool.make("odd", { description: "Does something.", success: Schema.String })
  const toolkit = Toolkit.make(tool.annotate(Tool.Readonly, readonly))
  const made = yield* Effect.provide(toolkit, toolkit.toLayer({ odd: () => does }))
  return yield* SourceIndex.make([ToolkitSource.make(made, { name: "own" })])
})

const odd = (id: string): Wire.Call => Wire.calling("mcp__own__odd", {}, id)

const with_ = (index: NonNullable<Lab.Around["index"]>, options: Lab.Around["options"] = {}): Lab.Around => ({
  index,
  options: { tools: { deferral: "never" }, ...options }
})

describe.each(Lab.protocols)("a tool over %s", (protocol) => {
  type Body = Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>
  const live = (title: string, body: Body, timeout = 30_000) =>
    it.live(title, () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Lab.Services)), timeout)

  live(
    "of the program or of a server that answers with 100 MB costs one bounded result",
    Effect.gen(function* () {
      const large = "0123456789".repeat(10_000_000)
      const source = ScriptedSource.make("far")
      source.lists({ name: "odd", description: "Answers." })
      source.script.call = () => Effect.succeed(ScriptedSource.answer(large))
      const far = yield* SourceIndex.make([source.source])
      for (const [index, name] of [
        [yield* own(Effect.succeed(large)), "own"],
        [far, "far"]
      ] as const) {
        const lab = yield* Wire.start(protocol, [{ calls: [Wire.calling(`mcp__${name}__odd`, {}, "1")] }], with_(index))
        yield* lab.run({ tools: [`${name}/*`] })
        yield* lab.check
        assert.isAtMost(Buffer.byteLength(lab.results(1)[0] ?? ""), 31_000)
      }
    }),
    60_000
  )

  live(
    "that answers with bytes that are no text, or halves of characters, answers with what they are",
    Effect.gen(function* () {
      const index = yield* own(Effect.succeed("a\u0000b\ud800c\udfffd\u202ee"))
      const lab = yield* Wire.start(
        protocol,
        [{ calls: [odd("1"), Wire.calling("bash", { script: "printf '\\377\\376\\000x'" }, "2")] }],
        with_(index)
      )
      yield* lab.run({ tools: ["own/*"], prompt: "A task with half \ud83d of a character." })
      yield* lab.check
      assert.include(lab.results(1)[0], "a\\u{0}b\\u{d800}c\\u{dfff}d\\u{202e}e")
      assert.include(lab.results(1)[1], "\ufffd\ufffd\\u{0}x")
      assert.include(JSON.stringify(lab.bodies[0]), "half \ufffd of")
    })
  )

  live(
    "may be called 200 times in one answer: sixteen at once, and the results in the order of the calls",
    Effect.gen(function* () {
      let running = 0
      let most = 0
      const full = yield* Deferred.make<void>()
      const index = yield* own(
        Effect.gen(function* () {
          running++
          most = Math.max(most, running)
          if (running === 16) Deferred.doneUnsafe(full, Effect.void)
          yield* Deferred.await(full)
          yield* Effect.yieldNow
          running--
          return "done"
        }),
        true
      )
      const calls = Array.from({ length: 200 }, (_, at) =>
        at % 2 === 0 ? odd(`c${at}`) : Wire.calling("read", { path: `no-${at}` }, `c${at}`)
      )
      const lab = yield* Wire.start(
        protocol,
        [{ calls: calls.concat(Array.from({ length: 16 }, (_, at) => odd(`d${at}`))) }],
        with_(index)
      )
      yield* lab.run({ tools: ["own/*"] })
      yield* lab.check
      const results = lab.results(1)
      assert.lengthOf(results, 216)
      for (const [at, text] of results.slice(0, 200).entries()) assert.include(text, at % 2 === 0 ? "done" : `no-${at}`)
      assert.isAtMost(most, 16)
      assert.lengthOf(yield* lab.facts("ToolCalled"), 216)
    }),
    60_000
  )

  live(
    "that throws, of the program or of the workspace, is a result that says so, and the next call runs",
    Effect.gen(function* () {
      const index = yield* own(Effect.die(new Error("It broke apart.")))
      const fs = yield* FileSystem.FileSystem
      const broken = { ...fs, realPath: () => Effect.die(new TypeError("no such thing")) }
      const lab = yield* Wire.start(
        protocol,
        [
          {
            calls: [
              odd("1"),
              Wire.calling("read", { path: "a" }, "2"),
              Wire.calling("bash", { script: "echo x > ran" }, "3")
            ]
          }
        ],
        with_(index)
      )
      yield* Effect.provideService(lab.run({ tools: ["own/*"] }), FileSystem.FileSystem, broken)
      yield* lab.check
      assert.include(lab.results(1)[0], "It broke apart.")
      assert.match(lab.results(1)[1] ?? "", /The tool broke: no such thing/)
      assert.strictEqual(readFileSync("ran", "utf8"), "x\n")
      assert.deepStrictEqual(
        (yield* lab.facts("ToolCalled")).map(({ ok }) => ok),
        [false, false, true]
      )
    })
  )

  live(
    "that hangs is stopped after its time, and the next call runs",
    Effect.gen(function* () {
      let isStopped = false
      const index = yield* own(Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (isStopped = true))))
      const lab = yield* Wire.start(
        protocol,
        [{ calls: [odd("1"), Wire.calling("bash", { script: "echo x > ran" }, "2")] }],
        with_(index, { tool: 200 })
      )
      yield* lab.run({ tools: ["own/*"] })
      yield* lab.check
      assert.match(lab.results(1)[0] ?? "", /did not end within 0 s. It was told to stop/)
      assert.isTrue(isStopped, "it was not told to stop")
      assert.isTrue(existsSync("ran"))
    })
  )

  live(
    "that ignores that it shall stop is left behind, once told of",
    Effect.gen(function* () {
      const warned: Array<string> = []
      const logger = Logger.make(({ message }) => void warned.push(String(message)))
      const fs = yield* FileSystem.FileSystem
      const stuck = yield* Deferred.make<void>()
      const deaf = {
        ...fs,
        realPath: (path: string) => Effect.andThen(Effect.uninterruptible(Deferred.await(stuck)), fs.realPath(path))
      }
      const lab = yield* Wire.start(
        protocol,
        [{ calls: [Wire.calling("read", { path: "a" }, "1")] }, { calls: [Wire.outcome()] }],
        {
          options: { tool: 200 }
        }
      )
      const run = Effect.provideService(lab.run(), FileSystem.FileSystem, deaf)
      yield* Effect.provide(run, Logger.layer([logger])).pipe(Effect.ensuring(Deferred.succeed(stuck, undefined)))
      yield* lab.check
      assert.match(lab.results(1)[0] ?? "", /It does not stop, and goes on without you/)
      assert.lengthOf(
        warned.filter((message) => message.includes("left behind")),
        1
      )
    })
  )

  live(
    "that runs when somebody stops the loop is stopped before the loop has ended",
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      let isCleaned = false
      const fs = yield* FileSystem.FileSystem
      const clean = Effect.andThen(
        Effect.yieldNow,
        Effect.sync(() => void (isCleaned = true))
      )
      const slow = {
        ...fs,
        realPath: () => Effect.andThen(Deferred.succeed(begun, undefined), Effect.never).pipe(Effect.ensuring(clean))
      }
      const lab = yield* Wire.start(protocol, [{ calls: [Wire.calling("read", { path: "a" }, "1")] }])
      const fiber = yield* Effect.forkChild(Effect.provideService(lab.run(), FileSystem.FileSystem, slow))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(isCleaned, "the loop ended before its tool had")
    })
  )
})
