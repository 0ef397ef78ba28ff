/**
 * A **simulation** runs a line with scripted roles in virtual time: a night is over in a moment, people answer when the
 * script says, and the same script gives the same journal, byte for byte.
 *
 * Everything but the roles is real: the line's code, its stages, gates, budgets and retries, the engine and the journal.
 * A stage that works on files or with processes is waited for and takes no virtual time.
 */
import * as Clock from "effect/Clock"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import type * as Schema from "effect/Schema"
// The answer to a typed gate is checked with it, and virtual time does not wait until a module is loaded.
import "effect/SchemaRepresentation"
import * as Stream from "effect/Stream"
import * as Actor from "../Actor.ts"
import * as Budget from "../Budget.ts"
import type * as Durable from "../Durable.ts"
import type * as FactoryEvent from "../FactoryEvent.ts"
import * as Gate from "../Gate.ts"
import * as Identity from "../internal/Identity.ts"
import * as Journal from "../Journal.ts"
import type * as Line from "../Line.ts"
import * as Status from "../Status.ts"
import * as Usage from "../Usage.ts"
import * as Watch from "../Watch.ts"
import * as VirtualTime from "./VirtualTime.ts"

/** What a line runs with. */
export type Services = Durable.Engine | Journal.Journal

/** A gate that was opened. */
export type Asked = Extract<FactoryEvent.Fact, { readonly _tag: "GateOpened" }>

/** What a person answers, after how long (default: at once), and who it is (default: `simulated`). */
export interface Reply {
  readonly answer: Gate.Answer
  readonly after?: Duration.Input
  readonly by?: Actor.Actor
}

/** What is simulated. */
export interface Options<Payload, E, E2> {
  /** The code of the line, and of the lines that it starts, with everything that they need. */
  readonly code: Layer.Layer<never, E, Services>
  /** The engine and the journal, empty, such as `MemoryEngine` with `MemoryJournal`. */
  readonly services: Layer.Layer<Services, E2>
  /** One run for each is started at the beginning. */
  readonly payloads: ReadonlyArray<Payload>
  /** How people answer gates. Where it answers `undefined`, the gate stays open. Default: nobody answers. */
  readonly answers?: (asked: Asked) => Reply | undefined
  /** How long the simulation may last in its own time. Default: 1,000 days. */
  readonly until?: Duration.Input
  /** When it begins, in milliseconds since 1970. Default: the beginning of 2026, UTC. */
  readonly startAt?: number
  /** What `Random` is seeded with. Default: `"simulation"`. */
  readonly seed?: string
  /** Real milliseconds after which what still runs without a pause is given up. Default: 10,000. */
  readonly patience?: number
}

/** Why a run does not go on. */
export interface HeldUp {
  readonly run: string
  /**
   * `Gate`: nobody answers it. `Stage`: it began, and nothing is left that could settle it. `Child`: it is held up itself.
   * `Fault`: somebody has to mend it. `Unknown`: the run waits between its stages for what does not come.
   */
  readonly by: "Gate" | "Stage" | "Child" | "Fault" | "Unknown"
  /** The id of the gate, the name of the stage or of the child's run, or the message of the fault. */
  readonly what: string
}

/** What a simulation came to. */
export interface Report {
  /**
   * `Over`: every run ended. `HeldUp`: nothing can go on. `TimeIsUp`: what is due next is later than `until`. `Busy`:
   * something ran for longer than the patience.
   */
  readonly end: "Over" | "HeldUp" | "TimeIsUp" | "Busy"
  readonly events: ReadonlyArray<FactoryEvent.FactoryEvent>
  /** Every run, in the order in which they were started. */
  readonly runs: ReadonlyArray<Watch.Progress>
  /** Why the runs that are not over did not go on; empty unless the end is `HeldUp`. */
  readonly heldUp: ReadonlyArray<HeldUp>
  /** Simulated milliseconds. */
  readonly elapsed: number
  /** What all runs used up together: model calls, and milliseconds in stages. */
  readonly spent: Budget.Spent
  /** How often the time jumped. */
  readonly jumps: number
}

