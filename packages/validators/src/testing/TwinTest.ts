/**
 * What every twin holds to. A twin proves itself with one line and a `TwinLab.Subject`, which says what to ask of it:
 *
 * ```text
 * import * as TwinLab from "@millwright/validators/testing/TwinLab"
 * import * as TwinTest from "@millwright/validators/testing/TwinTest"
 *
 * declare const subject: TwinLab.Subject<Seed>
 *
 * TwinTest.suite("MyTwin", TwinLab.layer(subject))
 * ```
 */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TwinClaims from "./TwinClaims.ts"
import * as TwinFaultClaims from "./TwinFaultClaims.ts"
import type * as TwinLab from "./TwinLab.ts"
import * as TwinWebhookClaims from "./TwinWebhookClaims.ts"

/** A promise of the port: it is kept when the effect succeeds. */
export interface Claim {
  readonly name: string
  readonly holds: Effect.Effect<void, unknown, TwinLab.Fixture | Scope.Scope>
}

/** Every promise, as an effect that fails where it is broken. */
export const claims: ReadonlyArray<Claim> = [
  ...TwinClaims.claims,
  ...TwinFaultClaims.claims,
  ...TwinWebhookClaims.claims
]

/** Registers the tests of a twin with vitest. */
export const suite = (name: string, layer: Layer.Layer<TwinLab.Fixture, unknown>): void => {
  describe(name, () => {
    for (const { holds, name } of claims) {
      it.live(name, () => holds.pipe(Effect.scoped, Effect.provide(layer)), 30_000)
    }
  })
}
