/** Holds the floors, the order of the packages, the seams, and that every import is declared. */
import { existsSync, readFileSync } from "node:fs"
import { join, matchesGlob, posix } from "node:path"
import * as Architecture from "../Architecture.ts"
import * as Source from "../Source.ts"
import * as Gate from "./Gate.ts"

interface Place {
  readonly pack: string
  readonly folder: string
  readonly noun: string
}

const ownScope = "@millwright/"

/** Where an import leads inside of the house, or `undefined` when it leads out of it. */
const target = (source: Source.Source, from: string): Place | undefined => {
  if (from.startsWith(".")) return Source.placeOf(posix.join(posix.dirname(source.path), from))
  if (!from.startsWith(ownScope)) return undefined
  const [pack = "", ...rest] = from.slice(ownScope.length).split("/")
  return { pack, folder: rest.slice(0, -1).join("/"), noun: rest.at(-1) ?? "index" }
}

const nameOf = (place: Place): string => [place.pack, place.folder, place.noun].filter((part) => part !== "").join("/")

const isBelow = (module: string, from: string): boolean => from === module || from.startsWith(`${module}/`)

const isKernel = (place: Place): boolean => Architecture.kernels.some((kernel) => matchesGlob(nameOf(place), kernel))

const isAssembly = (place: Place): boolean => Architecture.assemblies.some((file) => matchesGlob(nameOf(place), file))

const floorProblem = (here: Place, there: Place): string | undefined => {
  if (there.noun === "index") return "imports a barrel, which is the roof; import the noun's own file"
  if (there.folder === "adapters" && !isAssembly(here)) {
    return here.folder === "adapters"
      ? "an adapter imports another adapter; move what both need into a noun of its own below them"
      : "imports an adapter, which is a floor above; take the port and let the caller give the layer"
  }
  if (there.folder === "testing" && here.folder !== "testing") return "imports testing/, which is a floor above"
  if (isKernel(there) && !isKernel(here) && here.folder !== "testing") {
    return "imports a kernel, which is a floor above; if this file is a kernel, name it in scripts/Architecture.ts"
  }
  return undefined
}

const insideProblem = (source: Source.Source, from: string, there: Place): string | undefined => {
  const here = Source.placeOf(source.path)
  if (from.startsWith(".")) {
    if (!from.endsWith(".ts")) return "a relative import ends in .ts"
    const path = posix.join(posix.dirname(source.path), from)
    if (!path.startsWith(`packages/${here.pack}/src/`))
      return "leads out of the package's src; import it by its package"
  } else if (there.pack === here.pack) {
    return "a package imports itself by name; use a relative path"
  } else if (!(Architecture.packages[here.pack] ?? []).includes(there.pack)) {
    const allowed = (Architecture.packages[here.pack] ?? []).join(", ") || "no other package"
    return `${here.pack} may import ${allowed}`
  }
  return floorProblem(here, there)
}

const outsideProblem = (source: Source.Source, from: string): string | undefined => {
  const here = Source.placeOf(source.path)
  if (from === "") {
    return Architecture.loaders.includes(nameOf(here))
      ? undefined
      : "a module that is not named; only those that scripts/Architecture.ts calls loaders may do that"
  }
  if (from === "effect") return "the root barrel of effect; import the module: effect/Effect"
  const seam = Architecture.seams.find(({ module }) => isBelow(module, from))
  if (seam !== undefined) {
    return seam.files.some((file) => matchesGlob(nameOf(here), file))
      ? undefined
      : `${seam.module} is ${seam.why}; only ${seam.files.join(", ")} may touch it (scripts/Architecture.ts)`
  }
  if (from.startsWith("node:") || isBelow("effect", from)) return undefined
  if (here.folder === "adapters" || isAssembly(here)) return undefined
  if (Architecture.everywhere.some((module) => isBelow(module, from))) return undefined
  if (here.folder === "testing" && Architecture.inTesting.some((module) => isBelow(module, from))) return undefined
  return "a vendor's module; only adapters/ may import it"
}

const declaredIn = (root: string, pack: string): ReadonlySet<string> => {
  const path = join(root, "packages", pack, "package.json")
  if (!existsSync(path)) return new Set()
  const manifest: Record<string, unknown> = JSON.parse(readFileSync(path, "utf8"))
  return new Set([manifest["dependencies"], manifest["peerDependencies"]].flatMap((names) => Object.keys(names ?? {})))
}

const undeclared = (declared: ReadonlySet<string>, from: string): string | undefined => {
  if (from === "" || from.startsWith(".") || from.startsWith("node:")) return undefined
  const name = from
    .split("/")
    .slice(0, from.startsWith("@") ? 2 : 1)
    .join("/")
  return declared.has(name) ? undefined : `${name} is no dependency or peer dependency of this package's package.json`
}

/** Floors, order of the packages, seams, and that every import is declared. */
export const gate = Gate.make("imports", "floors, order of packages, seams, declared dependencies", (root) => {
  const sources = Source.read(root, "packages/*/src/**/*.ts").filter(({ path }) => !path.endsWith("/index.ts"))
  const declared = new Map(
    [...new Set(sources.map(({ path }) => Source.placeOf(path).pack))].map((pack) => [pack, declaredIn(root, pack)])
  )
  const failures = sources.flatMap((source) =>
    source.imports.flatMap(({ from, line }) => {
      const there = target(source, from)
      const problem = there === undefined ? outsideProblem(source, from) : insideProblem(source, from, there)
      const missing = undeclared(declared.get(Source.placeOf(source.path).pack) ?? new Set(), from)
      return [problem, missing]
        .filter((one) => one !== undefined)
        .map((one) => `${source.path}:${line} imports ${from === "" ? "what it computes" : `"${from}"`}: ${one}`)
    })
  )
  return { failures, note: `${sources.length} files` }
})
