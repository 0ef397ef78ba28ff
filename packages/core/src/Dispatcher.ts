/**
 * The **dispatcher**: claims what is ready in the {@link Backlog}, starts a run for it, follows the run to its end, and
 * releases the claim. Several may work on one journal.
 *
 * - All that it knows is in the journal, so one that is started again, or another one, goes on where it was.
 * - The `seq` of a claim's fact is its fencing token: whoever was taken over can no longer release or start the item.
 * - Closing it stops nothing by force: runs go on in their store, and claims wait for the next dispatcher.
 * - Of the claims of a dead dispatcher, the runs that nobody runs are resumed; no finished stage runs again.
 * - What ends in a fault is tried again with growing pauses: a run that stalled is resumed, after one that failed comes a
 *   new one. After the last attempt the item is parked with the reason.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Actor from "./Actor.ts"
import * as Backlog from "./Backlog.ts"
import * as BacklogItem from "./BacklogItem.ts"
import type * as Durable from "./Durable.ts"
import * as Admission from "./internal/Admission.ts"
import * as Claims from "./internal/Claims.ts"
import * as Desk from "./internal/Desk.ts"
import type * as Journal from "./Journal.ts"
import * as Line from "./Line.ts"
import type * as Presence from "./Presence.ts"

/** How items become runs, how many at once, and how many may wait. */
export interface Options<R = never> extends Backlog.Options, Admission.Options, Claims.Options<R> {
  /** How often it is looked whether other dispatchers live. Default 1 second. */
  readonly poll?: Duration.Input
}

/** An item and where it stands. */
export interface Listed {
  readonly item: BacklogItem.Item
  readonly standing: Backlog.Standing
}

/** Claims, starts, follows and releases. */
export class Dispatcher extends Context.Service<
  Dispatcher,
  {
    /** What its claims are made by. */
    readonly id: string
    /**
     * Queues items. One that is there already is changed, where it says something new; one that ended stays ended, unless
     * `again` is set. Nothing is queued when one of them can not be.
     */
    readonly enqueue: Admission.Enqueue
    /**
     * Nobody wants the item any more: it leaves the backlog, and its run is cancelled. `by` is who says so; a human who does is an
     * intervention. Once; the first reason stands.
     */
    readonly close: (
      item: string,
      reason: string,
      how?: { readonly by?: Actor.Actor }
    ) => Effect.Effect<void, Journal.JournalError>
    /** Fails with `Fenced` when the token is no longer that of a claim. */
    readonly check: (token: number) => Effect.Effect<void, BacklogItem.BacklogError | Journal.JournalError>
    /** Where an item stands, and what it waits for; `undefined` when nobody has queued it. */
    readonly standing: (item: string) => Effect.Effect<Backlog.Standing | undefined, Journal.JournalError>
    /** Every item that has not ended. */
    readonly list: Effect.Effect<ReadonlyArray<Listed>, Journal.JournalError>
    /** How many items stand where, now and after every change. Who reads slowly misses what lies between. */
    readonly changes: Stream.Stream<Backlog.Counts>
  }
>()("@millwright/core/Dispatcher") {}

/** A dispatcher that works for as long as the scope is open. */
export const make = Effect.fnUntraced(function* <R = never>(options: Options<R>) {
  const desk = yield* Desk.make(options)
  const { append, backlog, catchUp } = desk
  const poll = Duration.toMillis(options.poll ?? Duration.seconds(1))
  const published = yield* PubSub.sliding<Backlog.Counts>({ capacity: 1, replay: 1 })
  const changes = Stream.fromPubSub(published)
  const enqueue = yield* Admission.make(desk, options, (until) =>
    Effect.asVoid(Stream.runHead(Stream.filter(changes, until)))
  )
  const { attendAll, claimNext, takeOver } = yield* Claims.make(desk, options, {
    resume: Line.resume,
    cancel: (run, reason) => Line.cancel(run, { reason })
  })
  let nextLook = Number.NEGATIVE_INFINITY

  const work = Effect.gen(function* () {
    yield* catchUp
    const seen = backlog.seq
    const now = yield* Clock.currentTimeMillis
    if (now >= nextLook) {
      nextLook = now + poll
      yield* takeOver
    }
    do yield* attendAll
    while (yield* claimNext)
    yield* PubSub.publish(published, Backlog.counts(backlog))
    const due = Math.min(nextLook, Backlog.nextDue(backlog) ?? nextLook) - (yield* Clock.currentTimeMillis)
    // From before it was worked on: what came since may not have been seen.
    yield* Effect.timeoutOption(desk.awaitAfter(seen), Math.max(0, due))
  })
  yield* work.pipe(
    Effect.catchCause((cause) =>
      Effect.andThen(Effect.logError("The dispatcher can not go on; it tries again.", cause), Effect.sleep(poll))
    ),
    Effect.forever,
    Effect.forkScoped
  )

  return Dispatcher.of({
    id: desk.id,
    enqueue,
    close: Effect.fnUntraced(function* (item, reason, { by } = {}) {
      yield* catchUp
      if (backlog.done.has(item) || backlog.closed.has(item)) return
      // Each time that it is wanted it is closed once, whoever is the first.
      const key = `closed/${backlog.entries.get(item)?.opened ?? 0}/${item}`
      yield* append([{ item, by, key, fact: { _tag: "ItemClosed", reason } }])
    }),
    check: Effect.fnUntraced(function* (token) {
      yield* catchUp
      if (backlog.tokens.has(token)) return
      return yield* new BacklogItem.BacklogError({
        reason: "Fenced",
        message: `The claim with the token ${token} is over: it was released, or somebody else took it over. Stop, and leave the item alone.`
      })
    }),
    standing: (item) => Effect.map(catchUp, () => Backlog.standing(backlog, item)),
    list: Effect.map(catchUp, () =>
      [...backlog.entries.values()].flatMap(({ id, item }) => {
        const standing = Backlog.standing(backlog, id)
        return standing === undefined ? [] : [{ item, standing }]
      })
    ),
    changes
  })
})

/** A dispatcher that works for as long as the scope is open. */
export const layer = <R = never>(
  options: Options<R>
): Layer.Layer<
  Dispatcher,
  BacklogItem.BacklogError | Journal.JournalError,
  Durable.Engine | Journal.Journal | Presence.Presence | Exclude<R, Scope.Scope>
> => Layer.effect(Dispatcher, make(options))
