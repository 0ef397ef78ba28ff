import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { existsSync } from "node:fs"
import * as ClusterEngine from "../src/adapters/ClusterEngine.ts"
import * as PostgresClient from "../src/adapters/PostgresClient.ts"
import * as PostgresJournal from "../src/adapters/PostgresJournal.ts"
import * as CarryOver from "../src/CarryOver.ts"
import * as Durable from "../src/Durable.ts"
import * as Gate from "../src/Gate.ts"
import * as Journal from "../src/Journal.ts"
import * as Line from "../src/Line.ts"
import { Postgres } from "../src/Postgres.ts"
import * as Run from "../src/Run.ts"
import * as Stage from "../src/Stage.ts"
import * as Status from "../src/Status.ts"
import { ada, Broken, question, Refused, waiting } from "../src/testing/DurableLab.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, events, item, live, temporary } from "./FactoryStore.ts"
import * as PostgresServer from "./PostgresServer.ts"
import * as ServedPostgres from "./ServedPostgres.ts"

const server = ServedPostgres.forFile()

const Task = Line.make("Task", { payload: { item: WorkItem.WorkItem }, success: Schema.String })

/** A line that does what the id of its item says, and notes every stage that really runs. */
const factory = () => {
  const ran: Array<string> = []
  const world = { isMended: false, isMoved: false, begun: Deferred.makeUnsafe<void>() }
  const stage = (run: string, name: string) =>
    Stage.run(
      { name, success: Schema.String },
      Effect.sync(() => (ran.push(`${run} ${name}`), name))
    )
  const code = Task.toLayer(
    Effect.fnUntraced(function* ({ item: { id } }) {
      const first = yield* stage(id, "first")
      const refused = yield* Stage.run(
        { name: "refused", success: Schema.Void, error: Refused },
        Effect.suspend(() => new Refused({ why: `no, ${ran.push(`${id} refused`) > 0}` }))
      ).pipe(
        Effect.as(""),
        Effect.catchTag("Refused", ({ why }) => Effect.succeed(why))
      )
      if (id === "waits" || id === "answered") yield* Effect.orDie(Gate.approve("go", question))
      if (id === "stalls") {
        yield* Stage.run(
          { name: "shaky", success: Schema.Void },
          Effect.suspend(() => {
            ran.push(`${id} shaky`)
            return world.isMended
              ? Effect.void
              : Effect.fail(new Broken({ reason: "Broken", message: "It is broken." }))
          })
        )
      }
      if (id === "half") {
        yield* Stage.run(
          { name: "long", success: Schema.Void },
          Effect.suspend(() => {
            ran.push(`${id} long`)
            return world.isMoved ? Effect.void : Effect.andThen(Deferred.succeed(world.begun, undefined), Effect.never)
          })
        )
      }
      if (id === "naps") {
        const { execution } = yield* Run.Run
        const nap = Durable.DurableClock.sleep({ name: "nap", duration: "90 seconds" })
        yield* Effect.provideContext(nap, execution)
      }
      return `${first} ${refused} ${yield* stage(id, "last")}`
    })
  )
  return { code, ran, world }
}

const office = (url: Redacted.Redacted) =>
  Layer.merge(PostgresJournal.layer, ClusterEngine.client()).pipe(Layer.provideMerge(PostgresClient.layer({ url })))

const carry = (store: string, url: Redacted.Redacted) => alone(CarryOver.run(store), PostgresClient.layer({ url }))

/** Fills a store with one run of each kind, and closes it. Answers with what is in its journal. */
const filled = (store: string, { code, world }: ReturnType<typeof factory>) =>
  live(
    store,
    code,
    Effect.gen(function* () {
      const start = (id: string) => Task.start({ item: { ...item, id } })
      for (const id of ["finishes", "waits", "stalls", "answered", "naps", "half"]) {
        const run = yield* start(id)
        if (id === "half") yield* Deferred.await(world.begun)
        else if (id === "naps") {
          const status = yield* Status.of(run)
          const workflow = Durable.Workflow.make("Task", { payload: {}, idempotencyKey: () => "" })
          const engine = yield* Durable.WorkflowEngine.WorkflowEngine
          yield* waiting(engine.poll(workflow, status?.execution ?? ""))
        } else yield* Line.settled(run)
      }
    })
  ).pipe(
    // The answer is there, and no process has gone on with it.
    Effect.andThen(live(store, Layer.empty, Gate.settle("answered.1:go", { _tag: "Approve" }, ada))),
    Effect.andThen(live(store, Layer.empty, events))
  )

