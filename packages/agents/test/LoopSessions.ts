/** The loop with sessions in files, before a twin, and a store that dies with the loop at a byte. */
import * as FileSystem from "effect/FileSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as Stream from "effect/Stream"
import * as FileSessions from "../src/adapters/FileSessions.ts"
import * as LoopHarness from "../src/adapters/LoopHarness.ts"
import * as Harness from "../src/Harness.ts"
import type * as Sessions from "../src/Sessions.ts"
import * as Lab from "./adapters/LoopLab.ts"

/** A file system whose writes stop for good after so many bytes, as they do when a process is killed. */
const dying = (bytes: number): Layer.Layer<FileSystem.FileSystem, never, FileSystem.FileSystem> =>
  Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (files) => {
      let left = bytes
      return FileSystem.make({
        ...files,
        open: (path, options) =>
          Effect.map(files.open(path, options), (file) => ({
            ...file,
            writeAll: (data: Uint8Array) =>
              Effect.suspend(() => {
                const part = data.subarray(0, left)
                left -= part.length
                return Effect.andThen(
                  part.length === 0 ? Effect.void : file.writeAll(part),
                  part.length < data.length ? Effect.die("killed") : Effect.void
                )
              })
          }))
      })
    })
  )

/** Sessions in a folder; with a number, until so many bytes are written. */
export const sessionsIn = (folder: string, dyingAfter?: number): Layer.Layer<Sessions.Sessions> =>
  Layer.orDie(
    Layer.provide(
      FileSessions.layer({ folder }),
      dyingAfter === undefined ? NodeServices.layer : Layer.provideMerge(dying(dyingAfter), NodeServices.layer)
    )
  )

/** Runs a request with a loop of its own: as a new process would. Answers with the events so far, and how it ended. */
export const walk = Effect.fnUntraced(function* (options: {
  readonly protocol: Lab.Protocol
  readonly url: string
  readonly sessions: Layer.Layer<Sessions.Sessions>
  readonly request: Partial<Harness.Request>
  readonly journal?: Journal.Journal["Service"]
  readonly loop?: LoopHarness.Options
  readonly model?: Model.Model
}) {
  const model = options.model ?? (yield* Lab.modelAt(options.protocol, options.url))
  const journal = options.journal ?? (yield* MemoryJournal.make).journal
  const events: Array<Harness.HarnessEvent> = []
  const exit = yield* Effect.exit(
    Effect.scoped(
      Effect.gen(function* () {
        const built = yield* Layer.build(
          LoopHarness.layerWith(options.loop ?? {}).pipe(
            Layer.provide([
              Layer.succeed(Model.Models, Model.single(model)),
              Layer.succeed(Pricing.Pricing, Lab.cents),
              Layer.succeed(Journal.Journal, journal),
              options.sessions
            ])
          )
        )
        yield* Stream.runForEach(
          Context.get(built, Harness.Harness).run(Lab.request({ maxTurns: 30, ...options.request })),
          (event) => Effect.sync(() => events.push(event))
        )
      })
    )
  )
  return { events, exit, journal }
})