/** Starts a run for each payload and goes on, in virtual time, until everything is over or nothing can go on. */
export const run = <
  Name extends string,
  Payload extends Line.Fields,
  Success extends Schema.Constraint,
  Error extends Schema.Constraint,
  E = never,
  E2 = never
>(
  line: Line.Line<Name, Payload, Success, Error>,
  options: Options<Schema.Struct.Type<Payload>, E, E2>
): Effect.Effect<Report, E | E2 | Gate.GateError | Line.LineError | Journal.JournalError> =>
  Effect.gen(function* () {
    const {
      answers = () => undefined,
      patience = 10_000,
      seed = "simulation",
      startAt = Date.UTC(2026, 0, 1)
    } = options
    const time = VirtualTime.make(startAt)
    let journal: Journal.Journal["Service"] | undefined
    let isBegun = false
    const world = yield* Effect.gen(function* () {
      journal = yield* Journal.Journal
      yield* Effect.forEach(options.payloads, (payload) => line.start(payload), { discard: true })
      isBegun = true
      return yield* desk(answers)
    }).pipe(
      Effect.provide(Layer.fresh(Layer.provideMerge(options.code, options.services)), { local: true }),
      Random.withSeed(seed),
      Effect.provideService(Identity.Fresh, counted()),
      Effect.provideService(WebCrypto.WebCrypto, VirtualTime.crypto),
      (world) => Effect.forkChild(world, { startImmediately: true }),
      // The fiber has to be made with them, or it would keep those of its parent.
      Effect.provideService(Clock.Clock, time.clock),
      Effect.provideService(Scheduler.Scheduler, time.scheduler)
    )
    const events: Array<FactoryEvent.FactoryEvent> = []
    const runs = new Map<string, Watch.Progress>()
    const look = Effect.suspend(() =>
      journal === undefined
        ? Effect.void
        : Stream.runForEach(journal.read({ after: events.at(-1)?.seq ?? 0 }), (event) =>
            Effect.sync(() => {
              events.push(event)
              const now = event.run === null ? undefined : Watch.step(runs.get(event.run), event)
              if (now !== undefined) runs.set(now.status.run, now)
            })
          )
    )
    const last = startAt + Duration.toMillis(Duration.fromInputUnsafe(options.until ?? "1000 days"))
    let jumps = 0
    const next = Effect.gen(function* () {
      const isIdle = yield* time.idle(patience)
      const exit = world.pollUnsafe()
      // It ends only when it fails.
      if (exit !== undefined) return yield* exit
      yield* look
      const due = time.due()
      if (!isIdle) return "Busy" as const
      if (isBegun && [...runs.values()].every(({ status }) => Status.isDone(status))) return "Over" as const
      if (due === undefined) return "HeldUp" as const
      if (due > last) return "TimeIsUp" as const
      time.jump()
      jumps++
      return undefined
    })
    const end = yield* Effect.repeat(next, { until: (end) => end !== undefined })
    const all = [...runs.values()]
    const report: Report = {
      end: end ?? "Busy",
      events: [...events],
      runs: all,
      heldUp: end === "HeldUp" ? all.flatMap((progress) => holdUps(progress, all)) : [],
      elapsed: time.clock.currentTimeMillisUnsafe() - startAt,
      spent: all.reduce((sum, { spent }) => together(sum, spent), unspent),
      jumps
    }
    // What is closed and undone now belongs to no run any more; it may sleep too.
    world.interruptUnsafe()
    while ((yield* time.idle(patience)) && world.pollUnsafe() === undefined && time.due() !== undefined) time.jump()
    return report
  })

