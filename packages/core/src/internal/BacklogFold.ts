/** The fold of the backlog: what each event changes. Which claims stand is decided by the events alone, not by options. */
import type { Backlog, Entry } from "../Backlog.ts"
import * as BacklogItem from "../BacklogItem.ts"
import type * as FactoryEvent from "../FactoryEvent.ts"
import * as Status from "../Status.ts"
import type * as Turns from "./Turns.ts"

type Fact<Tag extends FactoryEvent.Fact["_tag"]> = Extract<FactoryEvent.Fact, { readonly _tag: Tag }>

/** Takes one more event in. */
export const see = (backlog: Backlog, event: FactoryEvent.FactoryEvent): void => {
  if (event.seq <= backlog.seq) return
  backlog.seq = event.seq
  const { fact } = event
  // What comes back by the clock comes back before the event, so that another process folds it in the same order.
  if (fact._tag.startsWith("Item")) advance(backlog, event.at)
  switch (fact._tag) {
    case "ItemQueued":
      queued(backlog, event, fact)
      break
    case "ItemClaimed":
      claimed(backlog, event, fact)
      break
    case "ItemStarted":
      started(backlog, event, fact)
      break
    case "ItemReleased":
      released(backlog, fact)
      break
    case "ItemClosed":
      if (event.item !== null) closed(backlog, event.item, fact)
      break
    default:
      if (event.run !== null) follow(backlog, event.run, event)
  }
}

/** Brings back what was delayed until now or earlier. */
export const advance = (backlog: Backlog, now: number): void => {
  const { delayed } = backlog
  for (let first = delayed.peek(); first !== undefined && (first.until ?? 0) <= now; first = delayed.peek()) {
    delayed.remove(first)
    if (first.state === "Parked") first.attempts = 0
    enter(backlog, first)
  }
}

const become = (backlog: Backlog, entry: Entry, state: Entry["state"]) => {
  backlog.tally[entry.state]--
  backlog.tally[state]++
  entry.state = state
}

const needsOf = ({ options: { caps = {}, fair = "repository" } }: Backlog, { resources }: BacklogItem.Item) => {
  const at = <A>(record: Readonly<Record<string, A>> | undefined, key: string): A | undefined =>
    record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined
  const limits = Object.entries(resources).flatMap(([kind, value]) => {
    const limit = at(at(caps.only, kind), value) ?? at(caps.each, kind)
    return limit === undefined ? [] : [[JSON.stringify([kind, value]), limit] as const]
  })
  return {
    group: at(resources, fair) ?? "",
    caps: limits.toSorted(([a], [b]) => (a < b ? -1 : 1))
  } satisfies Turns.Needs
}

/** Whether too much about an item is open to start it. */
export const isUnclear = (
  { options: { openQuestions: limit = 3 } }: Pick<Backlog, "options">,
  { openQuestions = 0 }: BacklogItem.Item
): boolean => openQuestions >= limit

/** Waits for its dependencies or for answers, or is ready. */
const enter = (backlog: Backlog, entry: Entry) => {
  entry.until = null
  become(backlog, entry, entry.open.size > 0 || isUnclear(backlog, entry.item) ? "Waiting" : "Ready")
  if (entry.state === "Ready") backlog.turns.add(entry, needsOf(backlog, entry.item))
}

/** Out of wherever it waits. */
const leave = (backlog: Backlog, entry: Entry) => {
  if (entry.lane !== undefined) backlog.turns.remove(entry)
  else if (entry.place >= 0) backlog.delayed.remove(entry)
}

const putOff = (backlog: Backlog, entry: Entry, why: Pick<Fact<"ItemReleased">, "reason" | "until">) => {
  entry.reason = why.reason
  entry.until = why.until
  if (why.until !== null) backlog.delayed.push(entry)
}

