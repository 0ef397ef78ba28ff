/** The clock of a week that takes seconds: it goes on when somebody says so, and not by itself. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

export interface Week {
  readonly clock: Clock.Clock
  /** Lets time go by. */
  readonly pass: (time: Duration.Input) => Effect.Effect<void>
  /** Goes on to 9 o'clock (UTC) of a day, from 0; where that is over, it stands. */
  readonly morning: (day: number) => Effect.Effect<void>
}

/** A clock that stands at the beginning of a week, in milliseconds since 1970. What waits, waits in real time. */
export const make = (start: number): Effect.Effect<Week> =>
  Effect.clockWith((real) => {
    let now = start
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: () => now,
      currentTimeMillis: Effect.sync(() => now),
      currentTimeNanosUnsafe: () => BigInt(now) * 1_000_000n,
      currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
      monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: real.monotonicTimeNanos,
      sleep: (duration) => real.sleep(duration)
    }
    const pass = (time: Duration.Input) =>
      Effect.sync(() => {
        now += Duration.toMillis(Duration.fromInputUnsafe(time))
      })
    const morning = (day: number) =>
      Effect.sync(() => {
        now = Math.max(now, start + (day * 24 + 9) * 3_600_000)
      })
    return Effect.succeed({ clock, pass, morning })
  })
