/**
 * **Virtual time**: a clock that stands still while anything can run, and jumps to the next sleep that is due when
 * nothing can. What sleeps for weeks takes no time, and the same program takes the same way.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import { createHash } from "node:crypto"

/** A clock and the scheduler that goes with it. Fibers have to be started with both. */
export interface VirtualTime {
  readonly clock: Clock.Clock
  readonly scheduler: Scheduler.Scheduler
  /** When the next sleep is due, in milliseconds since 1970; `undefined` when nothing sleeps. */
  readonly due: () => number | undefined
  /** Sets the clock to when the next sleep is due, and wakes it. Sleeps that are due together wake as they began. */
  readonly jump: () => void
  /**
   * Completes with `true` once no fiber can run and no file or process is waited for, and with `false` when that did not
   * come within so many milliseconds of real time.
   */
  readonly idle: (patience: number) => Effect.Effect<boolean>
}

interface Sleep {
  readonly due: number
  readonly wake: () => void
}

/** Work that is done behind the back of the scheduler and will come back: open requests and child processes. */
const outside = (): number => process.getActiveResourcesInfo().filter((kind) => /Req|^ProcessWrap$/.test(kind)).length

/** A promise that is settled already needs one turn of the event loop, and what writes in groups one more. */
const quietTurns = 3

/** Starts at this time, in milliseconds since 1970. */
export const make = (startAt: number): VirtualTime => {
  const parent = new Scheduler.MixedScheduler()
  // What was open before is none of ours.
  const openBefore = outside()
  let now = startAt
  let pending = 0
  const sleeps: Array<Sleep> = []
  const nanos = () => BigInt(Math.round(now * 1_000)) * 1_000n

  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) =>
      Effect.callback<void>((resume) => {
        const due = now + Duration.toMillis(duration)
        if (!Number.isFinite(due)) return
        if (due <= now) return resume(Effect.yieldNow)
        const sleep = { due, wake: () => resume(Effect.void) }
        sleeps.splice(placeOf(sleeps, due), 0, sleep)
        return Effect.sync(() => {
          const at = sleeps.indexOf(sleep)
          if (at !== -1) sleeps.splice(at, 1)
        })
      })
  }

  const scheduler: Scheduler.Scheduler = {
    executionMode: parent.executionMode,
    shouldYield: (fiber) => parent.shouldYield(fiber),
    makeDispatcher: () => {
      const dispatcher = parent.makeDispatcher()
      return {
        scheduleTask: (task, priority) => {
          pending++
          dispatcher.scheduleTask(() => {
            pending--
            task()
          }, priority)
        },
        flush: () => dispatcher.flush()
      }
    }
  }

  const idle = (patience: number) =>
    Effect.callback<boolean>((resume) => {
      const until = performance.now() + patience
      let isWanted = true
      const look = (quiet: number) => {
        if (!isWanted) return
        if (quiet === quietTurns) return resume(Effect.succeed(true))
        if (performance.now() > until) return resume(Effect.succeed(false))
        setImmediate(() => look(pending > 0 || outside() > openBefore ? 0 : quiet + 1))
      }
      look(0)
      return Effect.sync(() => void (isWanted = false))
    })

  return {
    clock,
    scheduler,
    due: () => sleeps[0]?.due,
    jump: () => {
      const next = sleeps.shift()
      if (next === undefined) return
      now = next.due
      next.wake()
    },
    idle
  }
}

/** After everything that is due at the same time or before. */
const placeOf = (sleeps: ReadonlyArray<Sleep>, due: number): number => {
  let low = 0
  let high = sleeps.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sleeps[middle]?.due ?? 0) <= due) low = middle + 1
    else high = middle
  }
  return low
}

type Crypto = typeof globalThis.crypto

/** A target with some of its members replaced. The others are called on the target: Node takes no stand-in for it. */
const replacing = <A extends object>(target: A, own: Partial<A>): A =>
  new Proxy(target, {
    get: (_, key) => {
      const value: unknown = Reflect.get(key in own ? own : target, key)
      return typeof value === "function" ? value.bind(target) : value
    }
  })

/** Node's crypto, but a digest is there at once: Node makes it in another thread, and time could jump before it comes. */
export const crypto: Crypto = replacing(globalThis.crypto, {
  subtle: replacing(globalThis.crypto.subtle, {
    digest: (algorithm, data) => {
      const name = typeof algorithm === "string" ? algorithm : algorithm.name
      const bytes = ArrayBuffer.isView(data)
        ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        : new Uint8Array(data)
      const hash = createHash(name.replace("-", "")).update(bytes).digest()
      return Promise.resolve(new Uint8Array(hash).buffer)
    }
  })
})
