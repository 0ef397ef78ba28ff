/** Starting a run: under a name that nobody else has, exactly once for an idempotency key. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Actor from "../Actor.ts"
import * as Digest from "../Digest.ts"
import * as Durable from "../Durable.ts"
import type * as FactoryEvent from "../FactoryEvent.ts"
import * as Identity from "./Identity.ts"
import * as Journal from "../Journal.ts"
import { LineError } from "./LineError.ts"

type Started = Extract<FactoryEvent.Fact, { readonly _tag: "LineStarted" }>

/** The start of a run. */
export interface Start {
  readonly line: string
  readonly item: { readonly id: string; readonly title: string }
  /** The same key starts the same run, however often and from wherever it is asked. */
  readonly key?: string | undefined
  /** Default: the host. */
  readonly by?: Actor.Actor | undefined
  readonly relation?: Pick<Started, "parent" | "forkOf">
  /** Makes the execution of a run, unless it is there. */
  readonly execute: (run: string, execution: string) => Effect.Effect<unknown, never, Durable.Engine>
}

/**
 * Starts a run under the next free name of its item, over all lines; two processes never get the same. With a key, its
 * name comes from the key.
 */
export const begin = Effect.fnUntraced(function* (start: Start) {
  const { atomicSignals } = yield* Durable.Supports
  const journal = yield* Journal.Journal
  const id = start.key ?? (yield* Identity.Fresh)()
  for (let number = 1; ; number = yield* nextFree(journal, start.item.id, number)) {
    const run = `${start.item.id}.${start.key === undefined ? number : Digest.short(Digest.of(start.key))}`
    const execution = yield* Durable.named(start.line).executionId({ run, input: undefined })
    const fact = { _tag: "LineStarted", title: start.item.title, execution, start: id, ...start.relation } as const
    const origin = { line: start.line, run, item: start.item.id, stage: null, actor: start.by ?? Actor.host } as const
    const entry = yield* Effect.provideService(Journal.entry(fact, `${run}/started`), Journal.Origin, origin)
    const execute = start.execute(run, execution)
    if (atomicSignals) {
      // The engine writes the execution and its start together, or neither when there is one of that name.
      const outbox: Durable.Outbox = { entries: [entry], isWritten: false }
      yield* Durable.storeFailure(Effect.provideService(execute, Durable.Outbox, outbox))
      if (outbox.isWritten) return run
    }
    const standing = atomicSignals ? yield* first(journal, run) : (yield* journal.append([entry]))[0]
    if (standing?.fact._tag === "LineStarted" && standing.fact.start === id && standing.line === start.line) {
      // Whoever appended the start may not have lived to make the execution.
      if (!atomicSignals) yield* execute
      return run
    }
    if (start.key !== undefined) {
      return yield* new LineError({
        reason: "KeyTaken",
        message:
          `The idempotency key "${start.key}" started the run "${run}" of the line ${standing?.line} before, not one of ` +
          `${start.line}. Use another key.`
      })
    }
  }
})

/**
 * A number whose name no run has, behind one whose name is taken: numbers are given one after another, so a few looks
 * find the end of many.
 */
const nextFree = Effect.fnUntraced(function* (journal: Journal.Journal["Service"], item: string, taken: number) {
  const isTaken = (number: number) => Effect.map(first(journal, `${item}.${number}`), (event) => event !== undefined)
  let last = taken
  let step = 1
  while (yield* isTaken(last + step)) {
    last += step
    step *= 2
  }
  let free = last + step
  while (free - last > 1) {
    const middle = Math.floor((last + free) / 2)
    if (yield* isTaken(middle)) last = middle
    else free = middle
  }
  return free
})

const first = (journal: Journal.Journal["Service"], run: string) =>
  Effect.map(Stream.runCollect(Stream.take(journal.read({ run }), 1)), ([event]) => event)
