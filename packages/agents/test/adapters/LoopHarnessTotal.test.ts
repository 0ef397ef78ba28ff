import { assert, describe, it } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import * as LoopHarness from "../../src/adapters/LoopHarness.ts"
import * as Harness from "../../src/Harness.ts"
import * as Sessions from "../../src/Sessions.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"

describe.each(Lab.protocols)("a run over %s", (protocol) => {
  it.effect("that takes too long is ended, its processes with it, and goes on where it was", () =>
    Effect.gen(function* () {
      yield* workspace({})
      execFileSync("mkfifo", ["begun"])
      const twin = yield* ProviderTwin.make({
        script: {
          conversations: [
            {
              turns: [
                Lab.bash("echo first >> log"),
                Lab.bash("echo second >> log; echo $$ > begun; exec sleep 60"),
                Lab.done("ok")
              ]
            }
          ]
        }
      })
      const model = yield* Lab.modelAt(protocol, twin.anthropicUrl)
      const { journal } = yield* MemoryJournal.make
      const kept = yield* Layer.build(Sessions.layerMemory)
      const within = Effect.fnUntraced(function* (options: LoopHarness.Options) {
        const built = yield* Layer.build(
          LoopHarness.layerWith(options).pipe(
            Layer.provide([
              Layer.succeed(Model.Models, Model.single(model)),
              Layer.succeed(Pricing.Pricing, Lab.cents),
              Layer.succeed(Journal.Journal, journal),
              Layer.succeedContext(kept)
            ])
          )
        )
        return yield* Stream.runLast(Context.get(built, Harness.Harness).run(Lab.request({ id: "the-run" })))
      })
      const running = yield* Effect.forkChild(Effect.flip(within({ total: "1 minute" })))
      const pid = Number(yield* Effect.promise(() => readFile("begun", "utf8")))
      yield* TestClock.adjust("1 minute")
      const error = yield* Fiber.join(running)
      assert.deepStrictEqual([error._tag, error.reason], ["HarnessError", "TimedOut"])
      assert.include(error.message, "longer than 1m")
      assert.throws(() => process.kill(pid, 0), /ESRCH/)
      const last = yield* Effect.flatMap(within({}), Effect.fromOption)
      assert.deepStrictEqual(last._tag === "Ended" ? last.outcome : last, { _tag: "Done", note: "ok" })
      assert.strictEqual(readFileSync("log", "utf8"), "first\nsecond\n", "what was done was done again")
      const told = JSON.stringify((yield* twin.requests).at(-1)?.body)
      assert.include(told, "nobody knows how much of it took effect")
    }).pipe(Effect.scoped, Effect.provide(Lab.Services))
  )
})
