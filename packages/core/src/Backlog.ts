/**
 * The **backlog**: the work items that wait for a run, and what each of them waits for. It is a fold over the journal, so
 * every process that can read the journal has the same one; nothing here reads a clock or writes.
 *
 * The order is in rounds. In a round each value of one resource, by default each `repository`, has a turn, or as many as
 * its weight; inside of a round it is priority (1 first), then age, then id. What is less urgent is overtaken by what comes
 * later for `lead` rounds per step of priority, and no longer.
 *
 * A claim is appended with the key of its place among all claims ({@link claimKey}), so of two dispatchers that claim at
 * once one has to look again: each claim is made knowing all claims before it, and caps hold across processes.
 */
import * as Result from "effect/Result"
import * as BacklogItem from "./BacklogItem.ts"
import type * as FactoryEvent from "./FactoryEvent.ts"
import * as Fold from "./internal/BacklogFold.ts"
import * as Heap from "./internal/Heap.ts"
import * as Turns from "./internal/Turns.ts"
import type * as Status from "./Status.ts"

/** How many items may be claimed at once. 0 holds back; what is not named is not limited. */
export interface Caps {
  readonly total?: number
  /** For each value of a resource: `{ repository: 2 }` is two for every repository. */
  readonly each?: Readonly<Record<string, number>>
  /** For one value of a resource, in the place of `each`: `{ model: { opus: 1 } }`. */
  readonly only?: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/** How the backlog is ordered. */
export interface Options {
  readonly caps?: Caps
  /** The resource whose values are treated fairly. Default `repository`. */
  readonly fair?: string
  /** How many turns a value of that resource has in a round, 1 or more. Default 1. */
  readonly weights?: Readonly<Record<string, number>>
  /** For how many rounds what comes later goes before what is a step less urgent. Default 100. */
  readonly lead?: number
  /** What a dependency has to come to: `done` (default), or any end, parked and closed included. */
  readonly dependencies?: "done" | "ended"
  /**
   * An item with so many open questions is not started: a human would ask, where an agent builds the wrong thing. 1 or more;
   * `Infinity` starts whatever is open. Default 3.
   */
  readonly openQuestions?: number
  /** A run that waits at a gate keeps its slots. By default it holds none, and is counted again when it goes on. */
  readonly holdAtGates?: boolean
}

/** Who works on an item. */
export interface Claim {
  /** Grows with every claim in the journal. What acts for a claim can be checked with it. */
  readonly token: number
  /** The token of the attempt stays when the claim is taken over. */
  readonly attempt: { readonly number: number; readonly token: number }
  /** The idempotency key to start the run of this attempt with. */
  readonly key: string
  /** The dispatcher. */
  readonly by: string
  readonly run: string | undefined
}

/** Where an item stands. */
export type Standing =
  | {
      readonly _tag: "Waiting"
      readonly on: ReadonlyArray<{ readonly item: string; readonly because: string }>
      /** How many questions about it are open, where that is too many to start. */
      readonly openQuestions?: number
    }
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Delayed"; readonly until: number; readonly reason: string }
  | {
      readonly _tag: "Claimed"
      readonly claim: Claim
      readonly isAtGate: boolean
      readonly closing: string | undefined
    }
  | { readonly _tag: "Parked"; readonly reason: string; readonly review: number | null }
  | { readonly _tag: "Done" }
  | { readonly _tag: "Closed" }

/** How many items stand where. */
export type Counts = Readonly<Record<Standing["_tag"], number>>

/** A run of an item that has not ended. */
export interface Tracked {
  readonly entry: Entry
  status: Status.Status
  /** The events that it began with and that was its last. */
  readonly since: number
  seq: number
  /** How long to leave it at least, in milliseconds, when it parked and said so. */
  reviewAfter: number | undefined
}

/** An item that has not ended. Changed by {@link see} alone. */
export interface Entry extends Turns.Ticket {
  item: BacklogItem.Item
  state: "Waiting" | "Ready" | "Delayed" | "Claimed" | "Parked"
  /** The event that it came with, or came back with. */
  opened: number
  /** The round in which it came. */
  readonly since: number
  /** Dependencies that are not satisfied. */
  readonly open: Set<string>
  attempts: number
  until: number | null
  reason: string
  claim: Claim | undefined
  /** The slots that it holds now. */
  held: Turns.Needs | undefined
  closing: string | undefined
  readonly runs: Map<string, Tracked>
  /** The run of the last attempt. */
  run: string | undefined
  /** What its runs did up to this event is dealt with. */
  settled: number
}

/** The fold. Filled in place by {@link see}; whoever else holds it only reads. */
export interface Backlog {
  readonly options: Options
  seq: number
  /** How many claims the journal holds. */
  claims: number
  readonly entries: Map<string, Entry>
  readonly done: Set<string>
  readonly closed: Set<string>
  readonly dependents: Map<string, Set<Entry>>
  readonly tokens: Map<number, Entry>
  readonly runs: Map<string, Tracked>
  readonly delayed: Heap.Heap<Entry>
  readonly turns: Turns.Turns
  /** How many entries are in each state. */
  readonly tally: Record<Entry["state"], number>
  /** Claims that an event was about since somebody emptied this. */
  readonly touched: Set<Entry>
}

const isCap = (limit: number) => Number.isInteger(limit) || limit === Number.POSITIVE_INFINITY

/** An empty backlog, or what is wrong with the options. */
export const make = (options: Options = {}): Result.Result<Backlog, BacklogItem.BacklogError> => {
  const { caps = {}, lead = 100, openQuestions = 3, weights = {} } = options
  const limits = [
    ...(caps.total === undefined ? [] : [["total", caps.total] as const]),
    ...Object.entries(caps.each ?? {}),
    ...Object.entries(caps.only ?? {}).flatMap(([kind, values]) =>
      Object.entries(values).map(([value, limit]) => [`${kind} ${value}`, limit] as const)
    )
  ]
  const bad = limits.find(([, limit]) => !isCap(limit) || limit < 0)
  const light = Object.entries(weights).find(([, weight]) => !Number.isSafeInteger(weight) || weight < 1)
  const invalid = (message: string) => Result.fail(new BacklogItem.BacklogError({ reason: "Invalid", message }))
  if (bad !== undefined) return invalid(`The cap "${bad[0]}" is ${bad[1]}. Give a whole number of at least 0.`)
  if (light !== undefined)
    return invalid(`The weight of "${light[0]}" is ${light[1]}. Give a whole number of at least 1.`)
  if (!(lead >= 0 && lead < Number.POSITIVE_INFINITY)) {
    return invalid(`The lead of a step of priority is ${lead} rounds. Give a number of at least 0.`)
  }
  if (!isCap(openQuestions) || openQuestions < 1) {
    return invalid(`The limit of open questions is ${openQuestions}. Give a whole number of at least 1, or Infinity.`)
  }
  return Result.succeed({
    options,
    seq: 0,
    claims: 0,
    entries: new Map(),
    done: new Set(),
    closed: new Set(),
    dependents: new Map(),
    tokens: new Map(),
    runs: new Map(),
    delayed: Heap.make<Entry>((one, other) =>
      one.until === other.until ? one.id < other.id : (one.until ?? 0) < (other.until ?? 0)
    ),
    turns: Turns.make(caps.total ?? Number.POSITIVE_INFINITY, (group) =>
      Object.hasOwn(weights, group) ? (weights[group] ?? 1) : 1
    ),
    tally: { Waiting: 0, Ready: 0, Delayed: 0, Claimed: 0, Parked: 0 },
    touched: new Set()
  })
}

/** Takes one more event in, in place. An event that was taken in before changes nothing. */
export const see: (backlog: Backlog, event: FactoryEvent.FactoryEvent) => void = Fold.see

/** The key that the next claim is appended with. */
export const claimKey = (backlog: Backlog): string => `claim/${backlog.claims + 1}`

/** The item whose turn it is, when one may start now. Asking again gives the same one until an event says otherwise. */
export const next = (backlog: Backlog, now: number): Entry | undefined => {
  Fold.advance(backlog, now)
  const ticket = backlog.turns.next()
  return ticket === undefined ? undefined : backlog.entries.get(ticket.id)
}

/** When the next item that was delayed, or is to be reviewed, comes back, in milliseconds since 1970. */
export const nextDue = (backlog: Backlog): number | undefined => backlog.delayed.peek()?.until ?? undefined

/** How many items have not ended; parked ones do not count. */
export const size = ({ entries, tally }: Backlog): number => entries.size - tally.Parked

/** How many items stand where. */
export const counts = ({ closed, done, tally }: Backlog): Counts => ({
  ...tally,
  Done: done.size,
  Closed: closed.size
})

/** Where an item stands; `undefined` when nobody has queued it. */
export const standing = (backlog: Backlog, id: string): Standing | undefined => {
  const entry = backlog.entries.get(id)
  if (entry === undefined) {
    if (backlog.done.has(id)) return { _tag: "Done" }
    return backlog.closed.has(id) ? { _tag: "Closed" } : undefined
  }
  const { claim, closing, held, open, reason, until } = entry
  if (claim !== undefined) return { _tag: "Claimed", claim, isAtGate: held === undefined, closing }
  switch (entry.state) {
    case "Parked":
      return { _tag: "Parked", reason, review: until }
    case "Delayed":
      return { _tag: "Delayed", until: until ?? 0, reason }
    case "Waiting":
      return {
        _tag: "Waiting",
        on: [...open].map((item) => ({ item, because: because(backlog, item) })),
        ...(Fold.isUnclear(backlog, entry.item) && { openQuestions: entry.item.openQuestions ?? 0 })
      }
    default:
      return { _tag: "Ready" }
  }
}

const because = (backlog: Backlog, dependency: string): string => {
  const found = standing(backlog, dependency)
  if (found === undefined) return "nobody has queued it"
  if (found._tag === "Parked") return `it is parked: ${found.reason}`
  if (found._tag === "Waiting" && found.openQuestions !== undefined) {
    return `it has ${found.openQuestions} open question${found.openQuestions === 1 ? "" : "s"}`
  }
  return found._tag === "Closed" ? "it was closed and not done" : "it is not done"
}

/** What stands against queueing these items: the first cycle of items that would wait for each other, by name. */
export const cycle = (
  backlog: Backlog,
  items: ReadonlyArray<BacklogItem.Item>
): BacklogItem.BacklogError | undefined => {
  const coming = new Map(items.map((item) => [item.id, item]))
  const awaited = new Set(items.flatMap(({ after }) => after))
  const afterOf = (id: string): ReadonlyArray<string> => {
    const entry = backlog.entries.get(id)
    return coming.get(id)?.after ?? (entry === undefined || entry.claim !== undefined ? [] : entry.item.after)
  }
  const clear = new Set<string>()
  for (const { id } of items) {
    // Only what somebody waits for can close a circle.
    if (!awaited.has(id) && !backlog.dependents.has(id)) continue
    const path: Array<{ readonly id: string; readonly rest: Array<string> }> = [{ id, rest: [...afterOf(id)] }]
    const onPath = new Set([id])
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const step = last.rest.pop()
      if (step === undefined) {
        path.pop()
        onPath.delete(last.id)
        clear.add(last.id)
      } else if (onPath.has(step)) {
        const names = path.map((each) => each.id)
        const circle = [...names.slice(names.indexOf(step)), step]
        return new BacklogItem.BacklogError({
          reason: "Cycle",
          message: `Items would wait for each other: ${circle.slice(0, 20).join(" after ")}${circle.length > 20 ? " …" : ""}. Take one of these dependencies out; nothing was queued.`
        })
      } else if (!clear.has(step)) {
        path.push({ id: step, rest: [...afterOf(step)] })
        onPath.add(step)
      }
    }
  }
  return undefined
}
