/**
 * AI SDK: a `ToolLoopAgent`. `plain` marks nothing; `option` sets the request's own `cacheControl`, and the API marks the last
 * block; `marks` marks what its documentation shows: the last tool, the instructions, and in `prepareStep` the last message.
 */
import { createAnthropic } from "@ai-sdk/anthropic"
import { createOpenAI } from "@ai-sdk/openai"
import { isLoopFinished, jsonSchema, tool, ToolLoopAgent } from "ai"
import { key, measure, model, request } from "./Played.mjs"

const options = { apiKey: key, baseURL: `${request.url}/v1` }
const languageModel = request.api === "anthropic" ? createAnthropic(options)(model) : createOpenAI(options).chat(model)
const mark = { providerOptions: { anthropic: { cacheControl: { type: "ephemeral" } } } }
const isMarked = request.variant === "marks"

await measure(async ({ prompt, system }, tools) => {
  const agent = new ToolLoopAgent({
    model: languageModel,
    instructions: isMarked ? { role: "system", content: system, ...mark } : system,
    tools: Object.fromEntries(
      tools.map(({ description, name, run, schema }, at) => [
        name,
        tool({
          description,
          inputSchema: jsonSchema(schema),
          execute: run,
          ...(isMarked && at === tools.length - 1 ? mark : {})
        })
      ])
    ),
    stopWhen: isLoopFinished(),
    ...(request.variant === "option" ? mark : {}),
    ...(isMarked
      ? {
          // The messages of a step are those of the one before: a mark that is left there counts among the four.
          prepareStep: ({ messages }) => ({
            messages: messages.map(({ providerOptions: _, ...message }, at) =>
              at === messages.length - 1 ? { ...message, ...mark } : message
            )
          })
        }
      : {})
  })
  const result = await agent.stream({ prompt })
  for await (const part of result.fullStream) if (part.type === "error") throw part.error
  return result.text
})
