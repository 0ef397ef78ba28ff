/** The repository of the quickstart: a small real program with a real bug, made into a git repository at run time. */
import * as Git from "@millwright/core/Git"
import * as GitCommit from "@millwright/core/GitCommit"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"

const author = { name: "Demo", email: "demo@localhost" }

/** Makes the repository at `target` unless it is there. Two processes may do it at once: one of them wins. */
export const repository = Effect.fnUntraced(function* (source: string, target: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner
  if (yield* files.exists(target)) return target
  const parent = path.dirname(target)
  yield* files.makeDirectory(parent, { recursive: true })
  const draft = yield* files.makeTempDirectory({ directory: parent, prefix: "draft-" })
  yield* files.copy(source, draft, { overwrite: true })
  yield* spawner.string(ChildProcess.make("git", ["init", "--quiet", "--initial-branch=main", draft]))
  const empty = yield* spawner
    .string(
      ChildProcess.make("git", [
        "-C",
        draft,
        "-c",
        `user.name=${author.name}`,
        "-c",
        `user.email=${author.email}`,
        "-c",
        "commit.gpgSign=false",
        "-c",
        "core.hooksPath=/dev/null",
        "commit",
        "--quiet",
        "--allow-empty",
        "--message",
        "Begin"
      ])
    )
    .pipe(Effect.andThen(Git.resolve(draft, "HEAD")))
  yield* GitCommit.commitAll(draft, { branch: "main", base: empty, message: "spell-duration 1.2.0", author })
  // A rename is all or nothing; whoever comes second finds the folder taken and drops its draft.
  yield* files
    .rename(draft, target)
    .pipe(
      Effect.catch((error) =>
        Effect.flatMap(files.exists(target), (isThere) => (isThere ? Effect.void : Effect.fail(error)))
      )
    )
  yield* files.remove(draft, { recursive: true, force: true })
  return target
})
