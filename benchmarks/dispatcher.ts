/** What dispatching costs: an operation on the backlog, a simulated year of it, and the real dispatcher on SQLite. */
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Backlog from "@millwright/core/Backlog"
import type * as BacklogItem from "@millwright/core/BacklogItem"
import * as Dispatcher from "@millwright/core/Dispatcher"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Line from "@millwright/core/Line"
import * as Presence from "@millwright/core/Presence"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
// The rules of the order, looked up naively: what the tests compare the backlog with.
import * as Backlogs from "../packages/core/test/Backlogs.ts"
import * as Bench from "./Bench.ts"
import * as Store from "./Store.ts"

/** What is measured. */
export const description =
  "the backlog per operation at 1,000 and 100,000 items and over a simulated year, and the dispatcher on SQLite"

/** What can be set. */
export const options = {
  items: { type: "number", about: "items at once", default: 100_000 },
  weeks: { type: "number", about: "simulated weeks of 1,300 items", default: 52 },
  runs: { type: "number", about: "runs that the median is taken of", default: 3 },
  seed: { type: "number", about: "what arrivals and durations are made from", default: 1 }
} as const satisfies Bench.Options

const perWeek = 1_300
const week = 7 * 24 * 3_600_000

/** A backlog that is told facts without a journal. */
const desk = (settings: Backlog.Options) => {
  const backlog = Result.getOrThrow(Backlog.make(settings))
  let at = 0
  const tell = (item: string, fact: FactoryEvent.Fact) => {
    const seq = backlog.seq + 1
    Backlog.see(backlog, {
      version: 1,
      seq,
      at,
      line: null,
      run: null,
      item,
      stage: null,
      actor: { _tag: "Host" },
      fact
    })
    return seq
  }
  return {
    backlog,
    moveTo: (time: number) => void (at = time),
    queue: ({ id, ...said }: BacklogItem.Item) => tell(id, { _tag: "ItemQueued", ...said, again: false }),
    /** Claims what is next, when there is something that may go. */
    claim: () => {
      const next = Backlog.next(backlog, at)
      return next && { id: next.id, token: tell(next.id, { _tag: "ItemClaimed", attempt: 1, by: "bench", from: null }) }
    },
    release: (id: string, token: number) =>
      tell(id, { _tag: "ItemReleased", token, seen: backlog.seq, end: "done", reason: "", until: null })
  }
}

/** Items of 100 repositories, 3 models and 4 priorities; one in five waits for an earlier one. */
const itemAt = (at: number, random: () => number, created: number): BacklogItem.Item => ({
  id: `item-${at}`,
  priority: 1 + Math.floor(random() * 4),
  after: at > 0 && random() < 0.2 ? [`item-${Math.floor(random() * at)}`] : [],
  // Some repositories have far more than others.
  resources: {
    repository: `repository-${Math.floor(random() ** 3 * 100)}`,
    model: ["small", "standard", "large"][Math.floor(random() * 3)] ?? "small"
  },
  source: `issues/${at}.md`,
  created
})

const caps: Backlog.Caps = { total: 40, each: { repository: 4 }, only: { model: { large: 8 } } }

/** Microseconds per operation for so many items at once, all of them brought to their end. */
const atOnce = (count: number, seed: number) => {
  const random = Backlogs.random(seed)
  const items = Array.from({ length: count }, (_, at) => itemAt(at, random, 0))
  const { claim, queue, release } = desk({ caps })
  const begin = performance.now()
  for (const item of items) queue(item)
  const queued = performance.now()
  const running: Array<{ readonly id: string; readonly token: number }> = []
  let done = 0
  while (done < count) {
    for (let next = claim(); next !== undefined; next = claim()) running.push(next)
    const [ended] = running.splice(Math.floor(random() * running.length), 1)
    if (ended === undefined) throw new Error(`${count - done} items stand still, although nothing runs`)
    release(ended.id, ended.token)
    done++
  }
  return { queue: ((queued - begin) * 1_000) / count, dispatch: ((performance.now() - queued) * 1_000) / count }
}

