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
  /** The tree that it changed, where that is known. */
  readonly before: string | undefined
}

/** The commits of a change. */
export interface ChangeCommits {
  readonly made: ReadonlyArray<Made>
  readonly authors: "agent" | "human" | "mixed" | "unknown"
  /** Each last commit of an agent, with the change's commits on top of it. */
  readonly ends: ReadonlyArray<ReadonlyArray<string>>
  /** Why there may be more than are known of. */
  readonly gaps: ReadonlyArray<string>
}

/** All commits that are known, by id. */
export type Known = ReadonlyMap<string, ForgeHistory.Commit>

/** The commits that are met from one on, as far as they are wanted. */
const reach = (known: Known, from: string, isWanted: (id: string) => boolean): Set<string> => {
  const seen = new Set<string>()
  const open = [from]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const commit = seen.has(id) || !isWanted(id) ? undefined : known.get(id)
    if (commit === undefined) continue
    seen.add(id)
    open.push(...commit.parents)
  }
  return seen
}

/** Where the forge says which commits are the change's, it is those. Else those that were not there before it. */
const ownOf = (
  pull: ForgeHistory.PullRequest,
  { events, known }: { readonly events: ReadonlyArray<ForgeHistory.Event>; readonly known: Known }
): Set<string> => {
  const listed = new Set(pull.commits.map(({ id }) => id))
  listed.delete(pull.base)
  if (listed.has(pull.head)) return reach(known, pull.head, (id) => listed.has(id))
  const before = reach(known, pull.base, () => true).add(pull.base)
  // A branch may have taken up more of the one that it is merged into, since it began.
  const merged = events.findLast((event) => event._tag === "Merged")
  const [first, ...others] = known.get(merged?.commit ?? "")?.parents ?? []
  if (first !== undefined && others.includes(pull.head)) {
    for (const id of reach(known, first, (id) => !before.has(id))) before.add(id)
  }
  return reach(known, pull.head, (id) => !before.has(id))
}

/** The account that pushed each commit first. Events are by time. */
const pushers = (
  known: Known,
  { events, own }: { readonly events: ReadonlyArray<ForgeHistory.Event>; readonly own: ReadonlySet<string> }
): ReadonlyMap<string, ForgeHistory.Account> => {
  const found = new Map<string, ForgeHistory.Account>()
  for (const event of events) {
    if (event._tag !== "Pushed") continue
    for (const id of reach(known, event.after, (id) => own.has(id) && !found.has(id))) found.set(id, event.by)
  }
  return found
}

/** What stands on each commit. */
const childrenOf = (known: Known, of: ReadonlySet<string>): ReadonlyMap<string, ReadonlyArray<string>> => {
  const children = new Map<string, Array<string>>()
  for (const id of of) {
    for (const parent of known.get(id)?.parents ?? []) {
      const those = children.get(parent)
      if (those === undefined) children.set(parent, [id])
      else those.push(id)
    }
  }
  return children
}

/** Everything that is met from these on, without them unless something leads back to them. */
const onward = (from: Iterable<string>, next: (id: string) => ReadonlyArray<string>): ReadonlySet<string> => {
  const seen = new Set<string>()
  const open = [...from].flatMap(next)
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue
    seen.add(id)
    open.push(...next(id))
  }
  return seen
}

/** What takes up another branch, or changes nothing, has no lines of its own. */
const addsLines = ({ before, commit }: Made): boolean => commit.parents.length < 2 && commit.tree !== before

const authorsOf = (made: ReadonlyArray<Made>): ChangeCommits["authors"] => {
  const makers = new Set(made.filter(addsLines).map(({ maker }) => maker._tag))
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
  const own = ownOf(pull, { events, known })
  const pushed = pushers(known, { events, own })
  const makers = new Map(
    [...own].flatMap((id) => {
      const commit = known.get(id)
      if (commit === undefined) return []
      return [[id, Maker.ofCommit(commit, { roster, standing: standing(id), pusher: pushed.get(id) })] as const]
    })
  )
  const agents = new Set([...makers].flatMap(([id, { _tag }]) => (_tag === "Agent" ? [id] : [])))
  const children = childrenOf(known, own)
  const above = (from: Iterable<string>) => onward(from, (id) => children.get(id) ?? [])
  const isBehind = above(agents)
  const belowAgent = onward(agents, (id) => (known.get(id)?.parents ?? []).filter((parent) => own.has(parent)))
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
    ends: [...agents].filter((id) => !belowAgent.has(id)).map((id) => [id, ...above([id])]),
    gaps: [
      ...(isMissing ? [`The commit ${pull.head} that it ended at is not there.`] : []),
      ...(isCut && !isMissing ? ["Commits below it are not there, so some of its own may be missing."] : []),
      ...lost.map(({ id }) => `Commits were taken from the branch by force (${id}), and nobody knows what they held.`)
    ]
  }
}
