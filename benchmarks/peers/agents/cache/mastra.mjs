/**
 * Mastra: an `Agent`, to Anthropic over a model of the AI SDK. `system` marks the instructions, as its documentation shows;
 * `option` sets the request's own `cacheControl` beside that, and the API marks the last block.
 */
import { createAnthropic } from "@ai-sdk/anthropic"
import { createOpenAI } from "@ai-sdk/openai"
import { Agent } from "@mastra/core/agent"
import { jsonSchema, tool } from "ai"
import { key, maxSteps, measure, model, request } from "./Played.mjs"

const options = { apiKey: key, baseURL: `${request.url}/v1` }
const languageModel = request.api === "anthropic" ? createAnthropic(options)(model) : createOpenAI(options).chat(model)
const mark = { providerOptions: { anthropic: { cacheControl: { type: "ephemeral" } } } }

await measure(async ({ prompt, role, system }, tools) => {
  const agent = new Agent({
    id: role,
    name: role,
    instructions: request.variant === "plain" ? system : { role: "system", content: system, ...mark },
    model: languageModel,
    tools: Object.fromEntries(
      tools.map(({ description, name, run, schema }) => [
        name,
        tool({ description, inputSchema: jsonSchema(schema), execute: run })
      ])
    )
  })
  const result = await agent.stream(prompt, { maxSteps, ...(request.variant === "option" ? mark : {}) })
  for await (const part of result.fullStream) if (part.type === "error") throw part.payload.error
  return (await result.text).slice(-4_000)
})
