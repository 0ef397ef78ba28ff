/** The line of this example: build a release, ask a person, ship it. Each stage says which process it ran in. */
import * as Gate from "@millwright/core/Gate"
import * as Line from "@millwright/core/Line"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** The stages before and after the gate. */
export const stages = { before: ["fetch", "build", "test"], after: ["sign", "publish"] } as const

/** Which process each stage ran in, in order. */
export const Shipped = Schema.Struct({ ranIn: Schema.Array(Schema.Int) })

export const Release = Line.make("Release", {
  payload: { item: WorkItem.WorkItem, millis: Schema.Natural },
  success: Shipped
})

export const layer = Release.toLayer(
  Effect.fnUntraced(function* ({ item, millis }) {
    // A stand-in for work. A real stage that acts outside carries an idempotency key: killed in the middle, it runs again.
    const work = (name: string) =>
      Stage.run(
        { name, success: Schema.Int },
        Effect.delay(
          Effect.sync(() => process.pid),
          millis
        )
      )
    const built = yield* Effect.forEach(stages.before, work)
    yield* Gate.approve("ship", { question: `Ship ${item.title}?`, cause: "release" }).pipe(
      Effect.catchTag("Rejected", (no) => Line.park(item, { reason: no.message })),
      // A gate that stands between the stages of a line has no other error.
      Effect.catchTag("GateError", Effect.die)
    )
    const shipped = yield* Effect.forEach(stages.after, work)
    return { ranIn: [...built, ...shipped] }
  })
)
