/** Files of a commit, from git's objects: whatever was written to a checkout of it since. One process of git reads them all. */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import * as GitObjects from "./GitObjects.ts"

/** A file, or what a link of that name leads to. `bytes` is left out where it is too large. */
export interface File {
  /** Git's: `100644`, `120000` for a symbolic link. */
  readonly mode: string
  readonly bytes: Uint8Array | undefined
}

/** All of them together are held up to so many bytes. */
const mostInAll = 256 * 1024 ** 2

const failed = (repository: string, why: string) =>
  new Git.GitError({
    reason: "Failed",
    message: `git could not read the files in ${repository}: ${why}. Look whether the repository is whole: \`git fsck\`.`
  })

/** The files of a commit at some paths, by path. What is not there has none. `most`: of one file, in bytes. */
export const read = Effect.fnUntraced(function* (
  repository: string,
  { commit, most, paths }: { readonly commit: string; readonly paths: ReadonlyArray<string>; readonly most: number }
) {
  const files = new Map<string, File>()
  const asked = new Set(paths)
  if (asked.size === 0) return files
  const { entries, truncated } = yield* Git.tree(repository, commit)
  if (truncated) return yield* failed(repository, "the commit has too many")
  const found = entries.filter(({ mode, path }) => mode !== "160000" && asked.has(path))
  if (found.length === 0) return files
  const contents = new Map<string, Uint8Array | undefined>()
  let held = 0
  const code = yield* GitObjects.read(
    yield* Git.commonDir(repository),
    ({ content, id, size }) => {
      if (size === undefined) return
      const isHeld = content !== undefined && size <= most && held + size <= mostInAll
      if (isHeld) held += size
      // A copy: what git printed would be held as a whole.
      contents.set(id, isHeld ? Uint8Array.from(content) : undefined)
    },
    [...new Set(found.map(({ object }) => object))]
  ).pipe(Effect.mapError(({ message }) => failed(repository, message)))
  const gone = found.find(({ object }) => !contents.has(object))
  if (code !== 0 || gone !== undefined) {
    return yield* failed(repository, gone === undefined ? `exit code ${code}` : `there is no object ${gone.object}`)
  }
  for (const { mode, object, path } of found) files.set(path, { mode, bytes: contents.get(object) })
  return files
})
