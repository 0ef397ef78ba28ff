/** How items come into the backlog: checked, once, and no more than there is room for. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Backlog from "../Backlog.ts"
import * as BacklogItem from "../BacklogItem.ts"
import type * as Journal from "../Journal.ts"
import type * as Desk from "./Desk.ts"

/** How much the backlog takes. */
export interface Options {
  /** How many items may be open at once; parked ones do not count. Default: no limit. */
  readonly bound?: number
  /** What queueing beyond the bound does: fail with `Full` (default), or wait for room, first come, first served. */
  readonly whenFull?: "fail" | "wait"
}

/** How an item is queued. */
export interface Enqueue {
  (
    wanted: BacklogItem.Wanted | ReadonlyArray<BacklogItem.Wanted>,
    how?: { readonly again?: boolean }
  ): Effect.Effect<void, BacklogItem.BacklogError | Journal.JournalError>
}

/** Items that are written at once; the event loop turns between them. */
const batch = 500

/** Makes the way in. `awaitChange` completes at the first change after which the question is answered with yes. */
export const make = Effect.fnUntraced(function* (
  { append, backlog, catchUp }: Desk.Desk,
  { bound = Number.POSITIVE_INFINITY, whenFull = "fail" }: Options,
  awaitChange: (until: () => boolean) => Effect.Effect<void>
) {
  const door = yield* Semaphore.make(1)
  const writing = yield* Semaphore.make(1)

  /** What of it says something new, by id. Age is kept. */
  const fresh = (items: ReadonlyArray<BacklogItem.Wanted>, now: number, again: boolean) =>
    Effect.gen(function* () {
      const changed = new Map<string, BacklogItem.Item>()
      for (const wanted of items) {
        const known = backlog.entries.get(wanted.id)
        const asked = yield* Effect.fromResult(BacklogItem.of(wanted, known?.item.created ?? now))
        const item = BacklogItem.over(asked, changed.get(asked.id))
        const isEnded = backlog.done.has(item.id) || backlog.closed.has(item.id)
        if (isEnded && !again) continue
        const isKnown = known !== undefined && BacklogItem.isSame(known.item, BacklogItem.over(item, known.item))
        if (isKnown && !comesBack(known, again)) changed.delete(item.id)
        else changed.set(item.id, item)
      }
      return [...changed.values()]
    })

  const isNew = ({ id }: BacklogItem.Item) => {
    const known = backlog.entries.get(id)
    return known === undefined || known.state === "Parked"
  }

  const hasRoom = (count: number) => count === 0 || Backlog.size(backlog) + count <= bound

  const full = (count: number) =>
    new BacklogItem.BacklogError({
      reason: "Full",
      message: `The backlog holds ${Backlog.size(backlog)} open items of at most ${bound}, and ${count} more are asked for. Try again when some are done, or raise the bound.`
    })

  const write = (wanted: ReadonlyArray<BacklogItem.Wanted>, again: boolean) =>
    Effect.gen(function* () {
      yield* catchUp
      const items = yield* fresh(wanted, yield* Clock.currentTimeMillis, again)
      const cycle = Backlog.cycle(backlog, items)
      if (cycle !== undefined) return yield* cycle
      const count = items.filter(isNew).length
      if (!hasRoom(count)) return count
      for (let at = 0; at < items.length; at += batch) {
        yield* append(
          items.slice(at, at + batch).map(({ id, ...said }) => ({
            item: id,
            fact: { _tag: "ItemQueued", ...said, again }
          }))
        )
      }
      return 0
    }).pipe(writing.withPermit)

  const enqueue: Enqueue = Effect.fnUntraced(function* (wanted, { again = false } = {}) {
    const items = "id" in wanted ? [wanted] : wanted
    const missing = yield* write(items, again)
    if (missing === 0) return
    if (whenFull === "fail" || missing > bound) return yield* full(missing)
    yield* door.withPermit(
      Effect.gen(function* () {
        for (let left = missing; left > 0; left = yield* write(items, again)) yield* awaitChange(() => hasRoom(left))
      })
    )
  })
  return enqueue
})

const comesBack = ({ closing, state }: Backlog.Entry, again: boolean) =>
  again && (state === "Parked" || state === "Delayed" || closing !== undefined)
