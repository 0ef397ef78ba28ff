import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Harness from "../../src/Harness.ts"
import * as Predecessor from "../../src/Predecessor.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Journal from "@millwright/core/Journal"
import * as Lab from "./LoopLab.ts"
import * as RouteLab from "./RouteLab.ts"

describe("a model that the router chose", () => {
  it.live("is not to blame for the shape of an outcome that it was never asked for", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const answer = { calls: [Lab.call("outcome", { outcome: { answer: "omega" } })] }
      const lab = yield* RouteLab.start({ anthropic: [Lab.done("x"), answer] })
      const { session } = yield* lab.run({ id: "s" })
      const asked = Predecessor.ask(session, "Which word?").pipe(
        Effect.provideService(Harness.Harness, lab.harness),
        Effect.provideService(Journal.Journal, lab.journal)
      )
      assert.deepStrictEqual(yield* asked, { answer: "omega" })
      assert.deepStrictEqual(yield* lab.called, ["anthropic/tiny", "anthropic/tiny"], "who is asked was replaced")
    }).pipe(Effect.scoped, Effect.provide(Lab.Services))
  )

  it.live("is one of those that there are, whatever name a session has for it", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* RouteLab.start({ anthropic: [Lab.done("x"), Lab.done("y")] })
      const { session } = yield* lab.run()
      for (const name of ["__proto__", "constructor", "gone/away"]) {
        const forged = JSON.parse(JSON.stringify(session).replaceAll('"anthropic/tiny"', JSON.stringify(name)))
        const { outcome } = yield* lab.run({ session: forged, prompt: "Go on." })
        assert.deepStrictEqual(outcome, { _tag: "Done", note: "y" }, name)
      }
    }).pipe(Effect.scoped, Effect.provide(Lab.Services))
  )
})
