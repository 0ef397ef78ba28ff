/**
 * **Retention**: takes runs that are over out of a store: their stored results, their facts, and large texts that nobody
 * else refers to. Whole runs only, and never one that is not over, or that started or was started by one that is not.
 *
 * The name of a run is never given again, and neither is the place of a fact: `RunPruned` stands in the journal for
 * everything that was taken out, and says when it was, what it had cost and how often people were needed. A fold over the
 * journal sees of such a run this fact alone.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Charge from "./internal/Charge.ts"
import * as InterventionSum from "./internal/InterventionSum.ts"
import * as Intervention from "./Intervention.ts"
import * as RunRows from "./internal/RunRows.ts"
import * as Journal from "./Journal.ts"
import * as JournalTable from "./internal/JournalTable.ts"
import * as Ledger from "./Ledger.ts"
import * as Sqlite from "./Sqlite.ts"

/** Which runs go. With both limits, those that are beyond both. */
export type Options = (
  | { readonly olderThan: Duration.Input; readonly keepLast?: number }
  | { readonly olderThan?: undefined; readonly keepLast: number }
) & {
  /** Keeps the facts, and takes out only what the engine stored. Such a run's facts can not be pruned later. */
  readonly keepJournal?: boolean
  /** Answers with what would go, and changes nothing. */
  readonly dryRun?: boolean
}

/** What went. */
export interface Pruned extends RunRows.Counts {
  /** Names of runs, the one that ended last first. */
  readonly runs: ReadonlyArray<string>
  /** By how many bytes the file got smaller. A store made before version 2 uses free pages again and stays as large. */
  readonly bytes: number
}

/**
 * Prunes a store in small transactions; lines may run meanwhile. When it is interrupted or killed, a run that it was
 * taking out is taken out by the next call.
 */
export const prune: (options: Options) => Effect.Effect<Pruned, Journal.JournalError, Sqlite.Sqlite> =
  Effect.fnUntraced(function* (options) {
    const sqlite = yield* Sqlite.Sqlite
    const chosen = choose(yield* families, options, yield* Clock.currentTimeMillis)
    const before = yield* sqlite.read(RunRows.size)
    const total = { executions: 0, results: 0, facts: 0, texts: 0 }
    for (const family of chosen) {
      const counts = yield* sqlite.read((prepare) => RunRows.count(prepare, family))
      total.executions += counts.executions
      total.results += counts.results
      total.texts += counts.texts
      if (options.keepJournal !== true) total.facts += counts.facts
      if (options.dryRun !== true) yield* remove(family, options.keepJournal === true)
    }
    if (options.dryRun !== true) yield* whileTrue(sqlite.write(RunRows.vacuum))
    const bytes = before - (yield* sqlite.read(RunRows.size))
    return { ...total, runs: chosen.flatMap(({ runs }) => runs.map(({ run }) => run)), bytes: Math.max(0, bytes) }
  })

/** Every family whose runs are over. */
const families = Effect.gen(function* () {
  const sqlite = yield* Sqlite.Sqlite
  const found: Array<RunRows.Family> = []
  for (let after = ""; ;) {
    const roots = yield* sqlite.read((prepare) => RunRows.roots(prepare, after))
    const last = roots.at(-1)
    if (last === undefined) return found
    for (const root of roots) {
      const family = yield* sqlite.read((prepare) => RunRows.family(prepare, root))
      if (family !== undefined) found.push(family)
    }
    after = last
    yield* Effect.yieldNow
  }
})

const choose = (families: ReadonlyArray<RunRows.Family>, options: Options, now: number) => {
  const before = options.olderThan === undefined ? now : now - Duration.toMillis(options.olderThan)
  let kept = options.keepLast ?? 0
  return families
    .toSorted((a, b) => b.at - a.at)
    .filter(({ at, runs }) => {
      if (kept <= 0) return at <= before
      kept -= runs.length
      return false
    })
}

const remove = Effect.fnUntraced(function* ({ executions, runs }: RunRows.Family, keepJournal: boolean) {
  const { write } = yield* Sqlite.Sqlite
  if (!keepJournal) {
    for (const run of runs) {
      yield* announce(run)
      yield* whileTrue(write((prepare) => RunRows.deleteFacts(prepare, run)))
    }
  }
  for (const id of executions) yield* whileTrue(write((prepare) => RunRows.deleteResults(prepare, id)))
  yield* write((prepare) => {
    if (!keepJournal) for (const run of runs) RunRows.deleteEnd(prepare, run)
    for (const id of executions) RunRows.deleteExecution(prepare, id)
  })
})

/** Records that a run is pruned, in the place of its start: so its name stays taken, and no fold takes it for running. */
const announce = Effect.fnUntraced(function* ({ at: ended, run }: RunRows.Ended) {
  const { read, touch, write } = yield* Sqlite.Sqlite
  const key = RunRows.startOf(run)
  const stored = yield* read((prepare) => prepare("select event from journal where key = ?").get(key)?.["event"])
  const [start] = yield* JournalTable.parse(stored === undefined ? [] : [String(stored)])
  if (start?.fact._tag !== "LineStarted") return
  const facts = yield* read((prepare) =>
    Number(prepare("select count(*) as count from journal where run = ?").get(run)?.["count"])
  )
  const { at: began, item, line, seq } = start
  const { parent, title } = start.fact
  const figures = { ...(yield* figuresOf(run)), began, ended }
  const entry = yield* Effect.provideService(
    Journal.entry({ _tag: "RunPruned", title, facts, ...(parent && { parent: parent.run }), ...figures }, key),
    Journal.Origin,
    { item, line, run, stage: null, actor: { _tag: "Host" } }
  )
  yield* write((prepare) => {
    // What ended the run stands behind its start, so the entry gets a place that was never taken.
    if (RunRows.deleteStart(prepare, seq, key)) JournalTable.append({ touch }, prepare, [entry])
  })
})

/** What a run cost and how often people were needed in it, while its facts are still there. */
const figuresOf = Effect.fnUntraced(function* (run: string) {
  const { read } = yield* Sqlite.Sqlite
  let ledger = Ledger.empty
  let people = Intervention.empty
  for (let after = 0; ;) {
    const page = yield* read((prepare) => JournalTable.readAfter(prepare, { after, run }, 500))
    const last = (yield* JournalTable.parse(page)).reduce((_, event) => {
      ledger = Ledger.step(ledger, event)
      people = Intervention.step(people, event)
      return event.seq
    }, after)
    if (last === after) {
      return { spent: Charge.sums(Ledger.charges(ledger)), interventions: InterventionSum.sums(people.values()) }
    }
    after = last
    yield* Effect.yieldNow
  }
})

/** Lets others write between two steps. */
const whileTrue = <E>(step: Effect.Effect<boolean, E>): Effect.Effect<void, E> =>
  Effect.asVoid(Effect.repeat(Effect.tap(step, Effect.yieldNow), { while: (more) => more }))
