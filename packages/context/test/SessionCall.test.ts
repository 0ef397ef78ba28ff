import { assert, describe, it } from "@effect/vitest"
import * as Prompt from "effect/ai/Prompt"
import * as Effect from "effect/Effect"
import * as SourceIndex from "../src/SourceIndex.ts"
import * as ScriptedSource from "../src/testing/ScriptedSource.ts"
import * as ToolSession from "../src/ToolSession.ts"
import { tool } from "./tools.ts"

const modes = ["native", "inline", "bridge"] as const

const session = Effect.fnUntraced(function* (
  mode: (typeof modes)[number],
  tools: ReadonlyArray<unknown>,
  pins: ReadonlyArray<string> = []
) {
  const source = ScriptedSource.make("s")
  source.lists(...tools)
  const index = yield* SourceIndex.make([source.source])
  const made = yield* ToolSession.make({
    index,
    loading: ["native", "inline"],
    prefix: 0,
    deferral: "always",
    mode,
    pins
  })
  return (query: string, prompt = Prompt.make("hello")) =>
    Effect.map(made.run({ name: "tool_search", params: { query } }, prompt), (result) => {
      assert.isDefined(result, "A search is answered")
      return { ...result, ids: result.loaded.map(({ id }) => id) }
    })
})

const reports = ["daily", "weekly", "monthly", "yearly", "last", "next", "first"].map((which) =>
  tool(`${which}_report`, `Writes the ${which} report. At length.`, { secretly: { type: "string" } })
)

describe("what a search leaves in a conversation", () => {
  it.effect("are the best, loaded and not described twice, and a line for a few more", () =>
    Effect.gen(function* () {
      for (const mode of ["native", "inline"] as const) {
        const search = yield* session(mode, reports)
        const { ids, text } = yield* search("write a report")
        assert.lengthOf(ids, 3, mode)
        for (const id of ids) assert.notInclude(text, id, "Its definition is in the prompt")
        assert.include(text, "Loaded: the best 3.")
        assert.lengthOf(text.match(/^- s\//gm) ?? [], 2, text)
        assert.include(text, "2 more fit")
      }
    })
  )

  it.effect("are schemas, where that is how a tool becomes known", () =>
    Effect.gen(function* () {
      const search = yield* session("bridge", reports)
      const { ids, text } = yield* search("write a report")
      for (const id of ids) assert.include(text, `- ${id}: `)
      assert.lengthOf(text.match(/secretly/g) ?? [], 3, text)
    })
  )

  it.effect("is one that is large, and no more than that", () =>
    Effect.gen(function* () {
      const large = reports.map((each) => ({
        ...each,
        description: `${each.description} ${"Very long. ".repeat(400)}`
      }))
      for (const mode of modes) {
        const search = yield* session(mode, large)
        assert.lengthOf((yield* search("write the weekly report")).ids, 1, mode)
        assert.lengthOf((yield* search("select:daily_report,next_report")).ids, 2, "Whoever names them gets them")
      }
    })
  )

  it.effect("is the name alone of what was there before", () =>
    Effect.gen(function* () {
      const search = yield* session("inline", reports, ["weekly_report"])
      const { ids, text } = yield* search("weekly_report")
      assert.deepStrictEqual(ids, [])
      assert.include(text, "Loaded before: mcp__s__weekly_report.")
    })
  )

  it.effect("says why a server has nothing, and what a search takes", () =>
    Effect.gen(function* () {
      const [live, dead] = [ScriptedSource.make("live"), ScriptedSource.make("dead")]
      live.lists(...reports)
      dead.script.list = Effect.fail(ScriptedSource.error())
      const index = yield* SourceIndex.make([live.source, dead.source])
      const run = Effect.fnUntraced(function* (of: typeof index, params: object) {
        const made = yield* ToolSession.make({ index: of, loading: [], prefix: 0, deferral: "always" })
        return (yield* made.run({ name: "tool_search", params }, Prompt.make("hello")))?.text ?? ""
      })
      assert.include(yield* run(index, { query: "report", server: "lvie" }), "no server of this name")
      assert.include(yield* run(index, { query: "report", server: "dead" }), "does not answer")
      assert.include(yield* run(index, { query: "zzz" }), "tools of: live (7).")
      assert.include(yield* run(index.within(["other/*"]), { query: "report" }), "There are no tools at present.")
      assert.match(yield* run(index, { query: "report", limit: "5" }), /Not run:.*`limit` a number/)
    })
  )
})
