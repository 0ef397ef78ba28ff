/**
 * A **write surface**: the paths of a workspace that an agent may change, as globs. It holds in two places: a write by the file
 * system of the workplace is refused, and what was changed by other ways, by a command above all, is undone at the end.
 *
 * The second needs the workspace for itself: what somebody else changes in it meanwhile is undone as well. It says nothing of what
 * is outside of the workspace; that is the sandbox's.
 */
import * as Fault from "@millwright/core/Fault"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Glob from "effect/Glob"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as SurfaceFiles from "./internal/SurfaceFiles.ts"
import * as SurfaceWatch from "./internal/SurfaceWatch.ts"
import * as Untrusted from "./Untrusted.ts"

/** A workspace was changed where it may not be, or can not be watched. */
export class SurfaceError extends Fault.Class<SurfaceError>()("SurfaceError", {
  /** Something outside of the surface was changed. `message` names it, and what of it is not undone. */
  Outside: false,
  /** There is more outside of the surface than is kept to be put back. */
  TooLarge: false,
  /** The workspace can not be read. */
  Unreadable: false
}) {}

/** What may be changed. */
export interface Surface {
  readonly globs: ReadonlyArray<string>
  /** Whether a path may be changed: relative, with `/`. What belongs to git never may. */
  readonly allows: (path: string) => boolean
}

/** Why a glob can not be one of a surface; `undefined`: it can. */
export const problem = (glob: string): string | undefined => {
  // Elsewhere these take away, or stand for a set: a surface would be more than who reads it thinks, or another.
  if (/^!|[[\]]|[?*+@!]\(/.test(glob)) {
    return `${JSON.stringify(Untrusted.visible(glob.slice(0, 100)))} begins with "!", or has "[", "]" or a group such as "!(…)", which a surface has not. Name what may be changed, with *, **, ? and {a,b}.`
  }
  // It is compared with paths that stay inside, so what its patterns stand for can not lead out.
  const asPath = Tainted.pass(Tainted.of("a write surface", glob.replace(/[*?{},]/g, "x")), Tainted.path)
  return Result.isFailure(asPath)
    ? `${JSON.stringify(Untrusted.visible(glob.slice(0, 100)))} does not stay inside the workspace, or has characters that a path has not. Write a relative path with /, such as docs/**.`
    : undefined
}

/** Makes a surface of globs without a {@link problem}. An empty one allows nothing. */
export const make = (globs: ReadonlyArray<string>): Surface => {
  const compiled = globs.map((glob) => Glob.make(glob, { dot: true }))
  return {
    globs,
    allows: (path) =>
      !path.split("/").some((part) => /^(?:\.git|git~\d+)$/i.test(part)) &&
      compiled.some((glob) => Glob.match(glob, path))
  }
}

/** Which globs a surface has that another one has not. One that is spelled in another way counts as another. */
export const beyond = (globs: ReadonlyArray<string>, accepted: ReadonlyArray<string>): ReadonlyArray<string> =>
  globs.filter((glob) => !accepted.includes(glob))

/** Whose surface it is, and how much is kept to be put back. */
export interface Options {
  readonly surface: Surface
  /** For people: `the plugin acme`. */
  readonly owner: string
  /** The most outside of the surface, in bytes. Default: 1 GiB. */
  readonly maxBytes?: number
  /** The most files and folders of the workspace. Default: 200,000. */
  readonly maxEntries?: number
}

/** Runs an agent within a surface. What it changed elsewhere is undone, however it ends, and takes its outcome away. */
export const within =
  ({ maxBytes = 1024 ** 3, maxEntries = 200_000, owner, surface }: Options) =>
  <A, E, R>(run: Effect.Effect<A, E, R>): Effect.Effect<A, E | SurfaceError, R | FileSystem.FileSystem | Path.Path> =>
    Effect.scoped(
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        const workspace = { fs, path, allows: surface.allows }
        const watch = yield* Effect.mapError(SurfaceWatch.begin(workspace, { maxBytes, maxEntries }), unwatched(owner))
        const guarded = yield* Effect.mapError(
          SurfaceFiles.make(workspace, `${owner} may change ${surface.globs.join(", ") || "nothing"} here`),
          (error) => unwatched(owner)({ _tag: "Unreadable", what: error.message })
        )
        return yield* Effect.uninterruptibleMask((restore) =>
          Effect.gen(function* () {
            const exit = yield* Effect.exit(restore(Effect.provideService(run, FileSystem.FileSystem, guarded)))
            const changes = yield* Effect.mapError(watch.undo, unwatched(owner))
            if (changes.paths.length === 0) return yield* exit
            const error = outside(owner, changes)
            if (Exit.hasInterrupts(exit)) {
              yield* Effect.logWarning(error.message)
              return yield* exit
            }
            return yield* error
          })
        )
      })
    )

const outside = (owner: string, { left, paths }: SurfaceWatch.Undone): SurfaceError =>
  new SurfaceError({
    reason: "Outside",
    message:
      `${owner} changed what it may not: ${named(paths)}. ` +
      (left.length === 0 ? "All of it is undone. " : `Of that, ${named(left)} could not be undone: look at it. `) +
      `Accept a wider surface, or keep it from doing so.`
  })

const unwatched =
  (owner: string) =>
  (problem: SurfaceWatch.Problem): SurfaceError =>
    problem._tag === "TooLarge"
      ? new SurfaceError({
          reason: "TooLarge",
          message: `The workspace has more than ${problem.most} outside of what ${owner} may change, so it can not be put back. Take a smaller workspace, or raise the limit.`
        })
      : new SurfaceError({
          reason: "Unreadable",
          message: `What ${owner} may not change can not be watched: ${Untrusted.visible(problem.what).slice(0, 500)}. Mend its permissions.`
        })

const mostNamed = 20

const named = (paths: ReadonlyArray<string>): string =>
  [
    ...paths.slice(0, mostNamed).map((path) => JSON.stringify(Untrusted.visible(path.slice(0, 200)))),
    ...(paths.length > mostNamed ? [`and ${paths.length - mostNamed} more`] : [])
  ].join(", ")
