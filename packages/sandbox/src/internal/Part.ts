/** One of the folders that a sandbox works in: its workspace, or a companion of it. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SandboxError } from "../Sandbox.ts"
import type { Prepared } from "../Workspaces.ts"

/** A folder that is locked and ready to be entered. */
export type Part = Omit<Prepared, "directories">

/** A folder that was found, and is not locked yet. */
export interface Found {
  readonly directory: string
  /** Where the notes about it are, which commands never see. */
  readonly notes: string
  /** The file that is locked while it is open. */
  readonly lock: string
  /** Prepares it, when it is locked. What that made is gone when the scope closes before `finish` was called. */
  readonly prepare: Effect.Effect<Part, SandboxError, Scope.Scope>
  /** Removes it, when it is locked. */
  readonly remove: Effect.Effect<void, SandboxError>
}
