/** One app under the contract: served, tested, and tested again from what was recorded. */
import type * as Surface from "@millwright/validators/Surface"
import * as Effect from "effect/Effect"
import * as Apps from "./Apps.ts"
import * as Clauses from "./Clauses.ts"
import * as Course from "./Course.ts"
import type * as Matrix from "./Matrix.ts"

/** What of the contract, how often, and how many clauses at once. */
export interface Asked {
  readonly ids: ReadonlyArray<string>
  readonly isReplayed: boolean
  readonly sessions: number
}

/** Tests an app. The time is that of the first passage. */
export const test = (
  app: Apps.App,
  { ids, isReplayed, sessions }: Asked
): Effect.Effect<Matrix.Row, never, Surface.Surface> =>
  Effect.gen(function* () {
    const served = yield* Effect.acquireRelease(
      Effect.promise(() => Apps.serve(app)),
      ({ close }) => Effect.sync(close)
    )
    const ground: Course.Ground = { app: { address: served.address }, name: app.name, contract: Clauses.contract }
    const many = { concurrency: sessions }
    const from = performance.now()
    const ran = yield* Effect.forEach(ids, (id) => Course.plan(ground, id, Clauses.plans[id] ?? Clauses.none), many)
    const seconds = (performance.now() - from) / 1_000
    const replayed = isReplayed
      ? yield* Effect.forEach(ran, ({ recording }) => Course.replay(ground, recording), many)
      : []
    return { app: app.name, seconds, ran, replayed }
  }).pipe(Effect.scoped)
