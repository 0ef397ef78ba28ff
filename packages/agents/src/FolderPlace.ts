/** A folder as a place, read through the file system that it was opened with. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Place from "./Place.ts"

/** Which folder, and whose words it holds. */
export interface Options {
  readonly folder: string
  readonly trust: Place.Trust
}

/** Opens a folder, which may be a link. */
export const open = Effect.fnUntraced(function* ({ folder, trust }: Options) {
  const paths = yield* Path.Path
  const absolute = paths.resolve(folder)
  return yield* openAs({ folder: absolute, trust, name: absolute, address: { _tag: "Folder", path: absolute } })
})

/** Opens a folder under another name and address. */
export const openAs = Effect.fnUntraced(function* (
  options: Options & Pick<Place.Primitive, "name" | "address">
): Effect.fn.Return<Place.Place, Place.PlaceError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const { address, folder, name, trust } = options
  const root = yield* Effect.mapError(fs.realPath(folder), failed(name))
  const at = (path: string): string => (path === "" ? root : paths.join(root, ...path.split("/")))
  const kindAt = (path: string) =>
    fs.lstat(at(path)).pipe(
      Effect.map(({ type }): Place.Found => kinds.get(type) ?? "other"),
      Effect.catchIf(isNotFound, () => Effect.undefined),
      Effect.mapError(failed(at(path)))
    )
  if ((yield* kindAt("")) !== "folder") {
    return yield* new Place.PlaceError({ reason: "NotFound", message: `${name} is no folder. Name the folder itself.` })
  }
  return Place.make({
    name,
    address,
    trust,
    look: kindAt,
    entries: (path) =>
      fs
        .readDirectoryEntries(at(path))
        .pipe(
          Effect.mapError(failed(at(path))),
          Effect.flatMap(
            Effect.forEach(({ name, type }) =>
              type === "Unknown"
                ? Effect.map(kindAt(Place.join(path, name)), (kind = "other") => [name, kind] as const)
                : Effect.succeed([name, kinds.get(type) ?? "other"] as const)
            )
          )
        ),
    target: (path) => Effect.mapError(fs.readLink(at(path)), failed(at(path))),
    content: Effect.fnUntraced(
      function* (path, maxBytes) {
        const file = yield* fs.open(at(path), { flag: "r" })
        const opened = yield* file.stat
        // What was opened is what stands here: a file, or a folder around it, may have become a link since it was looked at.
        const real = yield* fs.realPath(at(path))
        const here = yield* fs.lstat(real)
        if (!`${real}${paths.sep}`.startsWith(`${root}${paths.sep}`) || !isSame(opened, here)) {
          return yield* new Place.PlaceError({
            reason: "Outside",
            message: `${at(path)} was changed while it was read. Keep the folder quiet, or read a commit.`
          })
        }
        const chunks: Array<Uint8Array> = []
        let length = 0
        while (length < maxBytes) {
          const chunk = yield* file.readAlloc(Math.min(chunkBytes, maxBytes - length))
          if (Option.isNone(chunk)) break
          chunks.push(chunk.value)
          length += chunk.value.length
        }
        return { bytes: Buffer.concat(chunks), size: Math.max(Number(opened.size), length) }
      },
      Effect.scoped,
      (read, path) => Effect.catchTag(read, "PlatformError", (error) => Effect.fail(failed(at(path))(error)))
    )
  })
})

const chunkBytes = 64 * 1024

/** Whether two are one file, as far as the disk tells. */
const isSame = (one: FileSystem.File.Info, other: FileSystem.File.Info): boolean =>
  one.type === "File" &&
  other.type === "File" &&
  one.dev === other.dev &&
  Option.getOrUndefined(one.ino) === Option.getOrUndefined(other.ino)

const kinds: ReadonlyMap<FileSystem.File.Type, Place.Kind> = new Map([
  ["File", "file"],
  ["Directory", "folder"],
  ["SymbolicLink", "link"]
])

const isNotFound = ({ reason }: PlatformError.PlatformError): boolean => reason._tag === "NotFound"

const failed =
  (path: string) =>
  (error: PlatformError.PlatformError): Place.PlaceError =>
    isNotFound(error)
      ? new Place.PlaceError({ reason: "NotFound", message: `${path} is not there. Make it, or mend the path.` })
      : new Place.PlaceError({
          reason: "Unreadable",
          message: `${path} can not be read (${error.reason._tag}). Mend its permissions.`,
          cause: error
        })
