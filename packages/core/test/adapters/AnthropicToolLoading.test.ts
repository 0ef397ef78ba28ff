import { assert, describe, it } from "@effect/vitest"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as LoadingClaims from "@millwright/core/testing/LoadingClaims"
import * as Lab from "@millwright/core/testing/ModelLab"
import * as PromptPrefix from "@millwright/core/testing/PromptPrefix"
import * as ToolLoading from "@millwright/core/ToolLoading"
import type * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const open = (systemMessages?: boolean) =>
  Lab.open({
    make: ({ apiKey, model, twin }) =>
      AnthropicModel.make({ apiKey, model, baseUrl: twin.anthropicUrl, systemMessages })
  })

const mark = { type: "ephemeral" }

interface Sent {
  readonly tools?: ReadonlyArray<Record<string, unknown>>
  readonly system?: ReadonlyArray<Record<string, unknown>>
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: ReadonlyArray<Record<string, unknown>> }>
}

const sentBy = (lab: Lab.Lab) =>
  Effect.map(lab.twin.requests, (requests) => requests.map(({ body }) => body as unknown as Sent))

/** The last request for this prompt; the twin answers whatever it is asked. */
const send = Effect.fnUntraced(function* (
  lab: Lab.Lab,
  prompt: ReadonlyArray<Prompt.MessageEncoded>,
  tools: ReadonlyArray<Tool.Any> = [Tool.make("tool_search")]
) {
  const turns = prompt.filter(({ role }) => role === "assistant").length
  yield* Lab.play(lab, ...Array.from({ length: turns + 1 }, () => ({ text: "ok" })))
  yield* LoadingClaims.ask(lab.model, [Lab.system, ...prompt], tools)
  return (yield* sentBy(lab)).at(-1) ?? assert.fail("nothing was sent")
})

/** Where breakpoints of the cache stand, by the path in the request. */
const marks = (value: unknown, path = ""): ReadonlyArray<string> =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([key, each]) =>
        key === "cache_control" ? [path.slice(1)] : marks(each, `${path}.${key}`)
      )

const { name } = LoadingClaims.definition(1)
const deferred = (...numbers: ReadonlyArray<number>) =>
  numbers.map((number) => {
    const { description, name, schema } = LoadingClaims.definition(number)
    return Tool.dynamic(name, { description, parameters: schema }).annotate(ToolLoading.Deferred, true)
  })

const said = { role: "assistant", content: "I see." } as const
const note = (text: string, additions: ReadonlyArray<number> = [], removals: ReadonlyArray<string> = []) =>
  ({
    role: "system",
    content: text,
    options: ToolLoading.changes({ additions: additions.map(LoadingClaims.definition), removals })
  }) as const
const calls = (...ids: ReadonlyArray<string>) =>
  ({
    role: "assistant",
    content: ids.map((id) => ({ type: "tool-call", id, name: "tool_search", params: {} }) as const)
  }) as const
const result = (id: string, names: ReadonlyArray<string>, more: { isFailure?: boolean; result?: string } = {}) =>
  ({
    type: "tool-result",
    id,
    name: "tool_search",
    isFailure: false,
    result: `found by ${id}`,
    options: ToolLoading.references(names),
    ...more
  }) as const

const roles = ({ messages }: Sent) => messages.map(({ role }) => role)
const types = ({ messages }: Sent) => messages.map(({ content }) => content.map(({ type }) => type))

