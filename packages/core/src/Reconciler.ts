/**
 * **Reconciling**: what the forge says is open, and what the backlog knows, made the same. An issue that is closed stops its
 * run; one that is opened again comes back. A forge that can not be reached changes nothing.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type * as Backlog from "./Backlog.ts"
import type * as BacklogItem from "./BacklogItem.ts"
import * as Dispatcher from "./Dispatcher.ts"
import * as Forge from "./Forge.ts"
import type * as Journal from "./Journal.ts"
import type * as WorkItem from "./WorkItem.ts"

/** What is asked of the forge, and how often. */
export interface Options {
  /** What an open issue is in the backlog; `undefined` for one that the factory leaves alone. */
  readonly item: (issue: WorkItem.WorkItem) => BacklogItem.Wanted | undefined
  /** Whether an item came from this forge, so that it is closed when its issue is not open. Default: all of them did. */
  readonly owns?: (item: BacklogItem.Item) => boolean
  /** How often the forge is asked. Default 30 seconds. */
  readonly every?: Duration.Input
}

/** What has to be done. */
export interface Difference {
  /** Items that are open: new ones, and those that may have changed. */
  readonly queue: ReadonlyArray<BacklogItem.Wanted>
  /** Items that were closed and are open again. */
  readonly reopen: ReadonlyArray<BacklogItem.Wanted>
  /** Ids of items that nobody wants any more. */
  readonly close: ReadonlyArray<string>
}

/** What is different between the items that the forge wants and those that the backlog has, by id. */
export const diff = (
  wanted: ReadonlyArray<BacklogItem.Wanted>,
  known: ReadonlyMap<string, Backlog.Standing>
): Difference => {
  const byId = new Map(wanted.map((item) => [item.id, item]))
  const isClosed = (standing: Backlog.Standing | undefined) =>
    standing?._tag === "Closed" || (standing?._tag === "Claimed" && standing.closing !== undefined)
  const open = [...byId.values()].filter(({ id }) => known.get(id)?._tag !== "Done")
  return {
    queue: open.filter(({ id }) => !isClosed(known.get(id))),
    reopen: open.filter(({ id }) => isClosed(known.get(id))),
    close: [...known].flatMap(([id, standing]) =>
      byId.has(id) || standing._tag === "Done" || isClosed(standing) ? [] : [id]
    )
  }
}

/** Asks the forge once, and does what is different. */
export const once = Effect.fnUntraced(function* ({ item, owns = () => true }: Options) {
  const forge = yield* Forge.Forge
  const dispatcher = yield* Dispatcher.Dispatcher
  // Only what the backlog needs is kept of the issues.
  const wanted = yield* Stream.runCollect(
    Stream.filter(Stream.map(forge.open, item), (each): each is BacklogItem.Wanted => each !== undefined)
  )
  const listed = yield* dispatcher.list
  const known = new Map(listed.flatMap((each) => (owns(each.item) ? [[each.item.id, each.standing] as const] : [])))
  for (const { id } of wanted) {
    const standing = known.get(id) ?? (yield* dispatcher.standing(id))
    if (standing !== undefined) known.set(id, standing)
  }
  const { close, queue, reopen } = diff(wanted, known)
  // First what makes room.
  for (const id of close) yield* dispatcher.close(id, "its issue is no longer open")
  yield* queueAll(dispatcher, reopen, true)
  yield* queueAll(dispatcher, queue, false)
})

/** One item that can not be queued must not keep the others out. */
const queueAll = (
  dispatcher: Dispatcher.Dispatcher["Service"],
  items: ReadonlyArray<BacklogItem.Wanted>,
  again: boolean
): Effect.Effect<void, Journal.JournalError> =>
  Effect.catchTag(dispatcher.enqueue(items, { again }), "BacklogError", () =>
    Effect.forEach(
      items,
      (item) =>
        Effect.catchTag(dispatcher.enqueue(item, { again }), "BacklogError", (error) =>
          Effect.logWarning(`The issue ${item.id} stays out of the backlog: ${error.message}`)
        ),
      { discard: true }
    )
  )

/** Reconciles for as long as the layer lives. What fails is tried again the next time. */
export const layer = (options: Options): Layer.Layer<never, never, Dispatcher.Dispatcher | Forge.Forge> =>
  Layer.effectDiscard(
    once(options).pipe(
      Effect.catch((error) => Effect.logWarning(`Nothing was reconciled: ${error.message}`)),
      Effect.repeat(Schedule.spaced(options.every ?? Duration.seconds(30))),
      Effect.forkScoped
    )
  )
