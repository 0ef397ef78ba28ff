/** The week: eight items, and what people do about them. Everything that is known of it later was written down as it happened. */
import * as LocalForge from "@millwright/core/adapters/LocalForge"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Actor from "@millwright/core/Actor"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Gate from "@millwright/core/Gate"
import * as GateDesk from "@millwright/core/GateDesk"
import * as Git from "@millwright/core/Git"
import * as Intervention from "@millwright/core/Intervention"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Recorder from "@millwright/core/Recorder"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Status from "@millwright/core/Status"
import * as Metrics from "@millwright/governance/Metrics"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Agent from "./agent.ts"
import type * as Clock from "./clock.ts"
import { Factory, layer as line } from "./line.ts"
import * as Memory from "./memory.ts"
import * as Repository from "./repository.ts"
import { edited, takenOver, tasks, type Task } from "./tasks.ts"
import * as Timeline from "./timeline.ts"

/** When it begins. */
export const monday = Date.UTC(2026, 2, 2)
const ada = Actor.human("ada")
const bo = Actor.human("bo")

/** Lives through the week on a repository, with a store in a file. */
export const live = Effect.fnUntraced(function* (
  repository: Repository.Repository,
  { store, week }: { store: string; week: Clock.Week }
) {
  const { base, dir } = repository
  const timeline = Timeline.make(dir)
  const agent = Agent.make(dir, week)
  const courses: Readonly<Record<string, Agent.Course>> = {
    guide: { hint: "Say how fast people read." },
    server: { fails: 1 },
    deploy: { forges: { ...repository.stranger, name: repository.ada.name, email: repository.ada.email } }
  }
  const byId = new Map<string, Task>(Object.entries(tasks))
  const work = ({ id }: Task["item"]) => {
    const task = byId.get(id)
    return task === undefined ? Effect.die(`nobody knows what comes of ${id}`) : agent(task, courses[id] ?? {})
  }

  const started = Effect.fnUntraced(function* ({ item }: Task) {
    yield* week.pass("1 hour")
    const run = yield* Factory.start({ item })
    yield* Line.settled(run)
    return run
  })
  /** Bo says yes at the gate of a run, after some minutes, and was at it for some of them. */
  const approves = Effect.fnUntraced(function* (run: string, after: number, activeMinutes: number) {
    yield* week.pass(`${after} minutes`)
    const yes = { _tag: "Approve", note: "" } as const
    const open = (yield* GateDesk.open).filter(({ origin }) => origin.run === run)
    for (const { opened } of open) yield* Gate.settle(opened.gate, yes, { actor: bo, activeMinutes })
    yield* Line.settled(run)
  })
  /** Ada commits to the branch of an item, with her key, and pushes it. */
  const commits = Effect.fnUntraced(function* ({ item }: Task, files: Repository.Files, message: string) {
    const branch = `factory/${item.id}`
    const before = yield* Git.resolve(dir, branch)
    const after = yield* Repository.commit(dir, { branch, files, message, who: repository.ada })
    const owner = { _tag: "Human", identity: `Ada <${repository.ada.email}>` } as const
    yield* Repository.claim(dir, { commit: after, files, owner })
    yield* timeline.happened(item.id, { _tag: "Pushed", by: Timeline.accounts.ada, before, after, forced: false })
  })
  const place = { dir, base, timeline }

  return yield* Effect.gen(function* () {
    yield* week.morning(0)
    const readme = yield* started(tasks.readme)
    const whole = yield* started(tasks.whole)
    yield* approves(whole, 40, 6)
    yield* Memory.keep(place, [readme, whole])

    yield* week.morning(1)
    const guide = yield* started(tasks.guide)
    const short = yield* started(tasks.short)
    yield* week.pass("20 minutes")
    yield* commits(tasks.short, edited, "fix: an empty text takes no time")
    // He looked at what was there before: his yes is void, and he is asked again.
    yield* approves(short, 5, 4)
    yield* approves(short, 10, 3)
    yield* Memory.keep(place, [guide, short])

    yield* week.morning(2)
    const page = yield* started(tasks.page)
    const { id: item } = tasks.page.item
    const why = "The agent can not see the page."
    const mine = yield* Recorder.takeOver({ item, run: page, line: Factory.name, by: ada, why })
    yield* week.pass("2 hours")
    yield* commits(tasks.page, takenOver, "One minute, two minutes")
    yield* Recorder.handBack(mine, { by: ada, why: "It shows them.", activeMinutes: 85 })
    yield* approves(page, 30, 5)
    yield* approves(page, 5, 1)
    const server = yield* started(tasks.server)
    yield* week.pass("50 minutes")
    yield* Line.resume(server, { by: bo })
    yield* Line.settled(server)
    yield* approves(server, 25, 7)
    yield* Memory.keep(place, [page, server])

    yield* week.morning(3)
    const moods = yield* started(tasks.moods)
    yield* week.pass("1 hour")
    yield* Line.cancel(moods, { reason: "Nobody asked for it.", by: bo })
    yield* timeline.happened("moods", { _tag: "Closed", by: Timeline.accounts.bot })
    const deploy = yield* started(tasks.deploy)
    yield* week.pass("15 minutes")
    yield* timeline.happened("deploy", { _tag: "Closed", by: Timeline.accounts.bo })
    yield* Memory.keep(place, [moods, deploy])

    yield* week.morning(4)
    yield* timeline.bug("A text of 99 words takes 0 minutes", "It was introduced in #2.")
    yield* Memory.observe(place)
    for (const status of yield* Status.runs(Factory.name)) {
      if (status._tag === "Stalled")
        return yield* Effect.die(new Error(`${status.run} stalled: ${status.fault.message}`))
    }
    return {
      events: yield* Journal.fold<ReadonlyArray<FactoryEvent.FactoryEvent>>([], (all, event) => [...all, event]),
      ledger: yield* Journal.fold(Intervention.empty, Intervention.step),
      state: yield* Metrics.fold,
      forge: yield* timeline.history
    }
  }).pipe(
    Effect.provide(
      line({ dir, timeline, work }).pipe(
        Layer.provideMerge(LocalForge.layer({ repository: dir })),
        Layer.provideMerge(Layer.merge(SqliteJournal.layer, SqliteEngine.layer())),
        Layer.provide(Sqlite.layer({ path: store, poll: "5 millis" }))
      )
    )
  )
})
