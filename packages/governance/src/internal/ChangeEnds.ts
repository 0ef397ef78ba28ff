/** What became of changes: what shipped, and what was dropped. Pure. */
import * as Actor from "@millwright/core/Actor"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import type * as ForgeHistory from "../ForgeHistory.ts"
import type * as Roster from "../Roster.ts"
import type * as ChangeCommits from "./ChangeCommits.ts"
import type * as Finding from "./Finding.ts"
import * as Maker from "./Maker.ts"

/** A pull request with its events by time and its commits. */
export interface Change {
  readonly pull: ForgeHistory.PullRequest
  readonly events: ReadonlyArray<ForgeHistory.Event>
  readonly commits: ChangeCommits.ChangeCommits
}

/** Whoever did it: nobody is made an agent or a human by doubt, so it is the host's word then. */
const actorOf = (roster: Roster.Roster, account: ForgeHistory.Account): Actor.Actor => {
  const maker = Maker.ofAccount(roster, account)
  return maker._tag === "Unknown" ? Actor.host : Maker.actor(maker)
}

/** What shipped, and what was dropped. One that was closed and is opened again is told so by its later facts. */
export const ends = ({ commits, events, pull }: Change, roster: Roster.Roster): ReadonlyArray<Finding.Finding> => {
  const merged = events.find((event) => event._tag === "Merged")
  return events.flatMap((event): ReadonlyArray<Finding.Finding> => {
    const by = actorOf(roster, event.by)
    const found = (key: string, fact: FactoryEvent.Fact) => [{ key, at: event.at, change: pull.id, by, fact }]
    if (event === merged && event._tag === "Merged") {
      const { authors } = commits
      const ends = { into: pull.into, head: pull.head, commit: event.commit ?? pull.head }
      return found(`history/shipped/${pull.id}`, { _tag: "ChangeShipped", change: pull.id, ...ends, by, authors })
    }
    if (event._tag !== "Closed" || (merged !== undefined && merged.at <= event.at)) return []
    const reason = `Closed by ${event.by.login ?? "somebody whose account is gone"} without being merged.`
    return found(`history/dropped/${event.id}`, { _tag: "ChangeDropped", change: pull.id, reason })
  })
}
