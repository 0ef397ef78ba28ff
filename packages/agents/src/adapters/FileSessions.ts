/**
 * Sessions as files in a folder, one for each, an entry a line. A line that broke off with the process that wrote it is cut
 * off before the next one is written. Files are for the user alone: a conversation may say what others should not read.
 */
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Semaphore from "effect/Semaphore"
import * as Session from "../Session.ts"
import * as Sessions from "../Sessions.ts"

/** Where the files are, and whether each entry is on the disk itself when it is appended. */
export interface Options {
  readonly folder: string
  /** Default `false`: entries outlive the process, and after a failure of power the last ones may be missing. */
  readonly sync?: boolean
}

/** Keeps sessions in the folder, which is made where it is not there. */
export const layer = (
  options: Options
): Layer.Layer<Sessions.Sessions, Session.SessionError, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(Sessions.Sessions, make(options))

/** The file that a session has in a folder: text for a person, and for `Session.fromText`. */
export const fileOf = (id: string): string => {
  const name = encodeURIComponent(id)
  // File systems allow 255 bytes.
  return `${name.length <= 200 ? name : `${name.slice(0, 160)}-${Digest.of(id).slice(0, 32)}`}.jsonl`
}

const make = Effect.fnUntraced(function* ({ folder, sync = false }: Options) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const lock = yield* Semaphore.make(1)
  /** Files that end with a whole line, as far as this process knows. */
  const whole = new Set<string>()
  const notWritable = (error: PlatformError.PlatformError) =>
    new Session.SessionError({
      reason: "NotWritable",
      message: `Sessions can not be kept in ${folder}: ${error.message} Make room, give the folder to this user, or name another one.`,
      cause: error
    })
  yield* Effect.mapError(files.makeDirectory(folder, { recursive: true, mode: 0o700 }), notWritable)

  const readable = (path: string) =>
    files.readFileString(path).pipe(
      Effect.map(Option.some),
      Effect.catchReason("PlatformError", "NotFound", () => Effect.succeedNone),
      Effect.mapError(notWritable)
    )
  const load = Effect.fnUntraced(function* (id: string) {
    const path = paths.join(folder, fileOf(id))
    const text = yield* readable(path)
    // A first line that broke off is the beginning of nothing.
    if (Option.isNone(text) || !text.value.includes("\n")) return { path, entries: [], torn: text, length: 0 }
    const { session, torn } = yield* Effect.mapError(
      Effect.fromResult(Session.fromText(text.value)),
      ({ message, reason }) => new Session.SessionError({ reason, message: `The file ${path}: ${message}` })
    )
    if (session.id !== id) {
      return yield* new Session.SessionError({
        reason: "Damaged",
        message: `The file ${path} is of the session ${session.id}, and not of ${id}. Take it out of the folder.`
      })
    }
    const length = Buffer.byteLength(text.value) - torn
    return { path, entries: session.entries, torn: torn > 0 ? text : Option.none(), length }
  })
  const mend = Effect.fnUntraced(function* (id: string) {
    const { length, path, torn } = yield* load(id)
    if (Option.isSome(torn)) yield* Effect.mapError(files.truncate(path, length), notWritable)
    whole.add(id)
    return length === 0
  })
  return {
    append: (id, entries) =>
      Effect.gen(function* () {
        yield* Effect.fromResult(Session.named(id))
        const isNew = whole.has(id) ? false : yield* mend(id)
        const text = (isNew ? Session.headOf(id) : "") + Session.linesOf(entries)
        const path = paths.join(folder, fileOf(id))
        // A write that fails half-way is mended before the next one.
        whole.delete(id)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const file = yield* files.open(path, { flag: "a", mode: 0o600 })
            yield* file.writeAll(new TextEncoder().encode(text))
            if (sync) yield* file.sync
          })
        ).pipe(Effect.mapError(notWritable))
        whole.add(id)
      }).pipe(Effect.uninterruptible, lock.withPermits(1)),
    read: (id) =>
      Effect.andThen(
        Effect.fromResult(Session.named(id)),
        lock.withPermits(1)(Effect.map(load(id), ({ entries }) => entries))
      )
  } satisfies Sessions.Primitive
})
