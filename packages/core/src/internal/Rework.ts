/** Going back: work that is done again with its failure as the context, until it is good or it makes no sense to go on. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Run from "../Run.ts"
import { Parked } from "./LineError.ts"

/** The work has to be done again, with this as its context. */
export class Again<out Feedback> {
  readonly _tag = "Again"
  readonly feedback: Feedback
  constructor(feedback: Feedback) {
    this.feedback = feedback
  }
}

/** Goes back: the next attempt of the {@link rework} around gets the feedback. */
export const again = <Feedback>(feedback: Feedback): Effect.Effect<Again<Feedback>> =>
  Effect.succeed(new Again(feedback))

/** When going back ends. */
export interface Limits<Feedback> {
  /** How often the work is done at most. */
  readonly attempts: number
  /** After so many attempts with the same failure the breaker trips, since another one would fail in the same way. Default 3. */
  readonly identical?: number
  /**
   * What makes two failures the same. Default: the feedback as JSON, without what differs from one attempt to the next
   * by itself: numbers, digests, times, temporary paths.
   */
  readonly fingerprint?: (feedback: Feedback) => string
}

/**
 * Does work until it is good. The failure of one attempt is the context of the next. Parks the item when the attempts are
 * used up, or when the breaker trips.
 */
export const rework = <A, Feedback, E, R>(
  limits: Limits<Feedback>,
  work: (feedback: Feedback | undefined, attempt: number) => Effect.Effect<A | Again<Feedback>, E, R>
): Effect.Effect<A, E | Parked, R> =>
  Effect.gen(function* () {
    const { attempts, fingerprint = normalized, identical = 3 } = limits
    const seen = new Map<string, number>()
    let feedback: Feedback | undefined
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const result = yield* work(feedback, attempt)
      if (!(result instanceof Again)) return result
      feedback = result.feedback
      const print = fingerprint(result.feedback)
      const times = (seen.get(print) ?? 0) + 1
      seen.set(print, times)
      if (times >= identical && attempt < attempts) {
        return yield* giveUp(`The work failed ${times} times in the same way, and was not tried again`)
      }
    }
    return yield* giveUp(`The work was not accepted in ${attempts} attempts`)
  })

const giveUp = Effect.fnUntraced(function* (reason: string) {
  const run = yield* Effect.serviceOption(Run.Run)
  return yield* new Parked({
    item: Option.match(run, { onNone: () => "", onSome: ({ item }) => item.id }),
    reason,
    unblockWhen: "somebody looks at the last verdict and changes the item, the contract or the limit of attempts"
  })
})

const normalized = (feedback: unknown): string =>
  (JSON.stringify(feedback) ?? String(feedback))
    .replaceAll(/\b[0-9a-f]{7,64}\b/gi, "#")
    .replaceAll(/\/(?:tmp|var)\/[^\s"':]+/g, "/…")
    .replaceAll(/\d+/g, "0")
