import { describe } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Pi from "../../src/adapters/Pi.ts"
import * as HarnessTest from "../../src/testing/HarnessTest.ts"
import * as PiLab from "./PiLab.ts"
import * as Lab from "./LoopLab.ts"

/** The program before a twin that plays the turns of the suite. */
const subject: HarnessTest.Subject = (turns) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns: PiLab.played(turns) }] } })
      return Pi.layer(PiLab.options(twin.anthropicUrl)).pipe(
        Layer.provide(Layer.succeed(Pricing.Pricing, Lab.cents)),
        Layer.provideMerge(Layer.fresh(MemoryJournal.layer))
      )
    })
  )

describe.skipIf(PiLab.program === undefined)(PiLab.titled("with the program that npm installs"), () => {
  HarnessTest.suite("pi over its CLI", subject, PiLab.Services)
})
