/**
 * How far a role, or a version of a skill, is **trusted**: by what became of the changes that it made, and by nothing else. A change counts
 * once its time has come: it shipped, and was or was not found to be wrong within a window. What an agent, a validator or a reviewer said
 * of it counts for nothing, and neither does a change of which it is not known that agents alone wrote it.
 */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Figure from "./Figure.ts"

/** How far something is trusted: 0 is not at all, since too little is known of it or too much went wrong. */
export const Level = Schema.Literals([0, 1, 2, 3])
/** How far something is trusted. */
export type Level = typeof Level.Type

/** What a level takes: so many changes whose time has come, and so large a share of them, at least, without a defect. */
export const levels: ReadonlyArray<{ readonly level: Level; readonly changes: number; readonly clean: number }> = [
  { level: 3, changes: 50, clean: 0.9 },
  { level: 2, changes: 20, clean: 0.8 },
  { level: 1, changes: 5, clean: 0.5 }
]

/** How far a role or a skill is trusted. */
export const Trust = Schema.Struct({
  of: Schema.Literals(["role", "skill"]),
  /** A role's name, or a skill's name and digest. */
  name: Schema.String,
  level: Level,
  /** Of the changes whose time has come, those without a defect; `unknown`: those of which it can not be said, or not yet. */
  clean: Schema.Struct(Figure.Ratio.fields)
})
/** How far a role or a skill is trusted. */
export type Trust = typeof Trust.Type

/** When it is asked, and how long after it shipped a change may be found to be wrong, in milliseconds. */
export interface Options {
  readonly now: number
  readonly window: number
}

/** What the facts tell of changes. Made for one question, so it is filled in place. */
interface Seen {
  readonly workers: Map<string, Set<string>>
  /** The runs that delivered, by pull request and by commit. */
  readonly runs: Map<string, string>
  readonly shipped: Map<string, { readonly at: number; readonly head: string; readonly authors: string }>
  readonly defects: Map<string, number>
}

const begin = (): Seen => ({ workers: new Map(), runs: new Map(), shipped: new Map(), defects: new Map() })

const see = (seen: Seen, { at, fact, run }: FactoryEvent.FactoryEvent): Seen => {
  if (fact._tag === "RoleStarted" && run !== null) {
    const known = seen.workers.get(run) ?? new Set()
    seen.workers.set(run, known.add(`role ${fact.role}`).add(`skill ${fact.skill}@${fact.skillDigest}`))
  }
  if (fact._tag === "ChangeDelivered" && run !== null) {
    seen.runs.set(`change ${fact.pullRequest.id}`, run).set(`commit ${fact.pullRequest.head}`, run)
  }
  if (fact._tag === "ChangeCommitted" && run !== null) seen.runs.set(`commit ${fact.commit}`, run)
  if (fact._tag === "ChangeShipped" && !seen.shipped.has(fact.change)) {
    seen.shipped.set(fact.change, { at, head: fact.head, authors: fact.authors })
  }
  if (fact._tag === "DefectFound" && fact.change !== null) {
    seen.defects.set(fact.change, Math.min(at, seen.defects.get(fact.change) ?? at))
  }
  return seen
}

/** The least that a share is, as far as 95 of 100 such samples tell: the lower end of Wilson's interval. */
const atLeast = (good: number, all: number): number => {
  const z = 1.96
  const share = good / all
  const spread = z * Math.sqrt((share * (1 - share)) / all + z ** 2 / (4 * all ** 2))
  return (share + z ** 2 / (2 * all) - spread) / (1 + z ** 2 / all)
}

const judge = ({ defects, runs, shipped, workers }: Seen, { now, window }: Options): ReadonlyArray<Trust> => {
  const counts = new Map<string, { clean: number; known: number; unknown: number }>()
  for (const [change, { at, authors, head }] of shipped) {
    const run = runs.get(`change ${change}`) ?? runs.get(`commit ${head}`)
    const defect = defects.get(change)
    // A clock that is wrong brings no defect in before its change: it is one all the same.
    const isBad = defect !== undefined && defect < at + window
    const isKnown = authors === "agent" && (isBad || now >= at + window)
    for (const worker of workers.get(run ?? "") ?? []) {
      const count = counts.get(worker) ?? { clean: 0, known: 0, unknown: 0 }
      counts.set(worker, count)
      if (!isKnown) count.unknown++
      else {
        count.known++
        if (!isBad) count.clean++
      }
    }
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([worker, { clean, known, unknown }]): Trust => {
      const reached = levels.find((each) => known >= each.changes && atLeast(clean, known) >= each.clean)
      const space = worker.indexOf(" ")
      return {
        of: worker.startsWith("role ") ? "role" : "skill",
        name: worker.slice(space + 1),
        level: reached?.level ?? 0,
        clean: Figure.ratio(clean, known, unknown)
      }
    })
}

/** How far each role and skill is trusted, from the facts of a journal in their order. */
export const of = (events: Iterable<FactoryEvent.FactoryEvent>, options: Options): ReadonlyArray<Trust> => {
  const seen = begin()
  for (const event of events) see(seen, event)
  return judge(seen, options)
}

/** How far each role and skill is trusted, from the journal. */
export const fold = (options: Options): Effect.Effect<ReadonlyArray<Trust>, Journal.JournalError, Journal.Journal> =>
  Effect.flatMap(Journal.Journal, (journal) =>
    Effect.map(Stream.runFold(journal.read(), begin, see), (seen) => judge(seen, options))
  )
