/** How fast output comes out of a sandbox, and what a lot of it takes of memory. */
import { join } from "node:path"
import * as Bench from "../Bench.ts"
import * as Child from "../Child.ts"
import type * as Measure from "./Measure.ts"
import * as Repository from "./Repository.ts"

const bytes = 1_000_000_000

/** Measures. Each run is in a process of its own, whose memory is looked at. */
export const measure: Measure.Measure = async ({ folder, note, runs }) => {
  const workspace = join(folder, "output")
  Repository.make(workspace, 20)
  const program = join(import.meta.dirname, "drain.ts")
  const times: Record<string, Array<{ readonly speed: number; readonly grown: number }>> = {
    bubblewrap: [],
    none: [],
    node: []
  }
  for (let run = 0; run < runs; run++) {
    for (const [kind, found] of Object.entries(times)) {
      const line = await Child.run(program, { kind, workspace, bytes })
      found.push({ speed: Child.numberIn(line, "speed"), grown: Child.numberIn(line, "grown") })
    }
  }
  const of = (kind: string, what: "speed" | "grown") => Bench.middle((times[kind] ?? []).map((each) => each[what]))
  note(
    "output: 1 GB of zeros, read as a stream of Effect; memory is the most of the process, over what it was when the sandbox was open. Most of it are Node's own buffers, which it has without a sandbox and without Effect as well."
  )
  return [
    { name: "output: bubblewrap", unit: "MB/s", goal: { op: ">=", value: 500 }, ...of("bubblewrap", "speed") },
    { name: "output: plain process, the same stream", unit: "MB/s", peer: "no sandbox", ...of("none", "speed") },
    {
      name: "memory over idle for 1 GB of output",
      unit: "MB",
      goal: { op: "<=", value: 50 },
      ...of("bubblewrap", "grown")
    },
    {
      name: "memory over idle for 1 GB of output: plain process",
      unit: "MB",
      peer: "no sandbox",
      ...of("none", "grown")
    },
    {
      name: "memory over idle for 1 GB of output: plain process, read by Node alone",
      unit: "MB",
      peer: "no sandbox, no Effect",
      ...of("node", "grown")
    }
  ]
}
