import { describe } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ClaudeCode from "../../src/adapters/ClaudeCode.ts"
import * as HarnessTest from "../../src/testing/HarnessTest.ts"
import * as Claude from "./ClaudeLab.ts"
import * as Lab from "./LoopLab.ts"

/** The program before a twin that plays the turns of the suite. */
const subject: HarnessTest.Subject = (turns) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns: Claude.played(turns) }] } })
      return ClaudeCode.layer(Claude.options(twin.anthropicUrl)).pipe(
        Layer.provide(Layer.succeed(Pricing.Pricing, Lab.cents)),
        Layer.provideMerge(Layer.fresh(MemoryJournal.layer))
      )
    })
  )

describe.skipIf(Claude.program === undefined)(Claude.titled("with the program that npm installs"), () => {
  HarnessTest.suite("ClaudeCode over its CLI", subject, Claude.Services)
})
