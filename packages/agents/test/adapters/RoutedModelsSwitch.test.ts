/** A conversation that goes from one provider to another and back: nothing that the first one said may stop the second one. */
import { assert, describe, it } from "@effect/vitest"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import type * as SavedTools from "@millwright/context/SavedTools"
import * as PromptPrefix from "@millwright/core/testing/PromptPrefix"
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as ModelChoice from "../../src/ModelChoice.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"
import * as RouteLab from "./RouteLab.ts"

const { bash, call, done } = Lab
const thought = (reasoning: string, turn: ProviderTwin.Turn): ProviderTwin.Turn => ({ ...turn, reasoning })

/** Who is wanted, by how many answers there were. */
const steering = (
  lab: { readonly called: Effect.Effect<ReadonlyArray<string>, unknown> },
  wanted: ReadonlyArray<string>
) =>
  Effect.provideService(
    ModelChoice.Pin,
    Effect.map(Effect.orDie(lab.called), (calls) => wanted[calls.length] ?? wanted.at(-1))
  )

const [anthropic, openai] = ["anthropic/big", "openai/other"]

describe("a conversation between two providers", () => {
  it.live.each([false, true])(
    "keeps its calls and leaves out what was thought, with a budget for thinking: %s",
    (thinking) =>
      Effect.gen(function* () {
        yield* workspace({ "a.txt": "the text of a" })
        const turns = [
          thought("alpha", bash("cat a.txt")),
          thought("beta", bash("echo two")),
          thought("gamma", bash("echo three")),
          thought("delta", bash("echo four")),
          bash("echo five"),
          done("x")
        ]
        const lab = yield* RouteLab.start({ anthropic: turns, thinking })
        const wanted = [anthropic, anthropic, openai, openai, anthropic, anthropic]
        yield* lab.run().pipe(steering(lab, wanted))
        assert.deepStrictEqual(yield* lab.called, wanted)
        const own = yield* lab.bodies("anthropic")
        const others = yield* lab.bodies("openai")
        const has = (body: string | undefined, ...words: ReadonlyArray<string>) =>
          words.map((word) => body?.includes(word))
        assert.deepStrictEqual(has(own[1], "alpha"), [true], "What a model thought goes back to it")
        assert.deepStrictEqual(has(others[1], "the text of a", "alpha", "beta", "gamma"), [true, false, false, false])
        assert.deepStrictEqual(has(own[2], "the text of a", "echo four"), [true, true])
        assert.deepStrictEqual(has(own[2], "alpha", "beta", "gamma", "delta"), [false, false, false, false])
        // While the last answer is another one's, the API refuses a budget for thinking; afterwards it would have to be one.
        assert.deepStrictEqual(
          own.map((body) => body.includes('"budget_tokens"')),
          [thinking, thinking, false, false]
        )
        const all = (yield* lab.twins.anthropic.requests).map(({ body }) => body)
        assert.strictEqual(PromptPrefix.changed(all[2], all[3]), 0, "A turn later the prompt was another one")
      }).pipe(Effect.provide(Lab.Services))
  )

  it.live("gives Anthropic the ids of calls in signs that it takes, and no two the same", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const chunk = (id: string, index: number) => ({
        id: "c",
        object: "chat.completion.chunk",
        created: 1,
        model: "other",
        choices: [
          {
            index: 0,
            delta: {
              role: "assistant",
              tool_calls: [{ index, id, type: "function", function: { name: "bash", arguments: '{"script":"ls"}' } }]
            },
            finish_reason: null
          }
        ]
      })
      const end = { ...chunk("", 0), choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] }
      const server = yield* Lab.answering([[chunk("functions.bash:0", 0), chunk("functions:bash.0", 1), end]])
      const lab = yield* RouteLab.start({ anthropic: [bash("ls"), done("x")], openAiUrl: `${server.url}/v1` })
      yield* lab.run().pipe(steering(lab, [openai, anthropic]))
      const [body = ""] = yield* lab.bodies("anthropic")
      const ids = [...body.matchAll(/"tool_use","id":"([^"]*)"/g)].map(([, id]) => id)
      assert.lengthOf(ids, 2)
      assert.notStrictEqual(ids[0], ids[1], "Two calls have one id")
      for (const id of ids) {
        assert.match(id ?? "", /^functions_bash_0-[0-9a-f]{16}$/)
        assert.include(body, `"tool_use_id":"${id}"`)
      }
    }).pipe(Effect.provide(Lab.Services))
  )
})

const verbs = ["list", "create", "update", "delete"]
const listed = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    name: `${verbs[at % verbs.length]}_thing_${at}`,
    description: `Will ${verbs[at % verbs.length]} the thing ${at}.`,
    inputSchema: { type: "object", properties: { title: { type: "string" } }, required: ["title"] }
  }))

const indexOf = Effect.fnUntraced(function* (count: number) {
  const source = ScriptedSource.make("things")
  source.lists(...listed(count))
  source.script.call = (tool, args) => Effect.succeed(ScriptedSource.answer(`did ${tool} ${JSON.stringify(args)}`))
  return yield* RouteLab.indexOf([source.source])
})

const title = { title: "x" }
const own = (name: string) => call(`mcp__things__${name}`, title)
const bridged = (name: string) => call("tool_call", { name: `things/${name}`, arguments: title })
const select = (name: string) => call("tool_search", { query: `select:things/${name}` })

describe.each(["native", "inline", "bridge", "upfront"] as const)("tools of the mode %s", (mode: SavedTools.Mode) => {
  it.live("are found and called over the bridge by a provider that loads none, and after the way back", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const index = yield* indexOf(150)
      const first = mode === "bridge" ? bridged : own
      const turns: ReadonlyArray<ProviderTwin.Turn> = [
        mode === "upfront" ? { calls: [own("list_thing_0")] } : { calls: [select("list_thing_0")] },
        { calls: [first("list_thing_0")] },
        { calls: [select("create_thing_1")] },
        { calls: [bridged("create_thing_1")] },
        { calls: [bridged("update_thing_2")] },
        done("x")
      ]
      const deferral = mode === "upfront" ? "never" : "always"
      const options = { tools: { deferral, ...(mode !== "upfront" && { mode }) } } as const
      const lab = yield* RouteLab.start({ anthropic: turns, index, options })
      const wanted = [anthropic, anthropic, openai, openai, anthropic, anthropic]
      const { session } = yield* lab.run({ tools: ["*/*"] }).pipe(steering(lab, wanted))
      assert.deepStrictEqual(yield* lab.called, wanted)
      const others = yield* lab.bodies("openai")
      const back = (yield* lab.bodies("anthropic")).at(-1) ?? ""
      for (const body of [...others, back]) assert.include(body, '"tool_call"', "Nothing can be called")
      assert.isBelow((others[0]?.match(/"type":"function"/g) ?? []).length, 128, "More tools than the provider takes")
      for (const name of ["list_thing_0", "create_thing_1", "update_thing_2"]) {
        assert.include(back, `did ${name}`, `${name} was not called`)
      }
      const notices = JSON.stringify(session).match(/You find and call tools in another way/g) ?? []
      assert.lengthOf(notices, mode === "bridge" ? 0 : 1, "What changed is said once")
    }).pipe(Effect.provide(Lab.Services))
  )
})
