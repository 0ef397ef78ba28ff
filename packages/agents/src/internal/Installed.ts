/** What an installer recorded of a package: the integrity of its archive, from the lock files that npm and pnpm keep in `node_modules`. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Predicate from "effect/Predicate"

/** The largest lock file that is read, in bytes. */
export const maxLockBytes = 64 * 1024 * 1024

interface Installed {
  /** The folder with the `node_modules` that it was found in. */
  readonly around: string
  readonly name: string
  readonly version: string
  /** Where it really is. */
  readonly folder: string
}

/** The integrity, where it is known. It is what was recorded, and not compared with what is on the disk. */
export const integrity = Effect.fnUntraced(function* ({ around, folder, name, version }: Installed) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const read = Effect.fnUntraced(function* (path: string) {
    const { size } = yield* fs.stat(path)
    return size > BigInt(maxLockBytes) ? "" : yield* fs.readFileString(path)
  })
  const text = (path: string) => Effect.orElseSucceed(read(path), () => "")
  const store = /^(.*[/\\]\.pnpm)[/\\]/.exec(folder)?.[1]
  if (store !== undefined) return fromPnpm(yield* text(paths.join(store, "lock.yaml")), `${name}@${version}`)
  // npm keeps one for all, in the outermost `node_modules`.
  const [outer = around] = around.split(/[/\\]node_modules(?:[/\\]|$)/)
  const key = paths.relative(outer, paths.join(around, "node_modules", name)).replaceAll("\\", "/")
  return fromNpm(yield* text(paths.join(outer, "node_modules", ".package-lock.json")), key, version)
})

const sound = (integrity: unknown): string | null =>
  Predicate.isString(integrity) && /^sha\d+-[A-Za-z0-9+/=]{20,200}$/.test(integrity) ? integrity : null

const fromPnpm = (lock: string, id: string): string | null => {
  const start = [`\n  ${id}:\n`, `\n  '${id}':\n`].map((key) => lock.indexOf(key)).find((at) => at !== -1)
  if (start === undefined) return null
  return sound(/^\n[^\n]*\n\s*resolution: \{integrity: ([^,}\s]+)/.exec(lock.slice(start, start + 1_000))?.[1])
}

const fromNpm = (lock: string, key: string, version: string): string | null => {
  try {
    const found: unknown = JSON.parse(lock)?.packages?.[key]
    return Predicate.hasProperty(found, "integrity") &&
      Predicate.hasProperty(found, "version") &&
      found.version === version
      ? sound(found.integrity)
      : null
  } catch {
    return null
  }
}