describe("AnthropicModel, tools that are loaded natively", () => {
  it.live("four turns: the definitions wait in their order, breakpoints stand only where the API takes them", () =>
    Effect.gen(function* () {
      const lab = yield* open()
      const bodies = yield* LoadingClaims.converse(lab, "native")
      LoadingClaims.appendOnly(bodies)
      const requests = yield* sentBy(lab)
      const tools = requests.map((request) => JSON.stringify(request.tools))
      assert.strictEqual(new Set(tools).size, 1, "The definitions are not the same in all requests")
      assert.deepStrictEqual(
        requests[0]?.tools?.map((tool) => [tool.name, tool.defer_loading, tool.cache_control]),
        [1, 2, 3, 0, 4, 5, 6].map((number) =>
          number === 0 ? ["tool_search", undefined, mark] : [LoadingClaims.definition(number).name, true, undefined]
        )
      )
      assert.deepStrictEqual(
        requests.map((request) => marks(request).toSorted()),
        [[0], [0, 2], [2, 4], [4, 6]].map((ends) => [
          ...ends.map((at) => `messages.${at}.content.${(requests[at / 2]?.messages[at]?.content.length ?? 0) - 1}`),
          "system.0",
          "tools.3"
        ])
      )
      assert.deepStrictEqual(
        (yield* lab.twin.requests).flatMap(({ betas }) => betas),
        [],
        "Native loading is no beta"
      )
    }).pipe(Effect.scoped)
  )

  it.live("a result that loads holds references only, and its text stands behind the results of its turn", () =>
    Effect.gen(function* () {
      const lab = yield* open()
      const { messages } = yield* send(
        lab,
        [
          Lab.user("Go."),
          calls("a", "b", "c"),
          {
            role: "tool",
            content: [result("a", [name, name]), result("b", []), result("c", [name], { isFailure: true })]
          }
        ],
        [...deferred(1), Tool.make("tool_search")]
      )
      const [references, plain, failed, ...texts] = messages[2]?.content ?? []
      assert.deepStrictEqual(references?.content, [{ type: "tool_reference", tool_name: name }])
      assert.deepStrictEqual([plain?.content, failed?.content], ["found by b", "found by c"])
      assert.deepStrictEqual(
        texts.map(({ text }) => text),
        ["The result of tool_search (call a):", "found by a"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("a reference to a tool that does not wait in the request is left out", () =>
    Effect.gen(function* () {
      const lab = yield* open()
      const { messages } = yield* send(
        lab,
        [Lab.user("Go."), calls("a"), { role: "tool", content: [result("a", ["gone", "tool_search", name])] }],
        [...deferred(2), Tool.make("tool_search")]
      )
      assert.deepStrictEqual(messages[2]?.content[0]?.content, "found by a")
    }).pipe(Effect.scoped)
  )

  it.live("where every tool waits, none does: nothing could load one, and the API refuses it", () =>
    Effect.gen(function* () {
      const lab = yield* open()
      const { tools } = yield* send(lab, [Lab.user("Go.")], deferred(1, 2))
      assert.deepStrictEqual(
        tools?.map(({ cache_control, defer_loading }) => [defer_loading, cache_control]),
        [
          [undefined, undefined],
          [undefined, mark]
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.live("a tool that waits costs nothing until a result refers to it", () =>
    Effect.gen(function* () {
      const searching = Tool.make("tool_search")
      const tokens = Effect.fnUntraced(function* (tools: ReadonlyArray<Tool.Any>, names: ReadonlyArray<string>) {
        const lab = yield* open()
        yield* Lab.play(lab, { text: "unused" }, { text: "ok" })
        const parts = yield* LoadingClaims.ask(
          lab.model,
          [Lab.system, Lab.user("Go."), calls("a"), { role: "tool", content: [result("a", names)] }],
          tools
        )
        const { usage } = Lab.finishOf(parts)
        return usage.inputTokens.total ?? 0
      })
      const alone = yield* tokens([searching], [])
      const waiting = yield* tokens([searching, ...deferred(1, 2, 3)], [])
      const loaded = yield* tokens([searching, ...deferred(1, 2, 3)], [name])
      assert.strictEqual(waiting, alone, "A tool that waits is counted")
      assert.isAbove(loaded, alone + 50, "A tool that is loaded is not counted")
    }).pipe(Effect.scoped)
  )
})

describe("AnthropicModel, tools that are loaded inline", () => {
  it.live("four turns: definitions come in place, with the betas, from the request on that has one", () =>
    Effect.gen(function* () {
      const lab = yield* open()
      const bodies = yield* LoadingClaims.converse(lab, "inline")
      LoadingClaims.appendOnly(bodies)
      const requests = yield* sentBy(lab)
      assert.deepStrictEqual(
        requests.map((request) => request.tools?.map((tool) => [tool.name, tool.cache_control])),
        requests.map(() => [["tool_search", mark]]),
        "The tools of the request changed"
      )
      const last = requests[3] ?? assert.fail("the conversation is short")
      assert.deepStrictEqual(roles(last), [
        "user",
        ...["assistant", "user", "system"],
        ...["assistant", "user", "system"],
        ...["assistant", "user", "system"]
      ])
      const { description, name, schema } = LoadingClaims.definition(2)
      assert.deepStrictEqual(last.messages[3]?.content, [
        {
          type: "tool_addition",
          tool: { type: "tool_definition", definition: { name, description, input_schema: schema } }
        },
        { type: "text", text: "The tools changed: 1 more." }
      ])
      assert.deepStrictEqual(last.messages[9]?.content, [
        { type: "tool_removal", tool: { type: "tool_reference", name: LoadingClaims.definition(4).name } },
        { type: "text", text: "The tools changed: 0 more.", cache_control: mark }
      ])
      assert.deepStrictEqual(
        requests.map((request) => marks(request).toSorted()),
        [
          ["messages.0.content.0", "system.0", "tools.0"],
          ["messages.0.content.0", "messages.3.content.1", "system.0", "tools.0"],
          ["messages.3.content.1", "messages.6.content.2", "system.0", "tools.0"],
          ["messages.6.content.2", "messages.9.content.1", "system.0", "tools.0"]
        ]
      )
      const betas = ["mid-conversation-tool-changes-2026-07-01", "inline-tools-2026-09-15"]
      assert.deepStrictEqual(
        (yield* lab.twin.requests).map((request) => request.betas),
        [[], betas, betas, betas]
      )
    }).pipe(Effect.scoped)
  )

  it.live("a tool is only taken away where there is one, and a message without anything to say is none", () =>
    Effect.gen(function* () {
      const lab = yield* open()
      const sent = yield* send(lab, [
        Lab.user("Go."),
        note("", [], [name, "unknown"]),
        said,
        Lab.user("On."),
        note("", [1], [name, "tool_search"])
      ])
      assert.deepStrictEqual(roles(sent), ["user", "assistant", "user", "system"])
      assert.deepStrictEqual(types(sent)[3], ["tool_addition", "tool_removal", "tool_removal"])
    }).pipe(Effect.scoped)
  )

  it.live("options that say something else say nothing", () =>
    Effect.gen(function* () {
      const lab = yield* open()
      for (const millwright of [null, "x", [], { toolAdditions: "all" }, { toolAdditions: [{ name: "" }] }]) {
        const sent = yield* send(lab, [Lab.user("Go."), { role: "system", content: "Note.", options: { millwright } }])
        assert.deepStrictEqual(types(sent), [["text"], ["text"]])
      }
      assert.deepStrictEqual(ToolLoading.referencesOf({ millwright: { toolReferences: [1] } }), [])
    }).pipe(Effect.scoped)
  )
})

describe("AnthropicModel, system messages in the middle", () => {
  it.live("only those before the first message are the system prompt", () =>
    Effect.gen(function* () {
      const lab = yield* open()
      const sent = yield* send(lab, [
        note("Two."),
        Lab.user("Go."),
        note("Three."),
        note("Four."),
        said,
        Lab.user("On.")
      ])
      assert.deepStrictEqual(
        sent.system?.map(({ text }) => text),
        [Lab.system.content, "Two."]
      )
      assert.deepStrictEqual(roles(sent), ["user", "system", "system", "assistant", "user"])
      assert.deepStrictEqual((yield* lab.twin.requests).at(-1)?.betas, [], "A message without tools is no beta")
    }).pipe(Effect.scoped)
  )

  it.live("stand behind what the user says in the same turn, and are the user's where he says nothing", () =>
    Effect.gen(function* () {
      const lab = yield* open()
      const turn = yield* send(lab, [Lab.user("Go."), said, note("Early.", [1]), Lab.user("On.")])
      assert.deepStrictEqual(types(turn), [["text"], ["text"], ["text"], ["tool_addition", "text"]])
      const alone = yield* send(lab, [Lab.user("Go."), said, note("Alone.", [1])])
      assert.deepStrictEqual(types(alone), [["text"], ["text"], ["text"], ["tool_addition"]])
      assert.strictEqual(alone.messages[2]?.content[0]?.text, "Alone.")
      const silent = yield* send(lab, [Lab.user("Go."), said, note("", [1])])
      assert.deepStrictEqual(types(silent), [["text"], ["text"], ["text"], ["tool_addition"]])
      const between = yield* send(lab, [
        Lab.user("Go."),
        calls("a"),
        note("Between."),
        { role: "tool", content: [result("a", [])] },
        Lab.user("On.")
      ])
      assert.deepStrictEqual(types(between), [["text"], ["tool_use"], ["tool_result", "text"], ["text"]])
    }).pipe(Effect.scoped)
  )

  it.live("are text of the user for a model that does not take them, and no tool comes with them", () =>
    Effect.gen(function* () {
      const lab = yield* open(false)
      assert.deepStrictEqual(lab.model.supports.toolLoading, ["native"])
      const sent = yield* send(lab, [
        Lab.user("Go."),
        said,
        note("Early.", [1]),
        Lab.user("On."),
        note("", [2]),
        note("Late.")
      ])
      assert.deepStrictEqual(roles(sent), ["user", "assistant", "user"])
      assert.deepStrictEqual(
        sent.messages[2]?.content.map(({ text }) => text),
        ["Early.", "On.", "Late."]
      )
      LoadingClaims.appendOnly(yield* LoadingClaims.converse(yield* open(false), "inline"))
    }).pipe(Effect.scoped)
  )

  it.live("are taken by the models that take them", () =>
    Effect.gen(function* () {
      const takes = Effect.fnUntraced(function* (model: string) {
        const { supports } = yield* AnthropicModel.make({ apiKey: Redacted.make("any"), model })
        return supports.toolLoading.includes("inline") ? [model] : []
      })
      const names = [
        ...["claude-opus-4-8", "claude-opus-5", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"],
        ...["claude-fable-5", "claude-mythos-5-1", "anthropic/claude-opus-4.8", "claude-sonnet-6", "m"],
        ...["claude-3-5-haiku-latest", "claude-opus-4-20250514", "claude-opus-4-7", "anthropic/claude-opus-4.6"],
        ...["claude-sonnet-4-6", "claude-haiku-4-5-20251001", "claude-sonnet-5", "claude-sonnet-5-20260801"]
      ]
      assert.deepStrictEqual((yield* Effect.forEach(names, takes)).flat(), names.slice(0, 10))
    })
  )
})

const step = Schema.Union([
  Schema.TaggedStruct("User", {}),
  Schema.TaggedStruct("Answer", { calls: Schema.Literals([0, 1, 2]) }),
  Schema.TaggedStruct("Note", {
    text: Schema.Boolean,
    add: Schema.Literals([0, 1, 2, 3]),
    drop: Schema.Literals([0, 1, 2])
  })
])

describe("AnthropicModel, any conversation", () => {
  it.live.prop(
    "is taken by the API, and each request begins with the one before it",
    [Schema.Array(step)],
    ([steps]) =>
      Effect.gen(function* () {
        const lab = yield* open()
        const tools = [...deferred(1, 2), Tool.make("tool_search")]
        let prompt: ReadonlyArray<Prompt.MessageEncoded> = [Lab.user("Go.")]
        const bodies: Array<Sent> = []
        for (const [index, one] of steps.entries()) {
          if (one._tag === "User") prompt = [...prompt, Lab.user(`say ${index}`)]
          else if (one._tag === "Note") {
            const { add, drop, text } = one
            prompt = [
              ...prompt,
              note(text ? `note ${index}` : "", add === 0 ? [] : [add], drop === 0 ? [] : [`drop ${drop}`, name])
            ]
          } else {
            if (prompt.at(-1)?.role !== "assistant") bodies.push(yield* send(lab, prompt, tools))
            const ids = Array.from({ length: one.calls }, (_, call) => `call_${index}_${call}`)
            prompt =
              ids.length === 0
                ? [...prompt, said]
                : [
                    ...prompt,
                    calls(...ids),
                    {
                      role: "tool",
                      content: ids.map((id) => result(id, [LoadingClaims.definition(1 + (index % 3)).name]))
                    }
                  ]
          }
        }
        if (prompt.at(-1)?.role !== "assistant") bodies.push(yield* send(lab, prompt, tools))
        for (const [index, body] of bodies.slice(1).entries()) {
          assert.strictEqual(PromptPrefix.changed(bodies[index], body), 0, JSON.stringify(prompt))
        }
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 40 } }
  )
})
