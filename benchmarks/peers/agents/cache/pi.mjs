/** pi: an `Agent` over a provider of pi-ai at an address of its own. It marks tools, system prompt and last message by itself. */
import { Agent } from "@earendil-works/pi-agent-core"
import { createModels, createProvider } from "@earendil-works/pi-ai"
import { anthropicMessagesApi } from "@earendil-works/pi-ai/api/anthropic-messages.lazy"
import { openAICompletionsApi } from "@earendil-works/pi-ai/api/openai-completions.lazy"
import { key, measure, model, request } from "./Played.mjs"

const isAnthropic = request.api === "anthropic"
const baseUrl = isAnthropic ? request.url : `${request.url}/v1`
const models = createModels()
models.setProvider(
  createProvider({
    id: "loopback",
    name: "Loopback",
    baseUrl,
    auth: { apiKey: { name: "Loopback", resolve: async () => ({ auth: { apiKey: key } }) } },
    models: [
      {
        id: model,
        name: model,
        api: isAnthropic ? "anthropic-messages" : "openai-completions",
        provider: "loopback",
        baseUrl,
        reasoning: false,
        input: ["text"],
        cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
        contextWindow: 10_000_000,
        maxTokens: 32_000
      }
    ],
    api: isAnthropic ? anthropicMessagesApi() : openAICompletionsApi()
  })
)

await measure(async ({ prompt, system }, tools) => {
  const agent = new Agent({
    initialState: {
      systemPrompt: system,
      model: models.getModel("loopback", model),
      tools: tools.map(({ description, name, run, schema }) => ({
        name,
        label: name,
        description,
        parameters: schema,
        execute: async (_id, args) => ({ content: [{ type: "text", text: await run(args) }], details: {} })
      }))
    },
    streamFn: models.streamSimple.bind(models)
  })
  await agent.prompt(prompt)
  if (agent.state.errorMessage !== undefined) throw new Error(agent.state.errorMessage)
  const { content } = agent.state.messages.at(-1)
  return content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("")
})
