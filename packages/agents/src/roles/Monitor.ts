/**
 * **Monitor** makes work items of what running systems say. Most signals never reach a model: those of a kind that was judged before
 * are counted, and so are those that go over a limit. The role judges what is left, and the host files what it reports.
 *
 * What was judged stands in the journal, so a restart judges nothing twice. An item is filed before that is written: a crash between the
 * two files it again, under the same id.
 */
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Role from "../Role.ts"
import * as Signal from "../Signal.ts"
import * as SignalIntake from "../SignalIntake.ts"
import * as Skill from "../Skill.ts"

/** An item that is open. */
export const Open = Schema.Struct({ id: Schema.NonEmptyString, title: Tainted.text("the title of an item") })
/** An item that is open. */
export type Open = typeof Open.Type

/** One signal of a new kind, and the items that are open. */
export const Input = Schema.Struct({
  source: Schema.String,
  signal: Tainted.text("a signal of a running system"),
  open: Schema.Array(Open)
})
/** One signal of a new kind, and the items that are open. */
export type Input = typeof Input.Type

/** What a signal is. */
export const Outcome = Schema.TaggedUnion({
  Report: {
    title: Schema.NonEmptyString.check(Schema.isMaxLength(200)),
    body: Schema.NonEmptyString.check(Schema.isMaxLength(20_000)),
    severity: Schema.Literals(["critical", "high", "low"])
  },
  Known: { of: Schema.NonEmptyString },
  Noise: { why: Schema.NonEmptyString }
})
/** What a signal is. */
export type Outcome = typeof Outcome.Type

/** Makes the role. It may name an item as known only where that is one of those that it was given. */
export const make = (tuning: Role.Tuning = {}) =>
  Role.make("Monitor", {
    skill: Skill.bundled("monitor"),
    tier: "small",
    ...tuning,
    input: Input,
    outcome: Outcome,
    grants: ["read", "grep"],
    problems: (outcome, { open }) =>
      outcome._tag === "Known" && !open.some(({ id }) => id === outcome.of)
        ? [`There is no open item ${JSON.stringify(outcome.of)}`]
        : []
  })

/** The role. */
export const Monitor = make()

/** The most items that are shown to the role. */
const mostOpen = 100

/** Of a signal that is longer, the role reads the beginning and the end, in characters. */
const most = { beginning: 15_000, end: 5_000 }

const shown = (text: string): string =>
  text.length <= most.beginning + most.end
    ? text
    : `${text.slice(0, most.beginning)}\n[${text.length - most.beginning - most.end} characters are left out]\n${text.slice(-most.end)}`.toWellFormed()

/** What came of signals. */
export type Monitored =
  | {
      readonly _tag: "Reported"
      readonly item: WorkItem.WorkItem
      readonly severity: Extract<Outcome, { _tag: "Report" }>["severity"]
      readonly signal: Signal.Signal
    }
  | { readonly _tag: "Known"; readonly of: string; readonly signal: Signal.Signal }
  | { readonly _tag: "Noise"; readonly why: string; readonly signal: Signal.Signal }
  /** Nobody could judge it. It is judged when it comes again. */
  | { readonly _tag: "Unjudged"; readonly fault: Fault.Recorded; readonly signal: Signal.Signal }
  /** Signals that were only counted, at the end of a window or of the stream. */
  | ({ readonly _tag: "Counted" } & SignalIntake.Count)

/** What a monitor is given. */
export interface Options<E, R> {
  /** Files an item where items are kept. It may come again after a crash, with the same id. */
  readonly file: (item: WorkItem.WorkItem) => Effect.Effect<void, E, R>
  /** The items that are open now. Default: none. */
  readonly open?: Effect.Effect<ReadonlyArray<Open>, E, R>
  readonly limits?: Partial<SignalIntake.Limits>
  /** Default: the one that comes with this package. */
  readonly role?: Pick<typeof Monitor, "run">
}

/** What a monitor needs around it. */
export type Needs = Effect.Services<ReturnType<typeof Monitor.run>>

/** The id of the item that reports a kind of signal. */
export const idOf = (fingerprint: Digest.Digest): string => `signal-${Digest.short(fingerprint)}`

