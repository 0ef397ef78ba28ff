/**
 * The folder `millwright` in the `.git` that all working trees of a repository share. Nothing that is committed can lie there,
 * and no sandbox lets its commands write there, so what is noted in it is ours. It is looked at all the same: a link in the
 * place of a folder is never followed.
 */
import * as Effect from "effect/Effect"
import { SandboxError } from "../Sandbox.ts"
import type { HostFiles } from "./HostFiles.ts"
import type { Repository } from "./Repository.ts"

/** Its name. */
export const folderName = "millwright"

/** Makes it, with folders in it. */
export const make = Effect.fnUntraced(function* (
  host: HostFiles,
  { common }: Pick<Repository, "common">,
  parts: ReadonlyArray<string>
) {
  const { attempt, fs, makeFolder, path } = host
  const own = path.join(common, folderName)
  for (const folder of [own, ...parts.map((part) => path.join(own, part))]) {
    yield* makeFolder(folder)
    const real = yield* attempt(`Looking at ${own}`, fs.realPath(folder))
    if (real !== folder) {
      return yield* new SandboxError({
        reason: "SetupFailed",
        message: `${folder} is a symbolic link to ${real}; workspaces are made inside of the repository's .git only. Remove it.`
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
