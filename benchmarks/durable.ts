/** How many trivial stages a second the embedded engine finishes, beside what bounds it: Effect's engine in memory, and SQLite itself. */
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Durable from "@millwright/core/Durable"
import * as Line from "@millwright/core/Line"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Bench from "./Bench.ts"
import * as Store from "./Store.ts"

/** What is measured. */
export const description =
  "stages per second of lines on SQLite, as ratios to Effect's engine in memory and to raw node:sqlite"

/** What can be set. */
export const options = {
  stages: { type: "number", about: "stages of the one long line", default: 1_000 },
  lines: { type: "number", about: "lines of 10 stages each that run together", default: 200 },
  concurrency: { type: "number", about: "how many of them at once", default: 50 },
  runs: { type: "number", about: "runs that the median is taken of", default: 3 }
} as const satisfies Bench.Options

type Synchronous = NonNullable<Sqlite.Options["synchronous"]>

/** So many lines of so many stages, so many at once. */
interface Load {
  readonly lines: number
  readonly stages: number
  readonly concurrency: number
}

const lineOf = ({ stages }: Load) => {
  const Bare = Line.make("Bare", { payload: { item: WorkItem.WorkItem }, success: Schema.Number })
  const code = Bare.toLayer(
    Effect.fnUntraced(function* () {
      let sum = 0
      for (let at = 0; at < stages; at++) {
        sum += yield* Stage.run({ name: "step", success: Schema.Number }, Effect.succeed(at))
      }
      return sum
    })
  )
  return { Bare, code }
}

const item = (number: number): WorkItem.WorkItem => ({
  id: `item-${number}`,
  title: "Bench",
  body: "",
  labels: [],
  source: "bench"
})

const each = (load: Load, work: (number: number) => Effect.Effect<unknown, unknown, never>) =>
  Effect.forEach(
    Array.from({ length: load.lines }, (_, number) => number),
    work,
    { concurrency: load.concurrency, discard: true }
  )

const took = <E, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, () => performance.now() - start)
  })

/** Lines on the embedded engine, started and waited for as a program does it. */
const ours = (load: Load, synchronous: Synchronous): Promise<number> =>
  Store.inFolder((path) => {
    const { Bare, code } = lineOf(load)
    const engine = Layer.mergeAll(SqliteJournal.layer, SqliteEngine.layer()).pipe(
      Layer.provide(Sqlite.layer({ path, synchronous }))
    )
    const work = Effect.gen(function* () {
      const context = yield* Effect.context<Effect.Services<ReturnType<typeof Bare.start>>>()
      const one = (number: number) =>
        Effect.flatMap(Bare.start({ item: item(number) }), Line.settled).pipe(Effect.provideContext(context))
      return yield* took(each(load, one))
    })
    return Effect.runPromise(Effect.provide(work, Layer.provideMerge(code, engine)))
  })

/** The same as bare workflows of Effect's engine in memory: no journal, no disk. */
const inMemory = (load: Load): Promise<number> => {
  const bare = Durable.Workflow.make("Bare", {
    payload: { number: Schema.Number },
    success: Schema.Number,
    idempotencyKey: ({ number }) => String(number)
  })
  const code = bare.toLayer(
    Effect.fnUntraced(function* () {
      let sum = 0
      for (let at = 0; at < load.stages; at++) {
        sum += yield* Durable.Activity.make({ name: `step#${at}`, success: Schema.Number, execute: Effect.succeed(at) })
      }
      return sum
    })
  )
  const work = Effect.gen(function* () {
    const context = yield* Effect.context<Durable.Engine>()
    return yield* took(each(load, (number) => Effect.provideContext(bare.execute({ number }), context)))
  })
  return Effect.runPromise(Effect.provide(work, Layer.provideMerge(code, Durable.WorkflowEngine.layerMemory)))
}

/** The bare writing: a row and a commit for each stage. */
const raw = (load: Load, synchronous: Synchronous): Promise<number> =>
  Store.inFolder(async (path) => {
    const db = Store.open(path, synchronous)
    db.exec("create table activities (id integer primary key, name text not null, result text not null) strict")
    const insert = db.prepare("insert into activities (name, result) values (?, ?)")
    const start = performance.now()
    for (let at = 0; at < load.lines * load.stages; at++) {
      db.exec("begin immediate")
      insert.run(`step#${at}`, `{"_tag":"Success","value":${at}}`)
      db.exec("commit")
    }
    const time = performance.now() - start
    db.close()
    return time
  })

/** What the prototype of the engine reached against the same bounds, in the design's measurements. */
const goals = {
  long: { NORMAL: 9_717 / 11_300, FULL: 2_205 / 5_070 },
  wide: { NORMAL: 8_533 / 12_170, FULL: 9_773 / 5_210 }
} as const

const rate = (load: Load, times: ReadonlyArray<number>): number =>
  (load.lines * load.stages * 1_000) / Bench.median(times)

/** Takes turns, so that whatever else the machine does meets all of them alike. */
const compare = async (load: Load, runs: number) => {
  const none = (): { readonly raw: Array<number>; readonly ours: Array<number> } => ({ raw: [], ours: [] })
  const memory: Array<number> = []
  const times = { memory, NORMAL: none(), FULL: none() }
  for (let at = 0; at < runs; at++) {
    memory.push(await inMemory(load))
    for (const synchronous of ["NORMAL", "FULL"] as const) {
      times[synchronous].raw.push(await raw(load, synchronous))
      times[synchronous].ours.push(await ours(load, synchronous))
    }
  }
  return times
}

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ concurrency, lines, runs, stages }, progress) => {
  const loads = {
    long: { lines: 1, stages, concurrency: 1 },
    wide: { lines, stages: 10, concurrency }
  } as const
  const warmUp: Load = { lines: 2, stages: 100, concurrency: 2 }
  await inMemory(warmUp)
  await ours(warmUp, "NORMAL")
  const figures: Array<Bench.Measured> = []
  for (const name of ["long", "wide"] as const) {
    const load = loads[name]
    const title = `${load.lines} × ${load.stages}`
    progress(`${title}, ${load.concurrency} at once, ${runs} runs`)
    const times = await compare(load, runs)
    const memory = rate(load, times.memory)
    figures.push({ name: title, value: Bench.round(memory), unit: "stages/s", peer: "Effect in memory" })
    for (const synchronous of ["NORMAL", "FULL"] as const) {
      const bare = rate(load, times[synchronous].raw)
      const engine = rate(load, times[synchronous].ours)
      const goal = { op: ">=", value: Bench.round(goals[name][synchronous]) } as const
      const ratios: ReadonlyArray<Bench.Measured> = [
        { name: `${title} ${synchronous} against in memory`, value: Bench.round(engine / memory), unit: "ratio" },
        { name: `${title} ${synchronous} against raw`, value: Bench.round(engine / bare), unit: "ratio" }
      ]
      figures.push(
        { name: `${title} ${synchronous}`, value: Bench.round(bare), unit: "stages/s", peer: "node:sqlite" },
        { name: `${title} ${synchronous}`, value: Bench.round(engine), unit: "stages/s" },
        // What bounds it: Effect's own cost where no commit waits for the disk, and the disk where each does.
        ...ratios.map((ratio, at) => (at === (synchronous === "NORMAL" ? 0 : 1) ? { ...ratio, goal } : ratio))
      )
    }
  }
  return { figures }
}
