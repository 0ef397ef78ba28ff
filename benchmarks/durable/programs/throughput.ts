/** One measurement of our engine, or of what bounds it: the same request and answer as the peers' programs. */
import * as Durable from "@millwright/core/Durable"
import * as Line from "@millwright/core/Line"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Factory from "./Factory.ts"

interface Load {
  readonly lines: number
  readonly stages: number
  readonly concurrency: number
}

interface Request extends Load {
  readonly variant: "NORMAL" | "FULL" | "memory" | "raw NORMAL" | "raw FULL"
  readonly folder: string
  readonly warm: { readonly lines: number; readonly stages: number }
  /** Bytes of each stage's output; 0 for a number. */
  readonly bytes: number
}

type Pass = (name: string, load: Load) => Promise<void>

const Output = Schema.Union([Schema.Number, Schema.String])
const output = (bytes: number, at: number): number | string =>
  bytes === 0
    ? at
    : randomBytes(Math.ceil((bytes * 3) / 4))
        .toString("base64")
        .slice(0, bytes)
const weight = (value: number | string): number => (typeof value === "number" ? value : 1)
const expected = ({ bytes }: Request, stages: number): number => (bytes === 0 ? (stages * (stages - 1)) / 2 : stages)

const check = (found: unknown, request: Request, stages: number): void => {
  if (found !== expected(request, stages)) throw new Error(`A line of ${stages} stages ended with ${String(found)}`)
}

/** Lines as a program writes, starts and awaits them. */
const lines = (request: Request, synchronous: "NORMAL" | "FULL", measure: (pass: Pass) => Promise<void>) => {
  const payload = { item: WorkItem.WorkItem, stages: Schema.Number }
  const Bench = Line.make("Bench", { payload, success: Schema.Number })
  const code = Bench.toLayer(
    Effect.fnUntraced(function* ({ stages }) {
      let sum = 0
      for (let at = 0; at < stages; at++) {
        const work = Effect.sync(() => output(request.bytes, at))
        sum += weight(yield* Stage.run({ name: "step", success: Output }, work))
      }
      return sum
    })
  )
  const program = Effect.gen(function* () {
    const context = yield* Effect.context<Effect.Services<ReturnType<typeof Bench.start>>>()
    const one = (name: string, stages: number) =>
      Effect.gen(function* () {
        const status = yield* Line.settled(yield* Bench.start({ item: Factory.item(name), stages }))
        check(status._tag === "Finished" ? status.result : status, request, stages)
      })
    yield* Effect.promise(() =>
      measure((name, load) =>
        Effect.runPromise(
          Factory.each(load.lines, load.concurrency, (number) => one(`${name}-${number}`, load.stages)).pipe(
            Effect.provideContext(context)
          )
        )
      )
    )
  })
  const store = Factory.store(join(request.folder, "millwright.db"), synchronous)
  return Effect.runPromise(Effect.provide(program, Layer.provideMerge(code, store)))
}

/** Bare workflows of Effect's engine in memory: no journal, no disk. */
const inMemory = (request: Request, measure: (pass: Pass) => Promise<void>) => {
  const Bare = Durable.Workflow.make("Bare", {
    payload: { name: Schema.String, stages: Schema.Number },
    success: Schema.Number,
    idempotencyKey: ({ name }) => name
  })
  const code = Bare.toLayer(
    Effect.fnUntraced(function* ({ stages }) {
      let sum = 0
      for (let at = 0; at < stages; at++) {
        const execute = Effect.sync(() => output(request.bytes, at))
        sum += weight(yield* Durable.Activity.make({ name: `step#${at}`, success: Output, execute }))
      }
      return sum
    })
  )
  const program = Effect.gen(function* () {
    const context = yield* Effect.context<Durable.Engine>()
    yield* Effect.promise(() =>
      measure((name, load) =>
        Effect.runPromise(
          Factory.each(load.lines, load.concurrency, (number) =>
            Effect.map(Bare.execute({ name: `${name}-${number}`, stages: load.stages }), (sum) =>
              check(sum, request, load.stages)
            )
          ).pipe(Effect.provideContext(context))
        )
      )
    )
  })
  return Effect.runPromise(Effect.provide(program, Layer.provideMerge(code, Durable.WorkflowEngine.layerMemory)))
}

/** The bare writing: a row and a commit for each stage. */
const raw = async (request: Request, synchronous: "NORMAL" | "FULL", measure: (pass: Pass) => Promise<void>) => {
  const db = new DatabaseSync(join(request.folder, "raw.db"))
  db.exec(`pragma journal_mode = wal; pragma synchronous = ${synchronous}; pragma journal_size_limit = 67108864`)
  db.exec("create table activities (id integer primary key, name text not null, result text not null) strict")
  const insert = db.prepare("insert into activities (name, result) values (?, ?)")
  await measure(async (_name, load) => {
    for (let at = 0; at < load.lines * load.stages; at++) {
      db.exec("begin immediate")
      insert.run(`step#${at}`, JSON.stringify({ _tag: "Success", value: output(request.bytes, at) }))
      db.exec("commit")
    }
  })
  db.close()
}

const policies: Record<Request["variant"], string> = {
  NORMAL: "SQLite WAL, synchronous=NORMAL; each stage is committed before the next begins",
  FULL: "SQLite WAL, synchronous=FULL with group commit (default); each stage is on the disk before the next begins",
  memory: "nothing is stored",
  "raw NORMAL": "SQLite WAL, synchronous=NORMAL, one commit for each stage",
  "raw FULL": "SQLite WAL, synchronous=FULL, one commit for each stage"
}

export const main = async (request: Request): Promise<void> => {
  let ms = 0
  const measure = async (pass: Pass) => {
    if (request.warm.lines > 0) await pass("warm", { ...request.warm, concurrency: request.warm.lines })
    const start = performance.now()
    await pass("line", request)
    ms = performance.now() - start
  }
  const { variant } = request
  if (variant === "memory") await inMemory(request, measure)
  else if (variant === "NORMAL" || variant === "FULL") await lines(request, variant, measure)
  else await raw(request, variant === "raw FULL" ? "FULL" : "NORMAL", measure)
  Factory.say({ ms, policy: policies[variant] })
}
