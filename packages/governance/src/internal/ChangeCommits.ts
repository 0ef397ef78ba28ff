/** Which commits are a change's, who made each, and which of them came behind an agent. Pure. */
import type * as ForgeHistory from "../ForgeHistory.ts"
import type * as Roster from "../Roster.ts"
import * as Maker from "./Maker.ts"

/** A commit of a change. */
export interface Made {
  readonly commit: ForgeHistory.Commit
  readonly maker: Maker.Maker
  /** An agent's commit of the change is below it. */
  readonly behindAgent: boolean
  /** The tree that it changed, where it is known. */
  readonly before: string | undefined
}

/** The commits of a change. */
export interface ChangeCommits {
  readonly made: ReadonlyArray<Made>
  readonly authors: "agent" | "human" | "mixed" | "unknown"
  /** Why there may be more than are known of. */
  readonly gaps: ReadonlyArray<string>
}

/** All commits that are known, by id. */
export type Known = ReadonlyMap<string, ForgeHistory.Commit>

const reach = (known: Known, from: string, without: ReadonlySet<string>): Set<string> => {
  const seen = new Set<string>()
  const open = [from]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id) || without.has(id) || !known.has(id)) continue
    seen.add(id)
    open.push(...(known.get(id)?.parents ?? []))
  }
  return seen
}

/** What was there before the change: a branch may have taken up more of it since it began. */
const below = (
  known: Known,
  { events, pull }: { pull: ForgeHistory.PullRequest; events: ReadonlyArray<ForgeHistory.Event> }
): Set<string> => {
  const before = reach(known, pull.base, new Set()).add(pull.base)
  const merged = events.findLast((event) => event._tag === "Merged")
  const [first, ...others] = known.get(merged?.commit ?? "")?.parents ?? []
  if (first !== undefined && others.includes(pull.head)) {
    for (const id of reach(known, first, before)) before.add(id)
  }
  return before
}

/** The account that pushed each commit first. Pushes are by time. */
const pushers = (
  pull: ForgeHistory.PullRequest,
  { events, known, own }: { events: ReadonlyArray<ForgeHistory.Event>; known: Known; own: ReadonlySet<string> }
): ReadonlyMap<string, ForgeHistory.Account> => {
  const found = new Map<string, ForgeHistory.Account>()
  const before = new Set([pull.base])
  for (const event of events) {
    if (event._tag !== "Pushed") continue
    for (const id of reach(known, event.after, before)) {
      before.add(id)
      if (own.has(id)) found.set(id, event.by)
    }
  }
  return found
}

/** The commits that have one of these below them. */
const behind = (known: Known, of: ReadonlySet<string>, agents: ReadonlySet<string>): ReadonlySet<string> => {
  const children = new Map<string, Array<string>>()
  for (const id of of) {
    for (const parent of known.get(id)?.parents ?? []) children.set(parent, [...(children.get(parent) ?? []), id])
  }
  const seen = new Set<string>()
  const open = [...agents].flatMap((id) => children.get(id) ?? [])
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue
    seen.add(id)
    open.push(...(children.get(id) ?? []))
  }
  return seen
}

const authorsOf = (made: ReadonlyArray<Made>): ChangeCommits["authors"] => {
  const makers = new Set(made.filter(({ commit }) => commit.parents.length < 2).map(({ maker }) => maker._tag))
  if (makers.size === 0 || makers.has("Unknown")) return "unknown"
  return makers.size === 2 ? "mixed" : makers.has("Human") ? "human" : "agent"
}

/** Reads the commits of a pull request. `events` are its events by time. */
export const of = (
  pull: ForgeHistory.PullRequest,
  around: {
    readonly events: ReadonlyArray<ForgeHistory.Event>
    readonly known: Known
    readonly roster: Roster.Roster
    readonly standing: (commit: string) => Maker.Standing
    /** The repository does not have all commits of the range. */
    readonly isCut: boolean
  }
): ChangeCommits => {
  const { events, known, roster, standing } = around
  const own = reach(known, pull.head, below(known, { pull, events }))
  const pushed = pushers(pull, { events, known, own })
  const makers = new Map(
    [...own].flatMap((id) => {
      const commit = known.get(id)
      if (commit === undefined) return []
      return [[id, Maker.ofCommit(commit, { roster, standing: standing(id), pusher: pushed.get(id) })] as const]
    })
  )
  const agents = new Set([...makers].flatMap(([id, { _tag }]) => (_tag === "Agent" ? [id] : [])))
  const isBehind = behind(known, own, agents)
  const made = [...makers].flatMap(([id, maker]): ReadonlyArray<Made> => {
    const commit = known.get(id)
    if (commit === undefined) return []
    return [{ commit, maker, behindAgent: isBehind.has(id), before: known.get(commit.parents[0] ?? "")?.tree }]
  })
  const isMissing = pull.head !== pull.base && !own.has(pull.head)
  const isCut =
    around.isCut &&
    made.some(({ commit: { parents } }) => parents.length === 0 || !parents.every((id) => known.has(id)))
  const lost = events.filter((event) => event._tag === "Pushed" && event.forced && !own.has(event.before ?? ""))
  return {
    made,
    authors: isMissing ? "unknown" : authorsOf(made),
    gaps: [
      ...(isMissing ? [`The commit ${pull.head} that it ended at is not there.`] : []),
      ...(isCut && !isMissing ? ["Commits below it are not there, so some of its own may be missing."] : []),
      ...lost.map(({ id }) => `Commits were taken from the branch by force (${id}), and nobody knows what they held.`)
    ]
  }
}
