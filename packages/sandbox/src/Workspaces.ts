/**
 * The folders that local sandboxes which isolate work in: made, found again after a crash, brought back, and removed. What a
 * workspace holds is never asked by git on the host once something has run in it: git runs inside.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import type { SandboxError } from "./Sandbox.ts"
import type { SandboxSpec, Snapshot } from "./SandboxSpec.ts"

/** A folder that is put together when the sandbox opens: `lower` as it is, with what was changed in `upper`. */
export interface Overlay {
  readonly lower: string
  readonly upper: string
  /** An empty folder beside `upper`, for the kernel. */
  readonly work: string
  /** Where it is to be seen; a folder that is there. */
  readonly target: string
}

/** A workspace that is locked and ready to be entered. All paths are real paths of the host. */
export interface Prepared {
  /** Seen inside under the same path. */
  readonly directory: string
  /** The companions, by name. */
  readonly directories: Readonly<Record<string, string>>
  /** To be mounted before anything else, inside of the sandbox's own mount namespace. None when it was copied. */
  readonly overlays: ReadonlyArray<Overlay>
  /** What else has to be seen inside, read only: the objects of the repository. */
  readonly readable: ReadonlyArray<string>
  /** Paths below the workspace that commands may read but not write: what git would run on the host. */
  readonly protect: ReadonlyArray<string>
  /** Whether it was made just now. */
  readonly isNew: boolean
  /** Brings the workspace to its branch, with the git inside. Run once, before any command of the caller. */
  readonly settle: (inside: ChildProcessSpawner["Service"]) => Effect.Effect<void, SandboxError>
  /** Brings commits to the repository. What it finds in the workspace is data, and never run. */
  readonly deliver: (inside: ChildProcessSpawner["Service"]) => Effect.Effect<void, SandboxError>
  readonly snapshot: (inside: ChildProcessSpawner["Service"]) => Effect.Effect<Snapshot, SandboxError>
  /** Removes it, when everything in it has ended. */
  readonly remove: Effect.Effect<void, SandboxError>
}

/** What can be done with workspaces, with the services of the host. */
export interface Workspaces {
  /** Locks and makes or finds the workspace of a spec. With `overlay`, a checkout is put together and not copied. */
  readonly prepare: (
    spec: SandboxSpec,
    options: { readonly name: string; readonly overlay: boolean }
  ) => Effect.Effect<Prepared, SandboxError, Scope.Scope>
  /** Removes a workspace that nobody has open. */
  readonly discard: (spec: Pick<SandboxSpec, "id" | "workspace">) => Effect.Effect<void, SandboxError>
}

/** Makes them of the services of the host. */
export declare const make: Effect.Effect<Workspaces, never, FileSystem.FileSystem | Path.Path | ChildProcessSpawner>
