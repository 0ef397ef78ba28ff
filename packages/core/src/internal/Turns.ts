/**
 * Whose turn it is: the order of what is ready, under caps, with fairness between groups.
 *
 * Turns come in rounds. In a round each group has as many turns as its weight; inside of a round the order is by due round,
 * then age, then id. A ticket is due in the round in which it came, or `lead` rounds later for each step of priority: so of
 * what came together the most urgent goes first, and no flood of urgent tickets holds another one back for ever.
 *
 * Tickets that need the same stand in one lane, which is open or closed as a whole. A lane that a full cap closes waits at
 * that cap; when a slot is free the first of those that wait there is looked at again, and the next one after that as soon
 * as the first stops standing for it. So nothing that could go is out of sight, and nothing is looked at in vain.
 */
import * as Heap from "./Heap.ts"

/** What waits for its turn. */
export interface Ticket extends Heap.Member {
  readonly id: string
  due: number
  created: number
  lane: Lane | undefined
}

/** A number of slots, and the lanes that wait for one. */
export interface Cap {
  readonly limit: number
  used: number
  readonly waiting: Heap.Heap<Lane>
}

interface Group {
  /** How many turns it has in a round. */
  readonly weight: number
  round: number
  /** How many of them it has taken. */
  taken: number
  size: number
  readonly lanes: Set<Lane>
}

/** Tickets of one group that need the same slots. */
export interface Lane extends Heap.Member {
  readonly key: string
  readonly group: Group
  readonly caps: ReadonlyArray<Cap>
  readonly tickets: Heap.Heap<Ticket>
  /** The heap in which it stands: the open lanes, or those that wait at a cap. */
  home: Heap.Heap<Lane> | undefined
}

/** What a lane is made of. */
export interface Needs {
  readonly group: string
  readonly caps: ReadonlyArray<readonly [name: string, limit: number]>
}

/** Everything that is ready, and the slots that are taken. */
export interface Turns {
  /** The round of the last ticket that was taken. */
  readonly round: () => number
  /** Makes a ticket ready that is not. */
  readonly add: (ticket: Ticket, needs: Needs) => void
  readonly remove: (ticket: Ticket) => void
  /** The ticket whose turn it is, when there is one that may go. */
  readonly next: () => Ticket | undefined
  /** Charges a turn to a group. */
  readonly charge: (group: string) => void
  readonly occupy: (needs: Needs) => void
  readonly release: (needs: Needs) => void
}

const isFull = (cap: Cap) => cap.used >= cap.limit

const isTicketBefore = (one: Ticket, other: Ticket): boolean =>
  one.due !== other.due
    ? one.due < other.due
    : one.created !== other.created
      ? one.created < other.created
      : one.id < other.id

const isLaneBefore = (one: Lane, other: Lane): boolean => {
  const [a, b] = [one.tickets.peek(), other.tickets.peek()]
  if (a === undefined || b === undefined) return b === undefined && a !== undefined
  const [first, second] = [one.group.round, other.group.round]
  return first !== second ? first < second : isTicketBefore(a, b)
}

/** Nothing is ready, and `total` slots are free. */
export const make = (total: number, weightOf: (group: string) => number): Turns => {
  const caps = new Map<string, Cap>()
  const groups = new Map<string, Group>()
  const lanes = new Map<string, Lane>()
  const open = Heap.make(isLaneBefore)
  let used = 0
  let round = 0

  const capOf = ([name, limit]: readonly [string, number]): Cap => {
    const known = caps.get(name)
    if (known !== undefined) return known
    const cap: Cap = { limit, used: 0, waiting: Heap.make(isLaneBefore) }
    caps.set(name, cap)
    return cap
  }

  const groupOf = (name: string): Group => {
    const known = groups.get(name)
    if (known !== undefined) return known
    const group: Group = { weight: weightOf(name), round: 0, taken: 0, size: 0, lanes: new Set() }
    groups.set(name, group)
    return group
  }

  /** A group that is behind goes on from this round. */
  const join = (group: Group) => {
    if (group.round >= round) return
    group.round = round
    group.taken = 0
  }

  const laneOf = ({ caps, group }: Needs): Lane => {
    const key = JSON.stringify([group, caps.map(([name]) => name)])
    const known = lanes.get(key)
    if (known !== undefined) return known
    const lane: Lane = {
      place: -1,
      key,
      group: groupOf(group),
      caps: caps.map(capOf),
      tickets: Heap.make(isTicketBefore),
      home: undefined
    }
    lanes.set(key, lane)
    lane.group.lanes.add(lane)
    return lane
  }

  const move = (lane: Lane, home: Heap.Heap<Lane> | undefined) => {
    lane.home?.remove(lane)
    lane.home = home
    home?.push(lane)
  }

  /** Lets the first lane that waits at a cap be looked at again, when the cap has a slot for it. */
  const nudge = (cap: Cap) => {
    const first = isFull(cap) ? undefined : cap.waiting.peek()
    if (first !== undefined) move(first, open)
  }

  /** Puts a lane where it belongs after its first ticket or its group's round has changed. */
  const settle = (lane: Lane) => {
    if (lane.tickets.size === 0) {
      move(lane, undefined)
      lanes.delete(lane.key)
      lane.group.lanes.delete(lane)
    } else if (lane.home === undefined) move(lane, open)
    else lane.home.update(lane)
    for (const cap of lane.caps) nudge(cap)
  }

  return {
    round: () => round,
    add: (ticket, needs) => {
      const lane = laneOf(needs)
      // A group that had nothing to do saved up no turns.
      if (lane.group.size === 0) join(lane.group)
      lane.group.size++
      ticket.lane = lane
      lane.tickets.push(ticket)
      settle(lane)
    },
    remove: (ticket) => {
      const { lane } = ticket
      if (lane === undefined) return
      lane.group.size--
      ticket.lane = undefined
      lane.tickets.remove(ticket)
      settle(lane)
    },
    next: () => {
      if (used >= total) return undefined
      while (true) {
        const lane = open.peek()
        const full = lane?.caps.find(isFull)
        if (lane === undefined || full === undefined) return lane?.tickets.peek()
        move(lane, full.waiting)
        for (const cap of lane.caps) nudge(cap)
      }
    },
    charge: (name) => {
      const group = groupOf(name)
      // Out of their heaps first: a heap holds its order only while at most one of its members changes.
      for (const lane of group.lanes) lane.home?.remove(lane)
      join(group)
      round = group.round
      group.taken++
      if (group.taken >= group.weight) {
        group.round++
        group.taken = 0
      }
      for (const lane of group.lanes) lane.home?.push(lane)
      for (const lane of group.lanes) settle(lane)
    },
    occupy: (needs) => {
      used++
      for (const named of needs.caps) capOf(named).used++
    },
    release: (needs) => {
      used--
      for (const named of needs.caps) {
        const cap = capOf(named)
        cap.used--
        nudge(cap)
      }
    }
  }
}
