/** How long a fresh process takes to import each package and each public module, as published. */
import { execFileSync } from "node:child_process"
import * as Architecture from "../scripts/Architecture.ts"
import { root } from "../scripts/Command.ts"
import * as Installed from "../scripts/Installed.ts"
import * as PublicSurface from "../scripts/PublicSurface.ts"
import * as Bench from "./Bench.ts"

/** What is measured. */
export const description =
  "import of each package and public module in a fresh process, as a ratio to importing effect/Effect"

/** What can be set. */
export const options = {
  runs: { type: "number", about: "fresh processes per module that the median is taken of", default: 5 },
  only: { type: "string", about: "only modules whose name contains this" }
} as const satisfies Bench.Options

const peer = "effect/Effect"

const measure = (folder: string, name: string, runs: number): number => {
  const script = `const start = performance.now(); await import(${JSON.stringify(name)}); console.log(performance.now() - start)`
  const args = ["--no-warnings", "--input-type=module", "--eval", script]
  return Bench.median(
    Array.from({ length: runs }, () => Number(execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" })))
  )
}

const modulesOf = (pack: string): ReadonlyArray<string> => [
  `@millwright/${pack}`,
  ...Object.keys(PublicSurface.of(root, pack).modules)
    .filter((module) => !module.startsWith("testing/"))
    .map((module) => `@millwright/${pack}/${module}`)
]

/** Measures. Builds and packs the packages first. */
export const run: Bench.Run<typeof options> = ({ only = "", runs }, progress) =>
  Installed.inTemporaryFolder(async (folder) => {
    const packs = Object.keys(Architecture.packages)
    const names = packs.flatMap(modulesOf).filter((name) => name.includes(only))
    if (names.length === 0) throw new Bench.BadInput(`--only ${only}: no public module has that in its name.`)
    progress("building and packing")
    await Installed.build(root, packs)
    await Installed.unpack(root, folder, packs)
    const base = measure(folder, peer, Math.max(runs, 5))
    const figures = names.map((name): Bench.Measured => {
      progress(name)
      const isRoot = name.split("/").length === 2
      const goal = { op: "<=", value: isRoot ? 4 : 3 } as const
      return { name, value: Bench.round(measure(folder, name, runs) / base), unit: `× ${peer}`, goal }
    })
    return { figures: [{ name: peer, value: Bench.round(base), unit: "ms", peer: "effect" }, ...figures] }
  })
