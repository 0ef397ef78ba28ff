/** The smallest agent with a tool of its own, as a user writes it: what is looked at is what its types cost. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import * as Role from "@millwright/agents/Role"
import * as Skill from "@millwright/agents/Skill"
import * as ToolkitSource from "@millwright/context/adapters/ToolkitSource"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const Add = Tool.make("add", {
  description: "Adds two numbers.",
  parameters: Schema.Struct({ a: Schema.Number, b: Schema.Number }),
  success: Schema.Number
})
const toolkit = Toolkit.make(Add)

const Adder = Role.make("Adder", {
  input: Schema.Struct({ question: Schema.String }),
  outcome: Schema.TaggedUnion({ Answered: { sum: Schema.Number } }),
  skill: Skill.parse("---\nname: add\ndescription: Adds.\n---\nAnswer the question.", "inline"),
  grants: [],
  tools: ["math/*"],
  tier: "small"
})

const index = Layer.unwrap(
  Effect.map(toolkit, (toolkit) => SourceIndex.layer([ToolkitSource.make(toolkit, { name: "math" })]))
).pipe(Layer.provide(toolkit.toLayer({ add: ({ a, b }) => Effect.succeed(a + b) })))

const model = OpenAiModel.layer({ apiKey: Redacted.make(process.env["OPENAI_API_KEY"] ?? ""), model: "gpt-5" })

const harness = LoopHarness.layer.pipe(
  Layer.provide([model, GenAiPrices.layer, index]),
  Layer.provideMerge(Layer.merge(MemoryJournal.layer, NodeServices.layer))
)

const { sum } = await Effect.runPromise(Adder.run({ question: "What is 2 + 3?" }).pipe(Effect.provide(harness)))
console.log(sum)
