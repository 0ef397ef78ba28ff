/** Copies of plugins in a folder of ours, each named by the digest of its files, and looked at before it is used. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as FolderPlace from "../FolderPlace.ts"
import { PluginError } from "../PluginManifest.ts"
import * as PluginFiles from "./PluginFiles.ts"

/** The folder with exactly these files. Modules in it find what the project has, when it is below the project. */
export const of = Effect.fnUntraced(function* (files: PluginFiles.PluginFiles, copies: string) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const folder = paths.resolve(copies, files.digest)
  yield* Effect.gen(function* () {
    if (yield* fs.exists(folder)) return
    yield* fs.makeDirectory(copies, { recursive: true })
    const temporary = yield* fs.makeTempDirectoryScoped({ directory: copies, prefix: ".new-" })
    const made = paths.join(temporary, "plugin")
    for (const [path, bytes] of files.contents) {
      const file = paths.join(made, ...path.split("/"))
      yield* fs.makeDirectory(paths.dirname(file), { recursive: true })
      // Two names that are one on this disk are a failure.
      yield* fs.writeFile(file, bytes, { flag: "wx" })
    }
    // Somebody else may have been first.
    yield* fs.rename(made, folder).pipe(
      Effect.catchIf(
        () => true,
        (error) => ifNot(fs.exists(folder), error)
      )
    )
  }).pipe(Effect.scoped, Effect.mapError(unwritable(copies)))
  const place = yield* FolderPlace.open({ folder, trust: "outside" })
  const found = yield* PluginFiles.read(place)
  // What is installed beside a copy would be found before what the project has.
  for (const at of [folder, copies]) {
    const installed = paths.join(at, "node_modules")
    if (yield* Effect.mapError(fs.exists(installed), unwritable(copies))) {
      return yield* new PluginError({
        reason: "Changed",
        message: `A plugin is not run from ${folder}: its modules would take packages from ${installed}, which nobody looked at. Delete that, or keep copies in a folder of their own.`
      })
    }
  }
  if (found.digest !== files.digest || found.problems.length > 0) {
    return yield* new PluginError({
      reason: "Changed",
      message: `The copy of a plugin in ${folder} is not what it was made as. Delete the folder; it is made again.`
    })
  }
  return folder
})

const ifNot = (
  isThere: Effect.Effect<boolean, PlatformError.PlatformError>,
  error: PlatformError.PlatformError
): Effect.Effect<void, PlatformError.PlatformError> =>
  Effect.flatMap(isThere, (isThere) => (isThere ? Effect.void : Effect.fail(error)))

const unwritable =
  (copies: string) =>
  (error: PlatformError.PlatformError): PluginError =>
    new PluginError({
      reason: "Unwritable",
      message: `A plugin can not be copied to ${copies} (${error.reason._tag}). Mend its permissions, or name another folder.`
    })
