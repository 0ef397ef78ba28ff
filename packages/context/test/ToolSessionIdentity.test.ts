import { assert, describe, it } from "@effect/vitest"
import * as Prompt from "effect/ai/Prompt"
import * as Effect from "effect/Effect"
import * as SourceIndex from "../src/SourceIndex.ts"
import * as ScriptedSource from "../src/testing/ScriptedSource.ts"
import * as ToolSession from "../src/ToolSession.ts"
import { tool } from "./tools.ts"

describe("the tools of a session", () => {
  for (const deferral of ["never", "always"] as const) {
    it.effect(`are the same objects in each request, deferral ${deferral}`, () =>
      Effect.gen(function* () {
        const source = ScriptedSource.make("s")
        source.lists(tool("first", "Does the first."), tool("second", "Does the second."))
        const index = yield* SourceIndex.make([source.source])
        const session = yield* ToolSession.make({ index, loading: ["native"], prefix: 5_000, deferral })
        const prompt = Prompt.make("hello")
        const before = yield* session.tools(prompt)
        const after = yield* session.tools(prompt)
        assert.isAbove(before.length, 1)
        for (const [at, each] of before.entries()) {
          assert.strictEqual(after[at], each, `${each.name} was made anew: what decodes answers is kept by its schemas`)
        }
      })
    )
  }
})
