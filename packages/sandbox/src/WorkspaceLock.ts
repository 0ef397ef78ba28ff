/**
 * Exclusive use of a workspace across processes, by a lock that the kernel holds: it is gone the moment its process is,
 * also after `kill -9`, so there is no lease to wait for and no pid file that lies.
 *
 * It is core's lock on a file that nothing is ever written to. The file stays, with 0 bytes; removing it would let two
 * processes lock two files of the same name. It does not hold on a network file system whose locks do not.
 */
import * as Sqlite from "@millwright/core/Sqlite"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { SandboxError } from "./Sandbox.ts"

/** Takes the lock, or fails with `Busy` at once. `message` is what the error says. */
export const take = (file: string, message: string): Effect.Effect<void, SandboxError, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.flatMap(attempt(file), (held) =>
        held === undefined ? Effect.fail(new SandboxError({ reason: "Busy", message })) : Effect.succeed(held)
      ),
      (held) => Effect.sync(() => held.release())
    )
  )

const patience = 60_000
const interval = 20

// Those of this process take turns, and only one of them looks at the file again and again.
const turns = new Map<string, { readonly turn: Semaphore.Semaphore; waiting: number }>()

const inTurn =
  (file: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const queue = turns.get(file) ?? { turn: Semaphore.makeUnsafe(1), waiting: 0 }
      turns.set(file, queue)
      queue.waiting++
      return Effect.ensuring(
        queue.turn.withPermits(1)(effect),
        Effect.sync(() => --queue.waiting === 0 && turns.delete(file))
      )
    })

/** Waits for the lock, one minute at most when its turn has come, and holds it while the effect runs. */
export const holding =
  (file: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SandboxError, R> =>
    Effect.acquireUseRelease(
      Effect.interruptible(waitFor(file)),
      () => effect,
      (held) => Effect.sync(() => held.release())
    ).pipe(inTurn(file))

const waitFor = Effect.fnUntraced(function* (file: string) {
  const deadline = performance.now() + patience
  while (true) {
    const held = yield* attempt(file)
    if (held !== undefined) return held
    if (performance.now() > deadline) {
      return yield* new SandboxError({
        reason: "Busy",
        message: `Another process has held ${file} for a minute, to make or remove a workspace. Look what it waits for.`
      })
    }
    yield* pause
  }
})

// The system's own timer: the lock is outside of whatever clock a test has put in the place of time.
const pause = Effect.callback<void>((resume) => {
  const timer = setTimeout(() => resume(Effect.void), interval)
  return Effect.sync(() => clearTimeout(timer))
})

const attempt = (file: string): Effect.Effect<ReturnType<typeof Sqlite.tryLock>, SandboxError> =>
  Effect.try({
    try: () => Sqlite.tryLock(file),
    catch: (cause) =>
      new SandboxError({
        reason: "SetupFailed",
        message: `The lock ${file} can not be taken: ${String(cause)}. The folder must be writable, and its disk not full.`,
        cause
      })
  })