const collect = (): (() => void) => {
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as () => void
}

const heap = (gc: () => void) => {
  gc()
  return process.memoryUsage().heapUsed
}

/** A year on a virtual clock: arrivals and durations are random, time passes by itself. */
const year = (weeks: number, seed: number) => {
  const random = Backlogs.random(seed)
  const gc = collect()
  const { backlog, claim, moveTo, queue, release } = desk({ caps })
  const running: Array<{ readonly id: string; readonly token: number; readonly until: number }> = []
  const total = weeks * perWeek
  const heaps: Array<number> = []
  let [now, arrived, done, worked, cost, longest] = [0, 0, 0, 0, 0, 0]
  const measured = <A>(work: () => A): A => {
    const start = performance.now()
    const result = work()
    cost += performance.now() - start
    return result
  }
  let arrival = 0
  while (done < total) {
    const first = running.reduce<(typeof running)[number] | undefined>(
      (least, each) => (least === undefined || each.until < least.until ? each : least),
      undefined
    )
    if (arrived < total && (first === undefined || arrival <= first.until)) {
      now = arrival
      moveTo(Math.floor(now))
      const item = itemAt(arrived++, random, Math.floor(now))
      measured(() => queue(item))
      arrival = now - Math.log(1 - random()) * (week / perWeek)
    } else if (first !== undefined) {
      now = first.until
      moveTo(Math.floor(now))
      running.splice(running.indexOf(first), 1)
      measured(() => release(first.id, first.token))
      done++
      if (done % (perWeek * Math.ceil(weeks / 4)) === 0) heaps.push(heap(gc))
    } else throw new Error(`${total - done} items stand still, although nothing runs`)
    longest = Math.max(longest, Backlog.size(backlog))
    for (let next = measured(claim); next !== undefined; next = measured(claim)) {
      // Between ten minutes and eight hours, mostly short.
      const duration = (1 / 6 + random() ** 2 * 8) * 3_600_000
      worked += duration
      running.push({ ...next, until: now + duration })
    }
  }
  heaps.push(heap(gc))
  const grown = (heaps.at(-1) ?? 0) - (heaps[0] ?? 0)
  const between = total - perWeek * Math.ceil(weeks / 4)
  if (backlog.entries.size > 0) throw new Error(`${backlog.entries.size} items are left over`)
  return { cost, worked, elapsed: now, longest, heaps, perItem: between > 0 ? grown / between : 0 }
}

/** How often the backlog would start another item than the rules looked up naively, over a week of items. */
const wrong = (seed: number) => {
  const random = Backlogs.random(seed)
  const settings: Backlog.Options = { caps: { total: 8, each: { repository: 2 }, only: { model: { large: 3 } } } }
  const { backlog, claim, queue, release } = desk(settings)
  const reference = new Backlogs.Reference(settings)
  const running: Array<{ readonly id: string; readonly token: number }> = []
  let [differences, at] = [0, 0]
  while (at < perWeek || running.length > 0) {
    if (at < perWeek && random() < 0.6) {
      const item = itemAt(at++, random, at)
      queue(item)
      reference.queue(item, false)
    }
    const expected = reference.next()
    if (Backlog.next(backlog, 0)?.id !== expected) differences++
    const next = claim()
    if (next !== undefined) {
      reference.claim(next.id)
      running.push(next)
    }
    if (running.length === 8 || random() < 0.5 || at >= perWeek) {
      const [ended] = running.splice(Math.floor(random() * running.length), 1)
      if (ended === undefined) continue
      release(ended.id, ended.token)
      reference.become(ended.id, "done")
    }
  }
  return differences
}

const Work = Line.make("Work", { payload: { item: WorkItem.WorkItem }, success: Schema.Number })
const code = Work.toLayer(() => Stage.run({ name: "work", success: Schema.Number }, Effect.succeed(1)))
const workItem = (id: string): WorkItem.WorkItem => ({
  id,
  title: id,
  body: WorkItem.bodyOf(""),
  labels: [],
  source: id
})

