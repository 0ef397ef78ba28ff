/** What becomes of an item when its run stops: the end of its claim, and when it is tried again. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Status from "../Status.ts"

/** How a claim ends. `again` only for as long as there are attempts left. */
export interface End {
  readonly end: "done" | "again" | "parked" | "closed"
  readonly reason: string
  /** How long to leave a parked item at least, in milliseconds. */
  readonly reviewAfter?: number | undefined
}

/** Three attempts: after 10 seconds, and after twice that, up to 5 minutes for schedules that go on for longer. */
export const standard = Schedule.min([Schedule.exponential("10 seconds"), Schedule.spaced("5 minutes")]).pipe(
  Schedule.upTo({ times: 2 })
)

/** What a run came to; `undefined` while it goes on, or waits for a human. */
export const endOf = (status: Status.Status): End | undefined => {
  if (status.isUndoing) return undefined
  switch (status._tag) {
    case "Running":
    case "Waiting":
      return undefined
    case "Finished":
      return { end: "done", reason: "" }
    case "Parked":
      return { end: "parked", reason: status.reason }
    case "Cancelled":
      return { end: "parked", reason: `Its run was cancelled: ${status.reason}` }
    case "Failed":
    case "Stalled":
      return { end: "again", reason: status.fault.message }
  }
}

/** Milliseconds from the end of an attempt to the next one; none when it was the last. */
export const pauseAfter = (
  schedule: Schedule.Schedule<unknown>,
  attempt: number
): Effect.Effect<Option.Option<number>> =>
  Effect.gen(function* () {
    const step = yield* Schedule.toStep(schedule)
    const now = yield* Clock.currentTimeMillis
    let pause = Duration.zero
    // The state of a schedule is how often it was asked.
    for (let at = 0; at < attempt; at++) pause = (yield* step(now, undefined))[1]
    const millis = Math.ceil(Duration.toMillis(pause))
    return Number.isSafeInteger(now + millis) ? Option.some(millis) : Option.none()
  }).pipe(Effect.catch(() => Effect.succeedNone))
