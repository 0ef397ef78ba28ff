/** What the figures of one window look at: what shipped in it, whose it was and which people had a part in it. */
import * as Intervention from "@millwright/core/Intervention"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Autonomy from "../Autonomy.ts"
import * as Window from "../Window.ts"
import * as HumanTally from "./HumanTally.ts"
import * as RunTally from "./RunTally.ts"
import type * as SpendRows from "./SpendRows.ts"
import type * as Tally from "./Tally.ts"
import type * as WorkTally from "./WorkTally.ts"

/** What is asked, every choice made. */
export interface Settings {
  readonly window: Window.Window
  readonly asOf: number
  readonly followUp: number
  readonly rate: number
  readonly worth: ((change: string) => number | undefined) | undefined
  readonly isValidation: (work: SpendRows.Work) => boolean
  readonly isSpecification: (gate: string) => boolean
}

/** A change that shipped. */
export interface Shipped extends WorkTally.Change {
  readonly shippedAt: number
  readonly authors: Autonomy.Authors
}

/** The versions of roles and the models that worked on a change. */
export interface Makers {
  readonly versions: ReadonlyArray<Omit<RunTally.Version, "at">>
  /** `provider/model`. */
  readonly models: ReadonlyArray<string>
}

/** What the figures of one window look at. */
export interface Scene extends Settings {
  readonly tally: Tally.Tally
  /** The last moment of the window that is over. */
  readonly eye: number
  /** Shipped in the window. */
  readonly shipped: ReadonlyArray<Shipped>
  /** Shipped whenever. */
  readonly allShipped: ReadonlyArray<Shipped>
  readonly runs: ReadonlyArray<RunTally.RunTally>
  readonly entries: ReadonlyArray<HumanTally.Entry>
  /** Runs of which nothing is left but their cost, and which may have been at work in the window. */
  readonly lost: number
  /** Changes that shipped, by all that they are called. */
  readonly byName: ReadonlyMap<string, Shipped>
  /** What worked on a change before it shipped, in its run and the children of that. */
  readonly makersOf: (change: Shipped) => Makers
  readonly levelOf: (change: Shipped) => Autonomy.Level
  /** Whether an agent had a part in it. */
  readonly hasAgent: (change: Shipped) => boolean
}

/** Sets the scene. */
export const of = (tally: Tally.Tally, settings: Settings): Scene => {
  const { asOf, window } = settings
  const { allShipped, byName, makersOf, runs, runsOf } = changes(tally)
  const entries = [...HashMap.values(tally.human.entries)]
  const peopleOf = people(tally, entries, allShipped)
  const lostItems = new Set(runs.filter(RunTally.isLost).map(({ item }) => item))
  const isObserved = (change: Shipped) =>
    isBegun(tally, change) &&
    !runsOf(change).some(RunTally.isLost) &&
    (change.item === null || !lostItems.has(change.item))
  return {
    ...settings,
    ...{ tally, runs, allShipped, byName, makersOf, eye: Math.min(window.to - 1, asOf) },
    entries: entries.map((entry) => untilItsEnd(tally, entry)),
    shipped: allShipped.filter(({ shippedAt }) => Window.has(window, shippedAt)),
    lost: lostSince(runs, window.from),
    levelOf: (change) => Autonomy.of(peopleOf(change), isObserved(change), change.authors),
    hasAgent: (change) => {
      const { models, versions } = makersOf(change)
      return change.authors === "agent" || change.authors === "mixed" || models.length + versions.length > 0
    }
  }
}

/** Nobody waits any more at a gate whose run came to its end without an answer. */
const untilItsEnd = ({ runs }: Tally.Tally, entry: HumanTally.Entry): HumanTally.Entry => {
  const { answered, openedAt, run } = entry.known
  if (answered !== null || entry.withdrawnAt !== null || run === null || Intervention.isUnasked(entry.known))
    return entry
  const ends = Option.match(HashMap.get(runs, run), { onNone: () => [], onSome: ({ ends }) => ends })
  return { ...entry, withdrawnAt: ends.find(({ at }) => at >= openedAt)?.at ?? null }
}

/** Every change that shipped, in order, and what made it. */
export const changes = (tally: Tally.Tally) => {
  const runs = [...HashMap.values(tally.runs)]
  const runsOf = family(tally, runs)
  const allShipped = [...HashMap.values(tally.work.changes)]
    .flatMap(({ shippedAt, ...change }) =>
      shippedAt === null ? [] : [{ ...change, shippedAt, authors: change.authors ?? ("unknown" as const) }]
    )
    .sort((a, b) => a.shippedAt - b.shippedAt || (a.change < b.change ? -1 : 1))
  const byName = new Map(allShipped.flatMap((change) => namesOf(change).map((name) => [name, change] as const)))
  const makersOf = (change: Shipped): Makers => {
    const own = runsOf(change)
    const versions = own.flatMap(({ versions }) => versions.filter(({ at }) => at <= change.shippedAt))
    const models = own.flatMap(({ models }) => [...models].filter(([, at]) => at <= change.shippedAt))
    return {
      versions: [...new Map(versions.map(({ at: _, ...version }) => [JSON.stringify(version), version])).values()],
      models: [...new Set(models.map(([name]) => name))].sort()
    }
  }
  return { runs, runsOf, allShipped, byName, makersOf }
}