/** Judges signals, one after the other, for as long as they come. */
export const run = <E, R, E2 = never, R2 = never>(
  signals: Stream.Stream<Signal.Signal, E, R>,
  options: Options<E2, R2>
): Stream.Stream<Monitored, E | E2 | Role.Failure, R | R2 | Needs> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const limits = { ...SignalIntake.usual, ...options.limits }
      const intake = SignalIntake.make(yield* Clock.currentTimeMillis, limits)
      // As it was lived: what was judged in this window counts for its limits, too, or a restart would lift them.
      yield* Journal.fold(undefined, (_, { at, fact }) => {
        if (fact._tag !== "SignalJudged") return undefined
        intake.admit({ source: fact.source, fingerprint: fact.fingerprint, now: at })
        intake.judged(fact.fingerprint)
        return undefined
      })
      intake.counted()
      const ticks = Stream.tick(limits.window).pipe(Stream.map(() => undefined))
      return Stream.merge(signals, ticks, { haltStrategy: "left" }).pipe(
        Stream.mapEffect((signal) => taken(signal, { intake, options })),
        Stream.flattenIterable,
        Stream.concat(Stream.unwrap(Effect.suspend(() => Effect.map(counts(intake.counted()), Stream.fromIterable))))
      )
    })
  )

interface Around<E, R> {
  readonly intake: SignalIntake.SignalIntake
  readonly options: Options<E, R>
}

const taken = Effect.fnUntraced(function* <E, R>(signal: Signal.Signal | undefined, around: Around<E, R>) {
  const { intake } = around
  const now = yield* Clock.currentTimeMillis
  const ended = yield* counts(intake.counted(now))
  if (signal === undefined) return ended
  const fingerprint = Signal.fingerprint(signal)
  return intake.admit({ source: signal.source, fingerprint, now }) === "new"
    ? [...ended, yield* judged(signal, fingerprint, around)]
    : ended
})

/** Counts as facts, and as what is told. */
const counts = (all: ReadonlyArray<SignalIntake.Count>) =>
  Effect.forEach(all, (count) =>
    Effect.as(Journal.record({ _tag: "SignalsCounted", ...count }), { _tag: "Counted", ...count } satisfies Monitored)
  )

const judged = Effect.fnUntraced(function* <E, R>(
  signal: Signal.Signal,
  fingerprint: Digest.Digest,
  { intake, options }: Around<E, R>
): Effect.fn.Return<Monitored, E | Role.Failure, R | Needs> {
  const { role = Monitor } = options
  const open = yield* options.open ?? Effect.succeed([])
  const recorded = (as: "reported" | "known" | "noise", of: string | null, why: string) =>
    Effect.andThen(
      Journal.record({ _tag: "SignalJudged", fingerprint, source: signal.source, as, of, why: why.slice(0, 1_000) }),
      Effect.sync(() => intake.judged(fingerprint))
    )
  const id = idOf(fingerprint)
  if (open.some((item) => item.id === id)) {
    yield* recorded("known", id, "its item is open")
    return { _tag: "Known", of: id, signal }
  }
  const asked = yield* Effect.result(
    role.run({ source: signal.source, signal: Tainted.map(signal.text, shown), open: open.slice(0, mostOpen) })
  )
  if (Result.isFailure(asked)) {
    const { failure } = asked
    if (failure._tag === "BudgetError" || failure._tag === "JournalError") return yield* Effect.fail(failure)
    intake.failed(signal.source)
    return { _tag: "Unjudged", fault: Fault.record(failure), signal }
  }
  const outcome = asked.success
  switch (outcome._tag) {
    case "Report": {
      const item = itemOf(signal, { id, outcome })
      yield* options.file(item)
      yield* recorded("reported", id, item.title)
      return { _tag: "Reported", item, severity: outcome.severity, signal }
    }
    case "Known":
      yield* recorded("known", outcome.of, "the role says so")
      return { _tag: "Known", of: outcome.of, signal }
    case "Noise":
      yield* recorded("noise", null, outcome.why)
      return { _tag: "Noise", why: outcome.why, signal }
  }
})

/** The work item of a report. A model wrote it after it had read what anybody may have written, so its body is tainted. */
const itemOf = (
  { source, text }: Signal.Signal,
  { id, outcome }: { readonly id: string; readonly outcome: Extract<Outcome, { _tag: "Report" }> }
): WorkItem.WorkItem => ({
  id,
  title: Result.getOrElse(Tainted.pass(Tainted.of("a report", outcome.title), Tainted.line(200)), () => "A signal"),
  body: WorkItem.bodyOf(`${outcome.body}\n\n## The signal\n\n${Tainted.reveal(text, "stored").slice(0, 10_000)}`),
  labels: ["monitor", outcome.severity],
  source
})
