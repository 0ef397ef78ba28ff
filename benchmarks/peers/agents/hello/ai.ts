import { openai } from "@ai-sdk/openai"
import { tool, ToolLoopAgent } from "ai"
import { z } from "zod"

const agent = new ToolLoopAgent({
  model: openai("gpt-5"),
  tools: {
    add: tool({
      description: "Adds two numbers.",
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      execute: async ({ a, b }) => a + b
    })
  }
})
const { text } = await agent.generate({ prompt: "What is 2 + 3?" })
console.log(text)
