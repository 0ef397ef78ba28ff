/** The mission in virtual time: a person approves the plan after a quarter of an hour, and everything else is played. */
import * as MemoryEngine from "@millwright/core/adapters/MemoryEngine"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Simulation from "@millwright/core/testing/Simulation"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Layer from "effect/Layer"
import * as Mission from "./mission.ts"

export const simulate = (seed: string) =>
  Simulation.run(Mission.Mission, {
    code: Mission.code,
    services: Layer.merge(MemoryEngine.layer, MemoryJournal.layer),
    payloads: [
      {
        item: { id: "shop", title: "A web shop", body: WorkItem.bodyOf(""), labels: [], source: "examples/13-simulate" }
      }
    ],
    answers: () => ({ answer: { _tag: "Approve" }, after: "15 minutes" }),
    seed
  })
