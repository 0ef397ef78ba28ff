/**
 * Other files in a checkout, for as long as an effect. What stood there is put aside and comes back as it was: a link is not followed,
 * a mode is not lost.
 *
 * Each file that is written or comes back has a later second of writing than the one before it. Caches of compilers and runners know a
 * file by that, Python's by nothing else beside its size, and would take one state of the code for another.
 */
import * as Validator from "@millwright/core/Validator"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import type * as Checkout from "../Checkout.ts"
import type * as GitFiles from "./GitFiles.ts"

/** What shall stand at a path: a file, or nothing. */
export type Files = ReadonlyMap<string, GitFiles.File | undefined>

type Undo = Effect.Effect<void, PlatformError.PlatformError, FileSystem.FileSystem | Path.Path>

// In seconds. Of the process, since many checkouts may share a cache.
let lastWritten = 0

const touch = Effect.fnUntraced(function* (name: string) {
  const fs = yield* FileSystem.FileSystem
  lastWritten = Math.max(Math.floor((yield* Clock.currentTimeMillis) / 1_000), lastWritten + 1)
  yield* fs.utimes(name, lastWritten, lastWritten)
})

const standing = Effect.fnUntraced(function* (name: string) {
  const fs = yield* FileSystem.FileSystem
  if ((yield* Effect.option(fs.readLink(name)))._tag === "Some") return "link"
  return yield* Effect.map(fs.stat(name), ({ type }) => (type === "Directory" ? "folder" : "file")).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "NotFound",
      () => Effect.succeed("nothing" as const)
    )
  )
})

/** Puts away what stands at a path. */
const putAside = Effect.fnUntraced(function* (name: string, kind: "link" | "file" | "folder", undo: Array<Undo>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const aside = path.join(path.dirname(name), `.aside-${undo.length}-${path.basename(name)}`)
  yield* fs.rename(name, aside)
  undo.push(Effect.andThen(fs.rename(aside, name), kind === "file" ? touch(name) : Effect.void))
})

/** Makes the folders of a path that are not there. Answers whether they are all there then, which nothing asks for a removal. */
const folders = Effect.fnUntraced(function* (name: string, undo: Array<Undo>, isNeeded: boolean) {
  const fs = yield* FileSystem.FileSystem
  const parts = name.split("/").slice(0, -1)
  for (const index of parts.keys()) {
    const folder = parts.slice(0, index + 1).join("/")
    const kind = yield* standing(folder)
    if (kind === "folder") continue
    if (!isNeeded) return false
    if (kind !== "nothing") yield* putAside(folder, kind, undo)
    yield* fs.makeDirectory(folder)
    undo.push(fs.remove(folder, { recursive: true, force: true }))
  }
  return true
})

const lay = Effect.fnUntraced(function* (files: Files, undo: Array<Undo>) {
  const fs = yield* FileSystem.FileSystem
  for (const [name, file] of files) {
    if (!(yield* folders(name, undo, file !== undefined))) continue
    const kind = yield* standing(name)
    if (kind !== "nothing") yield* putAside(name, kind, undo)
    if (file?.bytes === undefined) continue
    undo.push(fs.remove(name, { recursive: true, force: true }))
    if (file.mode === "120000") yield* fs.symlink(Buffer.from(file.bytes).toString(), name)
    else {
      yield* fs.writeFile(name, file.bytes)
      if (file.mode === "100755") yield* fs.chmod(name, 0o755)
      yield* touch(name)
    }
  }
})

/** Lays files over a checkout, and puts back what stood there, also when it is interrupted. */
export const within =
  (checkout: Checkout.Checkout, files: Files) =>
  <A, E, R>(use: Effect.Effect<A, E, R>): Effect.Effect<A, E | Validator.ValidatorError, R> =>
    Effect.suspend(() => {
      const undo: Array<Undo> = []
      const written = (work: Undo) =>
        work.pipe(
          Effect.provide(checkout.services),
          Effect.mapError(
            (cause) =>
              new Validator.ValidatorError({
                reason: "SubjectUnavailable",
                message: `The checkout of ${checkout.commit.slice(0, 12)} can not be written: ${cause.message}`,
                cause
              })
          )
        )
      const back = written(
        Effect.suspend(() => Effect.forEach(undo.splice(0).reverse(), (one) => one, { discard: true }))
      )
      return Effect.acquireUseRelease(
        // A half of them is taken back as well.
        Effect.onError(written(lay(files, undo)), () => Effect.ignore(back)),
        () => use,
        () => back
      )
    })
