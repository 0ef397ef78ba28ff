/**
 * Who of the dispatchers lives. What a dead one has claimed is taken over by another, so this decides how soon that is, and
 * what "dead" means:
 *
 * - {@link layerRunner}: the kernel's word. A dead process's lock is free at once; one that is only stopped keeps it.
 * - {@link layerHeartbeat}: a fact at intervals, and patience. For stores that several machines share. One that was stopped
 *   for longer than the patience is taken for dead; when it goes on, its tokens are fenced off.
 * - {@link layerAlone}: there is only this process, so everybody else is gone.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { randomUUID } from "node:crypto"
import type * as FactoryEvent from "./FactoryEvent.ts"
import * as Journal from "./Journal.ts"
import * as Runner from "./Runner.ts"

/** This dispatcher, and who else lives. */
export class Presence extends Context.Service<
  Presence,
  {
    readonly id: string
    readonly isAlive: (dispatcher: string) => Effect.Effect<boolean>
    /** Learns from an event of the journal. `now` is this process's own clock. */
    readonly see: (event: FactoryEvent.FactoryEvent, now: number) => void
  }
>()("@millwright/core/Presence") {}

const ignore = () => undefined

/** By the locks of the processes that have the store open. Take it from the same `Runner.layer` as the store. */
export const layerRunner: Layer.Layer<Presence, never, Runner.Runner> = Layer.effect(
  Presence,
  Effect.map(Runner.Runner, (runner) =>
    Presence.of({ id: runner.id, isAlive: (id) => Effect.sync(() => runner.isAlive(id)), see: ignore })
  )
)

/** For a store that no other process has open. */
export const layerAlone: Layer.Layer<Presence> = Layer.sync(Presence, () => {
  const id = randomUUID()
  return Presence.of({ id, isAlive: (other) => Effect.succeed(other === id), see: ignore })
})

/**
 * By facts. `every` (default 10 seconds) is how often one is written; a dispatcher that wrote none for `patience` (default
 * a minute) is taken for dead. No two clocks are compared: what counts is when an event was seen here.
 */
export const layerHeartbeat = (
  options: { readonly every?: Duration.Input; readonly patience?: Duration.Input } = {}
): Layer.Layer<Presence, Journal.JournalError, Journal.Journal> =>
  Layer.effect(
    Presence,
    Effect.gen(function* () {
      const id = randomUUID()
      const patience = Duration.toMillis(options.patience ?? Duration.minutes(1))
      const seen = new Map<string, number>()
      const since = yield* Clock.currentTimeMillis
      const beat = Journal.record({ _tag: "DispatcherSeen", dispatcher: id })
      yield* beat
      yield* beat.pipe(
        Effect.catch((error) => Effect.logWarning("No heartbeat was written; it is tried again.", error)),
        Effect.schedule(Schedule.spaced(options.every ?? Duration.seconds(10))),
        Effect.forkScoped
      )
      return Presence.of({
        id,
        isAlive: (other) =>
          Effect.map(
            Clock.currentTimeMillis,
            // Whoever was never seen has as long as if it had been seen at the start.
            (now) => other === id || now - (seen.get(other) ?? since) <= patience
          ),
        see: ({ fact }, now) => {
          if (fact._tag === "DispatcherSeen") seen.set(fact.dispatcher, now)
        }
      })
    })
  )
