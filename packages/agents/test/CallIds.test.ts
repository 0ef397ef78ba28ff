import { assert, describe, it } from "@effect/vitest"
import * as Prompt from "effect/ai/Prompt"
import * as CallIds from "../src/loop/CallIds.ts"

const answer = (ids: ReadonlyArray<string>) => [
  Prompt.assistantMessage({
    content: ids.map((id) => Prompt.toolCallPart({ id, name: "read", params: {}, providerExecuted: false }))
  })
]

const idsOf = (messages: ReadonlyArray<Prompt.Message>) =>
  messages.flatMap((message) =>
    message.role === "assistant" ? message.content.flatMap((part) => (part.type === "tool-call" ? [part.id] : [])) : []
  )

describe("ids of calls", () => {
  it("are as they were given where no two are the same", () => {
    const messages = answer(["a", "b"])
    assert.deepStrictEqual(CallIds.distinct(messages, new Set(["c"])), messages)
  })

  it("are each another one, however many have one id", () => {
    const taken = new Set(["a", "a-2", "call-3"])
    const given = ["a", "a", "", "", "call-3"]
    const ids = idsOf(CallIds.distinct(answer(given), taken))
    assert.strictEqual(new Set([...taken, ...ids]).size, taken.size + given.length, ids.join(" "))
    const many = Array.from({ length: 50_000 }, () => "call_0")
    assert.strictEqual(new Set(idsOf(CallIds.distinct(answer(many), new Set()))).size, many.length)
  })
})
