/** A **stage**: one named durable step of a line: done once, result stored, retried by policy. */
import * as Effect from "effect/Effect"
import type * as Fault from "./Fault.ts"
import type * as Layer from "effect/Layer"

/** Provides services to the stages of an effect. In a line, the layer is built when a stage really runs. */
export const provide =
  <ROut, E extends Fault.Fault, RIn>(layer: Layer.Layer<ROut, E, RIn>) =>
  <A, E2, R>(effect: Effect.Effect<A, E2, R>): Effect.Effect<A, E | E2, RIn | Exclude<R, ROut>> =>
    Effect.provide(effect, layer)
