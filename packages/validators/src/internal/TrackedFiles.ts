/** The files of a commit, and which of them a checkout has otherwise. */
import type * as PlatformError from "effect/PlatformError"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"

/** More paths than these are not listed, in bytes. */
const most = 1_000_000

/**
 * Reads every file again, and asks with an index and a configuration of its own: what the checkout's were told to overlook
 * is seen. Its objects are borrowed from the checkout; an object is what its name says, or none.
 */
const script = `set -e
own=$(mktemp -d)
trap 'rm -rf "$own"' EXIT
mkdir -p "$own/objects/info" "$own/refs" "$own/info"
echo "ref: refs/heads/none" > "$own/HEAD"
printf '%s\\n' "$3" > "$own/config"
printf '%s\\n' '* -filter -ident -text -working-tree-encoding' > "$own/info/attributes"
printf '%s\\n' "$2" > "$own/objects/info/alternates"
unset $(env | sed -n 's/^\\(GIT_[A-Z_]*\\)=.*/\\1/p')
export GIT_DIR="$own" GIT_WORK_TREE="$PWD" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_ATTR_NOSYSTEM=1 GIT_NO_REPLACE_OBJECTS=1
git read-tree "$1"
git update-index -q --refresh >/dev/null || true
git diff-files --name-only --ignore-submodules=all -z
`

const configuration = (commit: string) =>
  commit.length === 64
    ? "[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n[extensions]\n\tobjectformat = sha256"
    : "[core]\n\trepositoryformatversion = 0\n\tfilemode = true"

/** Where the objects of a checkout are. To be asked before anything of the commit runs. */
export const objects: Effect.Effect<string, PlatformError.PlatformError, ChildProcessSpawner> = Effect.flatMap(
  ChildProcessSpawner,
  (spawner) =>
    Effect.map(
      spawner.string(ChildProcess.make("git", ["rev-parse", "--path-format=absolute", "--git-path", "objects"])),
      (text) => text.trim()
    )
)

/** The paths of a commit that are not as it has them, in the checkout that commands run in; or why that is not known. */
export const changed = (
  commit: string,
  from: string
): Effect.Effect<
  ReadonlyArray<string>,
  PlatformError.PlatformError | { readonly message: string },
  ChildProcessSpawner
> =>
  Effect.scoped(
    Effect.gen(function* () {
      const spawner = yield* ChildProcessSpawner
      const handle = yield* spawner.spawn(
        ChildProcess.make("sh", ["-c", script, "sh", commit, from, configuration(commit)], { stdin: "ignore" })
      )
      const complaint = yield* Effect.forkScoped(Stream.mkString(Stream.decodeText(handle.stderr)))
      const chunks: Array<Uint8Array> = []
      let size = 0
      yield* Stream.runForEachWhile(handle.stdout, (chunk) =>
        Effect.sync(() => {
          chunks.push(chunk)
          size += chunk.length
          return size <= most
        })
      )
      const paths = Buffer.concat(chunks).toString("utf8").split("\0").slice(0, -1)
      if (size > most) return paths
      if ((yield* handle.exitCode) === 0) return paths
      return yield* Effect.fail({
        message: `git can not compare its files: ${(yield* Fiber.join(complaint)).slice(-2_000)}`
      })
    })
  )
