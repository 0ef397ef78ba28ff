/** Mastra: an `Agent` with a tool of `createTool`, its model at an address of its own. */
import { Agent } from "@mastra/core/agent"
import { createTool } from "@mastra/core/tools"
import { z } from "zod"
import { description, key, measure, model, note, prompt, request, system } from "./Turns.mjs"

const agent = new Agent({
  id: "reader",
  name: "reader",
  instructions: system,
  model: { id: `${request.api}/${model}`, url: `${request.url}/v1`, apiKey: key },
  tools: {
    [request.tool]: createTool({
      id: request.tool,
      description,
      inputSchema: z.object({ number: z.number() }),
      execute: async ({ number }) => note(number)
    })
  }
})

const options = { maxSteps: request.turns + 2 }
await measure(async () => {
  if (request.mode === "generate") return void (await agent.generate(prompt, options))
  const result = await agent.stream(prompt, options)
  for await (const part of result.fullStream) if (part.type === "error") throw part.payload.error
})
