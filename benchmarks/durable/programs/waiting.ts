/** A process that holds lines which wait at gates: it starts them, or takes up those that are there, and then it is idle. */
import * as Line from "@millwright/core/Line"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { createInterface } from "node:readline"
import * as Factory from "./Factory.ts"
import * as Waiter from "./Waiter.ts"

interface Request {
  readonly path: string
  /** How many lines to start. */
  readonly lines: number
  /** How long the use of the processor is looked at, in milliseconds. */
  readonly idle: number
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

/** How long an answered line may take to go on, in milliseconds. */
const patience = 5_000

/**
 * Says what it holds, and then does what is written to standard input: a number is an item whose gate it answers, and
 * the end of the input is the end. What goes on is printed, whoever answered.
 */
export const main = async ({ idle, lines, path }: Request): Promise<void> => {
  const told = new Map<string, (at: string) => void>()
  const code = Waiter.code((item, at) => {
    Factory.say({ item, resumed: at })
    told.get(item)?.(at)
  })
  const answered = (number: number) =>
    Effect.gen(function* () {
      const resumed = new Promise<string>((resolve) => told.set(`item-${number}`, resolve))
      const asked = yield* Waiter.answer(number)
      const at = yield* Effect.timeoutOption(
        Effect.promise(() => resumed),
        patience
      )
      return Option.isNone(at) ? null : Number(BigInt(at.value) - BigInt(asked)) / 1e6
    })
  const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
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
    while (true) {
      const asked = yield* Effect.promise(() => input.next())
      if (asked.done === true || asked.value.includes("end")) return
      const request: { readonly answer: number } = JSON.parse(asked.value)
      Factory.say({ took: yield* answered(request.answer) })
    }
  })
  await Effect.runPromise(Effect.provide(program, Layer.provideMerge(code, Factory.store(path))))
}
