/** A dispatcher with a line whose runs do what a test says. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as MemoryEngine from "../src/adapters/MemoryEngine.ts"
import * as MemoryJournal from "../src/adapters/MemoryJournal.ts"
import type * as Backlog from "../src/Backlog.ts"
import type * as BacklogItem from "../src/BacklogItem.ts"
import * as Dispatcher from "../src/Dispatcher.ts"
import * as Fault from "../src/Fault.ts"
import * as Journal from "../src/Journal.ts"
import * as Line from "../src/Line.ts"
import * as Presence from "../src/Presence.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"

export class Broken extends Fault.Class<Broken>()("Broken", { Broken: false }) {}

export const Work = Line.make("Work", { payload: { item: WorkItem.WorkItem }, success: Schema.String })

export const workItem = (id: string): WorkItem.WorkItem => ({
  id,
  title: id,
  body: WorkItem.bodyOf(""),
  labels: [],
  source: id
})

/** What a run does: it ends, it breaks, it is put aside (for a time), or it waits until it is let go. */
export type Deed = "done" | "break" | "park" | { readonly review: number } | Deferred.Deferred<void>

/** What runs do, by item, one after another, and what all others do. And what they did. */
export const script = (deeds: Readonly<Record<string, ReadonlyArray<Deed>>> = {}, others: Deed = "done") => {
  const left = new Map(Object.entries(deeds).map(([id, all]) => [id, [...all]]))
  const began: Array<string> = []
  const now = new Set<string>()
  let most = 0
  const perform = (id: string) =>
    Effect.gen(function* () {
      began.push(id)
      now.add(id)
      most = Math.max(most, now.size)
      const deed = left.get(id)?.shift() ?? others
      yield* Effect.yieldNow
      if (deed === "break") return yield* new Broken({ reason: "Broken", message: `${id} broke` })
      if (typeof deed === "object" && !("review" in deed)) yield* Deferred.await(deed)
      return typeof deed === "object" && "review" in deed ? deed.review : deed === "park" ? 0 : -1
    }).pipe(Effect.ensuring(Effect.sync(() => now.delete(id))))
  const code = Work.toLayer(
    Effect.fnUntraced(function* ({ item }) {
      const review = yield* Stage.run({ name: "work", success: Schema.Number }, perform(item.id))
      if (review < 0) return item.id
      return yield* Line.park(item, {
        reason: `${item.id} needs a decision`,
        ...(review > 0 ? { reviewAfter: review } : {})
      })
    })
  )
  return { code, began, most: () => most }
}

/** Starts the line for an item, once for each attempt. */
export const start = (item: BacklogItem.Item, claim: Backlog.Claim) =>
  Work.start({ item: workItem(item.id) }, { key: claim.key })

/** An engine, a journal and the line, in memory. */
export const factory = (code: ReturnType<typeof script>["code"]) =>
  Layer.provideMerge(code, Layer.merge(MemoryEngine.layer, MemoryJournal.layer))

/** A dispatcher as the only one of its store. */
export const alone = (options: Partial<Dispatcher.Options<Effect.Services<ReturnType<typeof start>>>> = {}) =>
  Effect.provide(Dispatcher.make({ start, ...options }), Presence.layerAlone, { local: true })

type Service = Dispatcher.Dispatcher["Service"]

/** Waits until the counts are as wanted. */
export const until = ({ changes }: Service, wanted: Partial<Backlog.Counts>) =>
  Effect.asVoid(
    Stream.runHead(
      Stream.filter(changes, (counts) =>
        Object.entries(wanted).every(([state, count]) => counts[state as keyof Backlog.Counts] === count)
      )
    )
  )

/** Every fact of a kind, with its item. */
export const facts = (tag: string) =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    const events = yield* Stream.runCollect(journal.read())
    return events.filter(({ fact }) => fact._tag === tag)
  })
