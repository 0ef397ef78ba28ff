/** `pnpm bench NAME [options] [--json]`: runs a bench of `benchmarks/` and prints its figures. */
import { accessSync, constants, readFileSync, statSync } from "node:fs"
import { cpus, loadavg } from "node:os"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import * as Bench from "../benchmarks/Bench.ts"
import { root } from "./Command.ts"
import * as Source from "./Source.ts"

type Value = number | string | boolean | undefined

const known = (): ReadonlyArray<string> =>
  Source.find(root, "benchmarks/[a-z]*.ts")
    .map((path) => Source.placeOf(path).noun)
    .filter((name) => /^[a-z]/.test(name))

const isBench = (module: object): module is Bench.Bench =>
  "description" in module && "options" in module && "run" in module && typeof module.run === "function"

const load = async (name: string): Promise<Bench.Bench> => {
  if (!known().includes(name)) {
    throw new Bench.BadInput(`There is no bench "${name}". The benches: ${known().join(", ")}`)
  }
  const module: object = await import(pathToFileURL(join(root, "benchmarks", `${name}.ts`)).href)
  if (!isBench(module))
    throw new Error(`benchmarks/${name}.ts exports no description, options and run (see benchmarks/Bench.ts)`)
  return module
}

const numberOf = (name: string, { text, least = 1 }: { readonly text: string; readonly least?: number }): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < least || text.trim() === "") {
    throw new Bench.BadInput(`--${name} takes a whole number of at least ${least}, not "${text}".`)
  }
  return value
}

const pathOf = (name: string, type: "file" | "folder", path: string): string => {
  try {
    accessSync(path, constants.R_OK)
    if (type === "file" ? statSync(path).isFile() : statSync(path).isDirectory()) return resolve(path)
  } catch {
    // said below, in the same words as for what is there and of another kind
  }
  throw new Bench.BadInput(`--${name} takes a ${type} that can be read; "${path}" is none.`)
}

const valueOf = (name: string, option: Bench.Option, given: string | boolean | undefined): Value => {
  if (option.type === "flag") return given === true
  if (typeof given !== "string") return option.default
  if (option.type === "number") return numberOf(name, { ...option, text: given })
  return option.type === "file" || option.type === "folder" ? pathOf(name, option.type, given) : given
}

const helpOf = (name: string, bench: Bench.Bench): string => {
  const lines = Object.entries(bench.options).map(([key, { about, default: usual, type }]) => {
    const flag = type === "flag" ? `--${key}` : `--${key} ${type.toUpperCase()}`
    return `  ${flag.padEnd(20)} ${about}${usual === undefined ? "" : ` (${usual})`}`
  })
  return [`pnpm bench ${name} [options] [--json]`, "", bench.description, "", ...lines, ""].join("\n")
}

const help = async (): Promise<string> => {
  const benches = await Promise.all(
    known().map(async (name) => `  ${name.padEnd(10)} ${(await load(name)).description}`)
  )
  const text =
    "Prints a table, or with --json one object on standard output. pnpm bench NAME --help lists a bench's options."
  return ["pnpm bench NAME [options] [--json]", "", text, "", ...benches, ""].join("\n")
}

const read = (
  bench: Bench.Bench,
  args: ReadonlyArray<string>
): { json: boolean; help: boolean; values: Record<string, Value> } => {
  const flags = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const
  const own = Object.fromEntries(
    Object.entries(bench.options).map(([name, { type }]) => [
      name,
      { type: type === "flag" ? "boolean" : "string" } as const
    ])
  )
  try {
    const { values: given } = parseArgs({ args: [...args], options: { ...own, ...flags }, strict: true })
    const of = (name: string): string | boolean | undefined => Object.entries(given).find(([key]) => key === name)?.[1]
    const values = Object.entries(bench.options).map(([name, option]) => [name, valueOf(name, option, of(name))])
    return { json: given.json === true, help: given.help === true, values: Object.fromEntries(values) }
  } catch (error) {
    if (error instanceof TypeError)
      throw new Bench.BadInput(`${error.message}. The same with --help says what there is.`)
    throw error
  }
}

const versions = (): Record<string, string> => {
  const of = (path: string): string => {
    const manifest: { readonly version: string } = JSON.parse(readFileSync(join(root, path), "utf8"))
    return manifest.version
  }
  return {
    millwright: of("packages/core/package.json"),
    effect: of("node_modules/effect/package.json"),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`
  }
}

/** A small number keeps its digits: a share of a thousandth is not 0. */
const number = (value: number): string =>
  value.toLocaleString("en", Math.abs(value) < 1 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 3 })

const table = (figures: ReadonlyArray<Bench.Figure>): string => {
  const rows = figures.map(({ goal, holds, missing, name, peer, spread, unit, value }) => [
    peer === undefined ? name : `${name} (${peer})`,
    missing === undefined ? number(value) : "–",
    spread === undefined || spread.runs < 2 ? "" : `${number(spread.min)}–${number(spread.max)}`,
    unit,
    goal === undefined ? "" : `${goal.op} ${goal.value}`,
    missing ?? (holds === undefined ? "" : holds ? "holds" : "does not hold")
  ])
  const all = [["figure", "value", "min–max", "unit", "goal", ""], ...rows]
  const widths = (all[0] ?? []).map((_, n) => Math.max(...all.map((row) => (row[n] ?? "").length)))
  const cell = (text: string, n: number): string =>
    n === 1 || n === 2 ? text.padStart(widths[n] ?? 0) : text.padEnd(widths[n] ?? 0)
  return all.map((row) => row.map(cell).join("  ").trimEnd()).join("\n")
}

const main = async ([name, ...args]: ReadonlyArray<string>): Promise<void> => {
  if (name === undefined) throw new Bench.BadInput(`Which bench? The benches: ${known().join(", ")}`)
  if (name === "--help" || name === "-h") return console.log(await help())
  const bench = await load(name)
  const given = read(bench, args)
  if (given.help) return console.log(helpOf(name, bench))
  const before = loadavg()[0] ?? 0
  const result = await bench.run(given.values, (line) => console.error(line))
  const figures = result.figures.map(Bench.judge)
  const load1 = { before, after: loadavg()[0] ?? 0 }
  const report = {
    bench: name,
    figures,
    load: { options: given.values, cpus: cpus().length, average1m: load1 },
    versions: { ...versions(), ...result.versions },
    ...(result.notes && { notes: result.notes }),
    ...result.details
  }
  if (result.failure !== undefined) {
    console.error(result.failure)
    process.exitCode = 1
  }
  if (given.json) return console.log(JSON.stringify(report))
  const busy = `load average ${load1.before.toFixed(2)} at the start, ${load1.after.toFixed(2)} at the end, ${cpus().length} processors`
  console.log([bench.description, "", table(figures), "", ...(result.notes ?? []), busy, ""].join("\n"))
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Bench.BadInput)) throw error
  console.error(error.message)
  process.exitCode = 2
}
