/** One PostgreSQL for the tests of a file, and a new database for each that asks. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll } from "vitest"
import * as PostgresServer from "./PostgresServer.ts"

/** Starts a server before the tests of the file, and stops it after them. */
export const forFile = (options?: PostgresServer.Options) => {
  const scope = Scope.makeUnsafe()
  let server: PostgresServer.PostgresServer | undefined
  let databases = 0
  beforeAll(async () => {
    server = await Effect.runPromise(Scope.provide(PostgresServer.make(options), scope))
  }, 60_000)
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)), 60_000)
  const running = Effect.suspend(() =>
    server === undefined ? Effect.die(new Error("The server runs while tests do")) : Effect.succeed(server)
  )
  return {
    running,
    /** The URL of a new database. */
    database: () => Effect.flatMap(running, (server) => server.database(`test_${++databases}`))
  }
}
