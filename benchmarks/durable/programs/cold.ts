/** From the start of a process to the first stage that is on the disk. */
import * as Line from "@millwright/core/Line"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Factory from "./Factory.ts"

const imported = Factory.now()

export const main = async ({ path }: { readonly path: string }): Promise<void> => {
  let recorded = ""
  const One = Line.make("One", { payload: { item: WorkItem.WorkItem }, success: Schema.Number })
  const code = One.toLayer(() =>
    Effect.map(Stage.run({ name: "step", success: Schema.Number }, Effect.succeed(1)), (value) => {
      recorded = Factory.now()
      return value
    })
  )
  const program = Effect.gen(function* () {
    const status = yield* Line.settled(yield* One.start({ item: Factory.item("bench") }))
    Factory.say({ imported, recorded, status: status._tag })
  })
  await Effect.runPromise(Effect.provide(program, Layer.provideMerge(code, Factory.store(path))))
}
