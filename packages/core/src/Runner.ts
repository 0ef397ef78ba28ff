/**
 * Who runs an execution. A **runner** is a process with a lock file that the kernel gives back when the process dies, so
 * what a killed process ran can be taken over at once: there is no lease to wait for and no clock to trust.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomBytes } from "node:crypto"
import { rmSync } from "node:fs"
import { join } from "node:path"
import * as Bell from "./internal/Bell.ts"
import * as KernelLock from "./internal/KernelLock.ts"
import * as Journal from "./Journal.ts"
import * as Sqlite from "./Sqlite.ts"

/** This process, as the owner of executions in a store. */
export class Runner extends Context.Service<
  Runner,
  {
    readonly id: string
    /** Whether a runner is a living process, this one included. */
    readonly isAlive: (runner: string) => boolean
    /** Tells another runner that something was written for it, so that it need not wait for its next poll. */
    readonly ring: (runner: string) => void
  }
>()("@millwright/core/Runner") {}

/** A runner for as long as the scope is open. */
export const layer: Layer.Layer<Runner, Journal.JournalError, Sqlite.Sqlite> = Layer.effect(
  Runner,
  Effect.gen(function* () {
    const { path, refresh } = yield* Sqlite.Sqlite
    const id = randomBytes(8).toString("hex")
    const file = (runner: string) => join(`${path}-runners`, `${runner}.lock`)
    yield* Effect.acquireRelease(
      Effect.try({
        try: () => KernelLock.take(file(id)),
        catch: (cause) =>
          new Journal.JournalError({
            reason: "NotWritable",
            message: `The lock ${file(id)} can not be made: ${String(cause)}. Make the folder of the store writable.`,
            cause
          })
      }),
      (lock) =>
        Effect.sync(() => {
          lock.release()
          rmSync(file(id), { force: true })
        })
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => Bell.listen(file(id), () => void Effect.runFork(refresh))),
      (stop) => Effect.sync(stop)
    )
    return Runner.of({
      id,
      isAlive: (runner) => runner === id || Sqlite.isLocked(file(runner)),
      ring: (runner) => Bell.ring(file(runner))
    })
  })
)
