/** Mastra: a chain of steps, its snapshots stored by LibSQL. */
import { Mastra } from "@mastra/core"
import { createStep, createWorkflow } from "@mastra/core/workflows"
import { LibSQLStore } from "@mastra/libsql"
import { join } from "node:path"
import { z } from "zod"
import { measure, output, request, weight } from "../Load.mjs"

const Carried = z.object({ sum: z.number(), output: z.any() })
const chain = (stages) => {
  let workflow = createWorkflow({ id: `line-${stages}`, inputSchema: Carried, outputSchema: Carried })
  for (let at = 0; at < stages; at++) {
    workflow = workflow.then(
      createStep({
        id: `step-${at}`,
        inputSchema: Carried,
        outputSchema: Carried,
        execute: async ({ inputData }) => {
          const value = output(at)
          return { sum: inputData.sum + weight(value), output: value }
        }
      })
    )
  }
  return workflow.commit()
}
const lengths = [...new Set([request.stages, request.warm.stages])]
const mastra = new Mastra({
  logger: false,
  storage: new LibSQLStore({ id: "bench", url: `file:${join(request.folder, "mastra.db")}` }),
  workflows: Object.fromEntries(lengths.map((stages) => [`line-${stages}`, chain(stages)]))
})

await measure({
  line: async (id, stages) => {
    const run = await mastra.getWorkflow(`line-${stages}`).createRun({ runId: id })
    const ended = await run.start({ inputData: { sum: 0, output: null } })
    if (ended.status !== "success") throw new Error(`The run ended ${ended.status}: ${ended.error}`)
    return ended.result.sum
  },
  policy: "LibSQL WAL, synchronous=NORMAL as the store sets it; a snapshot of the whole run after each step"
})
