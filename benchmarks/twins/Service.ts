/** A **service** whose twin is measured. */
import type * as TwinLab from "@millwright/validators/testing/TwinLab"
import type * as Twin from "@millwright/validators/Twin"
import type * as TwinDrift from "@millwright/validators/TwinDrift"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** How a twin is asked in a bench. */
export type Ask = (ask: TwinLab.Ask) => Effect.Effect<TwinLab.Reply, Twin.TwinError>

/** A service whose twin is measured. */
export interface Service {
  readonly name: string
  readonly start: Effect.Effect<Twin.Twin, Twin.TwinError, Scope.Scope>
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>
  /** The `n`th request of those that each write something. */
  readonly write: (n: number) => TwinLab.Ask
  /** What a factory does with the service, once from end to end. Fails where the twin does not play along. */
  readonly scenario: (ask: Ask) => Effect.Effect<void, Twin.TwinError>
  /** What the twin was compared with. None: nobody has. */
  readonly compared: ReadonlyArray<Comparison>
}

/** One comparison of a twin with something that is known of the service. */
export interface Comparison {
  /**
   * `recorded`: what the service has answered. `documented`: the examples of its documentation. `shape`: what its makers say
   * that it answers.
   */
  readonly against: "recorded" | "documented" | "shape"
  readonly check: Effect.Effect<ReadonlyArray<TwinDrift.Report>, Twin.TwinError | TwinDrift.TwinDriftError, Scope.Scope>
}
