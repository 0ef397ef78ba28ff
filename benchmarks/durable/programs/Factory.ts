/** What the programs have in common: a store with the embedded engine, work items, and a way to say something. */
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Sqlite from "@millwright/core/Sqlite"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { writeSync } from "node:fs"

/** The engine and the journal on a store. Without `synchronous`, as they come. */
export const store = (path: string, synchronous?: Sqlite.Options["synchronous"]) =>
  Layer.mergeAll(SqliteJournal.layer, SqliteEngine.layer()).pipe(
    Layer.provide(Sqlite.layer(synchronous === undefined ? { path } : { path, synchronous }))
  )

/** A work item of a number. */
export const item = (name: string): WorkItem.WorkItem => ({
  id: name,
  title: "Bench",
  body: WorkItem.bodyOf(""),
  labels: [],
  source: "bench"
})

/** Prints a line of JSON at once: a process that is killed right after has said it. */
export const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`)

/** Now, on the clock that all processes of the machine share. */
export const now = (): string => String(process.hrtime.bigint())

/** Does work for each number below `count`, so many at once. */
export const each = <E, R>(
  count: number,
  concurrency: number,
  work: (number: number) => Effect.Effect<unknown, E, R>
) =>
  Effect.forEach(
    Array.from({ length: count }, (_, number) => number),
    work,
    { concurrency, discard: true }
  )
