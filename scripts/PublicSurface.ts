/** The public **surface** of a package: every name that somebody outside can import, by module. */
import * as Source from "./Source.ts"

/** The most namespaces that the root of a package may have. */
export const maxNamespaces = 60

/** Every module of a package (`Journal`, `adapters/SqliteJournal`, `testing/JournalTest`) and its exported names. */
export interface Surface {
  readonly namespaces: number
  readonly modules: Readonly<Record<string, ReadonlyArray<string>>>
}

const moduleOf = (path: string): string => {
  const { folder, noun } = Source.placeOf(path)
  return folder === "" ? noun : `${folder}/${noun}`
}

/** Where the surface of a package is pinned. */
export const pinOf = (pack: string): string => `packages/${pack}/surface.json`

/** The names of the packages below `root`. */
export const packs = (root: string): ReadonlyArray<string> =>
  Source.find(root, "packages/*/package.json").map((path) => path.split("/")[1] ?? "")

/** The surface of a package as its sources tell it. `internal/` is not part of it. */
export const of = (root: string, pack: string): Surface => {
  const sources = Source.read(root, `packages/${pack}/src/**/*.ts`).filter(
    ({ path }) => !path.endsWith("/index.ts") && !path.includes("/internal/")
  )
  const modules = Object.fromEntries(
    sources.map(({ exports, path }) => [moduleOf(path), [...new Set(exports.map(({ name }) => name))].sort()])
  )
  return { namespaces: Object.keys(modules).filter((name) => !name.includes("/")).length, modules }
}

/** The surface as it is written to its pin. */
export const print = (surface: Surface): string => `${JSON.stringify(surface, null, 2)}\n`

/** What `now` has that `then` had not, and the other way round, as `+ Module.name` and `- Module.name`. */
export const difference = (then: Surface, now: Surface): ReadonlyArray<string> => {
  const names = ({ modules }: Surface): ReadonlySet<string> =>
    new Set(Object.entries(modules).flatMap(([module, all]) => [module, ...all.map((name) => `${module}.${name}`)]))
  const [before, after] = [names(then), names(now)]
  return [
    ...[...after].filter((name) => !before.has(name)).map((name) => `+ ${name}`),
    ...[...before].filter((name) => !after.has(name)).map((name) => `- ${name}`)
  ]
}
