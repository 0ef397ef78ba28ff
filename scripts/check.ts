/** `pnpm check`: runs every gate, says how each went, and lists the failures below. */
import { parseArgs } from "node:util"
import { root } from "./Command.ts"
import { gate as barrels } from "./gates/barrels.ts"
import { gate as docs } from "./gates/docs.ts"
import { gate as fences } from "./gates/fences.ts"
import { gate as format } from "./gates/format.ts"
import type * as Gate from "./gates/Gate.ts"
import { gate as imports } from "./gates/imports.ts"
import { gate as lint } from "./gates/lint.ts"
import { gate as names } from "./gates/names.ts"
import { gate as packages } from "./gates/package.ts"
import { gate as sizes } from "./gates/sizes.ts"
import { gate as suites } from "./gates/suites.ts"
import { gate as surface } from "./gates/surface.ts"
import { gate as types } from "./gates/typecheck.ts"

const gates: ReadonlyArray<Gate.Gate> = [
  format,
  lint,
  names,
  sizes,
  imports,
  docs,
  barrels,
  surface,
  suites,
  types,
  fences,
  packages
]

const help = `pnpm check [--only NAME]...

Runs every gate. Exit code 0 when all hold, 1 when one does not, 2 on bad input.

${gates.map(({ about, name }) => `  ${name.padEnd(9)} ${about}`).join("\n")}
`

class BadInput extends Error {}

const chosen = (): ReadonlyArray<Gate.Gate> => {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", short: "h", default: false }
    }
  })
  if (values.help) return []
  const names = values.only.flatMap((only) => only.split(","))
  const unknown = names.find((name) => !gates.some((gate) => gate.name === name))
  if (unknown !== undefined) {
    throw new BadInput(`There is no gate "${unknown}". The gates: ${gates.map(({ name }) => name).join(", ")}`)
  }
  return names.length === 0 ? gates : gates.filter(({ name }) => names.includes(name))
}

const look = async (gate: Gate.Gate): Promise<{ readonly name: string; readonly report: Gate.Report }> => {
  const start = performance.now()
  const report = await gate.run(root).catch((error: unknown): Gate.Report => ({
    failures: [`the gate itself broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`]
  }))
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const result = report.failures.length === 0 ? "ok" : `failed (${report.failures.length})`
  console.log(`${gate.name.padEnd(9)} ${result.padEnd(13)} ${seconds.padStart(6)} s  ${report.note ?? ""}`.trimEnd())
  return { name: gate.name, report }
}

const main = async (): Promise<number> => {
  const running = chosen()
  if (running.length === 0) {
    console.log(help)
    return 0
  }
  const failed: Array<{ readonly name: string; readonly report: Gate.Report }> = []
  for (const gate of running) {
    const result = await look(gate)
    if (result.report.failures.length > 0) failed.push(result)
  }
  for (const { name, report } of failed) {
    console.log(`\n${name}\n${report.failures.map((failure) => `  ${failure.replaceAll("\n", "\n    ")}`).join("\n")}`)
  }
  console.log(failed.length === 0 ? "\nAll gates hold." : `\nNot held: ${failed.map(({ name }) => name).join(", ")}`)
  return failed.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
