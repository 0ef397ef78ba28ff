/**
 * The conformance suite of the `Sandbox` port: every promise of its documentation, tried on a real repository with real
 * processes. An adapter that passes it can be used wherever another one was.
 *
 * What an adapter can not hold it says in `supports`, never in an option here; the suite asks `supports` and tries what
 * holds then.
 */
import { describe, layer as sharing } from "@effect/vitest"
import type * as Layer from "effect/Layer"
import type * as Sandbox from "../Sandbox.ts"
import * as CommandClaims from "./CommandClaims.ts"
import * as EndingClaims from "./EndingClaims.ts"
import * as FileClaims from "./FileClaims.ts"
import type { Claim } from "./Fixture.ts"
import * as LimitClaims from "./LimitClaims.ts"
import * as OpeningClaims from "./OpeningClaims.ts"
import * as WorkspaceClaims from "./WorkspaceClaims.ts"

/** Every promise, as an effect that fails where it is broken. */
export const claims: ReadonlyArray<Claim> = [
  ...OpeningClaims.claims,
  ...WorkspaceClaims.claims,
  ...CommandClaims.claims,
  ...EndingClaims.claims,
  ...LimitClaims.claims,
  ...FileClaims.claims
]

/** How the suite runs. */
export interface Options {
  /** For each test, in milliseconds, with those that run beside it. Default 180,000. */
  readonly timeout?: number
}

/**
 * Registers one vitest test for each promise. They run side by side, as many at once as vitest's `maxConcurrency`, and after
 * them those that have to be alone. Needs a POSIX shell and git inside of the sandbox, and git outside.
 */
export const suite = <E>(name: string, layer: Layer.Layer<Sandbox.Sandbox, E>, options: Options = {}): void => {
  describe(`Sandbox: ${name}`, () => {
    sharing(layer, { excludeTestServices: true })((it) => {
      for (const concurrent of [true, false]) {
        for (const { alone, holds, name } of claims) {
          if (concurrent === (alone === undefined)) {
            it.effect(name, () => holds, { concurrent, timeout: options.timeout ?? 180_000 })
          }
        }
      }
    })
  })
}
