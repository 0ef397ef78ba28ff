/**
 * A **rehearsal** of roles: everything around them is real, and a provider twin on loopback plays the model. What the agents
 * answer is a list of outcomes, so that a role runs alone, without a key, in one call.
 *
 * ```ts
 * import * as Rehearsal from "@millwright/agents/testing/Rehearsal"
 *
 * // Whichever role asks: its first outcome, and the second one when the first has to be mended.
 * export const plain = Rehearsal.layer([{ _tag: "Park", reason: "It works as documented." }])
 * // Each role its own.
 * export const several = Rehearsal.layer({ Triage: [{ _tag: "Park", reason: "Spam." }], Spec: [] })
 * ```
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import type * as Journal from "@millwright/core/Journal"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as LoopHarness from "../adapters/LoopHarness.ts"
import type * as Harness from "../Harness.ts"

/** What agents answer, one outcome after the other in each conversation: of every role, or of each by its name. */
export type Outcomes = ReadonlyArray<Schema.Json> | Readonly<Record<string, ReadonlyArray<Schema.Json>>>

/** The turn of a model that ends a role with an outcome. */
export const turn = (outcome: Schema.Json): ProviderTwin.Turn => ({
  calls: [{ tool: "outcome", arguments: { outcome } }]
})

/** The script that plays outcomes. */
export const script = (outcomes: Outcomes): ProviderTwin.Script => ({
  conversations: isForAll(outcomes)
    ? [{ turns: outcomes.map(turn) }]
    : Object.entries(outcomes).map(([role, given]) => ({ role, turns: given.map(turn) }))
})

const isForAll = (outcomes: Outcomes): outcomes is ReadonlyArray<Schema.Json> => Array.isArray(outcomes)

/**
 * The loop, a journal in memory and this machine as the workplace, with a model that plays outcomes. For roles with `tools`, provide
 * their index to it: `Layer.provide(SourceIndex.layer([…]))`, which needs a journal of its own.
 */
export const layer = (outcomes: Outcomes): Rehearsal => layerOf(script(outcomes))

/** What a rehearsal gives: all that a role needs to run alone. */
export type Rehearsal = Layer.Layer<
  Harness.Harness | Journal.Journal | Harness.Workplace,
  ProviderTwin.ProviderTwinError
>

/** The same with a script of turns, for agents that use their tools before they answer. */
export const layerOf = (script: ProviderTwin.Script): Rehearsal =>
  LoopHarness.layer.pipe(
    Layer.provide([model(script), free]),
    // Each layer has a journal of its own: two rehearsals in one program do not read each other's facts.
    Layer.provideMerge(Layer.merge(Layer.fresh(MemoryJournal.layer), NodeServices.layer))
  )

const model = (script: ProviderTwin.Script) =>
  Layer.unwrap(
    Effect.map(ProviderTwin.make({ script }), ({ anthropicUrl }) =>
      AnthropicModel.layer({
        apiKey: Redacted.make("rehearsal"),
        baseUrl: anthropicUrl,
        model: "rehearsal",
        rehearsed: true
      })
    )
  )

/** Nobody pays for a rehearsal. */
const free = Layer.succeed(Pricing.Pricing, { price: () => Usage.known(0) })