const isSatisfied = (backlog: Backlog, id: string): boolean => {
  if (backlog.done.has(id)) return true
  if (backlog.options.dependencies !== "ended") return false
  return backlog.closed.has(id) || backlog.entries.get(id)?.state === "Parked"
}

/** Gives an item the dependencies and the due round that it says. */
const describe = (backlog: Backlog, entry: Entry, item: BacklogItem.Item) => {
  forget(backlog, entry)
  entry.item = item
  entry.created = item.created
  entry.due = entry.since + (backlog.options.lead ?? 100) * (item.priority - 1)
  for (const id of item.after) {
    if (isSatisfied(backlog, id)) continue
    entry.open.add(id)
    const waiting = backlog.dependents.get(id)
    if (waiting === undefined) backlog.dependents.set(id, new Set([entry]))
    else waiting.add(entry)
  }
}

const forget = (backlog: Backlog, entry: Entry) => {
  for (const id of entry.open) {
    const waiting = backlog.dependents.get(id)
    waiting?.delete(entry)
    if (waiting?.size === 0) backlog.dependents.delete(id)
  }
  entry.open.clear()
}

const satisfy = (backlog: Backlog, id: string) => {
  if (!isSatisfied(backlog, id)) return
  const waiting = backlog.dependents.get(id) ?? []
  backlog.dependents.delete(id)
  for (const entry of waiting) {
    entry.open.delete(id)
    if (entry.state === "Waiting" && entry.open.size === 0) enter(backlog, entry)
  }
}

const queued = (
  backlog: Backlog,
  { item: id, seq }: FactoryEvent.FactoryEvent,
  { _tag, again, ...said }: Fact<"ItemQueued">
) => {
  if (id === null) return
  const known = backlog.entries.get(id)
  const item = BacklogItem.over({ id, ...said }, known?.item)
  if (known === undefined) {
    if (!again && (backlog.done.has(id) || backlog.closed.has(id))) return
    backlog.done.delete(id)
    backlog.closed.delete(id)
    const entry = fresh(backlog, item, seq)
    backlog.entries.set(id, entry)
    backlog.tally.Waiting++
    describe(backlog, entry, item)
    enter(backlog, entry)
    return
  }
  const isPutOff = (known.state === "Parked" || known.state === "Delayed") && !again
  if (known.claim === undefined && !isPutOff) leave(backlog, known)
  describe(backlog, known, item)
  if (again) {
    known.attempts = 0
    known.closing = undefined
    known.opened = seq
  }
  if (known.claim === undefined && !isPutOff) enter(backlog, known)
}

const fresh = (backlog: Backlog, item: BacklogItem.Item, opened: number): Entry => ({
  id: item.id,
  item,
  place: -1,
  lane: undefined,
  due: 0,
  created: item.created,
  state: "Waiting",
  opened,
  since: backlog.turns.round(),
  open: new Set(),
  attempts: 0,
  until: null,
  reason: "",
  claim: undefined,
  held: undefined,
  closing: undefined,
  runs: new Map(),
  run: undefined,
  settled: 0
})

const claimed = (backlog: Backlog, { item, seq }: FactoryEvent.FactoryEvent, { by, from }: Fact<"ItemClaimed">) => {
  backlog.claims++
  const entry = item === null ? undefined : backlog.entries.get(item)
  if (entry === undefined || (entry.claim?.token ?? null) !== from || (from === null && entry.closing !== undefined))
    return
  if (entry.claim === undefined) {
    leave(backlog, entry)
    become(backlog, entry, "Claimed")
    entry.until = null
    entry.attempts++
    const key = `dispatch/${entry.id}/${seq}`
    entry.claim = { token: seq, attempt: { number: entry.attempts, token: seq }, key, by, run: undefined }
    backlog.turns.charge(needsOf(backlog, entry.item).group)
  } else {
    backlog.tokens.delete(entry.claim.token)
    entry.claim = { ...entry.claim, token: seq, by }
  }
  backlog.tokens.set(seq, entry)
  hold(backlog, entry)
  backlog.touched.add(entry)
}

