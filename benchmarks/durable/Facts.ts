/** The **facts** that a store holds, read from a copy, so that what a killed process left is not touched. */
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { copyFileSync, existsSync } from "node:fs"
import { dirname, join } from "node:path"

/** Every fact of a store, in order. `copy` names the copy. */
export const of = (path: string, copy: string): Promise<ReadonlyArray<FactoryEvent.FactoryEvent>> => {
  const target = join(dirname(path), copy)
  // The rest of a store is made again from these two.
  for (const suffix of ["", "-wal"]) if (existsSync(path + suffix)) copyFileSync(path + suffix, target + suffix)
  const read = Effect.gen(function* () {
    const journal = yield* Journal.Journal
    return [...(yield* Stream.runCollect(journal.read()))]
  })
  return Effect.runPromise(Effect.provide(read, Layer.provide(SqliteJournal.layer, Sqlite.layer({ path: target }))))
}

/** How often each stage finished, by the key of the stage. */
export const finishes = (facts: ReadonlyArray<FactoryEvent.FactoryEvent>): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const { fact, stage } of facts) {
    if (fact._tag === "StageFinished" && stage !== null) counts.set(stage, (counts.get(stage) ?? 0) + 1)
  }
  return counts
}

/** How often a fact was recorded. */
export const count = (facts: ReadonlyArray<FactoryEvent.FactoryEvent>, tag: FactoryEvent.Fact["_tag"]): number =>
  facts.filter(({ fact }) => fact._tag === tag).length
