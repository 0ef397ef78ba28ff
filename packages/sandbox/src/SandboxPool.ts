/**
 * Sandboxes that are open before anybody asks for one, over any adapter. Each is used once: it is taken by one, and when that
 * one's scope closes, it is closed and its workspace is removed; commits are on its branch then, as ever.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import { type Opened, Sandbox, SandboxError } from "./Sandbox.ts"
import type { SandboxSpec } from "./SandboxSpec.ts"

/** What a pool is made of. */
export interface Options {
  /** How many are kept open and unused. */
  readonly size: number
  /**
   * The spec of each: called with 0, 1, 2, …, never twice with the same. Its id must be another each time; what an earlier
   * process has left under it is removed first. A `Folder` can not be pooled, since what is written there stays.
   */
  readonly spec: (index: number) => SandboxSpec
  /** What happens when there is none: `Open` (the default) opens one at once, `Wait` waits for the next. */
  readonly whenEmpty?: "Open" | "Wait"
  /** How many are opened at once in the background. Default: 2. */
  readonly concurrency?: number
}

/** What a pool is doing. */
export interface Stats {
  readonly ready: number
  /** In the background. */
  readonly opening: number
  readonly taken: number
  /** Those that wait for one. */
  readonly waiting: number
  /** Openings in the background that failed since the last that did not. */
  readonly failures: number
  /** Why the last of them failed. */
  readonly failure: SandboxError | undefined
}

/** A pool of open sandboxes. */
export interface SandboxPool {
  /** Takes one for as long as the scope. */
  readonly take: Effect.Effect<Opened, SandboxError, Scope.Scope>
  readonly stats: Effect.Effect<Stats>
}

interface Entry {
  readonly opened: Opened
  /** Closes it and removes its workspace; the second time it waits for the first. */
  readonly end: Effect.Effect<void>
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** After the first failure, and at most, in milliseconds. */
const patience = { first: 500, most: 60_000 }
/** Ids in a row that other processes have, before that counts as a failure. */
const busyInARow = 100

/** Makes a pool, which fills itself in the background. Everything is closed with the scope. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<SandboxPool, SandboxError, Sandbox | Scope.Scope> {
  const { concurrency = 2, size, spec, whenEmpty = "Open" } = options
  if (![size, concurrency].every((count) => Number.isInteger(count) && count >= 1)) {
    return yield* new SandboxError({
      reason: "BadSpec",
      message: `A pool keeps a whole number of sandboxes, from 1, and opens as many at once; not ${size} and ${concurrency}.`
    })
  }
  const sandbox = yield* Sandbox
  const alive = new Set<Entry>()
  const ready: Array<Entry> = []
  const waiting = new Set<Deferred.Deferred<Entry, SandboxError>>()
  // One for each that is missing.
  const missing = yield* Queue.unbounded<void>()
  let [index, opening, taken, failures, inARow] = [0, 0, 0, 0, 0]
  let failure: SandboxError | undefined
  let isClosed = false

  const closed = new SandboxError({
    reason: "Closed",
    message: "The pool of sandboxes is closed. Take one while it is open."
  })

  /** Opens the next. Only what `restore` is around can be interrupted, so that none is open that nobody knows of. */
  const open = Effect.fnUntraced(function* (restore: Restore): Effect.fn.Return<Entry, SandboxError> {
    const one = spec(index++)
    if (one.workspace._tag === "Folder") {
      return yield* new SandboxError({
        reason: "BadSpec",
        message: `The folder ${one.workspace.path} can not be pooled: each sandbox of a pool has a workspace of its own. Use \`Empty\` or \`Checkout\`.`
      })
    }
    const scope = yield* Scope.make()
    const discard = sandbox.discard(one)
    const leave = Effect.ignore(discard, { log: "Warn" })
    let isOurs = false
    const opened = yield* restore(discard).pipe(
      Effect.andThen(
        Effect.suspend(() => {
          isOurs = true
          return restore(sandbox.open(one))
        })
      ),
      Scope.provide(scope),
      // Cancelled at its very end, an opening leaves a workspace that is finished.
      Effect.onError((cause) => Effect.andThen(Scope.close(scope, Exit.failCause(cause)), isOurs ? leave : Effect.void))
    )
    const end = yield* Effect.cached(Effect.andThen(Scope.close(scope, Exit.void), leave))
    const entry: Entry = {
      opened,
      end: Effect.uninterruptible(
        Effect.ensuring(
          end,
          Effect.sync(() => alive.delete(entry))
        )
      )
    }
    alive.add(entry)
    if (!isClosed) return entry
    yield* entry.end
    return yield* closed
  })

  /** Gives it to the one who has waited longest, or keeps it. */
  const give = (entry: Entry) =>
    Effect.suspend(() => {
      const [first] = waiting
      if (first === undefined) {
        ready.push(entry)
        return Effect.void
      }
      waiting.delete(first)
      return Effect.andThen(Queue.offer(missing, undefined), Deferred.succeed(first, entry))
    })

  const fill: Effect.Effect<void> = Effect.uninterruptibleMask((restore) => {
    opening++
    return open(restore).pipe(
      Effect.ensuring(Effect.sync(() => opening--)),
      Effect.flatMap((entry) => {
        failures = 0
        inARow = 0
        failure = undefined
        return give(entry)
      })
    )
  }).pipe(
    Effect.catch((error) => {
      // Another process has a workspace of this id; the next has another id.
      if (error.reason === "Busy" && ++inARow < busyInARow) return fill
      failure = error
      const delay = Math.min(patience.first * 2 ** failures++, patience.most)
      return Effect.andThen(Effect.sleep(delay), fill)
    })
  )

  const wait = Effect.fnUntraced(function* (restore: Restore) {
    const turn = yield* Deferred.make<Entry, SandboxError>()
    waiting.add(turn)
    return yield* Effect.onInterrupt(restore(Deferred.await(turn)), () =>
      // It may have been given one in the moment in which it went away.
      Effect.suspend(() =>
        waiting.delete(turn) ? Effect.void : Effect.ignore(Effect.flatMap(Deferred.await(turn), give))
      )
    )
  })

  const next = (restore: Restore) =>
    Effect.suspend((): Effect.Effect<Entry, SandboxError> => {
      if (isClosed) return Effect.fail(closed)
      const entry = ready.shift()
      if (entry !== undefined) return Effect.as(Queue.offer(missing, undefined), entry)
      return whenEmpty === "Wait" ? wait(restore) : open(restore)
    })

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isClosed = true
      const turns = [...waiting]
      waiting.clear()
      return Effect.andThen(
        Effect.forEach(turns, (turn) => Deferred.fail(turn, closed), { discard: true }),
        Effect.forEach([...alive], ({ end }) => end, { concurrency: "unbounded", discard: true })
      )
    })
  )
  for (let count = 0; count < size; count++) yield* Queue.offer(missing, undefined)
  for (let count = 0; count < Math.min(size, concurrency); count++) {
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Queue.take(missing), fill)))
  }

  return {
    take: Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const { end, opened } = yield* next(restore)
        taken++
        yield* Effect.addFinalizer(() =>
          Effect.andThen(
            Effect.sync(() => taken--),
            end
          )
        )
        return opened
      })
    ),
    stats: Effect.sync(() => ({ ready: ready.length, opening, taken, waiting: waiting.size, failures, failure }))
  }
})
