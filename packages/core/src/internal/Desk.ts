/** The backlog of one process, and the two things that are done with it: taking in what others wrote, and writing. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Actor from "../Actor.ts"
import * as Backlog from "../Backlog.ts"
import type * as FactoryEvent from "../FactoryEvent.ts"
import * as Journal from "../Journal.ts"
import * as Presence from "../Presence.ts"

/** What a fact is about. */
export interface About {
  readonly item: string
  readonly run?: string
  readonly key?: string
  /** Who did it; default: the host. */
  readonly by?: Actor.Actor | undefined
}

/** A fact and what it is about. */
export type Note = About & { readonly fact: FactoryEvent.Fact }

/** The backlog of one process. */
export interface Desk {
  readonly id: string
  readonly backlog: Backlog.Backlog
  readonly isAlive: Presence.Presence["Service"]["isAlive"]
  /** Takes in everything that is in the journal now. */
  readonly catchUp: Effect.Effect<void, Journal.JournalError>
  /** Completes when there is an event after this one. */
  readonly awaitAfter: (seq: number) => Effect.Effect<void, Journal.JournalError>
  /** Writes, and takes in what was written. */
  readonly append: (notes: ReadonlyArray<Note>) => Effect.Effect<void, Journal.JournalError>
}

/** A desk on the journal. */
export const make = Effect.fnUntraced(function* (options: Backlog.Options) {
  const journal = yield* Journal.Journal
  const presence = yield* Presence.Presence
  const backlog = yield* Effect.fromResult(Backlog.make(options))

  const catchUp = Effect.suspend(() =>
    Stream.runForEachArray(journal.read({ after: backlog.seq }), (events) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        for (const event of events) {
          presence.see(event, now)
          Backlog.see(backlog, event)
        }
      })
    )
  )

  const entryOf = ({ by = Actor.host, fact, item, key, run }: Note) =>
    Effect.provideService(Journal.entry(fact, key), Journal.Origin, {
      line: null,
      run: run ?? null,
      item,
      stage: null,
      actor: by
    })

  const desk: Desk = {
    id: presence.id,
    backlog,
    isAlive: presence.isAlive,
    catchUp,
    awaitAfter: (after) => Effect.asVoid(Stream.runHead(journal.follow({ after }))),
    append: (notes) => Effect.forEach(notes, entryOf).pipe(Effect.flatMap(journal.append), Effect.andThen(catchUp))
  }
  return desk
})
