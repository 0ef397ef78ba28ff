import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import * as ClusterEngine from "../../src/adapters/ClusterEngine.ts"
import * as PostgresClient from "../../src/adapters/PostgresClient.ts"
import * as PostgresJournal from "../../src/adapters/PostgresJournal.ts"
import * as Signals from "../../src/internal/Signals.ts"
import * as Gate from "../../src/Gate.ts"
import * as Journal from "../../src/Journal.ts"
import { Postgres } from "../../src/Postgres.ts"
import * as Status from "../../src/Status.ts"
import * as DurableLab from "../../src/testing/DurableLab.ts"
import * as WorkflowEngineTest from "../../src/testing/WorkflowEngineTest.ts"
import { item, Napping, Steps } from "../fixtures/clusterRunner.ts"
import * as PostgresServer from "../PostgresServer.ts"
import * as ServedPostgres from "../ServedPostgres.ts"
import * as SmallDisk from "../SmallDisk.ts"

const server = ServedPostgres.forFile()

/** The database of each folder: the lives of one test share it. */
const databases = new Map<string, Redacted.Redacted>()

WorkflowEngineTest.suite("ClusterEngine", (folder) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const url = databases.get(folder) ?? (yield* server.database())
      databases.set(folder, url)
      // The server is no part of a test's clock: what it answers would come minutes too late for a lease.
      const isReal = (yield* Clock.Clock) === Clock.Clock.defaultValue()
      const settings = isReal ? {} : ({ poll: "10 seconds", refresh: "1 day", lease: "400 days" } as const)
      const [port = 0] = yield* PostgresServer.freePorts(1)
      return Layer.merge(
        PostgresJournal.layer,
        ClusterEngine.runner({ address: { host: "127.0.0.1", port }, ...settings })
      ).pipe(Layer.provide(PostgresClient.layer({ url })))
    })
  )
)

const { ada, range } = DurableLab

/** A runner in a process of its own, which is killed when the scope closes. */
const runnerProcess = (url: Redacted.Redacted) =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const [port = 0] = yield* PostgresServer.freePorts(1)
      return yield* Effect.promise(async () => {
        const child = fork(fileURLToPath(new URL("../fixtures/clusterRunner.ts", import.meta.url)), [String(port)], {
          env: { ...process.env, DATABASE_URL: Redacted.value(url) },
          stdio: ["ignore", "ignore", "pipe", "ipc"]
        })
        let text = ""
        child.stderr?.on("data", (chunk) => (text += chunk))
        const gone = once(child, "exit")
        const isReady = await Promise.race([once(child, "message").then(() => true), gone.then(() => false)])
        if (!isReady) throw new Error(`the runner did not start: ${text}`)
        const kill = Effect.promise(async () => {
          if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL")
          await gone
        })
        return { kill, port }
      })
    }),
    ({ kill }) => kill
  )

/** The journal, and an engine that runs nothing, as a command of a person has them. */
const office = (url: Redacted.Redacted) =>
  Layer.merge(PostgresJournal.layer, ClusterEngine.client()).pipe(Layer.provideMerge(PostgresClient.layer({ url })))

type Office = Layer.Success<ReturnType<typeof office>>

const test = (title: string, body: (url: Redacted.Redacted) => Effect.Effect<void, unknown, Office | Scope.Scope>) =>
  it.live(
    title,
    () =>
      Effect.flatMap(server.database(), (url) =>
        Effect.scoped(Effect.provide(body(url), Layer.fresh(office(url)), { local: true }))
      ),
    120_000
  )

const start = (count: number, options: { readonly times: number; readonly millis: number }) =>
  Effect.forEach(range(count), (n) => Steps.start({ item: item(`issue-${n}`), ...options }), { concurrency: 5 })

/** The status of a run from when it is as asked for; it says what happened instead. */
const until = (run: string, isIt: (status: Status.Status) => boolean) =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    let status: Status.Status | undefined
    yield* Stream.runHead(
      Stream.filter(journal.follow({ run }), (event) => {
        status = Status.step(status, event)
        return status !== undefined && isIt(status)
      })
    ).pipe(
      Effect.timeoutOrElse({
        duration: "30 seconds",
        orElse: () => Effect.die(new Error(`The run ${run} stands still: ${JSON.stringify(status)}`))
      })
    )
    return status
  })

const end = (run: string) => until(run, Status.isEnded)

/** Answers the gate of a run once it is open. */
const approve = Effect.fnUntraced(function* (run: string) {
  yield* until(run, ({ _tag }) => _tag === "Waiting")
  yield* Gate.settle(`${run}:go`, { _tag: "Approve" }, ada)
})

/** Every run ended well, each stage finished once, and none began again after that. */
const isWhole = Effect.fnUntraced(function* (runs: ReadonlyArray<string>, stages: number) {
  const journal = yield* Journal.Journal
  const events = yield* Stream.runCollect(journal.read())
  assert.deepStrictEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index + 1),
    "seq has a gap"
  )
  const finished = new Set<string>()
  for (const { fact, run, stage } of events) {
    const key = `${run}/${stage}`
    if (fact._tag === "StageStarted") assert.isFalse(finished.has(key), `the finished stage ${key} ran again`)
    if (fact._tag === "StageFinished") {
      assert.isFalse(finished.has(key), `the stage ${key} finished twice`)
      finished.add(key)
    }
  }
  for (const run of runs) {
    const status = yield* Status.of(run)
    assert.deepInclude(status, { _tag: "Finished", result: stages }, `the run ${run} did not end as it shall`)
    // Besides its steps, a run opened one gate.
    assert.strictEqual([...finished].filter((key) => key.startsWith(`${run}/`)).length, stages + 1)
  }
  return events
})

