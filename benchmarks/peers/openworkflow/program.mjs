/** OpenWorkflow: a `step.run` for each stage, on its SQLite backend, with a worker of the load's concurrency. */
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { OpenWorkflow } from "openworkflow"
import { BackendSqlite } from "openworkflow/sqlite"
import { measure, output, request, weight } from "../Load.mjs"

const path = join(request.folder, "openworkflow.db")
const backend = BackendSqlite.connect(path)
const ow = new OpenWorkflow({ backend })
// `handle.result()` looks once a second, so the end is told from inside: the last write of a run is not waited for.
let ended = () => {}
let stop = Promise.resolve()
const line = ow.defineWorkflow({ name: "line" }, async ({ input, step }) => {
  let sum = 0
  for (let at = 0; at < input.stages; at++) {
    sum += weight(await step.run({ name: `step-${at}` }, async () => output(at)))
  }
  ended(sum)
  return sum
})
const probe = new DatabaseSync(path)
const synchronous = ["OFF", "NORMAL", "FULL", "EXTRA"][probe.prepare("pragma synchronous").get().synchronous]
probe.close()

await measure({
  lines: async (_name, { concurrency, lines, stages }) => {
    const worker = ow.newWorker({ concurrency })
    const sums = []
    const all = new Promise((resolve) => {
      ended = (sum) => sums.push(sum) === lines && resolve()
    })
    // A worker that finds nothing to do sleeps, so what is to be done is there before it starts.
    for (let at = 0; at < lines; at++) await line.run({ stages })
    await worker.start()
    await all
    stop = worker.stop()
    return sums
  },
  policy: `SQLite WAL, synchronous=${synchronous} (node:sqlite's default, it sets none); a commit for each write`,
  close: async () => {
    await stop
    await backend.stop()
  }
})