describe("CarryOver", () => {
  it.live(
    "makes every run go on on the cluster, and no finished stage runs again",
    () =>
      temporary((store) =>
        Effect.gen(function* () {
          const url = yield* server.database()
          const made = factory()
          const before = yield* filled(store, made)
          const ran = [...made.ran]

          const summary = yield* carry(store, url)
          assert.deepInclude(summary, { events: before.length, going: 4, stalled: 1, isRepeated: false })
          assert.isFalse(existsSync(store), "a process could take up the old store by mistake")
          const again = yield* carry(store, url)
          assert.isTrue(again.isRepeated, "a second time is no second time")
          const copied = yield* alone(events, office(url))
          assert.deepStrictEqual(copied, before, "the journal is the same, in the same order")

          made.world.isMoved = true
          // Until the nap is over it would take longer than a test may.
          yield* alone(
            Effect.flatMap(
              Postgres,
              ({ sql }) => sql`update millwright_signals set due = now() + interval '1 second' where name like '%nap%'`
            ),
            PostgresClient.layer({ url })
          )
          const [port = 0] = yield* PostgresServer.freePorts(1)
          const machine = Layer.provideMerge(
            made.code,
            Layer.merge(PostgresJournal.layer, ClusterEngine.runner({ address: { host: "127.0.0.1", port } }))
          ).pipe(Layer.provideMerge(PostgresClient.layer({ url })))
          yield* alone(
            Effect.gen(function* () {
              const journal = yield* Journal.Journal
              const ends = (count: number) =>
                journal.follow({ after: before.length }).pipe(
                  Stream.filter(({ fact }) => fact._tag === "LineFinished"),
                  Stream.take(count),
                  Stream.runDrain,
                  Effect.timeoutOrElse({
                    duration: "15 seconds",
                    orElse: () =>
                      Effect.flatMap(Status.runs(), (all) =>
                        Effect.die(new Error(`Runs stand still: ${JSON.stringify(all)}; ran: ${made.ran.join(", ")}`))
                      )
                  })
                )
              yield* ends(3)
              assert.strictEqual((yield* Status.of("waits.1"))?._tag, "Waiting", "nobody has answered")
              assert.strictEqual((yield* Status.of("stalls.1"))?._tag, "Stalled", "nobody has resumed it")
              yield* Gate.settle("waits.1:go", { _tag: "Approve" }, ada)
              made.world.isMended = true
              yield* Line.resume("stalls.1")
              yield* ends(5)
              for (const id of ["finishes", "waits", "stalls", "answered", "half", "naps"]) {
                const status = yield* Status.of(`${id}.1`)
                assert.deepInclude(status, { _tag: "Finished", result: "first no, true last" }, id)
              }
            }),
            machine
          )
          assert.deepStrictEqual(
            made.ran.slice(ran.length).toSorted(),
            ["answered last", "half last", "half long", "naps last", "stalls last", "stalls shaky", "waits last"],
            "what was not finished ran, and nothing else"
          )
        })
      ),
    60_000
  )

  it.live("is refused while a process runs lines of the store, and for a database with a journal", () =>
    temporary((store) =>
      Effect.gen(function* () {
        const url = yield* server.database()
        const { code } = factory()
        const running = Effect.gen(function* () {
          yield* Line.settled(yield* Task.start({ item: { ...item, id: "waits" } }))
          return yield* Effect.flip(carry(store, url))
        })
        const busy = yield* live(store, code, running)
        assert.deepInclude(busy, { reason: "Busy" }, busy.message)
        yield* alone(Journal.record({ _tag: "LineResumed" }), office(url))
        const other = yield* Effect.flip(carry(store, url))
        assert.include(other.message, "holds a journal already")
        assert.isTrue(existsSync(store), "what was refused is as it was")
        const missing = yield* Effect.flip(carry(`${store}-none`, url))
        assert.include(missing.message, "There is no store")
      })
    )
  )

  it.live("writes nothing when it is interrupted, and is done again from the beginning", () =>
    temporary((store) =>
      Effect.gen(function* () {
        const url = yield* server.database()
        const before = yield* filled(store, factory())
        for (const millis of [1, 3, 6, 10, 15]) {
          yield* Effect.timeoutOption(carry(store, url), millis)
          const there = yield* alone(events, office(url))
          assert.include([0, before.length], there.length, "a part of the journal was carried over")
        }
        yield* carry(store, url)
        assert.deepStrictEqual(yield* alone(events, office(url)), before)
      })
    )
  )
})