describe("ClusterEngine over processes", () => {
  test("a client starts runs and answers gates, and other processes run them", (url) =>
    Effect.gen(function* () {
      yield* runnerProcess(url)
      const runs = yield* start(3, { times: 2, millis: 0 })
      yield* Effect.forEach(runs, approve)
      yield* Effect.forEach(runs, end)
      yield* isWhole(runs, 4)
      const nap = yield* end(yield* Napping.start({ item: item("nap") }))
      assert.isTrue(nap?._tag === "Finished" && Number(nap.result) >= 1_000, JSON.stringify(nap))
    }))

  test("what was started while no runner was there is run by the first that comes", (url) =>
    Effect.gen(function* () {
      const [run = ""] = yield* start(1, { times: 1, millis: 0 })
      yield* runnerProcess(url)
      yield* approve(run)
      yield* end(run)
      yield* isWhole([run], 2)
    }))

  test("a start and an answer whose process died before it had sent them are sent by a runner", (url) =>
    Effect.gen(function* () {
      const postgres = yield* Postgres
      yield* runnerProcess(url)
      const [run = ""] = yield* start(1, { times: 1, millis: 0 })
      yield* until(run, ({ _tag }) => _tag === "Waiting")
      // The same as `Gate.settle` does, up to where it dies.
      const gate = (yield* Gate.list(run)).get(`${run}:go`)
      const status = yield* Status.of(run)
      const body = JSON.stringify({ _tag: "Success", value: { approved: true, note: "", by: ada.actor } })
      yield* Signals.put(postgres, { execution: status?.execution ?? "", name: "gate-go", workflow: "Steps", body }, [
        yield* Journal.entry({ _tag: "Commented", item: gate?.opened.gate ?? "", body: "answered" })
      ])
      yield* end(run)
      const left = yield* postgres.sql`select * from millwright_signals`
      assert.deepStrictEqual(left, [], "what was sent is taken away")
    }))

  test("3 runners that are killed at random lose no run, and run no finished stage again", (url) =>
    Effect.gen(function* () {
      const [runs, stages, kills] = [12, 8, 3]
      let runners = yield* Effect.forEach(range(3), () => runnerProcess(url), { concurrency: 3 })
      const names = yield* start(runs, { times: stages, millis: 40 })
      yield* Effect.forkScoped(Effect.forEach(names, approve, { concurrency: "unbounded" }))
      for (const _ of range(kills)) {
        yield* Effect.sleep(Math.random() * 1_500)
        const [victim, ...others] = runners
        if (victim !== undefined) yield* victim.kill
        runners = [...others, yield* runnerProcess(url)]
      }
      yield* Effect.forEach(names, end, { concurrency: "unbounded" })
      yield* isWhole(names, 2 * stages)
    }))

  test("a restart of the server, and the loss of every connection, in the middle of stages lose nothing", (url) =>
    Effect.gen(function* () {
      const postgres = yield* server.running
      yield* Effect.forEach(range(2), () => runnerProcess(url), { concurrency: 2 })
      const names = yield* start(8, { times: 8, millis: 100 })
      yield* Effect.sleep(300)
      yield* postgres.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'"
      )
      yield* Effect.sleep(1_000)
      yield* postgres.stop
      yield* Effect.sleep(1_000)
      yield* postgres.start
      yield* Effect.forEach(names, approve, { concurrency: "unbounded" })
      yield* Effect.forEach(names, end, { concurrency: "unbounded" })
      yield* isWhole(names, 16)
    }))

  it.live(
    "a full disk makes lines wait, and they go on when there is room",
    (context) =>
      Effect.gen(function* () {
        const { folder, isMounted } = yield* SmallDisk.make
        if (!isMounted) return context.skip("this user may not mount a small file system")
        const postgres = yield* server.running
        yield* postgres.query(`create tablespace small location '${folder}'`)
        yield* postgres.query("create database small_disk tablespace small strategy file_copy")
        const url = postgres.url("small_disk")
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* runnerProcess(url)
            const runs = yield* start(2, { times: 15, millis: 5 })
            const makeRoom = SmallDisk.fill(folder)
            const long = Array.from({ length: 40_000 }, (_, n) => `${n * n}`).join(" ")
            const entry = Journal.record({ _tag: "Commented", item: "item", body: long })
            yield* Effect.andThen(Effect.timeoutOption(entry, "2 seconds"), Effect.sync(makeRoom))
            yield* Effect.forEach(runs, approve, { concurrency: 2 })
            yield* Effect.forEach(runs, end)
            yield* isWhole(runs, 30)
          }).pipe((body) => Effect.provide(body, Layer.fresh(office(url)), { local: true }))
        )
        yield* postgres.query("drop database small_disk (force)")
        yield* postgres.query("drop tablespace small")
      }).pipe(Effect.scoped),
    120_000
  )
})
