/** A role before a provider twin, and what the model was asked. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Contract from "@millwright/core/Contract"
import type * as Journal from "@millwright/core/Journal"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Usage from "@millwright/core/Usage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as LoopHarness from "../src/adapters/LoopHarness.ts"
import type * as Harness from "../src/Harness.ts"
import * as Rehearsal from "../src/testing/Rehearsal.ts"

export const item = (body: string, id = "issue-1"): WorkItem.WorkItem => ({
  id,
  title: "Paging drops a row",
  body: WorkItem.bodyOf(body),
  labels: [],
  source: "issue-1.md"
})

export const contract = Contract.freeze("issue-1", [
  { statement: "Page 2 begins with row 21" },
  { statement: "The tests pass" }
])

const free = Layer.succeed(Pricing.Pricing, { price: () => Usage.known(0) })

/** What the user said last in a request of Anthropic's protocol. */
const promptOf = (body: Schema.Json): string => {
  const messages: unknown = Object(body).messages
  return Array.isArray(messages) ? JSON.stringify(messages.at(-1)) : ""
}

/** Runs a role with a model that answers with these outcomes, and says what the model was asked. */
export const play = <A, E>(
  outcomes: ReadonlyArray<unknown>,
  role: Effect.Effect<A, E, Harness.Harness | Journal.Journal | Harness.Workplace>
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const twin = yield* ProviderTwin.make({ script: Rehearsal.script(outcomes as ReadonlyArray<Schema.Json>) })
      const model = AnthropicModel.layer({
        apiKey: Redacted.make("k"),
        baseUrl: twin.anthropicUrl,
        model: "m",
        rehearsed: true
      })
      const outcome = yield* role.pipe(
        Effect.provide(
          LoopHarness.layer.pipe(
            Layer.provide([model, free]),
            Layer.provideMerge(Layer.merge(Layer.fresh(MemoryJournal.layer), NodeServices.layer))
          )
        )
      )
      const requests = yield* twin.requests
      return {
        outcome,
        prompts: requests.map(({ body }) => promptOf(body)),
        bodies: requests.map(({ body }) => JSON.stringify(body))
      }
    })
  )
