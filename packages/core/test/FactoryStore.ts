/** A store in a folder of its own, as the tests of lines need one. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as SqliteEngine from "../src/adapters/SqliteEngine.ts"
import * as SqliteJournal from "../src/adapters/SqliteJournal.ts"
import type * as Durable from "../src/Durable.ts"
import * as Journal from "../src/Journal.ts"
import * as Sqlite from "../src/Sqlite.ts"
import * as WorkItem from "../src/WorkItem.ts"

export type Services = Durable.Engine | Journal.Journal

export const item: WorkItem.WorkItem = {
  id: "issue-1",
  title: "It breaks",
  body: WorkItem.bodyOf("It breaks."),
  labels: [],
  source: "issue-1.md"
}

export const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index + 1)

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "factory-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Gives the path of a store that is not there yet. */
export const temporary = <A, E>(body: (path: string) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.scoped(Effect.flatMap(folder, (folder) => body(join(folder, "factory.db"))))

/** A test with the path of a store that is not there yet. */
export const test = (
  title: string,
  body: (path: string) => Effect.Effect<void, unknown, Scope.Scope>,
  timeout = 30_000
) => it.live(title, () => temporary(body), timeout)

/** Runs an effect with a layer of its own, as a process of its own would. */
export const alone = <A, E, ROut, E2>(effect: Effect.Effect<A, E, ROut>, layer: Layer.Layer<ROut, E2>) =>
  Effect.provide(effect, Layer.fresh(layer), { local: true })

/** The journal of a store. */
export const journal = (path: string) => Layer.provide(SqliteJournal.layer, Sqlite.layer({ path, poll: "5 millis" }))

/** The engine and the journal of a store. */
export const store = (path: string) =>
  Layer.merge(SqliteJournal.layer, SqliteEngine.layer()).pipe(
    Layer.provide(Sqlite.layer({ path, poll: "5 millis", synchronous: "NORMAL" }))
  )

/** Runs lines on a store, for as long as the body takes. */
export const live = <A, E>(
  path: string,
  code: Layer.Layer<never, never, Services>,
  body: Effect.Effect<A, E, Services>
) => alone(body, Layer.provideMerge(code, store(path)))

export const events = Effect.flatMap(Journal.Journal, (journal) => Stream.runCollect(journal.read()))

export const count = (tag: string, stage?: string) =>
  Effect.map(
    events,
    (all) => all.filter((event) => event.fact._tag === tag && (stage === undefined || event.stage === stage)).length
  )
