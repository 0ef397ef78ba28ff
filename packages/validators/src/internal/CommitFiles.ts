/** Files of a commit, from git's objects: whatever was written to a checkout of it since. */
import * as Git from "@millwright/core/Git"
import * as Validator from "@millwright/core/Validator"
import * as Effect from "effect/Effect"

/** The largest file that is read, in bytes. */
const largest = 2_000_000

/** The contents of plain files, by path. What is not there, no plain file or larger than 2 MB has none. */
export const read = Effect.fnUntraced(
  function* (repository: string, commit: string, paths: ReadonlyArray<string>) {
    const { entries } = yield* Git.tree(repository, commit)
    const asked = new Set(paths)
    const found = entries.filter(({ mode, path }) => mode.startsWith("100") && asked.has(path))
    const contents = yield* Effect.forEach(
      found,
      ({ object, path }) =>
        Effect.map(Git.content(repository, { object, maxBytes: largest }), (content) => [path, content] as const),
      { concurrency: 4 }
    )
    return new Map(
      contents.filter(([, { size }]) => size <= largest).map(([path, { bytes }]) => [path, bytes] as const)
    )
  },
  Effect.mapError(
    (cause: Git.GitError) =>
      new Validator.ValidatorError({
        reason: "SubjectUnavailable",
        message: `The files of the change can not be read: ${cause.message}`,
        cause
      })
  )
)
