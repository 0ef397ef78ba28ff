/** What a stage costs after so many others of its line: the time from one stage to the next, around two places. */
import * as Line from "@millwright/core/Line"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Factory from "./Factory.ts"

interface Request {
  readonly path: string
  readonly synchronous: "FULL" | "NORMAL"
  /** The two places, and how many stages from there on are looked at. */
  readonly early: number
  readonly late: number
  readonly window: number
}

export const main = async ({ early, late, path, synchronous, window }: Request): Promise<void> => {
  const Long = Line.make("Long", {
    payload: { item: WorkItem.WorkItem, stages: Schema.Number },
    success: Schema.Number
  })
  const moments: Array<number> = []
  const code = Long.toLayer(
    Effect.fnUntraced(function* ({ stages }) {
      for (let at = 0; at < stages; at++) {
        const work = Effect.sync(() => {
          moments.push(performance.now())
          return at
        })
        yield* Stage.run({ name: "step", success: Schema.Number }, work)
      }
      return stages
    })
  )
  const line = (name: string, stages: number) =>
    Effect.gen(function* () {
      moments.length = 0
      const status = yield* Line.settled(yield* Long.start({ item: Factory.item(name), stages }))
      if (status._tag !== "Finished") return yield* Effect.die(new Error(`The line is ${JSON.stringify(status)}`))
    })
  const costAt = (place: number): number => {
    const costs = Array.from({ length: window }, (_, n) => (moments[place + n + 1] ?? 0) - (moments[place + n] ?? 0))
    return costs.sort((a, b) => a - b)[Math.floor(window / 2)] ?? Number.NaN
  }
  const program = Effect.gen(function* () {
    yield* line("warm", Math.min(1_000, late))
    yield* line("long", late + window + 1)
    Factory.say({ early: costAt(early), late: costAt(late) })
  })
  await Effect.runPromise(Effect.provide(program, Layer.provideMerge(code, Factory.store(path, synchronous))))
}
