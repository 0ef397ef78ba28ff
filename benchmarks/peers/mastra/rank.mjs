/**
 * Mastra's search of tools, asked as a model asks it: through the tool `search_tools` that its processor adds to a step.
 * Takes the path of `{ tools: [{ id, description }], queries, depth }` and of the file for its answer.
 */
import { createTool } from "@mastra/core/tools"
import { ToolSearchProcessor } from "@mastra/core/processors"
import { readFileSync, writeFileSync } from "node:fs"
import { z } from "zod"

const [input, output] = process.argv.slice(2)
const { depth, queries, tools } = JSON.parse(readFileSync(input, "utf8"))
const inputSchema = z.object({})
const processor = new ToolSearchProcessor({
  tools: Object.fromEntries(
    tools.map(({ description, id }) => [id, createTool({ id, description, inputSchema, execute: async () => "" })])
  ),
  search: { topK: depth }
})
const step = await processor.processInputStep({ tools: {}, messageList: { addSystem: () => {} }, messages: [] })
const found = []
for (const query of queries) {
  const { results } = await step.tools.search_tools.execute({ query }, {})
  found.push(results.map(({ name }) => name))
}
writeFileSync(output, JSON.stringify(found))
process.exit(0)
