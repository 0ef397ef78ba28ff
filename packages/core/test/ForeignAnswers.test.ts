import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Answer from "../src/internal/Answer.ts"
import * as ForeignAnswers from "../src/internal/ForeignAnswers.ts"

const turn = (...types: ReadonlyArray<string>) => ({ role: "assistant", content: types.map((type) => ({ type })) })
const results = { role: "user", content: [{ type: "tool_result" }] }

describe("answers of other models, for Anthropic", () => {
  it.prop(
    "ids are in the signs that the API takes, stay as they are where they can, and no two become one",
    [Schema.Array(Schema.String)],
    ([given]) => {
      // Half a character does not come over a wire.
      const ids = [...new Set([...given.map((id) => id.toWellFormed()), "functions.a:0", "functions_a_0", ""])]
      const written = ids.map(Answer.replayedId)
      for (const [at, id] of written.entries()) {
        assert.match(id, /^[a-zA-Z0-9_-]{1,64}$/)
        if (/^[a-zA-Z0-9_-]{1,64}$/.test(ids[at] ?? "")) assert.strictEqual(id, ids[at])
      }
      assert.lengthOf(new Set(written), ids.length)
    }
  )

  it("only a budget for thinking has to wait, and only while the last answer calls tools and was not thought", () => {
    const enabled = { type: "enabled", budget_tokens: 1_024 }
    const adaptive = { type: "adaptive" }
    const thinks = (
      config: { readonly type: string },
      ...turns: ReturnType<Parameters<typeof ForeignAnswers.thinking>[1]>
    ) => ForeignAnswers.thinking(config, () => turns).thinking !== undefined
    assert.isFalse(thinks(enabled, turn("text", "tool_use"), results))
    assert.isTrue(thinks(adaptive, turn("text", "tool_use"), results), "Adaptive thinking asks for nothing before it")
    assert.isTrue(thinks(enabled, turn("thinking", "tool_use"), results))
    assert.isTrue(thinks(enabled, turn("redacted_thinking", "tool_use"), results))
    assert.isTrue(thinks(enabled, turn("tool_use"), results, turn("text"), { role: "user", content: [] }))
    assert.isTrue(thinks(enabled))
  })
})
