/** How a factory keeps who decided what beside its code: what the forge remembers is observed into the journal, and the rest goes into notes. */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Recorder from "@millwright/core/Recorder"
import * as History from "@millwright/governance/History"
import * as InterventionNotes from "@millwright/governance/InterventionNotes"
import * as RosterFile from "@millwright/governance/RosterFile"
import * as Effect from "effect/Effect"
import type { Timeline } from "./timeline.ts"

export interface Place {
  readonly dir: string
  readonly base: string
  readonly timeline: Timeline
}

/** Writes what git and the forge tell into the journal. What stands there already counts once. */
export const observe = Effect.fnUntraced(function* ({ base, dir, timeline }: Place) {
  const roster = yield* RosterFile.atBase(dir, { base })
  const { told } = yield* History.rebuild(dir, { base, head: "main", roster, forge: yield* timeline.history })
  yield* History.observe(told, yield* Journal.fold<History.Works>(new Map(), History.works))
})

const delivered = (run: string) =>
  Journal.fold<FactoryEvent.FactoryEvent | undefined>(
    undefined,
    (found, event) => (event.fact._tag === "ChangeDelivered" ? event : found),
    run
  )

/** Observes, and keeps what people did for some runs in the notes of the commits that they delivered. */
export const keep = Effect.fnUntraced(function* (place: Place, runs: ReadonlyArray<string>) {
  yield* observe(place)
  const all = [...(yield* Recorder.ledger)]
  for (const run of runs) {
    const event = yield* delivered(run)
    if (event?.fact._tag !== "ChangeDelivered") continue
    const { item, line } = event
    const ledger = new Map(all.filter(([, each]) => each.item === item))
    const commit = event.fact.pullRequest.head
    yield* InterventionNotes.write(place.dir, { commit, observed: { line, run, item }, ledger })
  }
})
