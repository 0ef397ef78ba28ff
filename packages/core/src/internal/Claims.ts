/** What a dispatcher does for a claim: it takes one, starts or resumes its run, stops it, releases it, takes it over. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import * as Backlog from "../Backlog.ts"
import type * as BacklogItem from "../BacklogItem.ts"
import * as Durable from "../Durable.ts"
import * as Fault from "../Fault.ts"
import * as Status from "../Status.ts"
import * as Attempts from "./Attempts.ts"
import type * as Desk from "./Desk.ts"

/** How an item becomes a run. */
export interface Options<R> {
  /**
   * Starts a run for a claim and answers with its name. It may be called again for the same attempt, after a crash or by
   * another dispatcher: give `claim.key` to the line, so that nothing is started twice.
   */
  readonly start: (item: BacklogItem.Item, claim: Backlog.Claim) => Effect.Effect<string, unknown, R>
  /** Pauses between attempts. Default: 10 seconds, then 20, and no fourth attempt. */
  readonly retry?: Schedule.Schedule<unknown>
  /**
   * How long after it was parked an item is taken up again, where its line said no `reviewAfter`. Default: only when
   * somebody queues it again.
   */
  readonly review?: (item: BacklogItem.Item, reason: string) => Duration.Input | undefined
}

/** What is done to runs. */
export interface Control<R> {
  readonly resume: (run: string) => Effect.Effect<void, unknown, R>
  readonly cancel: (run: string, reason: string) => Effect.Effect<void, unknown, R>
}

const lastOf = ({ run, runs }: Backlog.Entry) => (run === undefined ? undefined : runs.get(run))

/** The run that was started in an attempt. */
const begunIn = ({ runs }: Backlog.Entry, { attempt }: Backlog.Claim) =>
  [...runs.values()].find(({ since }) => since > attempt.token)?.status.run