/** What a defect may call a change: by its pull request, or by a commit, also as an intervention names it. */
export const namesOf = ({ change, commits }: Pick<WorkTally.Change, "change" | "commits">): ReadonlyArray<string> => [
  change,
  ...commits,
  ...commits.map((commit) => `git:${commit}`)
]

/** Runs of which nothing is left but their cost, and which may have been at work since a time. */
export const lostSince = (runs: ReadonlyArray<RunTally.RunTally>, from: number): number =>
  runs.filter((run) => RunTally.isLost(run) && (run.prunedAt ?? 0) >= from).length

/** A run whose beginning was not read may have been anything. */
const isBegun = ({ runs }: Tally.Tally, { run }: Shipped): boolean =>
  run === null || Option.exists(HashMap.get(runs, run), ({ startedAt }) => startedAt !== null)

const family = ({ runs: byName }: Tally.Tally, runs: ReadonlyArray<RunTally.RunTally>) => {
  const children = Map.groupBy(runs, ({ parent }) => parent)
  const byItem = Map.groupBy(runs, ({ item }) => item)
  return ({ item, run, shippedAt }: Shipped): ReadonlyArray<RunTally.RunTally> => {
    const own = run === null ? undefined : Option.getOrUndefined(HashMap.get(byName, run))
    const found = new Set(own === undefined ? (item === null ? [] : byItem.get(item)) : [own])
    for (const { run } of found) for (const child of children.get(run ?? "") ?? []) found.add(child)
    return [...found].filter(({ startedAt }) => startedAt === null || startedAt <= shippedAt)
  }
}

/** The interventions of a change: of its item or run, of what worked below them, since the change of the same item before it. */
const people = ({ runs }: Tally.Tally, entries: ReadonlyArray<HumanTally.Entry>, shipped: ReadonlyArray<Shipped>) => {
  const bySubject = new Map<string, Array<HumanTally.Entry>>()
  for (const entry of entries) {
    for (const subject of subjectsOf(runs, entry)) {
      const others = bySubject.get(subject)
      if (others === undefined) bySubject.set(subject, [entry])
      else others.push(entry)
    }
  }
  const before = new Map<Shipped, number>()
  const last = new Map<string, number>()
  for (const change of shipped) {
    if (change.item === null) continue
    before.set(change, last.get(change.item) ?? -1)
    last.set(change.item, change.shippedAt)
  }
  return (change: Shipped) => {
    const { item, run, shippedAt } = change
    const since = before.get(change) ?? -1
    const names = [
      ...(item === null ? [] : [`item ${item}`]),
      ...(run === null ? [] : [`run ${run}`]),
      ...[change.change, ...change.commits].map((ref) => `ref ${ref}`)
    ]
    return [...new Set(names.flatMap((name) => bySubject.get(name) ?? []))]
      .filter(({ known }) => known.openedAt > since && known.openedAt <= shippedAt)
      .map((entry) => HumanTally.asOf(entry, shippedAt))
  }
}

/** What an intervention had to do with: its item and run, those above them, and what it refers to. */
const subjectsOf = (runs: Tally.Tally["runs"], { known }: HumanTally.Entry): ReadonlySet<string> => {
  const subjects = new Set<string>()
  if (known.item !== null) subjects.add(`item ${known.item}`)
  if (known.ref !== null) subjects.add(`ref ${known.ref}`)
  for (let run = known.run; run !== null && !subjects.has(`run ${run}`);) {
    subjects.add(`run ${run}`)
    const above = Option.getOrUndefined(HashMap.get(runs, run))
    if (above !== undefined && above.item !== null) subjects.add(`item ${above.item}`)
    run = above?.parent ?? null
  }
  return subjects
}

/** The rows of work that was done in a window. */
export const rowsIn = ({ runs, window }: Pick<Scene, "runs" | "window">): ReadonlyArray<SpendRows.Row> =>
  runs.flatMap(({ rows }) => [...HashMap.values(rows)].filter(({ hour }) => Window.has(window, hour)))

/** The ends of runs in the window, with the run that came to each. */
export const endsIn = ({ runs, window }: Pick<Scene, "runs" | "window">) =>
  runs.flatMap((run) => run.ends.filter(({ at }) => Window.has(window, at)).map((end) => ({ run, end })))
