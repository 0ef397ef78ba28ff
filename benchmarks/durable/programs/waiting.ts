/** A process that holds lines which wait at gates: it starts them, or takes up those that are there, and then it is idle. */
import * as Line from "@millwright/core/Line"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createInterface } from "node:readline"
import * as Factory from "./Factory.ts"
import * as Waiter from "./Waiter.ts"

interface Request {
  readonly path: string
  /** How many lines to start. */
  readonly lines: number
  /** How long the use of the processor is looked at, in milliseconds. */
  readonly idle: number
  /** The items whose gates are answered from inside, one after another. */
  readonly answers: ReadonlyArray<number>
}

const started = (number: number) =>
  Effect.gen(function* () {
    const status = yield* Line.settled(yield* Waiter.Waiter.start({ item: Factory.item(`item-${number}`) }))
    if (status._tag !== "Waiting") return yield* Effect.die(new Error(`A line is ${JSON.stringify(status)}`))
  })

const memory = (): { readonly rss: number; readonly heap: number } => {
  // Twice: the first may leave what only finalizers held.
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  return { rss, heap: heapUsed }
}

/** Goes on until `end` is written to standard input. Until then, what resumes is printed. */
export const main = async ({ answers, idle, lines, path }: Request): Promise<void> => {
  const resumedAt = new Map<string, string>()
  const told = new Map<string, () => void>()
  const code = Waiter.code((item, at) => {
    resumedAt.set(item, at)
    Factory.say({ item, resumed: at })
    told.get(item)?.()
  })
  const answered = (number: number) =>
    Effect.gen(function* () {
      const name = `item-${number}`
      const resumed = new Promise<void>((resolve) => told.set(name, resolve))
      const asked = yield* Waiter.answer(number)
      yield* Effect.promise(() => resumed)
      return Number(BigInt(resumedAt.get(name) ?? asked) - BigInt(asked)) / 1e6
    })
  const program = Effect.gen(function* () {
    Factory.say({ ready: Factory.now() })
    yield* Factory.each(lines, 50, started)
    // What the last lines still have to write is written before the processor's use is looked at.
    yield* Effect.sleep(1_000)
    const held = memory()
    const before = process.cpuUsage()
    yield* Effect.sleep(idle)
    const { system, user } = process.cpuUsage(before)
    Factory.say({ ...held, cpu: (system + user) / 10 / idle })
    const inside: Array<number> = []
    for (const number of answers) inside.push(yield* answered(number))
    Factory.say({ inside })
    const end = new Promise<void>((resolve) =>
      createInterface({ input: process.stdin }).on("line", (line) => {
        if (line.includes("end")) resolve()
      })
    )
    yield* Effect.promise(() => end)
  })
  await Effect.runPromise(Effect.provide(program, Layer.provideMerge(code, Factory.store(path))))
}
