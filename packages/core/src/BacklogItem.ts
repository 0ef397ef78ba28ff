/** An item of the backlog: what the queue has to know of a work item, and nothing more. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Fault from "./Fault.ts"
import * as WorkItem from "./WorkItem.ts"

const Name = Schema.NonEmptyString.check(Schema.isMaxLength(200))

/** An item as the backlog keeps it: small, without the text of the issue. */
export const Item = Schema.Struct({
  id: WorkItem.WorkItem.fields.id,
  /** 1 is the most urgent. */
  priority: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 })),
  /** Ids of the items that have to be done before. They may come later than this one. */
  after: Schema.Array(WorkItem.WorkItem.fields.id).check(Schema.isMaxLength(256)),
  /** What a run of it needs, by kind: `{ repository: "web", model: "opus" }`. Caps and fairness are about these. */
  resources: Schema.Record(Name, Name).check(Schema.isMaxProperties(16)),
  /** The forge's reference to it, with which the issue is read when the item is started. */
  source: Schema.String.check(Schema.isMaxLength(2_000)),
  /** What its age is counted from, in milliseconds since 1970. */
  created: Schema.Natural,
  /** How many questions about it nobody has answered. Where nobody says, as many as before; of a new item, none. */
  openQuestions: Schema.optionalKey(Schema.Natural)
})
/** An item as the backlog keeps it. */
export type Item = typeof Item.Type

/** What can not be done with the backlog. */
export class BacklogError extends Fault.Class<BacklogError>()("BacklogError", {
  /** An item or an option is not what it has to be. */
  Invalid: false,
  /** Items would wait for each other. */
  Cycle: false,
  /** There are as many open items as there may be. */
  Full: true,
  /** The claim is no longer the item's: somebody else took it over, or it was released. */
  Fenced: false
}) {}

/** An item as it is asked for. Left out: priority 3, after nothing, no resources, no source, created now. */
export type Wanted = Pick<Item, "id"> & Partial<Item>

const decode = Schema.decodeUnknownResult(Item)

/** Completes and checks an item. `now` is in milliseconds since 1970. */
export const of = (wanted: Wanted, now: number): Result.Result<Item, BacklogError> =>
  Result.mapError(
    decode({ priority: 3, after: [], resources: {}, source: "", created: now, ...wanted }),
    (cause) =>
      new BacklogError({
        reason: "Invalid",
        message: `The item ${JSON.stringify(wanted.id)} can not be queued: ${cause.message}. Mend what asks for it.`
      })
  )

/** The item, with what it does not say as it was before. */
export const over = (item: Item, before: Item | undefined): Item =>
  item.openQuestions !== undefined || before?.openQuestions === undefined
    ? item
    : { ...item, openQuestions: before.openQuestions }

/** Whether two items say the same. */
export const isSame = (one: Item, other: Item): boolean => one === other || keyOf(one) === keyOf(other)

const keyOf = (item: Item) =>
  JSON.stringify([
    item.id,
    item.priority,
    item.source,
    item.created,
    item.openQuestions ?? 0,
    item.after.toSorted(),
    Object.entries(item.resources).toSorted(([a], [b]) => (a < b ? -1 : 1))
  ])
