/** Tests on repositories of their own, with a sandbox. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Sandbox from "../../src/Sandbox.ts"
import * as Fixture from "../../src/testing/Fixture.ts"

/** Registers a test. */
export const tester =
  (layer: Layer.Layer<Sandbox.Sandbox>) =>
  <E>(name: string, body: (fixture: Fixture.Repository) => Effect.Effect<void, E, Sandbox.Sandbox | Scope.Scope>) =>
    it.live(name, () => Effect.scoped(Effect.flatMap(Fixture.repository, body)).pipe(Effect.provide(layer)), 60_000)
