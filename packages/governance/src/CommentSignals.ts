/**
 * What people said of changes, as **signals**: so that what reviewers say again and again is met once, counted, and judged as signals of
 * running systems are (`SignalIntake`). Only humans' words are taken; what agents say of each other is none.
 */
import type * as Signal from "@millwright/agents/Signal"
import * as Tainted from "@millwright/core/Tainted"
import * as ForgeHistory from "./ForgeHistory.ts"
import * as Maker from "./internal/Maker.ts"
import type * as Roster from "./Roster.ts"

/** The comments and reviews with words of a repository's pull requests, by time. `source` is how the host names them, `reviews/engine`. */
export const of = (
  { subjects }: ForgeHistory.ForgeHistory,
  { roster, source }: { readonly roster: Roster.Roster; readonly source: string }
): ReadonlyArray<Signal.Signal> =>
  ForgeHistory.inOrder(subjects.flatMap((subject) => (subject._tag === "PullRequest" ? subject.events : []))).flatMap(
    (event): ReadonlyArray<Signal.Signal> => {
      const isSaid = event._tag === "Commented" || event._tag === "ReviewCommented" || event._tag === "Reviewed"
      if (!isSaid || event.body.trim() === "" || Maker.ofAccount(roster, event.by)._tag !== "Human") return []
      return [{ source, text: Tainted.of(`forge:${event.id}`, event.body), at: event.at }]
    }
  )
