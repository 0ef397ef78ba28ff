import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ClusterEngine from "../../src/adapters/ClusterEngine.ts"
import * as PostgresClient from "../../src/adapters/PostgresClient.ts"
import * as PostgresJournal from "../../src/adapters/PostgresJournal.ts"
import * as WorkflowEngineTest from "../../src/testing/WorkflowEngineTest.ts"
import * as PostgresServer from "../PostgresServer.ts"
import * as ServedPostgres from "../ServedPostgres.ts"

const server = ServedPostgres.forFile()

/** The database of each folder: the lives of one test share it. */
const databases = new Map<string, Effect.Success<ReturnType<typeof server.database>>>()

WorkflowEngineTest.suite("ClusterEngine", (folder) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const url = databases.get(folder) ?? (yield* server.database())
      databases.set(folder, url)
      // Under the clock of a test days pass at once, so it is looked once a day.
      const isReal = (yield* Clock.Clock) === Clock.Clock.defaultValue()
      const settings = isReal ? {} : { poll: "1 day", refresh: "1 day", lease: "400 days" } as const
      const [port = 0] = yield* PostgresServer.freePorts(1)
      return Layer.merge(
        PostgresJournal.layer,
        ClusterEngine.runner({ address: { host: "127.0.0.1", port }, ...settings })
      ).pipe(Layer.provide(PostgresClient.layer({ url })))
    })
  )
)
