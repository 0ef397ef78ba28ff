/** What the programs of the cluster have in common: the lines, a runner's layers and a client's, and the journal's end. */
import * as ClusterEngine from "@millwright/core/adapters/ClusterEngine"
import * as PostgresClient from "@millwright/core/adapters/PostgresClient"
import * as PostgresJournal from "@millwright/core/adapters/PostgresJournal"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Gate from "@millwright/core/Gate"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/** Stages that do nothing for `millis` each; the sum of their numbers. */
export const Steps = Line.make("Steps", {
  payload: { item: WorkItem.WorkItem, stages: Schema.Natural, millis: Schema.Natural },
  success: Schema.Number
})

/** A gate, and a stage after it. */
export const Asking = Line.make("Asking", { payload: { item: WorkItem.WorkItem }, success: Schema.Void })

/** A timer, and a stage after it. */
export const Napping = Line.make("Napping", {
  payload: { item: WorkItem.WorkItem, millis: Schema.Natural },
  success: Schema.Void
})

const after = Stage.run({ name: "after", success: Schema.Void }, Effect.void)

const lines = Layer.mergeAll(
  Steps.toLayer(
    Effect.fnUntraced(function* ({ millis, stages }) {
      let sum = 0
      for (let at = 0; at < stages; at++) {
        const work = millis === 0 ? Effect.succeed(at) : Effect.delay(Effect.succeed(at), millis)
        sum += yield* Stage.run({ name: "step", success: Schema.Number }, work)
      }
      return sum
    })
  ),
  Asking.toLayer(() => Effect.andThen(Effect.orDie(Gate.answer("go", { question: "Go on?", cause: "bench" })), after)),
  Napping.toLayer(({ millis }) => Effect.andThen(Effect.orDie(Line.sleep("nap", millis)), after))
)

/** A process that runs the lines, as `docs/guides/scale-out.md` says. */
export const runner = (url: string, port: number) =>
  lines.pipe(
    Layer.provideMerge(
      Layer.merge(PostgresJournal.layer, ClusterEngine.runner({ address: { host: "127.0.0.1", port } }))
    ),
    Layer.provide(PostgresClient.layer({ url: Redacted.make(url), patience: Duration.infinity }))
  )

/** A process that starts lines and answers gates. */
export const client = (url: string) =>
  Layer.merge(PostgresJournal.layer, ClusterEngine.client()).pipe(
    Layer.provide(PostgresClient.layer({ url: Redacted.make(url) }))
  )

/** The next event of a stage, or of a run, with a fact of this kind. Waits for it. */
export const next = Effect.fnUntraced(function* (where: Journal.Range, tag: FactoryEvent.Fact["_tag"], stage?: string) {
  const journal = yield* Journal.Journal
  const found = yield* journal.follow(where).pipe(
    Stream.filter((event) => event.fact._tag === tag && (stage === undefined || event.stage === stage)),
    Stream.runHead
  )
  return yield* Effect.fromOption(found)
})
