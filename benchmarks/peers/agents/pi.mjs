/** pi: an `Agent` over a provider of pi-ai that is at an address of its own. */
import { Agent } from "@earendil-works/pi-agent-core"
import { createModels, createProvider } from "@earendil-works/pi-ai"
import { anthropicMessagesApi } from "@earendil-works/pi-ai/api/anthropic-messages.lazy"
import { openAICompletionsApi } from "@earendil-works/pi-ai/api/openai-completions.lazy"
import { Type } from "typebox"
import { description, key, measure, model, note, prompt, request, system } from "./Turns.mjs"

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

const agent = new Agent({
  initialState: {
    systemPrompt: system,
    model: models.getModel("loopback", model),
    tools: [
      {
        name: request.tool,
        label: "Note",
        description,
        parameters: Type.Object({ number: Type.Number() }),
        execute: async (_id, { number }) => ({ content: [{ type: "text", text: note(number) }], details: {} })
      }
    ]
  },
  streamFn: models.streamSimple.bind(models)
})

await measure(async () => {
  await agent.prompt(prompt)
  if (agent.state.errorMessage !== undefined) throw new Error(agent.state.errorMessage)
})
