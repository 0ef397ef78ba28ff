/** All files of a plugin, read once: what is shown, digested, copied and run is the same bytes. */
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import * as Place from "../Place.ts"
import { PluginError } from "../PluginManifest.ts"

/** The files, and what of the place was not read. */
export interface PluginFiles {
  /** By path, in the order of paths. */
  readonly contents: ReadonlyMap<string, Uint8Array>
  readonly problems: ReadonlyArray<string>
  readonly bytes: number
  /** Of all paths and bytes. */
  readonly digest: Digest.Digest
}

/** The most that a plugin has. */
export const limits = { files: 5_000, bytes: 64 * 1024 * 1024 }

/** Reads them. What an installer put into `node_modules` is not the plugin's. */
export const read = Effect.fnUntraced(function* (
  place: Place.Place
): Effect.fn.Return<PluginFiles, PluginError | Place.PlaceError> {
  const paths: Array<string> = []
  const problems: Array<string> = []
  const tooLarge = (what: string) =>
    new PluginError({
      reason: "TooLarge",
      message: `The plugin in ${place.name} has more than ${what}. Leave out what it does not need.`
    })
  for (const entry of yield* place.list()) {
    if (entry.path === "node_modules") continue
    if (entry.problem === undefined && entry.kind === "file") paths.push(entry.path)
    else if (entry.problem === undefined && entry.kind === "folder") {
      const walk = yield* Place.walk(place, entry.path, { entries: 2 * limits.files })
      if (walk.isPartial) return yield* tooLarge(`${limits.files} files, or deeper folders than are read`)
      paths.push(...walk.files.map(({ path }) => path))
      problems.push(...walk.problems.map(({ path, problem }) => `${path}: ${problem}`))
    } else problems.push(`${entry.path}: ${entry.problem ?? `it is a ${entry.kind}`}`)
  }
  if (paths.length > limits.files) return yield* tooLarge(`${limits.files} files`)
  const contents = new Map<string, Uint8Array>()
  let bytes = 0
  const takenFor = distinct()
  for (const path of paths.sort()) {
    const other = takenFor(path)
    if (other !== undefined) problems.push(`${path}: on some disks it can not stand beside ${other}`)
    const content = yield* place.read(path, limits.bytes - bytes)
    if (content.size > content.bytes.length) return yield* tooLarge(`${limits.bytes} bytes`)
    bytes += content.size
    contents.set(path, content.bytes)
  }
  return { contents, problems, bytes, digest: digest(contents) }
})

/** Asked of one path after the other: what of those before it a disk that does not tell capitals from small letters takes it for. */
const distinct = () => {
  const spelled = new Map<string, string>()
  return (path: string): string | undefined => {
    const parts = path.split("/")
    for (const at of parts.keys()) {
      const here = parts.slice(0, at + 1).join("/")
      const first = spelled.get(here.toLowerCase())
      if (first !== undefined && first !== here) return first
      spelled.set(here.toLowerCase(), here)
    }
    return undefined
  }
}

const digest = (contents: PluginFiles["contents"]): Digest.Digest =>
  Digest.ofJson([...contents].map(([path, bytes]) => [path, Digest.of(bytes)]))
