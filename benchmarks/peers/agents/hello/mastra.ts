import { Agent } from "@mastra/core/agent"
import { createTool } from "@mastra/core/tools"
import { z } from "zod"

const add = createTool({
  id: "add",
  description: "Adds two numbers.",
  inputSchema: z.object({ a: z.number(), b: z.number() }),
  execute: async ({ a, b }) => a + b
})
const agent = new Agent({ id: "adder", name: "adder", instructions: "Add.", model: "openai/gpt-5", tools: { add } })
const { text } = await agent.generate("What is 2 + 3?")
console.log(text)
