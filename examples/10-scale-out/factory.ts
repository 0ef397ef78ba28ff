/** The two kinds of processes of a factory on several machines, and where their database is. */
import * as ClusterEngine from "@millwright/core/adapters/ClusterEngine"
import * as PostgresClient from "@millwright/core/adapters/PostgresClient"
import * as PostgresJournal from "@millwright/core/adapters/PostgresJournal"
import * as Journal from "@millwright/core/Journal"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { layer as release } from "./line.ts"

/** The database that the environment names. An argument would be seen by every user of the machine. */
export const url = Effect.suspend(() => {
  const value = process.env["DATABASE_URL"]
  return value === undefined
    ? new Journal.JournalError({
        reason: "NotWritable",
        message: "No database is named. Set DATABASE_URL to postgres://user:password@host:port/database."
      })
    : Effect.succeed(Redacted.make(value))
})

/** A process that starts runs and answers gates. */
export const office = (url: Redacted.Redacted) =>
  Layer.merge(PostgresJournal.layer, ClusterEngine.client()).pipe(Layer.provide(PostgresClient.layer({ url })))

/** A process that runs lines. It waits for its database for as long as that takes. */
export const runner = (url: Redacted.Redacted, address: ClusterEngine.Address) =>
  release.pipe(
    Layer.provide(Layer.merge(PostgresJournal.layer, ClusterEngine.runner({ address }))),
    Layer.provide(PostgresClient.layer({ url, patience: Duration.infinity }))
  )
