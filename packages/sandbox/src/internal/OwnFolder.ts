/**
 * Where we keep what is ours: workspaces, and what is noted about them, below the user's state, apart for each repository.
 * Nothing that is committed can lie there, no sandbox lets its commands write there, and no tool takes it for a part of a
 * repository. It is looked at all the same: a link in the place of a folder is never followed.
 *
 * Only objects that are on their way into a repository lie in the `.git` that its working trees share.
 */
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import { homedir } from "node:os"
import { SandboxError } from "../Sandbox.ts"
import type { HostFiles } from "./HostFiles.ts"
import type { Repository } from "./Repository.ts"

/** The name of our folder in a `.git`. */
export const folderName = "millwright"

/** The state of the user: `$XDG_STATE_HOME/millwright`, or `~/.local/state/millwright`. */
export const state = ({ attempt, makeFolder, path, real }: HostFiles): Effect.Effect<string, SandboxError> =>
  Effect.suspend(() => {
    const home = process.env.XDG_STATE_HOME
    const base = home !== undefined && path.isAbsolute(home) ? home : path.join(homedir(), ".local", "state")
    const folder = path.join(base, "millwright")
    return Effect.andThen(
      makeFolder(path.join(folder, "locks")),
      attempt("Looking at the state of Millwright", real(folder))
    )
  })

/** Where objects wait that come from a workspace: on the disk of the repository, since they are moved in. */
export const incoming = ({ path }: HostFiles, { common }: Pick<Repository, "common">, name: string): string =>
  path.join(common, folderName, "incoming", name)

/** Makes a repository's folder, with folders in it. */
export const make = Effect.fnUntraced(function* (
  host: HostFiles,
  repository: Pick<Repository, "common">,
  parts: ReadonlyArray<string>
) {
  const { attempt, kind, makeFolder, path, real } = host
  const { common } = repository
  const repositories = path.join(yield* state(host), "repositories")
  const own = path.join(repositories, Digest.short(Digest.of(common)))
  const arrivals = path.join(common, folderName)
  // Each after the one around it: the real path of the first is known, and so are theirs when they are no links.
  const folders = [repositories, own, ...parts.map((part) => path.join(own, part)), arrivals]
  for (const folder of [...folders, path.join(arrivals, "incoming")]) {
    if ((yield* kind(folder)) === "Directory") continue
    yield* makeFolder(folder)
    if ((yield* kind(folder)) !== "Directory") {
      const target = yield* attempt(`Looking at ${folder}`, real(folder))
      return yield* new SandboxError({
        reason: "SetupFailed",
        message: `${folder} is a symbolic link to ${target}, and a folder of ours is never one. Remove it.`
      })
    }
  }
  return own
})

/** Refuses what is there but is no plain file or folder. */
export const check = Effect.fnUntraced(function* (
  { kind }: HostFiles,
  kinds: ReadonlyArray<readonly [file: string, is: "File" | "Directory"]>
) {
  for (const [file, is] of kinds) {
    const found = yield* kind(file)
    if (found !== undefined && found !== is) {
      return yield* new SandboxError({
        reason: "SetupFailed",
        message: `${file} is a ${found} where a ${is} was left; somebody else put it there. Look what it is, and remove it.`
      })
    }
  }
})
