/** A journal in memory: for tests, rehearsals and examples. Nothing of it outlives the process. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as FactoryEvent from "../FactoryEvent.ts"
import { version } from "../FactoryEvent.ts"
import * as Journal from "../Journal.ts"

/** A journal in memory, and what a test can do to it. */
export interface MemoryJournal {
  readonly journal: Journal.Journal["Service"]
  /** Makes the next `count` appends fail with `error` and write nothing. */
  readonly failNextAppends: (count: number, error: Journal.JournalError) => Effect.Effect<void>
}

/** Makes an empty journal, with the controls of a fake. */
export const make: Effect.Effect<MemoryJournal> = Effect.sync(() => {
  const events: Array<FactoryEvent.FactoryEvent> = []
  const byKey = new Map<string, FactoryEvent.FactoryEvent>()
  const waiting = new Set<() => void>()
  let failures: { count: number; readonly error: Journal.JournalError } | undefined

  const write = ({ key, ...entry }: FactoryEvent.Entry): FactoryEvent.FactoryEvent => {
    const standing = key === undefined ? undefined : byKey.get(key)
    if (standing !== undefined) return standing
    const event = { version, seq: events.length + 1, ...entry } as const
    events.push(event)
    if (key !== undefined) byKey.set(key, event)
    return event
  }

  const inside = ({ after = 0, outputs = false, run }: Journal.Range) =>
    events
      .slice(after)
      .filter((event) => (run === undefined || event.run === run) && (outputs || event.fact._tag !== "ToolOutput"))

  const journal = Journal.make({
    append: (entries) =>
      Effect.suspend(() => {
        if (failures !== undefined && failures.count > 0) {
          failures.count -= 1
          return Effect.fail(failures.error)
        }
        const answer = entries.map(write)
        for (const wake of waiting) wake()
        return Effect.succeed(answer)
      }),
    readAfter: (range, limit) => Effect.sync(() => inside(range).slice(0, limit)),
    awaitAfter: (range) =>
      Effect.callback<void>((resume) => {
        const wake = () => {
          if (inside(range).length === 0) return
          waiting.delete(wake)
          resume(Effect.void)
        }
        waiting.add(wake)
        wake()
        return Effect.sync(() => waiting.delete(wake))
      })
  })
  const failNextAppends = (count: number, error: Journal.JournalError) =>
    Effect.sync(() => void (failures = { count, error }))
  return { journal, failNextAppends }
})

/** An empty journal in memory. */
export const layer: Layer.Layer<Journal.Journal> = Layer.effect(
  Journal.Journal,
  Effect.map(make, ({ journal }) => journal)
)