/** Answers gates as they are opened, each in its own time. Does not end by itself. */
const desk = Effect.fnUntraced(function* (answers: (asked: Asked) => Reply | undefined) {
  const journal = yield* Journal.Journal
  const answer = Effect.fnUntraced(function* (asked: Asked) {
    const reply = answers(asked)
    if (reply === undefined) return
    yield* Effect.sleep(reply.after ?? 0)
    yield* Gate.settle(asked.gate, reply.answer, { actor: reply.by ?? Actor.human("simulated") }).pipe(
      // Somebody, or a time limit, was faster, as it happens to people.
      Effect.catchIf(
        (error) => error._tag === "GateError" && (error.reason === "AlreadyAnswered" || error.reason === "Closed"),
        () => Effect.void
      )
    )
  })
  return yield* journal.follow().pipe(
    Stream.mapEffect(({ fact }) => (fact._tag === "GateOpened" ? answer(fact) : Effect.void), {
      concurrency: "unbounded"
    }),
    Stream.runDrain,
    Effect.andThen(Effect.never)
  )
})

const holdUps = ({ open, status }: Watch.Progress, all: ReadonlyArray<Watch.Progress>): ReadonlyArray<HeldUp> => {
  const { run } = status
  if (Status.isDone(status)) return []
  if (status._tag === "Stalled") return [{ run, by: "Fault", what: status.fault.message }]
  const children = all.filter((other) => other.status.parent?.run === run && !Status.isEnded(other.status))
  const found: ReadonlyArray<HeldUp> = [
    ...children.map((child) => ({ run, by: "Child" as const, what: child.status.run })),
    ...status.openGates.map((what) => ({ run, by: "Gate" as const, what })),
    ...open.map(({ stage }) => ({ run, by: "Stage" as const, what: stage }))
  ]
  return found.length > 0 ? found : [{ run, by: "Unknown", what: "it waits between its stages for what does not come" }]
}

/** What a report says to a person: how it ended and, when something is held up, by what. */
export const explain = ({ elapsed, end, heldUp, runs }: Report): string => {
  const over = runs.filter(({ status }) => Status.isEnded(status)).length
  const head = `${endings[end]} ${over} of ${runs.length} runs are over after ${Duration.format(Duration.millis(elapsed))}.`
  return [head, ...heldUp.map(({ by, run, what }) => `  ${run}: ${reasons[by](what)}`)].join("\n")
}

const endings: Record<Report["end"], string> = {
  Over: "Everything is over.",
  HeldUp: "Nothing can go on.",
  TimeIsUp: "The time is up.",
  Busy: "Something ran for longer than the patience of the simulation, in real time."
}

const reasons: Record<HeldUp["by"], (what: string) => string> = {
  Gate: (what) => `nobody answers the gate "${what}". Let the script answer it, or give the gate a limit of time.`,
  Stage: (what) => `nothing is left that could settle the stage "${what}". Look at what it waits for.`,
  Child: (what) => `its child "${what}" is not over.`,
  Fault: (what) => `it stalled: ${what}`,
  Unknown: (what) => `${what}.`
}

/** What a scripted role does. */
export interface Act<A> {
  readonly outcome: A
  /** How long it works. Default: no time. */
  readonly takes?: Duration.Input
  /** The tokens of its model calls together. Default: no call. */
  readonly usage?: Usage.Usage
  /** What they cost, in US dollars. Default: nobody knows. */
  readonly usd?: number
}

/** Plays a role: works for a while, uses tokens within the budget of the run, and comes to the outcome. */
export const act = <A>({ outcome, takes, usage, usd }: Act<A>) =>
  Effect.gen(function* () {
    if (usage !== undefined) yield* Budget.check
    const latency = Duration.toMillis(Duration.fromInputUnsafe(takes ?? 0))
    yield* Effect.sleep(latency)
    if (usage === undefined) return outcome
    const cost = usd === undefined ? Usage.unknown("The script gives no price.") : Usage.known(usd)
    yield* Budget.spend({
      _tag: "ModelCalled",
      model: "simulated",
      provider: "simulation",
      usage,
      cost,
      latency: Math.round(latency),
      rehearsed: true
    })
    return outcome
  })

const unspent: Budget.Spent = { bill: Usage.emptyBill, time: 0 }

const together = (a: Budget.Spent, b: Budget.Spent): Budget.Spent => ({
  bill: Usage.addBill(a.bill, b.bill),
  time: a.time + b.time
})

const counted = () => {
  let count = 0
  return () => `simulated-${++count}`
}
