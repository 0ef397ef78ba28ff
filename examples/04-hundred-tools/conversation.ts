/** One conversation with the rehearsed model, in one mode. */
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import * as Progress from "@millwright/agents/Progress"
import * as ToolIndex from "@millwright/context/ToolIndex"
import type * as SavedTools from "@millwright/context/SavedTools"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import * as Model from "@millwright/core/Model"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { join } from "node:path"
import * as Rehearsal from "./rehearsal.ts"
import { Stocktaker } from "./role.ts"
import * as Servers from "./servers.ts"

/** What is shown: all that there is to choose, and everything at once to compare it with. */
export const modes = ["upfront", "native", "inline", "bridge"] as const satisfies ReadonlyArray<SavedTools.Mode>

/** The bridge works with every provider, so it is shown with another one. */
const modelAt = (mode: SavedTools.Mode, twin: ProviderTwin.ProviderTwin) => {
  const options = { apiKey: Redacted.make("rehearsal"), model: "rehearsed", rehearsed: true }
  return mode === "bridge"
    ? OpenAiModel.make({ ...options, baseUrl: twin.openAiUrl })
    : AnthropicModel.make({ ...options, baseUrl: twin.anthropicUrl })
}

/** Numbers are used again, so each is killed once. */
const dead = new Set<number>()

/** Kills what the server to be killed is, and comes to be, until it is interrupted. */
const killing = (place: Servers.Place) => {
  const killAll = Effect.sync(() => {
    for (const id of Servers.processes(place).filter((id) => !dead.has(id))) {
      dead.add(id)
      try {
        process.kill(id, "SIGKILL")
      } catch {
        // It had ended already.
      }
    }
  })
  return Effect.forever(Effect.andThen(Effect.sleep(200), killAll))
}

/** Plays it, and gives the outcome and the requests that went over the wire. */
export const play = Effect.fnUntraced(function* (
  mode: SavedTools.Mode,
  { index, place }: { readonly index: ToolIndex.ToolIndex; readonly place: Servers.Place }
) {
  const inventory = join(place.files, "inventory.txt")
  const turns = Rehearsal.turns(mode, inventory)
  const twin = yield* ProviderTwin.make({ script: { conversations: [{ role: "Stocktaker", turns: turns.all }] } })
  const model = yield* modelAt(mode, twin)
  const tools = mode === "upfront" ? { deferral: "never" as const } : { deferral: "always" as const, mode }
  const floor = LoopHarness.layerWith({ tools }).pipe(
    Layer.provide([
      Layer.succeed(Model.Models, Model.single(model)),
      Layer.succeed(ToolIndex.ToolIndex, index),
      GenAiPrices.layer
    ]),
    Layer.provideMerge(MemoryJournal.layer)
  )
  let killer: Fiber.Fiber<never> | undefined
  const progress = {
    report: Effect.fnUntraced(function* ({ event }: Progress.Report) {
      if (event._tag !== "Turn") return
      if (killer !== undefined) yield* Fiber.interrupt(killer)
      killer = event.number === turns.killing ? yield* Effect.forkDetach(killing(place)) : undefined
    })
  }
  const outcome = yield* Stocktaker.run({ inventory }).pipe(
    Effect.provide(floor),
    Effect.provideService(Progress.Progress, progress),
    Effect.ensuring(Effect.suspend(() => (killer === undefined ? Effect.void : Fiber.interrupt(killer))))
  )
  const bodies = (yield* twin.requests).map(({ body }): unknown => body)
  return { mode, outcome, bodies, killing: turns.killing }
})
