/** One life of a process that carries a line of stages. Writes down every stage that it begins, beside the store. */
import * as Line from "@millwright/core/Line"
import * as Stage from "@millwright/core/Stage"
import * as Status from "@millwright/core/Status"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { openSync, writeSync } from "node:fs"
import * as Factory from "./Factory.ts"

interface Request {
  readonly path: string
  /** Where the stages that begin are written: a number and a time in each line. What is written survives the process. */
  readonly log: string
  readonly stages: number
  /** The run to go on with; without it, a new one is started. */
  readonly run?: string
}

export const main = async ({ log, path, run, stages }: Request): Promise<void> => {
  const file = openSync(log, "a")
  let isFirst = true
  const begin = (at: number): number => {
    writeSync(file, `${at} ${Factory.now()}\n`)
    if (isFirst) Factory.say({ first: at })
    isFirst = false
    return at
  }
  const Steps = Line.make("Steps", { payload: { item: WorkItem.WorkItem }, success: Schema.Number })
  const code = Steps.toLayer(
    Effect.fnUntraced(function* () {
      let sum = 0
      for (let at = 0; at < stages; at++) {
        sum += yield* Stage.run(
          { name: "step", success: Schema.Number },
          Effect.sync(() => begin(at))
        )
      }
      return sum
    })
  )
  const program = Effect.gen(function* () {
    // A run whose process is gone is taken over by the engine: nobody resumes it here.
    const name = run ?? (yield* Steps.start({ item: Factory.item("bench") }))
    const status = yield* Effect.repeat(Line.settled(name), { until: Status.isEnded })
    Factory.say({ ended: status._tag, result: status._tag === "Finished" ? status.result : null, run: name })
  })
  await Effect.runPromise(Effect.provide(program, Layer.provideMerge(code, Factory.store(path))))
}
