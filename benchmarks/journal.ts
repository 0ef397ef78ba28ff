/** How many events a second the journal takes and gives on SQLite, beside raw node:sqlite with rows of the same text. */
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Bench from "./Bench.ts"
import * as Store from "./Store.ts"

/** What is measured. */
export const description =
  "journal events per second, appended singly and in batches and read back, as ratios to raw node:sqlite"

/** What can be set. */
export const options = {
  events: { type: "number", about: "events that are written and read", default: 5_000 },
  batch: { type: "number", about: "events of one append", default: 100 },
  runs: { type: "number", about: "runs that the median is taken of", default: 3 }
} as const satisfies Bench.Options

interface Load {
  readonly events: number
  readonly batch: number
  readonly synchronous: "FULL" | "NORMAL"
}

/** Milliseconds for all events. */
interface Times {
  readonly write: number
  readonly read: number
}

const entry = (number: number): FactoryEvent.Entry => ({
  line: "Bench",
  run: `item-${number % 50}.1`,
  item: `item-${number % 50}`,
  stage: `step#${number}`,
  actor: { _tag: "Host" },
  at: 1_800_000_000_000 + number,
  fact: { _tag: "StageFinished", attempt: 1, duration: number % 1_000 },
  key: `Bench/item/step#${number}/ended`
})

const batches = ({ batch, events }: Load): ReadonlyArray<ReadonlyArray<FactoryEvent.Entry>> =>
  Array.from({ length: Math.ceil(events / batch) }, (_, at) =>
    Array.from({ length: Math.min(batch, events - at * batch) }, (_, number) => entry(at * batch + number))
  )

const ours = (load: Load): Promise<Times> =>
  Store.inFolder((path) =>
    Effect.gen(function* () {
      const journal = yield* Journal.Journal
      const all = batches(load)
      const start = performance.now()
      for (const entries of all) yield* journal.append(entries)
      const written = performance.now()
      const count = yield* Stream.runCount(journal.read())
      if (count !== load.events) return yield* Effect.die(new Error(`${count} of ${load.events} events were read back`))
      return { write: written - start, read: performance.now() - written }
    }).pipe(
      Effect.provide(SqliteJournal.layer.pipe(Layer.provide(Sqlite.layer({ path, synchronous: load.synchronous })))),
      Effect.runPromise
    )
  )

/** The same table with the same text, written and parsed by hand. */
const raw = (load: Load): Promise<Times> =>
  Store.inFolder(async (path) => {
    const db = Store.open(path, load.synchronous)
    db.exec("create table journal (seq integer primary key, key text unique, run text, event text not null) strict")
    db.exec("create index journal_run on journal (run) where run is not null")
    const insert = db.prepare("insert into journal (key, run, event) values (?, ?, ?)")
    const all = batches(load)
    const start = performance.now()
    for (const entries of all) {
      db.exec("begin immediate")
      for (const { key, ...rest } of entries) insert.run(key ?? null, rest.run, JSON.stringify(rest))
      db.exec("commit")
    }
    const written = performance.now()
    const read = db
      .prepare("select event from journal order by seq")
      .all()
      .map((row) => JSON.parse(String(row["event"])))
    const time = performance.now() - written
    db.close()
    if (read.length !== load.events) throw new Error(`${read.length} of ${load.events} rows were read back`)
    return { write: written - start, read: time }
  })

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ batch, events, runs }, progress) => {
  const figures: Array<Bench.Measured> = []
  const compare = (
    name: string,
    times: { readonly ours: ReadonlyArray<number>; readonly raw: ReadonlyArray<number> }
  ) => {
    const rate = (all: ReadonlyArray<number>) => (events * 1_000) / Bench.median(all)
    figures.push(
      { name, value: Bench.round(rate(times.raw)), unit: "events/s", peer: "node:sqlite" },
      { name, value: Bench.round(rate(times.ours)), unit: "events/s" },
      { name: `${name} against raw`, value: Bench.round(rate(times.ours) / rate(times.raw)), unit: "ratio" }
    )
  }
  await ours({ events: 500, batch: 1, synchronous: "NORMAL" })
  for (const synchronous of ["NORMAL", "FULL"] as const) {
    for (const size of batch === 1 ? [1] : [1, batch]) {
      const load: Load = { events, batch: size, synchronous }
      const title = `${synchronous}, ${size === 1 ? "one by one" : `${size} at once`}`
      progress(`${title}, ${events} events, ${runs} runs`)
      const times: { ours: Array<Times>; raw: Array<Times> } = { ours: [], raw: [] }
      for (let at = 0; at < runs; at++) {
        times.raw.push(await raw(load))
        times.ours.push(await ours(load))
      }
      const of = (what: keyof Times) => ({ ours: times.ours.map((t) => t[what]), raw: times.raw.map((t) => t[what]) })
      compare(`append ${title}`, of("write"))
      if (synchronous === "NORMAL" && size !== 1) compare("read back", of("read"))
    }
  }
  return { figures }
}
