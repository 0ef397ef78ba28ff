import { assert, describe, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import type * as ToolIndex from "@millwright/context/ToolIndex"
import type * as SavedTools from "@millwright/context/SavedTools"
import * as PromptPrefix from "@millwright/core/testing/PromptPrefix"
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"

const servers = ["github", "jira", "calendar", "mail"]
const verbs = ["list", "create", "update", "delete", "search"]
const nouns = ["issue", "event", "message", "project", "label", "comment"]

const listed = (server: string) =>
  verbs.flatMap((verb) =>
    nouns.map((noun) => ({
      name: `${verb}_${noun}`,
      description: `Will ${verb} a ${noun} of ${server}. ${"It is described at length. ".repeat(6)}`,
      inputSchema: { type: "object", properties: { title: { type: "string" } }, required: ["title"] }
    }))
  )

const index = Effect.gen(function* () {
  const sources = servers.map((name) => {
    const source = ScriptedSource.make(name)
    source.lists(...listed(name))
    source.script.call = (tool, args) =>
      Effect.succeed(ScriptedSource.answer(`${name} did ${tool} ${JSON.stringify(args)}`))
    return source
  })
  const made = yield* SourceIndex.make(sources.map(({ source }) => source))
  yield* made.settled
  return { index: made, sources }
})

const modes = [
  ["anthropic", "native"],
  ["anthropic", "inline"],
  ["anthropic", "bridge"],
  ["openai", "bridge"]
] as const satisfies ReadonlyArray<readonly [Lab.Protocol, SavedTools.Mode]>

const start = Effect.fnUntraced(function* (
  protocol: Lab.Protocol,
  turns: ReadonlyArray<ProviderTwin.Turn>,
  { tools, with: given }: { readonly tools?: object; readonly with?: ToolIndex.ToolIndex } = {}
) {
  const made = given ?? (yield* index).index
  return yield* Lab.start(protocol, turns, { index: made, options: { tools: { deferral: "always", ...tools } } })
})

const all = ["*/*"] as const
const issue = { title: "It breaks" }
/** A call as the mode has it. */
const use = (mode: SavedTools.Mode, id: string, args: object): ProviderTwin.Call =>
  mode === "bridge"
    ? Lab.call("tool_call", { name: id, arguments: { ...args } })
    : Lab.call(`mcp__${id.replace("/", "__")}`, { ...args })

const search = (query: string) => Lab.call("tool_search", { query })

/** Fails unless each request has the whole prefix of the one before it. */
const assertPrefixes = (bodies: ReadonlyArray<unknown>) => {
  for (const [at, body] of bodies.entries()) {
    if (at === 0) continue
    assert.strictEqual(
      PromptPrefix.changed(bodies[at - 1], body),
      0,
      `Bytes of request ${at} that request ${at + 1} has changed`
    )
  }
}

describe.each(modes)("a role with an index, over %s in the mode %s", (protocol, mode) => {
  const conversation = [
    { calls: [search("create an issue on github")] },
    { calls: [use(mode, "github/create_issue", issue)] },
    { calls: [search("select:calendar/list_event, mail/delete_message"), search("update a project of jira")] },
    { calls: [use(mode, "calendar/list_event", issue), use(mode, "jira/update_project", issue)] },
    Lab.done("All done")
  ]

  it.live("searches, loads and calls, and no load changes a byte that was sent before", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* start(protocol, conversation, { tools: { mode } })
      yield* lab.run({ tools: all })
      const bodies = (yield* lab.twin.requests).map(({ body }) => body)
      assert.lengthOf(bodies, conversation.length)
      assertPrefixes(bodies)
      assert.include((yield* lab.results(2)).join(), 'github did create_issue {"title":"It breaks"}')
      const last = (yield* lab.results(4)).join()
      assert.include(last, "calendar did list_event")
      assert.include(last, "jira did update_project")
      const first = JSON.stringify(bodies[0])
      assert.include(first, "# Tools that can be loaded")
      const offered = yield* lab.offered(0)
      assert.include(offered, "tool_search")
      assert.strictEqual(offered.includes("tool_call"), mode === "bridge")
      if (mode !== "native") assert.isBelow(offered.length, 12, "No tool of the index should be in the request")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("runs a call of what was never loaded; with wrong arguments it answers with the schema", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* start(
        protocol,
        [
          { calls: [use(mode, "mail/create_label", {})] },
          { calls: [use(mode, "mail/create_label", issue)] },
          Lab.done("x")
        ],
        { tools: { mode } }
      )
      yield* lab.run({ tools: all })
      const refused = (yield* lab.results(1)).join()
      assert.include(refused, "mail/create_label was not called")
      assert.include(refused, "title")
      assert.include((yield* lab.results(2)).join(), "mail did create_label")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("neither shows nor calls what the scope of the role leaves out", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const { index: made, sources } = yield* index
      const lab = yield* start(
        protocol,
        [
          { calls: [search("delete a message of mail"), use(mode, "mail/delete_message", issue)] },
          { calls: [Lab.call("tool_describe", { names: ["mail/delete_message"] })] },
          Lab.done("x")
        ],
        { tools: { mode }, with: made }
      )
      yield* lab.run({ tools: ["github/*", "jira/*"] })
      const said = JSON.stringify((yield* lab.twin.requests)[0]?.body)
      assert.notInclude(said, "mail")
      assert.notInclude((yield* lab.results(1)).join(), "mail did")
      assert.strictEqual(sources[3]?.count.call, 0, "A call outside of the scope reached its source")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("goes on in another process with what was loaded, and with the same bytes", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const first = yield* start(protocol, conversation, { tools: { mode } })
      const { session } = yield* first.run({ tools: all })
      // Another loop before another twin, and an index that was made anew: only the session goes along.
      const second = yield* start(
        protocol,
        [...conversation, { calls: [use(mode, "github/create_issue", issue)] }, Lab.done("again")],
        {
          tools: { mode }
        }
      )
      yield* second.run({ tools: all, session: JSON.parse(JSON.stringify(session)), prompt: "Once more." })
      const before = (yield* first.twin.requests).at(-1)?.body
      const after = (yield* second.twin.requests).map(({ body }) => body)
      assertPrefixes([before, ...after])
      assert.include((yield* second.results(1)).join(), "github did create_issue")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("hears of tools that come, go and change while it works, behind all that was said", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const { index: made, sources } = yield* index
      const [github] = sources
      assert.isDefined(github)
      const lab = yield* start(
        protocol,
        [
          { calls: [search("select:github/create_issue")] },
          { calls: [use(mode, "github/update_issue", issue)] },
          { calls: [use(mode, "github/delete_issue", issue)] },
          Lab.done("x")
        ],
        { tools: { mode }, with: made }
      )
      const answered = github.script.call
      github.script.call = (tool, args) =>
        Effect.suspend(() => {
          const [, second] = listed("github")
          github.lists(
            ...listed("github").filter(({ name }) => name !== "delete_issue" && name !== "create_issue"),
            { ...second, name: "create_issue", description: "Creates an issue in another way." },
            { ...second, name: "celebrate" }
          )
          github.notify()
          return answered(tool, args)
        })
      yield* lab.run({ tools: all })
      const bodies = (yield* lab.twin.requests).map(({ body }) => body)
      assertPrefixes(bodies)
      const third = JSON.stringify(bodies[2])
      assert.include(third, "The tools have changed")
      assert.include(third, "github/celebrate")
      assert.include((yield* lab.results(3)).join(), "was removed by github")
    }).pipe(Effect.provide(Lab.Services))
  )
})

describe("a role with an index", () => {
  it.live("has a few small tools from the start, and nothing to search with", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const source = ScriptedSource.make("notes")
      source.lists(...listed("notes").slice(0, 3))
      const made = yield* SourceIndex.make([source.source])
      yield* made.settled
      const lab = yield* start("anthropic", [{ calls: [Lab.call("mcp__notes__list_issue", issue)] }, Lab.done("x")], {
        tools: { deferral: "auto" },
        with: made
      })
      yield* lab.run({ tools: all })
      const offered = yield* lab.offered(0)
      assert.include(offered, "mcp__notes__list_issue")
      assert.notInclude(offered, "tool_search")
      assert.include((yield* lab.results(1)).join(), "list_issue")
      assertPrefixes((yield* lab.twin.requests).map(({ body }) => body))
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("has what is pinned from the start, however little is loaded", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* start("anthropic", [Lab.done("x")], { tools: { pins: ["jira/create_issue"], mode: "inline" } })
      yield* lab.run({ tools: all })
      assert.include(yield* lab.offered(0), "mcp__jira__create_issue")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("needs one", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* Lab.start("anthropic", [Lab.done("x")])
      const error = yield* Effect.flip(lab.run({ tools: all }))
      assert.strictEqual(error.reason, "NoToolIndex")
      assert.include(error.message, "SourceIndex.layer")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("works without an index while it has no scope", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* start("openai", [Lab.done("x")])
      yield* lab.run()
      assert.notInclude(yield* lab.offered(0), "tool_search")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("says which patterns of its scope do nothing, and names the tools of the index to who asks for another", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const said: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => void said.push(String(message)))])
      const lab = yield* start("anthropic", [{ calls: [Lab.call("no_such_tool", {})] }, Lab.done("x")], {
        tools: { deferral: "always", mode: "native", pins: ["jira/create_issue"] }
      })
      yield* lab.run({ tools: ["jira/*", "gihtub/*"], grants: ["read"] }).pipe(Effect.provide(logger))
      assert.lengthOf(said, 1, said.join("\n"))
      assert.match(said[0] ?? "", /The role Tester: The pattern gihtub\/\* fits no tool/)
      assert.include(
        (yield* lab.results(1)).join(),
        "Your tools: read, outcome, tool_search, tool_describe, mcp__jira__create_issue."
      )
    }).pipe(Effect.provide(Lab.Services))
  )
})
