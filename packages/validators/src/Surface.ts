/**
 * A **surface**: where a tester meets what was built, as its user does: a page in a browser, an HTTP API, a terminal. It is
 * all that a tester has. No source is behind it.
 *
 * What every adapter holds to:
 *
 * - A session begins as for a new user: no cookies, no storage, nothing of the session before it.
 * - It never leaves the app: a request to another origin than the app's and its twins' is refused, and `look` says so.
 * - What a page, an answer or a program says is data. It can not make a session do anything.
 * - `check` decides by what is there, again and again, until the time is up; it answers with what it saw last.
 * - Everything that a session started ends with its scope.
 */
import type * as Contract from "@millwright/core/Contract"
import * as Fault from "@millwright/core/Fault"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Step from "./Step.ts"

/** Something can not be tested. What does not do what it should is no error, but an expectation that does not hold. */
export class SurfaceError extends Fault.Class<SurfaceError>()("SurfaceError", {
  /** The app does not answer: it never listened, or it is gone. */
  AppUnreachable: true,
  /** What the surface needs is not installed, such as a browser. The message says what. */
  Unavailable: false,
  /** This kind of surface has no such step. */
  Unsupported: false,
  /** The step can not be done: what it is done to is not there, is not one, or can not be used. */
  NotPossible: false,
  /** The step leads out of the app. */
  OutOfApp: false,
  /** The surface itself broke: the browser crashed, the terminal is gone. */
  Crashed: true
}) {}

/** What is tested: where it is, and the origins that it may ask beside its own, such as those of its twins. */
export interface App {
  /** Of a page or an API; for a terminal, the program. */
  readonly address: string
  readonly origins?: ReadonlyArray<string>
}

/** What is to be seen. Its texts come from outside. */
export interface Sight {
  /** Where it is, below the app's address. */
  readonly address: string
  /** The tree of accessibility, the last exchange, or the screen; bounded. */
  readonly text: string
  /** A PNG, where the surface has a picture. */
  readonly picture?: Uint8Array
  /** What was thrown and not caught, refused or given up since the session began; bounded. */
  readonly troubles: ReadonlyArray<string>
}

/** Whether an expectation held, and what was there. */
export interface Checked {
  readonly holds: boolean
  /** For people; bounded. */
  readonly saw: string
}

/** One tester at the app. */
export interface Session {
  readonly act: (action: Step.Action) => Effect.Effect<void, SurfaceError>
  /** `within` is in milliseconds; left out, the surface's usual time. */
  readonly check: (that: Step.Expectation, within?: number) => Effect.Effect<Checked, SurfaceError>
  readonly look: Effect.Effect<Sight, SurfaceError>
  /** As `look`, without the picture, for a surface whose pictures take time. Looked at after every step. */
  readonly glance?: Effect.Effect<Sight, SurfaceError>
}

/** Opens sessions. */
export class Surface extends Context.Service<
  Surface,
  {
    readonly name: string
    readonly kind: Contract.Kind
    /** Whether `look` gives a picture. */
    readonly supports: { readonly pictures: boolean }
    /**
     * Whether nothing but the app and its origins can be reached from what this surface runs: it runs no process, or one in a sandbox
     * of `NoSource`. Left out: not known, so no.
     */
    readonly noSource?: boolean
    readonly open: (app: App) => Effect.Effect<Session, SurfaceError, Scope.Scope>
  }
>()("@millwright/validators/Surface") {}
