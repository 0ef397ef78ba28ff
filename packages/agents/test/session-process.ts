/** An agent in a process of its own: `node session-process.ts URL SESSIONS`. Tells its events, and is gone on with when it was killed. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as FileSessions from "../src/adapters/FileSessions.ts"
import * as LoopHarness from "../src/adapters/LoopHarness.ts"
import * as Harness from "../src/Harness.ts"

const [baseUrl = "", folder = ""] = process.argv.slice(2)

const model = AnthropicModel.make({ apiKey: Redacted.make("key"), model: "m", baseUrl, rehearsed: true })

await Effect.gen(function* () {
  const harness = yield* Harness.Harness
  const events = harness.run({
    id: "s",
    role: "Tester",
    tier: "small",
    system: "Role: Tester",
    prompt: "Try it.",
    grants: ["bash"],
    outcome: Schema.toCodecJson(Schema.TaggedUnion({ Done: { note: Schema.String } })),
    maxTurns: 50
  })
  yield* Stream.runForEach(events, ({ _tag }) => Effect.sync(() => console.log(_tag)))
}).pipe(
  Effect.provide(
    LoopHarness.layer.pipe(
      Layer.provide([
        Layer.effect(Model.Models, Effect.map(model, Model.single)),
        Layer.succeed(Pricing.Pricing, Pricing.unpriced),
        FileSessions.layer({ folder })
      ]),
      Layer.provideMerge(Layer.merge(MemoryJournal.layer, NodeServices.layer))
    )
  ),
  Effect.runPromise
)
