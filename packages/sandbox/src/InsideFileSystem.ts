/**
 * A `FileSystem` whose every operation is a command that runs inside: what it can reach is what the sandbox lets through, and
 * a link that is put in the place of a folder while it works leads nowhere but to what is inside.
 *
 * It needs a POSIX shell and the usual tools there, GNU's, BusyBox's or BSD's.
 */
import type * as FileSystem from "effect/FileSystem"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"

/** What it is made of. */
export interface Options {
  readonly spawner: ChildProcessSpawner["Service"]
  /** The folder that it answers for, as commands see it: the workspace, and companions. The first is where relative paths start. */
  readonly roots: readonly [workspace: string, ...companions: ReadonlyArray<string>]
  /** Names directly below a root that can be read but not written, in any case of letters. */
  readonly protect: ReadonlyArray<string>
}

/** Makes it. A path that leads out of the roots fails with `PermissionDenied`. */
export declare const make: (options: Options) => FileSystem.FileSystem
