/** AI SDK: a `ToolLoopAgent`. */
import { createAnthropic } from "@ai-sdk/anthropic"
import { createOpenAI } from "@ai-sdk/openai"
import { isLoopFinished, tool, ToolLoopAgent } from "ai"
import { z } from "zod"
import { description, key, measure, model, note, prompt, request, system } from "./Turns.mjs"

const options = { apiKey: key, baseURL: `${request.url}/v1` }
const agent = new ToolLoopAgent({
  model: request.api === "anthropic" ? createAnthropic(options)(model) : createOpenAI(options).chat(model),
  instructions: system,
  tools: {
    [request.tool]: tool({
      description,
      inputSchema: z.object({ number: z.number() }),
      execute: async ({ number }) => note(number)
    })
  },
  stopWhen: isLoopFinished()
})

await measure(async () => {
  if (request.mode === "generate") return void (await agent.generate({ prompt }))
  const result = await agent.stream({ prompt })
  for await (const part of result.fullStream) if (part.type === "error") throw part.error
})
