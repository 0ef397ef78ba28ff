import { assert, describe, it } from "@effect/vitest"
import type * as Schema from "effect/Schema"
import * as TranscriptRules from "../src/internal/TranscriptRules.ts"
import * as ProviderFetch from "../src/internal/ProviderFetch.ts"

const user = (...content: Array<Schema.JsonObject>) => ({ role: "user", content })
const assistant = (...content: Array<Schema.JsonObject>) => ({ role: "assistant", content })
const text = (text: string) => ({ type: "text", text })
const use = (id: string, more: Schema.JsonObject = {}) => ({ type: "tool_use", id, name: "read", input: {}, ...more })
const result = (tool_use_id: string, content: Schema.Json = "x") => ({ type: "tool_result", tool_use_id, content })
const hi = user(text("hi"))

describe("what Anthropic refuses of a conversation", () => {
  const refused = (...messages: Array<Schema.JsonObject>) =>
    TranscriptRules.refusal("anthropic", { messages }) ?? "taken"

  it("takes calls with their results, a system message behind them, and a text behind those", () => {
    const note = { role: "system", content: [text("n")] }
    assert.strictEqual(
      refused(
        hi,
        assistant(use("a"), use("b")),
        user(result("b"), result("a"), text("go")),
        note,
        assistant(text("x"))
      ),
      "taken"
    )
  })

  it.each([
    ["unique", [hi, assistant(use("a"), use("a")), user(result("a"))]],
    ["unique", [hi, assistant(use("a")), user(result("a")), assistant(use("a")), user(result("a"))]],
    ["without `tool_result`", [hi, assistant(use("a"), use("b")), user(result("a"))]],
    ["without `tool_result`", [hi, assistant(use("a"))]],
    ["without `tool_result`", [hi, assistant(use("a")), hi, user(result("a"))]],
    ["unexpected `tool_use_id`", [hi, assistant(text("x")), user(result("a"))]],
    ["unexpected `tool_use_id`", [user(result("a"))]],
    ["single result", [hi, assistant(use("a")), user(result("a"), result("a"))]],
    ["non-whitespace", [hi, assistant(text(" \n")), hi]],
    ["non-whitespace", [hi, assistant(use("a")), user(result("a", [text("")]))]],
    ["non-empty", [hi, assistant(), hi]],
    ["first message", [assistant(text("x")), hi]],
    ["at least one", []],
    ["tool_use.id", [hi, assistant(use("f:0")), user(result("f:0"))]],
    ["tool_use.name", [hi, assistant(use("a", { name: "" })), user(result("a"))]],
    ["tool_use.input", [hi, assistant(use("a", { input: "x" })), user(result("a"))]],
    ["surrogate", [user(text("\ud800"))]],
    ["role", [hi, { role: "tool", content: [text("x")] }]]
  ])("refuses what is not %s", (why, messages) => {
    assert.include(refused(...messages), why)
  })
})

describe("what OpenAI refuses of a conversation", () => {
  const refused = (...messages: Array<Schema.JsonObject>) => TranscriptRules.refusal("openai", { messages }) ?? "taken"
  const say = (role: string, content: Schema.Json) => ({ role, content })
  const call = (id: string, more: Schema.JsonObject = {}) => ({
    id,
    type: "function",
    function: { name: "read", arguments: "{}", ...more }
  })
  const calling = (...tool_calls: Array<Schema.JsonObject>) => ({ role: "assistant", content: null, tool_calls })
  const answer = (tool_call_id: string) => ({ role: "tool", tool_call_id, content: "x" })

  it("takes calls with their results, and an id again in a later answer", () => {
    assert.strictEqual(
      refused(
        say("system", "s"),
        say("user", "u"),
        calling(call("a"), call("b")),
        answer("b"),
        answer("a"),
        calling(call("a")),
        answer("a")
      ),
      "taken"
    )
  })

  it.each([
    ["Duplicate", [calling(call("a"), call("a")), answer("a")]],
    ["must be followed", [calling(call("a")), say("user", "u"), answer("a")]],
    ["must be followed", [calling(call("a"))]],
    ["must be a response", [say("user", "u"), answer("a")]],
    ["must be a response", [calling(call("a")), answer("a"), answer("a")]],
    ["expected a string", [say("assistant", null)]],
    ["function.name", [calling(call("a", { name: "" })), answer("a")]],
    ["function.arguments", [calling(call("a", { arguments: "{" })), answer("a")]],
    ["id:", [calling(call("")), answer("")]],
    ["invalid value", [say("robot", "x")]],
    ["surrogate", [say("user", "\udc00")]]
  ])("refuses what is not right: %s", (why, messages) => {
    assert.include(refused(...messages), why)
  })
})

describe("what is sent to a provider", () => {
  it("holds no half of a character, and all else as it is", () => {
    const said = ["🙂", "\\ud800", "\ud800", "\udc00 \\\ud83d\\", "\\\\ud800", "é\0", "\ud83d\ud83d\ude00"]
    assert.deepStrictEqual(
      JSON.parse(ProviderFetch.wellFormed(JSON.stringify(said))),
      said.map((text) => text.toWellFormed())
    )
  })
})
