/** Connections to PostgreSQL with `@effect/sql-pg`, for the journal and the engine of several machines. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Journal from "../Journal.ts"
import * as Postgres from "../Postgres.ts"

/** Which database, and how it is used. */
export interface Options {
  /** `postgres://user:password@host:port/database`. Give it to a process in its environment, never as an argument. */
  readonly url: Redacted.Redacted
  /**
   * How long a server that can not be reached, or has no room, is waited for once it has been reached. Default 30 seconds.
   * A runner waits for ever (`Duration.infinity`): what it runs goes on when the server is back.
   */
  readonly patience?: Duration.Input
  /** At most so many connections of this process. Default 10; a runner needs at least 5. */
  readonly connections?: number
}

/** Opens a pool of connections, and makes the tables in a new database. Fails within 5 seconds when it can not. */
export const layer = (options: Options): Layer.Layer<Postgres.Postgres, Journal.JournalError> =>
  Layer.effect(
    Postgres.Postgres,
    Effect.gen(function* () {
      const server = yield* serverOf(options.url)
      const client = yield* PgClient.PgClient
      const postgres = Postgres.Postgres.of({
        server,
        sql: client,
        listen: (channel) =>
          Stream.unwrap(
            Effect.map(client.listen(channel), (notifications) =>
              Stream.concat(
                Stream.make(""),
                Stream.map(Stream.fromQueue(notifications), ({ payload }) => payload)
              )
            )
          ),
        patience: Duration.fromInputUnsafe(options.patience ?? "30 seconds")
      })
      yield* Postgres.prepare(postgres)
      return postgres
    })
  ).pipe(
    Layer.provide(
      Layer.unwrap(
        Effect.map(serverOf(options.url), (server) =>
          PgClient.layer({
            url: options.url,
            maxConnections: options.connections ?? 10,
            applicationName: "millwright",
            // What a server says is for people and for the classes of `Postgres.toError`; it is not told in a language.
            startupParameters: { client_min_messages: "warning" }
          }).pipe(Layer.catchTag("SqlError", (error) => Layer.effectContext(Postgres.toError(server, error))))
        )
      )
    )
  )

/** Where a connection URL leads, without the user and the password. */
const serverOf = (url: Redacted.Redacted): Effect.Effect<string, Journal.JournalError> =>
  Effect.try({
    try: () => {
      const { host, pathname, protocol } = new URL(Redacted.value(url))
      if (protocol !== "postgres:" && protocol !== "postgresql:") throw new Error("another protocol")
      return `${host}${pathname}`
    },
    catch: () =>
      new Journal.JournalError({
        reason: "NotWritable",
        message: "The connection URL is none. Write it as postgres://user:password@host:port/database."
      })
  })
