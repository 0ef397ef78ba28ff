/** OpenAI's agents SDK: an `Agent` on chat completions. Tracing is off, since it would be sent away. */
import { Agent, OpenAIProvider, Runner, tool } from "@openai/agents"
import { z } from "zod"
import { description, key, measure, model, note, prompt, request, system } from "./Turns.mjs"

const agent = new Agent({
  name: "reader",
  instructions: system,
  model,
  tools: [
    tool({
      name: request.tool,
      description,
      parameters: z.object({ number: z.number() }),
      execute: async ({ number }) => note(number)
    })
  ]
})
const runner = new Runner({
  modelProvider: new OpenAIProvider({ apiKey: key, baseURL: `${request.url}/v1`, useResponses: false }),
  tracingDisabled: true
})

const options = { maxTurns: request.turns + 2 }
await measure(async () => {
  if (request.mode === "generate") return void (await runner.run(agent, prompt, options))
  const result = await runner.run(agent, prompt, { ...options, stream: true })
  for await (const event of result) void event
  await result.completed
})
