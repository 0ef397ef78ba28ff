/** What all programs of coding agents are tested with: one before a provider, and what it tells; what it leaves behind. */
import * as McpToolServer from "@millwright/context/adapters/McpToolServer"
import * as ToolIndex from "@millwright/context/ToolIndex"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Pricing from "@millwright/core/Pricing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { execFileSync, spawnSync } from "node:child_process"
import { readFile } from "node:fs/promises"
import * as Harness from "../../src/Harness.ts"
import * as Lab from "./LoopLab.ts"

/** A harness, and what it tells. */
export const running = Effect.fnUntraced(function* (
  harness: Layer.Layer<Harness.Harness, never, Pricing.Pricing | Journal.Journal>,
  index?: ToolIndex.ToolIndex
) {
  const built = yield* Layer.build(
    harness.pipe(
      Layer.provide(Layer.succeed(Pricing.Pricing, Lab.cents)),
      Layer.provideMerge(Layer.fresh(MemoryJournal.layer)),
      Layer.provide([
        index === undefined ? Layer.empty : Layer.succeed(ToolIndex.ToolIndex, index),
        index === undefined ? Layer.empty : McpToolServer.layer
      ])
    )
  )
  const { run } = Context.get(built, Harness.Harness)
  const journal = Context.get(built, Journal.Journal)
  const events: Array<Harness.HarnessEvent> = []
  return {
    journal,
    events,
    run: Effect.fnUntraced(function* (changes?: Partial<Harness.Request>) {
      yield* Stream.runForEach(run(Lab.request(changes)), (event) => Effect.sync(() => events.push(event)))
      const last = events.at(-1)
      return last?._tag === "Ended" ? last : yield* Effect.die(`The last event is ${last?._tag}`)
    }),
    all: Stream.runCollect(journal.read()),
    facts: <Tag extends FactoryEvent.Fact["_tag"]>(tag: Tag) =>
      Effect.map(Stream.runCollect(journal.read()), (events) =>
        events.flatMap(({ fact }) =>
          fact._tag === tag ? [fact as Extract<FactoryEvent.Fact, { readonly _tag: Tag }>] : []
        )
      )
  }
})

/** What has ended and was not asked for yet by whoever has to is not alive. */
export const isAlive = (pid: number): boolean =>
  /^[^Z]/.test(spawnSync("ps", ["-o", "stat=", "-p", `${pid}`], { encoding: "utf8" }).stdout.trim())

/** A named pipe: who reads it waits until somebody has written. */
export const pipe = (name: string): void => void execFileSync("mkfifo", [name])

/** The number that is written into one. */
export const written = (name: string) =>
  Effect.map(
    Effect.promise(() => readFile(name, "utf8")),
    Number
  )
