/**
 * The **journal**: the append-only sequence of facts. An adapter gives two operations and a signal; `make` derives the
 * rest. One that can answer a follower at less cost than by a signal and a read gives `nextAfter` as well.
 *
 * - `append` writes all its entries or none, in order, and answers with the events that now stand for them. An entry
 *   whose `key` was appended before writes nothing and answers with the event that stands.
 * - `readAfter` answers with at most `limit` events of the range, in order of `seq`, without gaps in what it returns but
 *   those of facts `ToolOutput`, which it leaves out, unloaded, unless the range asks for them.
 * - `awaitAfter` completes once there is an event in the range, whoever wrote it, this process or another.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import * as Actor from "./Actor.ts"
import * as FactoryEvent from "./FactoryEvent.ts"
import * as Fault from "./Fault.ts"
import * as Redaction from "./Redaction.ts"

/** The journal can not be written or read. */
export class JournalError extends Fault.Class<JournalError>()("JournalError", {
  /** No room on the device, or no permission to write. */
  NotWritable: false,
  /** What is stored is no journal, or is damaged. */
  Corrupt: false,
  /** Written by a newer version of this package. */
  Newer: false,
  /** Another process holds it for longer than it may. */
  Busy: true,
  /** A text is larger than what is stored. */
  TooLarge: false,
  /** Its server can not be reached. */
  Unreachable: true
}) {}

/** Events whose `seq` is greater than `after` (default 0: all), of one run or (default) of all. */
export interface Range {
  readonly after?: number
  readonly run?: string
  /** Facts `ToolOutput` as well. They are megabytes that no fold needs, so by default nobody has to load them. */
  readonly outputs?: boolean
}

/** What the key of each fact `ToolOutput` begins with, and no other: an adapter tells them apart without loading them. */
export const outputPrefix = "~output/"

/** Gives a fact `ToolOutput` a key. Whoever derives no journal with {@link make} does it before it stores entries. */
const filed = (entry: FactoryEvent.Entry): FactoryEvent.Entry =>
  entry.fact._tag === "ToolOutput" && entry.key?.startsWith(outputPrefix) !== true
    ? { ...entry, key: `${outputPrefix}${entry.key ?? randomUUID()}` }
    : entry

/** What an adapter gives. */
export interface Primitive {
  readonly append: (
    entries: ReadonlyArray<FactoryEvent.Entry>
  ) => Effect.Effect<ReadonlyArray<FactoryEvent.FactoryEvent>, JournalError>
  readonly readAfter: (
    range: Range,
    limit: number
  ) => Effect.Effect<ReadonlyArray<FactoryEvent.FactoryEvent>, JournalError>
  readonly awaitAfter: (range: Range) => Effect.Effect<void, JournalError>
  /** Waits until there are events in the range, and answers with at most `limit` of them. */
  readonly nextAfter?: (
    range: Range,
    limit: number
  ) => Effect.Effect<ReadonlyArray<FactoryEvent.FactoryEvent>, JournalError>
}

/** The append-only sequence of facts. */
export class Journal extends Context.Service<
  Journal,
  {
    /** Appends all or none. Secrets are taken out first. Entries with a key that stands already write nothing. */
    readonly append: Primitive["append"]
    /** Every event of the range that is there now. */
    readonly read: (range?: Range) => Stream.Stream<FactoryEvent.FactoryEvent, JournalError>
    /** Every event of the range, and then every further one as it is written. Does not end by itself. */
    readonly follow: (range?: Range) => Stream.Stream<FactoryEvent.FactoryEvent, JournalError>
    /** The next events of the range, at least one and not always all. Waits until there is one. */
    readonly next: (range?: Range) => Effect.Effect<ReadonlyArray<FactoryEvent.FactoryEvent>, JournalError>
  }
>()("@millwright/core/Journal") {}

/** Takes secrets out of entries, for whoever writes them. */
export const scrub = (
  entries: ReadonlyArray<FactoryEvent.Entry>,
  secrets: ReadonlyArray<Redacted.Redacted<string>>
): ReadonlyArray<FactoryEvent.Entry> =>
  entries.map((entry) => ({ ...entry, fact: Redaction.scrubJson(entry.fact, secrets) }))

/** How many events are loaded at once. Outputs are up to 256 kB each. */
const pageSize = ({ outputs = false }: Range): number => (outputs ? 20 : 500)

/** Derives a journal from what an adapter gives. */
export const make = (primitive: Primitive): Journal["Service"] => {
  const lastOf = (events: ReadonlyArray<FactoryEvent.FactoryEvent>, seq: number) => events.at(-1)?.seq ?? seq
  const {
    nextAfter = (range, limit) => Effect.andThen(primitive.awaitAfter(range), primitive.readAfter(range, limit))
  } = primitive
  return Journal.of({
    append: Effect.fnUntraced(function* (entries) {
      return yield* primitive.append(scrub(entries, yield* Redaction.Secrets).map(filed))
    }),
    read: (range = {}) =>
      Stream.paginate(range.after ?? 0, (seq) =>
        Effect.map(primitive.readAfter({ ...range, after: seq }, pageSize(range)), (events) => [
          events,
          events.length < pageSize(range) ? Option.none<number>() : Option.some(lastOf(events, seq))
        ])
      ),
    follow: (range = {}) =>
      Stream.paginate(range.after ?? 0, (seq) =>
        Effect.map(nextAfter({ ...range, after: seq }, pageSize(range)), (events) => [
          events,
          Option.some(lastOf(events, seq))
        ])
      ),
    next: (range = {}) => nextAfter(range, pageSize(range))
  })
}

/** Where facts that are recorded from here on belong to. A line and its stages set it; nobody else needs to. */
export const Origin = Context.Reference<FactoryEvent.Origin>("@millwright/core/Journal/Origin", {
  defaultValue: () => ({ line: null, run: null, item: null, stage: null, actor: Actor.host })
})

/** Makes an entry of a fact: with the time of the clock and the origin that is in force. */
export const entry = (fact: FactoryEvent.Fact, key?: string): Effect.Effect<FactoryEvent.Entry> =>
  Effect.flatMap(Origin, (origin) => Effect.map(Clock.currentTimeMillis, (at) => ({ ...origin, at, fact, key })))

/** Appends one fact with the origin that is in force. */
export const record = (
  fact: FactoryEvent.Fact,
  key?: string
): Effect.Effect<FactoryEvent.FactoryEvent, JournalError, Journal> =>
  Effect.gen(function* () {
    const journal = yield* Journal
    const events = yield* journal.append([yield* entry(fact, key)])
    return events[0] ?? (yield* Effect.die("Journal.append answered with no event for one entry"))
  })

/** Makes the facts that an effect records belong to another actor. */
export const as =
  (actor: Actor.Actor) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Origin, (origin) => Effect.provideService(effect, Origin, { ...origin, actor }))

/** Folds everything that is there now, of one run or of all. */
export const fold = <B>(
  initial: B,
  step: (state: B, event: FactoryEvent.FactoryEvent) => B,
  run?: string
): Effect.Effect<B, JournalError, Journal> =>
  Effect.flatMap(Journal, (journal) =>
    Stream.runFold(journal.read(run === undefined ? {} : { run }), () => initial, step)
  )

/** The JSON codec of an event, for adapters that store text. */
export const Json = Schema.fromJsonString(Schema.toCodecJson(FactoryEvent.FactoryEvent))
