/** The folder `.millwright` of a repository, which git does not see. */
import * as Effect from "effect/Effect"
import { SandboxError } from "../Sandbox.ts"
import type { HostFiles } from "./HostFiles.ts"

/** Makes it, with folders in it. */
export const make = Effect.fnUntraced(function* (host: HostFiles, root: string, parts: ReadonlyArray<string>) {
  const { attempt, fs, kind, makeFolder, path, write } = host
  const own = path.join(root, ".millwright")
  yield* makeFolder(own)
  const ignore = path.join(own, ".gitignore")
  if ((yield* kind(ignore)) === undefined) yield* write(ignore, "*\n")
  for (const part of parts) {
    const folder = path.join(own, part)
    yield* makeFolder(folder)
    const real = yield* attempt(`Looking at ${own}`, fs.realPath(folder))
    if (real !== folder) {
      return yield* new SandboxError({
        reason: "SetupFailed",
        message: `${folder} is a symbolic link to ${real}; workspaces are made inside of the repository only. Remove it.`
      })
    }
  }
  return own
})
