/** The model that pi is given: one of pi-ai, of a provider at an address of its own. */
import { createModels, createProvider } from "@earendil-works/pi-ai"
import { anthropicMessagesApi } from "@earendil-works/pi-ai/api/anthropic-messages.lazy"
import { openAICompletionsApi } from "@earendil-works/pi-ai/api/openai-completions.lazy"

/** All of pi-ai's models, of which this one is `models.getModel("loopback", model)`. */
export const modelsAt = ({ key, model, request }) => {
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
  return models
}
