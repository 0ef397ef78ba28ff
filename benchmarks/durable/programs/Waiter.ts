/** The line that waits: a gate, and a stage after it that says when it began. */
import * as Gate from "@millwright/core/Gate"
import * as Line from "@millwright/core/Line"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Factory from "./Factory.ts"

export const Waiter = Line.make("Waiter", { payload: { item: WorkItem.WorkItem }, success: Schema.String })

/** The gate of the run of an item. Each item has one run. */
export const gateOf = (number: number): string => `item-${number}.1:go`

/** The line's code. `resumed` is told when the stage after a gate begins, as a time of `Factory.now`. */
export const code = (resumed: (item: string, at: string) => void) =>
  Waiter.toLayer(
    Effect.fnUntraced(function* ({ item }) {
      const answer = yield* Gate.answer("go", { question: "Go on?", cause: "bench" })
      yield* Stage.run(
        { name: "after", success: Schema.Void },
        Effect.sync(() => resumed(item.id, Factory.now()))
      )
      return answer
    })
  )

/** Answers the gate of an item. Answers with the time right before. */
export const answer = Effect.fnUntraced(function* (number: number) {
  const asked = Factory.now()
  yield* Gate.settle(gateOf(number), { _tag: "Reply", text: "yes" }, { actor: { _tag: "Human", name: "bench" } })
  return asked
})
