/** Three runners, thirty lines, one of the runners killed in the middle, and gates that are answered from elsewhere. */
import * as Journal from "@millwright/core/Journal"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as PostgresServer from "../../packages/core/test/PostgresServer.ts"
import { office } from "./factory.ts"
import { Release } from "./line.ts"
import * as Processes from "./processes.ts"
import * as Report from "./report.ts"

/** How large it is. `millis` is how long each stage takes. */
export interface Size {
  readonly lines: number
  readonly runners: number
  readonly millis: number
}

/** Runs it on a PostgreSQL of its own. Dies when a line did not end, or a stage has two results. */
export const run = Effect.fnUntraced(function* ({ lines, millis, runners }: Size) {
  yield* Console.log("A PostgreSQL is started from npm …")
  const server = yield* PostgresServer.make()
  const url = yield* server.database("factory")
  const ports = yield* PostgresServer.freePorts(runners)
  const fleet = yield* Effect.forEach(ports, (port) => Processes.start(url, ["runner", "--port", String(port)]), {
    concurrency: "unbounded"
  })
  yield* Console.log(`${runners} runners: ${fleet.map(({ pid }) => pid).join(", ")}`)
  const person = yield* Processes.start(url, ["approve", "--count", String(lines)])
  yield* Console.log(`Another process, ${person.pid}, answers gates.`)

  yield* Effect.gen(function* () {
    const journal = yield* Journal.Journal
    yield* Effect.forEach(
      Array.from({ length: lines }, (_, n) => item(n + 1)),
      (item) => Release.start({ item, millis }),
      { concurrency: 10 }
    )
    yield* Console.log(`${lines} lines are started.`)
    const isFinished = (tag: string) => journal.follow().pipe(Stream.filter(({ fact }) => fact._tag === tag))
    // Somewhere in the middle: some lines are built, some wait, most have stages that run.
    yield* isFinished("StageFinished").pipe(Stream.take(lines), Stream.runDrain)
    const [victim] = fleet
    if (victim === undefined) return yield* Effect.die(new Error("There is no runner."))
    const at = yield* Clock.currentTimeMillis
    yield* victim.kill
    yield* Console.log(`Runner ${victim.pid} is killed with SIGKILL.`)
    yield* isFinished("LineFinished").pipe(Stream.take(lines), Stream.runDrain)
    const events = yield* Stream.runCollect(journal.read())
    yield* Console.log(yield* Report.of(events, { pid: victim.pid, at }))
    const problems = Report.problems(events, lines)
    if (problems.length > 0) {
      return yield* Effect.die(new Error(`The example did not do what it shall:\n${problems.join("\n")}`))
    }
    yield* Console.log(`All ${lines} lines are finished, and no stage has two results.`)
  }).pipe(
    Effect.timeoutOrElse({
      duration: "2 minutes",
      orElse: () => Effect.die(new Error("The example did not do what it shall: lines stand still."))
    }),
    Effect.provide(office(url))
  )
}, Effect.scoped)

const item = (n: number): WorkItem.WorkItem => ({
  id: `release-${n}`,
  title: `release ${n}`,
  body: WorkItem.bodyOf(""),
  labels: [],
  source: "examples/10-scale-out"
})
