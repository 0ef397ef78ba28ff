/**
 * A factory on several machines, here on one: runners share the lines, and any of them may die.
 *
 *     npx -y pnpm@12.18.0 example 10                              three runners, thirty lines, one runner killed
 *     npx -y pnpm@12.18.0 example 10 runner --port 7001           one runner; start as many as you like, on any machine
 *     npx -y pnpm@12.18.0 example 10 approve                      answers every gate with yes, from any machine
 *     npx -y pnpm@12.18.0 example 10 import --from factory.db     carries the runs of a store in SQLite over
 *
 * All but the first want the database in the environment, as DATABASE_URL=postgres://user:password@host:port/database.
 *
 * Exit codes: 0 it did what it shall, 2 bad input, 1 anything else.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PostgresClient from "@millwright/core/adapters/PostgresClient"
import * as Actor from "@millwright/core/Actor"
import * as CarryOver from "@millwright/core/CarryOver"
import * as Fault from "@millwright/core/Fault"
import * as Gate from "@millwright/core/Gate"
import * as Journal from "@millwright/core/Journal"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { userInfo } from "node:os"
import * as Demonstration from "./demonstration.ts"
import * as Factory from "./factory.ts"

const number = (name: string, description: string, usual: number) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.withDefault(usual))

const root = Command.make(
  "example-10",
  {
    lines: number("lines", "How many lines are started", 30),
    runners: number("runners", "How many runners there are", 3),
    millis: number("millis", "How long each stage takes, in milliseconds", 150)
  },
  Demonstration.run
)

const runner = Command.make(
  "runner",
  {
    host: Flag.String("host").pipe(
      Flag.withDescription("Where the others reach this one: an address of a private network"),
      Flag.withDefault("127.0.0.1")
    ),
    port: Flag.Int("port").pipe(Flag.withDescription("The port of this runner, which no other has"))
  },
  ({ host, port }) =>
    Effect.gen(function* () {
      const url = yield* Factory.url
      const serve = Effect.andThen(
        Console.log(`READY on ${host}:${port}. Ctrl-C ends it; its lines go on elsewhere.`),
        Effect.never
      )
      yield* Effect.provide(serve, Factory.runner(url, { host, port }))
    })
).pipe(Command.withDescription("Runs lines, together with all other runners of the database"))

const approve = Command.make(
  "approve",
  { count: number("count", "Ends after so many; 0 goes on for ever", 0) },
  ({ count }) =>
    Effect.gen(function* () {
      const url = yield* Factory.url
      yield* Effect.gen(function* () {
        const journal = yield* Journal.Journal
        yield* Console.log("READY")
        const opened = journal
          .follow()
          .pipe(Stream.flatMap(({ fact }) => (fact._tag === "GateOpened" ? Stream.make(fact.gate) : Stream.empty)))
        yield* Stream.runForEach(count === 0 ? opened : Stream.take(opened, count), (gate) =>
          Gate.settle(gate, { _tag: "Approve" }, { actor: Actor.human(userInfo().username) })
        )
      }).pipe(Effect.provide(Factory.office(url)))
    })
).pipe(Command.withDescription("Answers every gate with yes"))

const carryOver = Command.make(
  "import",
  {
    from: Flag.String("from").pipe(Flag.withDescription("The store in SQLite: a file factory.db")),
    to: Flag.String("to").pipe(
      Flag.withDescription("The database, without a password; default: DATABASE_URL"),
      Flag.withDefault("")
    )
  },
  ({ from, to }) =>
    Effect.gen(function* () {
      const url = to === "" ? yield* Factory.url : yield* withoutPassword(to)
      const { events, going, isRepeated, results, stalled } = yield* CarryOver.run(from).pipe(
        Effect.provide(PostgresClient.layer({ url }))
      )
      yield* Console.log(
        isRepeated
          ? `${from} was carried over before; nothing was changed.`
          : [
              `${events} events and ${results} results of stages are carried over.`,
              `${going} runs go on as soon as a runner with their lines is there; gates can be answered now.`,
              `${stalled} runs are stalled, and go on when they are resumed.`,
              `The store is called ${CarryOver.carriedName(from)} now.`
            ].join("\n")
      )
    })
).pipe(Command.withDescription("Carries the running lines of a store in SQLite over to the database"))

/** A password in an argument can be read by every user of the machine; it is taken from PGPASSWORD. */
const withoutPassword = Effect.fnUntraced(function* (to: string) {
  const url = URL.parse(to)
  if (url === null || url.password !== "") {
    return yield* new Journal.JournalError({
      reason: "NotWritable",
      message:
        "--to takes postgres://user@host:port/database, without a password: every user of this machine could read it " +
        "there. Set PGPASSWORD, or leave --to out and set DATABASE_URL."
    })
  }
  url.password = process.env["PGPASSWORD"] ?? ""
  return Redacted.make(url.href)
})

const cli = root.pipe(
  Command.withDescription("A factory on several machines: runners share the lines, and any of them may die"),
  Command.withSubcommands([runner, approve, carryOver])
)

const explain = (cause: Cause.Cause<unknown>) =>
  Effect.sync(() => {
    if (Cause.hasInterruptsOnly(cause)) return void (process.exitCode = 130)
    const error = Cause.squash(cause)
    process.exitCode = CliError.isCliError(error) || error instanceof Journal.JournalError ? 2 : 1
    if (!CliError.isCliError(error)) console.error(Fault.record(error).message)
  })

// A process that the demonstration started ends with it.
process.once("disconnect", () => process.exit(1))
process.channel?.unref()

Command.runWith(cli, { version: "0.0.0" })(process.argv.slice(2)).pipe(
  Effect.catchCause(explain),
  Effect.provide(NodeServices.layer),
  (program) => NodeRuntime.runMain(program, { disableErrorReporting: true })
)
