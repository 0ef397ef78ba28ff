/**
 * An installed npm package as a place. It is found as Node finds it: in `node_modules` of a folder, and of the folders above.
 * Nothing of it is imported or run, and what its `exports` say has no part in it.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as FolderPlace from "./FolderPlace.ts"
import * as Installed from "./internal/Installed.ts"
import * as Place from "./Place.ts"
import * as Untrusted from "./Untrusted.ts"

/** Which package, and whose words it holds. */
export interface Options {
  /** `name` or `@scope/name`. */
  readonly package: string
  /** Where it is looked for from: the folder of whoever depends on it. */
  readonly from: string
  readonly trust: Place.Trust
}

/** The largest `package.json` that is read, in bytes. */
export const maxManifestBytes = 1024 * 1024

const isPackageName = /^(?=.{1,214}$)(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i

// Both name the place, in messages and in facts: nothing that a stranger wrote stands in them but this.
const Manifest = Schema.fromJsonString(
  Schema.Struct({
    name: Schema.String.check(Schema.isPattern(isPackageName, { expected: "the name of a package" })),
    version: Schema.String.check(Schema.isPattern(/^\d[0-9A-Za-z.+-]{0,100}$/, { expected: "a version, as 1.2.3" }))
  })
)
const readManifest = Schema.decodeUnknownEffect(Manifest)

/** Opens an installed package. */
export const open = Effect.fnUntraced(function* ({ from, package: name, trust }: Options) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  if (!isPackageName.test(name)) {
    return yield* new Place.PlaceError({
      reason: "NotFound",
      message: `${JSON.stringify(name.slice(0, 214))} is no name of a package. Give it as in package.json, without a version or a path.`
    })
  }
  const start = paths.resolve(from)
  let around: string | undefined
  for (let at = start; ; at = paths.dirname(at)) {
    // As Node does: no `node_modules/node_modules`.
    const isHere =
      paths.basename(at) !== "node_modules" &&
      (yield* Effect.orElseSucceed(fs.exists(paths.join(at, "node_modules", name, "package.json")), () => false))
    if (isHere) around = at
    if (isHere || paths.dirname(at) === at) break
  }
  if (around === undefined) {
    return yield* new Place.PlaceError({
      reason: "NotFound",
      message: `The package ${name} is not installed in node_modules of ${start}, nor of a folder above. Install it there.`
    })
  }
  const folder = yield* Effect.mapError(
    fs.realPath(paths.join(around, "node_modules", name)),
    () =>
      new Place.PlaceError({
        reason: "NotFound",
        message: `The package ${name} in ${around} is gone. Install it again.`
      })
  )
  const unnamed = yield* FolderPlace.open({ folder, trust })
  const { bytes, size } = yield* unnamed.read("package.json", maxManifestBytes)
  const manifest = yield* Effect.mapError(
    size > maxManifestBytes ? Effect.fail({ message: "it is too large" }) : readManifest(Buffer.from(bytes).toString()),
    ({ message }) =>
      new Place.PlaceError({
        reason: "Unreadable",
        message: `${folder}/package.json is not that of a package: ${Untrusted.visible(message).replace(/\s+/g, " ").slice(0, 200)}. Install it again.`
      })
  )
  const { version } = manifest
  const integrity = yield* Installed.integrity({ around, name, version, folder })
  return yield* FolderPlace.openAs({
    folder,
    trust,
    name: `npm:${manifest.name}@${version}`,
    address: { _tag: "Package", name: manifest.name, version, integrity, folder: "" }
  })
})
