/** LangGraph: a node (graph) or a task (functional) for each stage, stored by its SQLite checkpointer. */
import { Annotation, END, START, StateGraph, entrypoint, task } from "@langchain/langgraph"
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite"
import { join } from "node:path"
import { measure, output, request, weight } from "../Load.mjs"

const checkpointer = SqliteSaver.fromConnString(join(request.folder, "langgraph.db"))

const graph = () => {
  const State = Annotation.Root({ at: Annotation(), stages: Annotation(), sum: Annotation(), output: Annotation() })
  const compiled = new StateGraph(State)
    .addNode("step", ({ at, sum }) => {
      const value = output(at)
      return { at: at + 1, sum: sum + weight(value), output: value }
    })
    .addEdge(START, "step")
    .addConditionalEdges("step", ({ at, stages }) => (at < stages ? "step" : END), ["step", END])
    .compile({ checkpointer })
  return async (id, stages) => {
    const options = { configurable: { thread_id: id }, recursionLimit: stages + 10 }
    return (await compiled.invoke({ at: 0, stages, sum: 0, output: null }, options)).sum
  }
}

const functional = () => {
  const step = task("step", async (at) => output(at))
  const line = entrypoint({ checkpointer, name: "line" }, async (stages) => {
    let sum = 0
    for (let at = 0; at < stages; at++) sum += weight(await step(at))
    return sum
  })
  return (id, stages) => line.invoke(stages, { configurable: { thread_id: id } })
}

const line = request.variant === "graph" ? graph() : functional()
// The checkpointer sets its pragmas with the first use.
await line("first", 1)
const synchronous = ["OFF", "NORMAL", "FULL", "EXTRA"][checkpointer.db.pragma("synchronous", { simple: true })]
await measure({
  line,
  policy: `SQLite ${checkpointer.db.pragma("journal_mode", { simple: true })}, synchronous=${synchronous}; durability "async" (default): the next step does not wait for the checkpoint; better-sqlite3 13 in place of 12, which aborts on Node 24`,
  close: async () => checkpointer.db.close()
})
