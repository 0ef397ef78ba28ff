import { Agent, type AgentTool } from "@earendil-works/pi-agent-core"
import { createModels } from "@earendil-works/pi-ai"
import { openaiProvider } from "@earendil-works/pi-ai/providers/openai"
import { Type } from "typebox"

const models = createModels()
models.setProvider(openaiProvider())
const model = models.getModel("openai", "gpt-5")
if (!model) throw new Error("There is no such model.")
const Numbers = Type.Object({ a: Type.Number(), b: Type.Number() })
const add: AgentTool<typeof Numbers> = {
  name: "add",
  label: "Add",
  description: "Adds two numbers.",
  parameters: Numbers,
  execute: async (_id, { a, b }) => ({ content: [{ type: "text", text: String(a + b) }], details: {} })
}
const agent = new Agent({
  initialState: { systemPrompt: "Add.", model, tools: [add] },
  streamFn: models.streamSimple.bind(models)
})
await agent.prompt("What is 2 + 3?")
console.log(agent.state.messages.at(-1))
