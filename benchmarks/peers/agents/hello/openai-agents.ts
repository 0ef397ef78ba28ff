import { Agent, run, tool } from "@openai/agents"
import { z } from "zod"

const add = tool({
  name: "add",
  description: "Adds two numbers.",
  parameters: z.object({ a: z.number(), b: z.number() }),
  execute: async ({ a, b }) => a + b
})
const result = await run(new Agent({ name: "adder", instructions: "Add.", tools: [add] }), "What is 2 + 3?")
console.log(result.finalOutput)
