/** Scenarios of a shop, a key, and a subject to judge. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import type * as Change from "@millwright/core/Change"
import * as Contract from "@millwright/core/Contract"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { inspect } from "node:util"
import * as EvidenceStore from "../src/EvidenceStore.ts"
import type * as Judge from "../src/Judge.ts"
import * as Scenario from "../src/Scenario.ts"
import * as Vault from "../src/Vault.ts"

const change: Change.Change = { branch: "b", base: "0", head: "1", files: [] }
export const subject = {
  contract: Contract.freeze("issue-7", [{ statement: "A basket shows the sum of what is in it" }]),
  change
}

export const drafts: ReadonlyArray<Scenario.Draft> = [
  {
    persona: "first-time-buyer",
    story:
      "Somebody puts two candles and one lantern into the basket, leaves for a week, and wants to pay on another device",
    criteria: [
      "The basket on the second device holds exactly two candles and one lantern",
      "The sum is the one that was promised a week ago, although the lantern became dearer meanwhile"
    ],
    antiPatterns: ["The page asks for the address again before it shows what paying will cost altogether"]
  },
  {
    persona: "shop-keeper",
    story: "The owner withdraws an article that three baskets hold and looks whether those customers hear about it",
    criteria: ["Each of the three customers finds a note beside the withdrawn article when opening the basket"],
    antiPatterns: [],
    weight: 3
  }
]

export const scenarios = (some: ReadonlyArray<Scenario.Draft> = drafts) => Effect.forEach(some, Scenario.make)

/** A vault of the shop. */
export const vault = (some: ReadonlyArray<Scenario.Draft> = drafts) =>
  Effect.gen(function* () {
    const key = yield* Vault.newKey
    return yield* Vault.open(yield* Vault.seal({ name: "shop", scenarios: yield* scenarios(some), key }), key)
  })

/** A judge that answers what it is told to. */
export const judging = (answer: (trial: Judge.Trial) => unknown): Judge.Judge => ({
  name: "told",
  observe: (trial) => Effect.sync(() => answer(trial))
})

/** All of a scenario held, and nothing that must not be was seen. */
export const held = ({ scenario }: Pick<Judge.Trial, "scenario">) => ({
  criteria: scenario.criteria.map(() => true),
  antiPatterns: scenario.antiPatterns.map(() => false)
})

/** The first criterion did not hold. */
export const failed = (trial: Pick<Judge.Trial, "scenario">) => ({
  ...held(trial),
  criteria: trial.scenario.criteria.map((_, at) => at > 0),
  symptom: "wrong-result"
})

/** What a look needs. */
export const services = Layer.mergeAll(NodeServices.layer, MemoryJournal.layer, EvidenceStore.layerMemory)

/** All that a value shows, however it is printed. */
export const shown = (value: unknown) =>
  `${inspect(value, { depth: 20, showHidden: true, customInspect: false })} ${JSON.stringify(value)}`

/** Everything that scenarios say. */
export const sayings = (some: ReadonlyArray<Scenario.Scenario>) =>
  some.flatMap((each) => [each.canary, ...Scenario.texts(each)])
