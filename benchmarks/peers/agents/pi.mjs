/** pi: an `Agent` over a provider of pi-ai that is at an address of its own. */
import { Agent } from "@earendil-works/pi-agent-core"
import { Type } from "typebox"
import { modelsAt } from "./PiModel.mjs"
import { description, key, measure, model, note, prompt, request, system } from "./Turns.mjs"

const models = modelsAt({ key, model, request })

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