/** Milliseconds per item of a line with one trivial stage, 8 at once: dispatched, and started by hand. */
const onSqlite = async (count: number) => {
  const ids = Array.from({ length: count }, (_, at) => `item-${at}`)
  const measure = (work: (path: string) => Effect.Effect<unknown, unknown>) =>
    Store.inFolder((path) => {
      const start = performance.now()
      return Effect.runPromise(work(path)).then(() => (performance.now() - start) / count)
    })
  const factory = (path: string) =>
    Layer.provideMerge(
      code,
      Layer.merge(SqliteJournal.layer, SqliteEngine.layer()).pipe(Layer.provide(Sqlite.layer({ path })))
    )
  const bare = await measure((path) =>
    Effect.forEach(ids, (id) => Effect.flatMap(Work.start({ item: workItem(id) }), Line.settled), {
      concurrency: 8
    }).pipe(Effect.provide(factory(path)))
  )
  const dispatched = await measure((path) =>
    Effect.gen(function* () {
      const dispatcher = yield* Dispatcher.make({
        caps: { total: 8 },
        start: ({ id }, { key }) => Work.start({ item: workItem(id) }, { key })
      })
      yield* dispatcher.enqueue(ids.map((id) => ({ id })))
      yield* Stream.runHead(Stream.filter(dispatcher.changes, ({ Done }) => Done === count))
    }).pipe(Effect.scoped, Effect.provide(Presence.layerAlone), Effect.provide(factory(path)))
  )
  return { bare, dispatched }
}

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ items, runs, seed, weeks }, progress) => {
  const figures: Array<Bench.Measured> = []
  const add = (name: string, value: number, unit: string, goal?: Bench.Goal) =>
    figures.push({ name, value: Bench.round(value), unit, ...(goal && { goal }) })
  const per = (count: number) => {
    const all = Array.from({ length: runs }, (_, at) => atOnce(count, seed + at))
    return {
      queue: Bench.median(all.map((each) => each.queue)),
      dispatch: Bench.median(all.map((each) => each.dispatch))
    }
  }
  atOnce(1_000, seed)
  for (const count of [1_000, items]) {
    progress(`${count} items at once, ${runs} runs`)
    const { dispatch, queue } = per(count)
    add(`queue one of ${count}`, queue, "µs")
    add(`choose, claim and release one of ${count}`, dispatch, "µs")
  }
  progress(`a simulated year of ${weeks} weeks`)
  const simulated = year(weeks, seed)
  add("items, simulated", weeks * perWeek, "items")
  add("longest backlog", simulated.longest, "items")
  add("all operations of the year", simulated.cost, "ms")
  add("heap after the first quarter", (simulated.heaps[0] ?? 0) / 1e6, "MB")
  add("heap after the year", (simulated.heaps.at(-1) ?? 0) / 1e6, "MB")
  add("heap kept of a finished item", simulated.perItem, "bytes", { op: "<=", value: 200 })
  progress("the order of a week's items, compared with the rules")
  add("items started out of order", wrong(seed), "items", { op: "<=", value: 0 })
  progress("the dispatcher on SQLite")
  await onSqlite(50)
  const measured: Array<Awaited<ReturnType<typeof onSqlite>>> = []
  for (let at = 0; at < runs; at++) measured.push(await onSqlite(300))
  const bare = Bench.median(measured.map((each) => each.bare))
  const dispatched = Bench.median(measured.map((each) => each.dispatched))
  add("a line started by hand, per item", bare, "ms")
  add("a line dispatched, per item", dispatched, "ms")
  const budget = week / perWeek
  add("overhead of the time that 1,300 items a week leave for each", (100 * (dispatched - bare)) / budget, "%", {
    op: "<=",
    value: 1
  })
  return { figures }
}
