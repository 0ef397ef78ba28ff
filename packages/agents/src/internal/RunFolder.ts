/**
 * The folder of one run of a coding agent's program: what it is told in files, and the conversation that it leaves there. The
 * folder goes with the scope; the conversation is in the session, so that it is gone on with anywhere, and twice from one place.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Harness from "../Harness.ts"

/** Where a run keeps its things. */
export interface RunFolder {
  readonly path: string
  /** Writes a file, and says where it is. */
  readonly write: (name: string, text: string) => Effect.Effect<string, Harness.HarnessError>
  /** Reads the file below a folder of it whose path ends so: the conversation, once the program has ended. */
  readonly kept: (folder: string, end: string) => Effect.Effect<string, Harness.HarnessError>
}

/** The largest conversation that is kept, in bytes. */
const largest = 256 * 1024 * 1024

/** Makes one. `title` is what people call the program. */
export const make = Effect.fnUntraced(function* (
  harness: string,
  title: string
): Effect.fn.Return<RunFolder, Harness.HarnessError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const unusable = (error: PlatformError.PlatformError) =>
    new Harness.HarnessError({
      reason: "Broken",
      message: `The folder of a run of ${title} can not be used: ${error.message}. See that the agent's place has room for temporary files.`
    })
  const root = yield* Effect.acquireRelease(
    Effect.mapError(fs.makeTempDirectory({ prefix: `millwright-${harness}-` }), unusable),
    (root) => Effect.ignore(fs.remove(root, { recursive: true, force: true }))
  )
  const read = Effect.fnUntraced(
    function* (folder: string, end: string) {
      const files = yield* fs.readDirectory(path.join(root, folder), { recursive: true })
      const name = files.find((each) => each.endsWith(end))
      if (name === undefined) return ""
      const file = path.join(root, folder, name)
      const { size, type } = yield* fs.stat(file)
      // Its tools can write here: a pipe or a device has no end, and no size.
      return type !== "File" || size > largest ? "" : yield* fs.readFileString(file)
    },
    Effect.catchReason("PlatformError", "NotFound", () => Effect.succeed("")),
    Effect.mapError(unusable)
  )
  return {
    path: root,
    write: (name, text) => {
      const file = path.join(root, name)
      return Effect.as(Effect.mapError(fs.writeFileString(file, text), unusable), file)
    },
    kept: Effect.fnUntraced(function* (folder, end) {
      const text = yield* read(folder, end)
      return text === "" ? yield* nothing(title) : text
    })
  }
})

/** The program wrote nothing down that can be gone on with. */
export const nothing = (title: string): Harness.HarnessError =>
  new Harness.HarnessError({
    reason: "Broken",
    message: `${title} kept nothing of its conversation, or more than ${largest} bytes. Update it; the version that is known to work is in docs/gaps/coding-agents.md.`
  })

/** What a session of a harness holds. `undefined`: there is none to go on with. */
export const earlier = <A>(
  session: Harness.Session | undefined,
  harness: string,
  data: Schema.Codec<A, unknown>
): Effect.Effect<A | undefined, Harness.HarnessError> => {
  if (session === undefined) return Effect.undefined
  const foreign = new Harness.HarnessError({
    reason: "Broken",
    message: `The session to go on with is one of the harness "${session.harness}", or is damaged. Start the role anew.`
  })
  return session.harness === harness
    ? Effect.mapError(Schema.decodeUnknownEffect(data)(session.data), () => foreign)
    : Effect.fail(foreign)
}
