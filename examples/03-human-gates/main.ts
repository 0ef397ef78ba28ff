/**
 * A line that waits for a person, over several processes:
 *
 *     npx -y pnpm@12.18.0 example 03                        starts the line, or goes on with it; ends when a person is asked
 *     npx -y pnpm@12.18.0 example 03 approve ID             says yes, from another process
 *     npx -y pnpm@12.18.0 example 03 reject ID --note WHY   says no; the line asks again with the next window
 *     npx -y pnpm@12.18.0 example 03 --reset                forgets everything
 *
 * Exit codes: 0 it did what it shall (waiting for a person included), 2 bad input, 1 anything else.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Answering from "@millwright-examples/shared/answering"
import * as Ending from "@millwright-examples/shared/ending"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import type * as Gate from "@millwright/core/Gate"
import * as Line from "@millwright/core/Line"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Status from "@millwright/core/Status"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import { fileURLToPath } from "node:url"
import { layer as maintenance, Maintenance } from "./line.ts"
import * as Report from "./report.ts"

const item: WorkItem.WorkItem = {
  id: "database-upgrade",
  title: "Upgrade the database",
  body: WorkItem.bodyOf("The database has to be down for an hour."),
  labels: [],
  source: "examples/03-human-gates"
}

const usual = fileURLToPath(new URL("../../.millwright/human-gates", import.meta.url))

const flags = {
  folder: Flag.Directory("folder", { mustExist: false }).pipe(
    Flag.withDescription("Where the store and the announcement are kept"),
    Flag.withDefault(usual)
  )
}

/** The command that a person goes on with, for a POSIX shell. */
const commandOf = (folder: string) =>
  `npx -y pnpm@12.18.0 example 03${folder === usual ? "" : ` --folder '${folder.replaceAll("'", "'\\''")}'`}`

const root = Command.make("example-03", {
  reset: Flag.Boolean("reset").pipe(Flag.withDescription("Forget everything"), Flag.withDefault(false))
}).pipe(Command.withSharedFlags(flags))

const files = Effect.fnUntraced(function* (folder: string) {
  const path = yield* Path.Path
  const at = (name: string) => path.resolve(folder, name)
  return { store: at("factory.db"), announcement: at("announcement.md"), runners: at("factory.db-runners") }
})

/** The journal and the engine, in one file. Enough to look, and to answer. */
const office = (store: string) =>
  SqliteJournal.layer.pipe(Layer.provideMerge(SqliteEngine.layer()), Layer.provide(Sqlite.layer({ path: store })))

/** Starts the line, or goes on with it, until it ends or somebody is asked. */
const work = (folder: string) =>
  Effect.gen(function* () {
    const { announcement, store } = yield* files(folder)
    yield* Effect.gen(function* () {
      const [known] = yield* Status.runs(Maintenance.name)
      const run = known?.run ?? (yield* Maintenance.start({ item }))
      // What a person has answered, and what a killed process left, goes on by itself; a fault waits to be asked.
      if (known?._tag === "Stalled") yield* Line.resume(run)
      const status = yield* Line.settled(run)
      yield* Console.log(yield* Report.of(status, commandOf(folder)))
      yield* Report.verify(status, announcement)
      if (status._tag === "Stalled" || status._tag === "Failed") process.exitCode = 1
    }).pipe(Effect.provide(maintenance(announcement).pipe(Layer.provideMerge(office(store)))))
  })

const forget = Effect.fnUntraced(function* (folder: string) {
  const system = yield* FileSystem.FileSystem
  const { announcement, runners, store } = yield* files(folder)
  for (const file of [announcement, store, `${store}-wal`, `${store}-shm`, runners]) {
    yield* system.remove(file, { recursive: true, force: true })
  }
  yield* Console.log(`Everything is forgotten. Start again with: ${commandOf(folder)}`)
})

const answering = (gate: string, answer: Gate.Answer) =>
  Effect.gen(function* () {
    const { folder } = yield* root
    const { store } = yield* files(folder)
    yield* Answering.settle(gate, answer).pipe(Effect.provide(office(store)))
    yield* Console.log(`The answer is kept. Go on with: ${commandOf(folder)}`)
  })

const cli = root.pipe(
  Command.withHandler(({ folder, reset }) => (reset ? forget(folder) : work(folder))),
  Command.withDescription("Finds a time to take a database down: a line that waits for a person"),
  Command.withSubcommands([Answering.approve(answering), Answering.reject(answering)])
)

Command.runWith(cli, { version: "0.0.0" })(process.argv.slice(2)).pipe(
  Effect.catchCause(Ending.explain(({ _tag }) => _tag === "GateError" || _tag === "AnswerError")),
  Effect.provide(NodeServices.layer),
  (program) => NodeRuntime.runMain(program, { disableErrorReporting: true })
)
