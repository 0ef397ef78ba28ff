import { assert, describe, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as Journal from "@millwright/core/Journal"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Otlp from "effect/observability/Otlp"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Allowance from "../../src/Allowance.ts"
import * as Harness from "../../src/Harness.ts"
import * as Role from "../../src/Role.ts"
import * as Skill from "../../src/Skill.ts"
import * as Sessions from "../../src/Sessions.ts"
import * as OtlpCollector from "../OtlpCollector.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"
import * as Team from "./LoopTeam.ts"

for (const protocol of Lab.protocols) {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(title, () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Lab.Services)))

  describe(`sub-agents and what is around them, over ${protocol}`, () => {
    test(
      "are spans below the call that their task was given with",
      Effect.gen(function* () {
        const collector = yield* OtlpCollector.make
        const team = yield* Team.start(protocol, {
          Tester: [{ calls: [Team.delegate("scout", "one"), Team.delegate("scout", "two")] }, Lab.done("ok")],
          "Tester/scout": [Team.handover("Nothing.")]
        })
        yield* team
          .run(Team.both)
          .pipe(
            Effect.provide(
              Otlp.layerJson({ baseUrl: collector.url, resource: { serviceName: "factory" } }).pipe(
                Layer.provide(FetchHttpClient.layer)
              ),
              { local: true }
            )
          )
        const spans = collector.spans()
        const byId = new Map(spans.map((span) => [span.spanId, span]))
        const path = (span: (typeof spans)[number]): string => {
          const parent = byId.get(span.parentSpanId ?? "")
          return parent === undefined ? span.name : `${path(parent)} > ${span.name}`
        }
        const given = "invoke_agent Tester > execute_tool delegate"
        const one = [given, `${given} > invoke_agent Tester/scout`, `${given} > invoke_agent Tester/scout > chat m`]
        assert.sameMembers(spans.map(path), [
          "invoke_agent Tester",
          "invoke_agent Tester > chat m",
          ...one,
          ...one,
          "invoke_agent Tester > chat m"
        ])
      })
    )

    test(
      "are in what a role used until its allowance was spent",
      Effect.gen(function* () {
        const Lead = Role.make("Lead", {
          input: Schema.Struct({}),
          outcome: Lab.Outcome,
          skill: Skill.parse("---\nname: lead\ndescription: Leads.\n---\nLead.", "inline"),
          grants: ["read", "grep"],
          agents: { list: [Team.scout] },
          tier: "small"
        })
        const usage = { input: 100, cacheRead: 0, cacheWrite: 0, output: 0 }
        const team = yield* Team.start(protocol, {
          Lead: [{ ...Team.delegating("scout"), usage }, Lab.done("never")],
          "Lead/scout": [{ calls: [Lab.call("read", { path: "a" })], usage }, Team.handover("never")]
        })
        const outcome = yield* Allowance.within(Lead, { tokens: 200 })
          .run({})
          .pipe(
            Effect.provideService(Harness.Harness, team.harness),
            Effect.provideService(Journal.Journal, team.journal)
          )
        if (outcome._tag !== "OutOfBudget") return assert.fail(`It ended with ${outcome._tag}`)
        assert.deepStrictEqual([outcome.soFar.turns, outcome.soFar.usage], [1, { ...usage, input: 200 }])
      })
    )

    test(
      "find of the tool index what their own scope and that of their parent let in",
      Effect.gen(function* () {
        const sources = ["near", "far"].map((name) => ScriptedSource.make(name))
        for (const { lists, script } of sources) {
          lists({ name: "look", description: "Looks." })
          script.call = () => Effect.succeed(ScriptedSource.answer("seen"))
        }
        const index = yield* SourceIndex.make(sources.map(({ source }) => source))
        const team = yield* Team.start(
          protocol,
          {
            Tester: [Team.delegating("scout"), Lab.done("ok")],
            "Tester/scout": [
              { calls: ["near", "far"].map((name) => Lab.call(`mcp__${name}__look`, {})) },
              Team.handover("Seen.")
            ]
          },
          { index }
        )
        const agents = { list: [Team.but(Team.scout, { tools: ["*/*"] })] }
        yield* team.run(agents, { tools: ["near/*"] })
        const results = yield* team.results("Tester/scout")
        assert.include(results[0], "seen")
        assert.match(results[1] ?? "", /There is no tool "mcp__far__look"/)
        assert.notInclude(results[1], "seen", "a sub-agent called a tool outside of its parent's scope")
        assert.notInclude(yield* team.offered("Tester/scout"), "far")
        const error = yield* Effect.flip(team.run(agents))
        assert.strictEqual(error._tag === "HarnessError" && error.reason, "BadAgents")
      })
    )

    test(
      "have conversations of their own where a server gives several calls one id",
      Effect.gen(function* () {
        const tasks = ["one", "two"].map((task) => ({ name: "delegate", arguments: { agent: "fixer", task } }))
        const handed = (report: string) => [{ name: "outcome", arguments: { outcome: { report } } }]
        const over = [{ name: "outcome", arguments: { outcome: { _tag: "Done", note: "ok" } } }]
        const answers = [tasks, handed("The first."), handed("The second."), tasks, handed("The third."), over]
        const { bodies, url } = yield* Lab.answering(answers.map((calls) => sameId[protocol](calls)))
        const team = yield* Team.at(protocol, url)
        yield* team.run(Team.both)
        const sessions = Team.factsOf(yield* team.all, "AgentDelegated").map(({ session }) => session)
        assert.strictEqual(new Set(sessions).size, 4, `conversations share a name: ${sessions.join(", ")}`)
        for (const [at, task] of ["one", "two", "one", "two"].entries()) {
          assert.include(bodies[at < 2 ? at + 1 : at + 2], `"${task}"`, "a task went to another conversation")
        }
        const [first, second] = Lab.blocksOf(JSON.parse(bodies[3] ?? ""))
          .map(({ block }) => String(block["content"]))
          .filter((text) => text.includes("came to an end"))
        assert.include(first, "The first.")
        assert.include(second, "The second.")
      })
    )

    test(
      "work anew when the same is asked for in another way of the conversation",
      Effect.gen(function* () {
        const task = [{ name: "delegate", arguments: { agent: "fixer", task: "one" } }]
        const handed = (report: string) => [{ name: "outcome", arguments: { outcome: { report } } }]
        const over = [{ name: "outcome", arguments: { outcome: { _tag: "Done", note: "ok" } } }]
        const answers = [task, handed("The first."), over, task, handed("The second."), over]
        const { bodies, url } = yield* Lab.answering(answers.map((calls) => sameId[protocol](calls)))
        const sessions = Context.get(yield* Layer.build(Sessions.layerMemory), Sessions.Sessions)
        const team = yield* Team.at(protocol, url, { sessions })
        yield* team.run(Team.both, { id: "one", prompt: "Do it." })
        yield* team.run(Team.both, { id: "one", prompt: "Do it again." })
        assert.lengthOf(bodies, 6, "the report of the first way was taken for that of the second")
        assert.include(bodies[5], "The second.")
      })
    )
  })
}

/** An answer whose calls all have one id. */
const sameId: Record<
  Lab.Protocol,
  (calls: ReadonlyArray<{ readonly name: string; readonly arguments: object }>) => ReadonlyArray<object>
> = {
  anthropic: (calls) => [
    { type: "message_start", message: { id: "a", model: "m", usage: { input_tokens: 1, output_tokens: 1 } } },
    ...calls.flatMap(({ arguments: input, name }, index) => [
      { type: "content_block_start", index, content_block: { type: "tool_use", id: "call", name, input: {} } },
      { type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json: JSON.stringify(input) } },
      { type: "content_block_stop", index }
    ]),
    { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 9 } },
    { type: "message_stop" }
  ],
  openai: (calls) => [
    {
      id: "c",
      model: "m",
      choices: [
        {
          index: 0,
          delta: {
            tool_calls: calls.map(({ arguments: input, name }, index) => ({
              index,
              id: "call",
              function: { name, arguments: JSON.stringify(input) }
            }))
          },
          finish_reason: "tool_calls"
        }
      ]
    }
  ]
}