/** Makes what looks after the claims of this process. */
export const make = Effect.fnUntraced(function* <R, R2>(desk: Desk.Desk, options: Options<R>, control: Control<R2>) {
  const { append, backlog, id: self } = desk
  const isRunElsewhere = yield* Durable.IsRunElsewhere
  const scope = yield* Effect.scope
  /** Tokens for which something is under way in this process. */
  const busy = new Set<number>()
  /** Tokens that were taken over and whose run was seen to. */
  const recovered = new Set<number>()

  /** Claims what is ready, or takes a claim over from its token. Somebody else may be faster; the backlog says who was. */
  const claim = ({ attempts, claim, id }: Backlog.Entry) =>
    append([
      {
        item: id,
        key: Backlog.claimKey(backlog),
        fact: {
          _tag: "ItemClaimed",
          attempt: claim?.attempt.number ?? attempts + 1,
          by: self,
          from: claim?.token ?? null
        }
      }
    ])

  const claimNext = Effect.gen(function* () {
    const entry = Backlog.next(backlog, yield* Clock.currentTimeMillis)
    if (entry === undefined) return false
    yield* claim(entry)
    return true
  })

  const takeOver = Effect.gen(function* () {
    const alive = new Map([[self, true]])
    for (const entry of Array.from(backlog.tokens.values())) {
      const { by, token } = entry.claim ?? {}
      if (by === undefined) continue
      const isAlive = alive.get(by) ?? (yield* desk.isAlive(by))
      alive.set(by, isAlive)
      while (!isAlive && entry.claim?.token === token) yield* claim(entry)
    }
  })

  const release = Effect.fnUntraced(function* ({ id, item }: Backlog.Entry, claim: Backlog.Claim, how: Attempts.End) {
    const seen = backlog.seq
    const now = yield* Clock.currentTimeMillis
    const { number } = claim.attempt
    const pause =
      how.end === "again" ? yield* Attempts.pauseAfter(options.retry ?? Attempts.standard, number) : Option.none()
    const isLast = how.end === "again" && Option.isNone(pause)
    const end = isLast ? "parked" : how.end
    const reason = isLast ? `${how.reason} (attempt ${number}, the last)` : how.reason
    const review = end === "parked" ? (how.reviewAfter ?? options.review?.(item, reason)) : undefined
    const delay = review === undefined ? Option.getOrNull(pause) : Math.ceil(Duration.toMillis(review))
    yield* append([
      {
        item: id,
        key: `released/${claim.token}`,
        fact: {
          _tag: "ItemReleased",
          token: claim.token,
          seen,
          end,
          reason,
          until: delay === null ? null : now + delay
        }
      }
    ])
    recovered.delete(claim.token)
  })

  const started = (entry: Backlog.Entry, { token }: Backlog.Claim, run: string) =>
    append([{ item: entry.id, run, key: `started/${token}`, fact: { _tag: "ItemStarted", token } }])

  /** The item's last run, when it can go on or has ended since the last attempt, or a new one. */
  const runOf = Effect.fnUntraced(function* (entry: Backlog.Entry, claim: Backlog.Claim) {
    const last = lastOf(entry)
    if (last === undefined || (Status.isEnded(last.status) && last.seq <= entry.settled)) {
      return yield* options.start(entry.item, claim)
    }
    if (last.status._tag === "Stalled") yield* control.resume(last.status.run)
    return last.status.run
  })

  /** Runs something for a claim beside everything else. */
  const aside = <E>(entry: Backlog.Entry, { token }: Backlog.Claim, work: Effect.Effect<void, E, R | R2>) => {
    busy.add(token)
    return work.pipe(
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.interrupt
          : Effect.logWarning(`The claim ${token} on ${entry.id} is seen to again.`, cause)
      ),
      Effect.ensuring(
        Effect.sync(() => {
          busy.delete(token)
          backlog.touched.add(entry)
        })
      ),
      Effect.forkIn(scope)
    )
  }

  /** What fails here is an attempt that failed, unless the run is there, or has come to its end meanwhile. */
  const orAgain = <A, E>(entry: Backlog.Entry, claim: Backlog.Claim, work: Effect.Effect<A, E, R | R2>) =>
    Effect.catchCause(work, (cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.interrupt
        : Effect.gen(function* () {
            yield* desk.catchUp
            const last = lastOf(entry)
            if (last !== undefined && Status.isEnded(last.status) && last.seq > entry.settled) return
            if (begunIn(entry, claim) !== undefined) return
            yield* release(entry, claim, { end: "again", reason: Fault.record(Cause.squash(cause)).message })
          })
    )

  /** A run that was started and is not written down yet is no failed attempt: it is started again under its key. */
  const begin = (entry: Backlog.Entry, claim: Backlog.Claim) =>
    Effect.flatMap(orAgain(entry, claim, runOf(entry, claim)), (run) =>
      run === undefined ? Effect.void : started(entry, claim, run)
    )

  const stop = Effect.fnUntraced(function* (entry: Backlog.Entry, claim: Backlog.Claim, run: string) {
    yield* control.cancel(run, entry.closing ?? "")
    yield* desk.catchUp
    // Somebody may want it again since.
    const reason = entry.closing
    yield* release(entry, claim, reason === undefined ? { end: "again", reason: "" } : { end: "closed", reason })
  })

  /** The run of a claim that was taken over goes on here, as soon as no living process runs it. */
  const recover = Effect.fnUntraced(function* (claim: Backlog.Claim, tracked: Backlog.Tracked) {
    if (yield* isRunElsewhere(tracked.status.execution)) return
    recovered.add(claim.token)
    yield* control.resume(tracked.status.run)
  })

  /** Does the next thing that a claim of this process needs. */
  const attend = Effect.fnUntraced(function* (entry: Backlog.Entry) {
    const { claim, closing } = entry
    if (claim === undefined || claim.by !== self || busy.has(claim.token)) return
    if (claim.run === undefined) {
      // Whoever started it died, or failed, between doing so and saying so.
      const begun = begunIn(entry, claim)
      if (begun !== undefined) return yield* started(entry, claim, begun)
      if (closing !== undefined) return yield* release(entry, claim, { end: "closed", reason: closing })
      return yield* aside(entry, claim, begin(entry, claim))
    }
    const tracked = entry.runs.get(claim.run)
    const end = tracked && Attempts.endOf(tracked.status)
    if (end !== undefined) return yield* release(entry, claim, { ...end, reviewAfter: tracked?.reviewAfter })
    if (closing !== undefined) return yield* aside(entry, claim, stop(entry, claim, claim.run))
    const isTaken = claim.token !== claim.attempt.token
    if (isTaken && tracked !== undefined && !recovered.has(claim.token)) {
      return yield* aside(entry, claim, orAgain(entry, claim, recover(claim, tracked)))
    }
  })

  const attendAll = Effect.gen(function* () {
    for (const entry of Array.from(backlog.touched)) {
      backlog.touched.delete(entry)
      yield* Effect.onError(attend(entry), () => Effect.sync(() => backlog.touched.add(entry)))
    }
  })

  return { attendAll, claimNext, takeOver }
})
