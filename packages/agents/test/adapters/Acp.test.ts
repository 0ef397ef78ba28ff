import { describe } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Acp from "../../src/adapters/Acp.ts"
import * as HarnessTest from "../../src/testing/HarnessTest.ts"
import * as Agent from "./AcpLab.ts"
import * as Lab from "./LoopLab.ts"

/** A real agent before a twin that plays the turns of the suite. */
const subject: HarnessTest.Subject = (turns) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns: Agent.played(turns) }] } })
      return Acp.layer(Agent.options(twin.anthropicUrl, yield* Agent.folder)).pipe(
        Layer.provide(Layer.succeed(Pricing.Pricing, Lab.cents)),
        Layer.provideMerge(Layer.fresh(MemoryJournal.layer))
      )
    })
  )

describe.skipIf(Agent.program === undefined)(Agent.titled("with an agent that npm installs"), () => {
  HarnessTest.suite("Acp with claude-agent-acp", subject, Agent.Services)
})
