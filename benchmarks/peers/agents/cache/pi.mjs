/** pi: an `Agent` over a provider of pi-ai at an address of its own. It marks tools, system prompt and last message by itself. */
import { Agent } from "@earendil-works/pi-agent-core"
import { modelsAt } from "../PiModel.mjs"
import { key, measure, model, request } from "./Played.mjs"

const models = modelsAt({ key, model, request })

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
