/** What a sandbox costs, beside plain processes and the peers. */
import { loadavg } from "node:os"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Bench from "./Bench.ts"
import * as Cleanup from "./Cleanup.ts"
import * as Exec from "./sandbox/Exec.ts"
import type * as Measure from "./sandbox/Measure.ts"
import * as Opening from "./sandbox/Opening.ts"
import * as Output from "./sandbox/Output.ts"

/** What is measured. */
export const description = "sandboxes: one command, opening, many at once, what stays, output; beside the peers"

const measures: Readonly<Record<string, Measure.Measure>> = {
  exec: Exec.measure,
  opening: Opening.measure,
  many: Opening.many,
  output: Output.measure
}

/** What can be set. */
export const options = {
  only: { type: "string", about: `some of ${Object.keys(measures).join(",")}`, default: "all" },
  runs: { type: "number", about: "runs that the median is taken of; one command: 21 at least", default: 5 },
  files: { type: "number", about: "files of the repository that is opened", default: 5_000 },
  sandboxes: { type: "number", about: "sandboxes at once", default: 50 }
} as const satisfies Bench.Options

/** A measure that fails is said to be not measured, with its reason, and takes nothing of the others with it. */
const figuresOf = async (name: string, setting: Measure.Setting): Promise<ReadonlyArray<Bench.Measured>> => {
  try {
    return (await measures[name]?.(setting)) ?? []
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [
      { name: `${name}: not measured`, unit: "", value: Number.NaN, missing: why.split("\n").slice(0, 3).join(" ") }
    ]
  }
}

/** Measures. Ours and the peers take turns. */
export const run: Bench.Run<typeof options> = async ({ only, ...sizes }, progress) => {
  const names = Bench.chosen(only, measures)
  const folder = mkdtempSync(join(tmpdir(), "bench-sandbox-"))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  const forget = Cleanup.add(remove)
  // What sandboxes note down about folders is not to stay.
  process.env["XDG_STATE_HOME"] = join(folder, "state")
  const notes: Array<string> = []
  const figures: Array<Bench.Measured> = []
  try {
    for (const name of names) {
      progress(`${name} (load average ${loadavg()[0]?.toFixed(2)})`)
      const own = join(folder, name)
      mkdirSync(own)
      figures.push(
        ...(await figuresOf(name, { ...sizes, folder: own, progress, note: (line) => void notes.push(line) }))
      )
    }
    return { figures, notes }
  } finally {
    forget()
    remove()
  }
}
