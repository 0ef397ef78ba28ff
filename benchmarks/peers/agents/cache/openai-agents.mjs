/** OpenAI's agents SDK: an `Agent` on chat completions. Tracing is off, since it would be sent away. */
import { Agent, OpenAIProvider, Runner, tool } from "@openai/agents"
import { key, maxSteps, measure, model, request } from "./Played.mjs"

const runner = new Runner({
  modelProvider: new OpenAIProvider({ apiKey: key, baseURL: `${request.url}/v1`, useResponses: false }),
  tracingDisabled: true
})

await measure(async ({ prompt, role, system }, tools) => {
  const agent = new Agent({
    name: role,
    instructions: system,
    model,
    tools: tools.map(({ description, name, run, schema }) =>
      tool({ name, description, parameters: schema, strict: false, execute: run })
    )
  })
  const result = await runner.run(agent, prompt, { maxTurns: maxSteps, stream: true })
  for await (const event of result) void event
  await result.completed
  return result.finalOutput
})
