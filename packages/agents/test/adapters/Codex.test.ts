import { describe } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Codex from "../../src/adapters/Codex.ts"
import * as HarnessTest from "../../src/testing/HarnessTest.ts"
import * as CodexLab from "./CodexLab.ts"
import * as Lab from "./LoopLab.ts"

/** The program before a twin that plays the turns of the suite. */
const subject: HarnessTest.Subject = (turns) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns: CodexLab.played(turns) }] } })
      return Codex.layer(CodexLab.options(twin.openAiUrl)).pipe(
        Layer.provide(Layer.succeed(Pricing.Pricing, Lab.cents)),
        Layer.provideMerge(Layer.fresh(MemoryJournal.layer))
      )
    })
  )

describe.skipIf(CodexLab.program === undefined)(CodexLab.titled("with the program that npm installs"), () => {
  HarnessTest.suite("Codex over its CLI", subject, CodexLab.Services)
})
