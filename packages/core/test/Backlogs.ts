/** A backlog that is told facts one by one, and the same rules again, naively: every question looks at every item. */
import * as Result from "effect/Result"
import * as Backlog from "../src/Backlog.ts"
import * as BacklogItem from "../src/BacklogItem.ts"
import * as FactoryEvent from "../src/FactoryEvent.ts"

/** Numbers from 0 to 1 that are the same for the same seed. */
export const random = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A backlog without a journal. */
export const make = (options: Backlog.Options = {}) => {
  const backlog = Result.getOrThrow(Backlog.make(options))
  const events: Array<FactoryEvent.FactoryEvent> = []
  let now = 0
  const tell = (item: string, fact: FactoryEvent.Fact, run: string | null = null): number => {
    const event = {
      version: FactoryEvent.version,
      seq: backlog.seq + 1,
      at: now,
      line: run === null ? null : "Line",
      run,
      item,
      stage: null,
      actor: { _tag: "Host" },
      fact
    } as const
    events.push(event)
    Backlog.see(backlog, event)
    return event.seq
  }
  return {
    backlog,
    events,
    tell,
    now: () => now,
    sleep: (millis: number) => void (now += millis),
    queue: (wanted: BacklogItem.Wanted, again = false) => {
      const { id, ...said } = Result.getOrThrow(BacklogItem.of(wanted, now))
      return tell(id, { _tag: "ItemQueued", ...said, again })
    },
    next: () => Backlog.next(backlog, now)?.id,
    claim: (id: string, by = "me", from: number | null = null) =>
      tell(id, { _tag: "ItemClaimed", attempt: 1, by, from }),
    /** Starts a run for a claim. */
    start: (id: string, token: number) => {
      const run = `${id}.${token}`
      tell(id, { _tag: "LineStarted", title: id, execution: run, start: run }, run)
      tell(id, { _tag: "ItemStarted", token }, run)
      return run
    },
    release: (id: string, end: "done" | "again" | "parked" | "closed", until: number | null = null) =>
      tell(id, {
        _tag: "ItemReleased",
        token: backlog.entries.get(id)?.claim?.token ?? 0,
        seen: backlog.seq,
        end,
        reason: end === "parked" ? "nobody knows how" : "",
        until
      }),
    /** Claims everything that may go now, in order. */
    drain: () => {
      const order: Array<string> = []
      for (let next = Backlog.next(backlog, now); next !== undefined; next = Backlog.next(backlog, now)) {
        tell(next.id, { _tag: "ItemClaimed", attempt: 1, by: "me", from: null })
        order.push(next.id)
      }
      return order
    }
  }
}

interface Known {
  readonly item: BacklogItem.Item
  readonly since: number
  state: "waiting" | "delayed" | "parked" | "claimed" | "done" | "closed"
  until: number
  /** Dependencies that were done while it waited for them. */
  readonly met: Set<string>
  /** Has been counted as ready in its group. */
  isIn: boolean
}

/** The rules of the backlog, as they are written down, without any index. */
export class Reference {
  readonly items = new Map<string, Known>()
  readonly groups = new Map<string, { round: number; taken: number }>()
  readonly options: Backlog.Options
  round = 0
  constructor(options: Backlog.Options) {
    this.options = options
  }

  private group(item: BacklogItem.Item) {
    return item.resources[this.options.fair ?? "repository"] ?? ""
  }

  private join(name: string) {
    const group = this.groups.get(name) ?? { round: 0, taken: 0 }
    const joined = group.round < this.round ? { round: this.round, taken: 0 } : group
    this.groups.set(name, joined)
    return joined
  }

  private due({ item, since }: Known) {
    return since + (this.options.lead ?? 100) * (item.priority - 1)
  }

  private isReady({ item, met, state }: Known) {
    const isClear = (item.openQuestions ?? 0) < (this.options.openQuestions ?? 3)
    return state === "waiting" && isClear && item.after.every((id) => met.has(id))
  }

  /** A group that has something to do again has saved up no turns. */
  private settle() {
    const all = [...this.items.values()]
    const busy = new Set(all.filter(({ isIn }) => isIn).map(({ item }) => this.group(item)))
    for (const known of all) {
      const isIn = this.isReady(known)
      const group = this.group(known.item)
      if (isIn && !known.isIn && !busy.has(group)) {
        this.join(group)
      }
    }
    for (const known of all) known.isIn = this.isReady(known)
  }

  private hasSlot(item: BacklogItem.Item) {
    const { each = {}, only = {}, total = Infinity } = this.options.caps ?? {}
    const claimed = [...this.items.values()].filter(({ state }) => state === "claimed").map((known) => known.item)
    return (
      claimed.length < total &&
      Object.entries(item.resources).every(
        ([kind, value]) =>
          claimed.filter((other) => other.resources[kind] === value).length <
          (only[kind]?.[value] ?? each[kind] ?? Infinity)
      )
    )
  }

  advance(now: number) {
    // One at a time, in the order in which they are due, as each may wake its group.
    for (;;) {
      const [first] = [...this.items.values()]
        .filter(({ state, until }) => (state === "delayed" || state === "parked") && until <= now)
        .sort((a, b) => a.until - b.until || (a.item.id < b.item.id ? -1 : 1))
      if (first === undefined) return
      first.state = "waiting"
      this.settle()
    }
  }

  queue(wanted: BacklogItem.Item, again: boolean) {
    if (again) this.items.delete(wanted.id)
    const known = this.items.get(wanted.id)
    const openQuestions =
      wanted.openQuestions ??
      (known?.state === "done" || known?.state === "closed" ? 0 : (known?.item.openQuestions ?? 0))
    const item = { ...wanted, openQuestions }
    const met = new Set(item.after.filter((id) => this.items.get(id)?.state === "done"))
    if (known !== undefined && !known.isIn) this.items.set(item.id, { ...known, item, met })
    else {
      // What was ready leaves its group for a moment.
      if (known !== undefined) {
        known.state = "parked"
        this.settle()
      }
      this.items.set(item.id, {
        item,
        since: known?.since ?? this.round,
        state: "waiting",
        until: Infinity,
        met,
        isIn: false
      })
    }
    this.settle()
  }

  next(): string | undefined {
    const round = (known: Known) => this.groups.get(this.group(known.item))?.round ?? 0
    const [first] = [...this.items.values()]
      .filter((known) => this.isReady(known) && this.hasSlot(known.item))
      .sort(
        (a, b) =>
          round(a) - round(b) ||
          this.due(a) - this.due(b) ||
          a.item.created - b.item.created ||
          (a.item.id < b.item.id ? -1 : 1)
      )
    return first?.item.id
  }

  claim(id: string) {
    const known = this.items.get(id)
    if (known === undefined) return
    const group = this.group(known.item)
    known.state = "claimed"
    this.settle()
    const joined = this.join(group)
    this.round = joined.round
    joined.taken++
    if (joined.taken === (this.options.weights?.[group] ?? 1)) {
      joined.round++
      joined.taken = 0
    }
  }

  become(id: string, state: Known["state"], until = Infinity) {
    const known = this.items.get(id)
    if (known === undefined) return
    known.state = state
    known.until = until
    if (state === "done") {
      // One at a time, in the order in which they came to wait, as each may wake its group.
      for (const other of this.items.values()) if (other.item.after.includes(id)) other.met.add(id)
    }
    this.settle()
  }
}
