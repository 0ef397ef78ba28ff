/** The folder of one run of pi: what it is told in files, and the conversation that can be taken up again anywhere. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Harness from "../Harness.ts"

/** What a session holds: the name of the conversation, and its lines. */
const Data = Schema.Struct({ id: Schema.NonEmptyString, transcript: Schema.NonEmptyString })

/** Where a run keeps its things. */
export interface Home {
  readonly folder: string
  /** The folder that pi writes the conversation down in. */
  readonly sessions: string
  /** The file with the conversation to go on with. */
  readonly resume: string | undefined
  /** Writes a file, and says where it is. */
  readonly write: (name: string, text: string) => Effect.Effect<string, Harness.HarnessError>
}

/** The largest conversation that is kept, in bytes. */
const largest = 256 * 1024 * 1024

/** Makes a folder for a run, with the conversation that it goes on with. The folder goes with the scope. */
export const open = Effect.fnUntraced(function* (
  session: Harness.Session | undefined,
  harness: string
): Effect.fn.Return<Home, Harness.HarnessError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const earlier = session === undefined ? undefined : yield* read(session, harness)
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* Effect.acquireRelease(
    Effect.mapError(fs.makeTempDirectory({ prefix: "millwright-pi-" }), unusable),
    (folder) => Effect.ignore(fs.remove(folder, { recursive: true, force: true }))
  )
  const write = (name: string, text: string) => {
    const file = path.join(folder, name)
    return Effect.as(Effect.mapError(fs.writeFileString(file, text), unusable), file)
  }
  return {
    folder,
    sessions: path.join(folder, "sessions"),
    // pi moves a `.jsonl` of its folder elsewhere when it starts.
    resume: earlier === undefined ? undefined : yield* write("earlier.session", earlier.transcript),
    write
  }
})

const read = ({ data, harness: theirs }: Harness.Session, harness: string) =>
  Effect.mapError(
    theirs === harness ? Schema.decodeUnknownEffect(Data)(data) : Effect.fail(undefined),
    () =>
      new Harness.HarnessError({
        reason: "Broken",
        message: `The session to go on with is one of the harness "${theirs}", or is damaged. Start the role anew.`
      })
  )

/** Reads what the program wrote down of a conversation. */
export const save = Effect.fnUntraced(function* (
  { sessions }: Home,
  { harness, id }: { readonly harness: string; readonly id: string }
): Effect.fn.Return<Harness.Session, Harness.HarnessError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const transcript = yield* Effect.gen(function* () {
    const name = (yield* fs.readDirectory(sessions)).find((each) => each.endsWith(`_${id}.jsonl`))
    if (name === undefined) return undefined
    const file = path.join(sessions, name)
    const { size } = yield* fs.stat(file)
    return size > largest ? undefined : yield* fs.readFileString(file)
  }).pipe(
    Effect.catchReason("PlatformError", "NotFound", () => Effect.undefined),
    Effect.mapError(unusable)
  )
  if (transcript === undefined || transcript === "") {
    return yield* new Harness.HarnessError({
      reason: "Broken",
      message: `pi kept nothing of the conversation ${id}, or more than ${largest} bytes. Update it; the version that is known to work is in the gap about coding agents.`
    })
  }
  const data: typeof Data.Type = { id, transcript }
  return { harness, data }
})

const unusable = (error: PlatformError.PlatformError) =>
  new Harness.HarnessError({
    reason: "Broken",
    message: `The folder of a run of pi can not be used: ${error.message}. See that the agent's place has room for temporary files.`
  })
