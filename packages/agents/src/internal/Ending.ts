/** How a request to a harness ends: what whoever asked waits for. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Harness from "../Harness.ts"
import * as Progress from "../Progress.ts"

/** Runs a request to its end, and shows the way there to whoever listens. */
export const of = (harness: Harness.Harness["Service"], request: Harness.Request) =>
  Effect.gen(function* () {
    const { report } = yield* Progress.Progress
    const last = yield* harness.run(request).pipe(
      Stream.tap((event) => report({ role: request.role, event })),
      Stream.runLast
    )
    if (Option.isSome(last) && last.value._tag === "Ended") return last.value
    return yield* new Harness.HarnessError({
      reason: "Broken",
      message: `The harness ${harness.name} stopped without saying how the role ${request.role} ended.`
    })
  })

/** Asks for something that has one shape and no cases. */
export const value = <A>(
  request: Omit<Harness.Request, "outcome">,
  shape: Schema.Codec<A, unknown>
): Effect.Effect<A, Harness.Failure, Harness.Harness | Harness.Workplace> =>
  Effect.gen(function* () {
    const { outcome } = yield* of(yield* Harness.Harness, { ...request, outcome: shape })
    return yield* Effect.mapError(
      Schema.decodeUnknownEffect(shape)(outcome),
      (error) =>
        new Harness.HarnessError({
          reason: "NoOutcome",
          message: `The role ${request.role} answered in a shape that was not asked for: ${error.message}. Give it a larger tier.`
        })
    )
  })