/** Takes slots for what runs, and gives them back while it waits for a human. */
const hold = (backlog: Backlog, entry: Entry) => {
  const run = entry.claim?.run === undefined ? undefined : entry.runs.get(entry.claim.run)
  const isAtGate = run?.status._tag === "Waiting" && backlog.options.holdAtGates !== true
  if (entry.claim !== undefined && !isAtGate) {
    if (entry.held !== undefined) return
    entry.held = needsOf(backlog, entry.item)
    backlog.turns.occupy(entry.held)
  } else if (entry.held !== undefined) {
    backlog.turns.release(entry.held)
    entry.held = undefined
  }
}

const started = (backlog: Backlog, { run }: FactoryEvent.FactoryEvent, { token }: Fact<"ItemStarted">) => {
  const entry = backlog.tokens.get(token)
  if (entry?.claim === undefined || run === null) return
  entry.claim = { ...entry.claim, run }
  entry.run = run
  hold(backlog, entry)
  backlog.touched.add(entry)
}

const follow = (backlog: Backlog, run: string, event: FactoryEvent.FactoryEvent) => {
  const { fact } = event
  if (fact._tag === "LineStarted") {
    // A child belongs to its parent, and a fork to whoever made it.
    if (event.item === null || fact.parent !== undefined || fact.forkOf !== undefined) return
    const entry = backlog.entries.get(event.item)
    const status = Status.step(undefined, event)
    if (entry?.claim === undefined || status === undefined) return
    const tracked = { entry, status, since: event.seq, seq: event.seq, reviewAfter: undefined }
    entry.runs.set(run, tracked)
    backlog.runs.set(run, tracked)
    return
  }
  const tracked = backlog.runs.get(run)
  if (tracked === undefined) return
  tracked.status = Status.step(tracked.status, event) ?? tracked.status
  // A run is not taken up again for what is still undone after its end.
  if (fact._tag !== "LineUndone") tracked.seq = event.seq
  if (fact._tag === "LineParked") tracked.reviewAfter = fact.reviewAfter
  if (tracked.entry.claim?.run !== run) return
  hold(backlog, tracked.entry)
  backlog.touched.add(tracked.entry)
}

const released = (backlog: Backlog, fact: Fact<"ItemReleased">) => {
  const entry = backlog.tokens.get(fact.token)
  if (entry === undefined) return
  backlog.tokens.delete(fact.token)
  backlog.touched.delete(entry)
  entry.claim = undefined
  entry.settled = fact.seen
  hold(backlog, entry)
  if (fact.end === "done" || fact.end === "closed" || entry.closing !== undefined) {
    return end(backlog, entry, fact.end === "done" ? backlog.done : backlog.closed)
  }
  become(backlog, entry, fact.end === "parked" ? "Parked" : "Delayed")
  putOff(backlog, entry, fact.end === "parked" ? fact : { ...fact, until: fact.until ?? 0 })
  satisfy(backlog, entry.id)
}

const closed = (backlog: Backlog, id: string, { reason }: Fact<"ItemClosed">) => {
  const entry = backlog.entries.get(id)
  if (entry === undefined) {
    if (!backlog.done.has(id)) backlog.closed.add(id)
    return satisfy(backlog, id)
  }
  if (entry.claim === undefined) return end(backlog, entry, backlog.closed)
  entry.closing = reason
  backlog.touched.add(entry)
}

/** Forgets everything of an item but that it ended, which others may wait for. */
const end = (backlog: Backlog, entry: Entry, how: Set<string>) => {
  leave(backlog, entry)
  forget(backlog, entry)
  backlog.entries.delete(entry.id)
  backlog.tally[entry.state]--
  for (const run of entry.runs.keys()) backlog.runs.delete(run)
  how.add(entry.id)
  satisfy(backlog, entry.id)
}
