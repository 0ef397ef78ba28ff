import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as ToolScope from "@millwright/context/ToolScope"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Digest from "@millwright/core/Digest"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as AgentFile from "../src/AgentFile.ts"
import * as Grant from "../src/Grant.ts"
import * as Harness from "../src/Harness.ts"
import * as RunManifest from "../src/RunManifest.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"
import { workspace } from "./ToolsWorkplace.ts"
import { house, implementer, parsed, reviewer } from "./AgentFileLab.ts"

const Input = Schema.Struct({ diff: Schema.String })
const Outcome = Schema.TaggedUnion({ Approved: { note: Schema.String }, Rejected: { why: Schema.String } })

/** Runs what makes a role, before an agent that makes these calls. */
const run = Effect.fnUntraced(function* <E, R>(
  made: Effect.Effect<AgentFileRole, E, R>,
  calls: ReadonlyArray<ScriptedHarness.Call> = []
) {
  const { journal } = yield* MemoryJournal.make
  const scripted = yield* Effect.provideService(
    ScriptedHarness.make(() => [...(calls.length > 0 ? [{ calls }] : []), { outcome: { _tag: "Approved", note: "" } }]),
    Journal.Journal,
    journal
  )
  const result = yield* Effect.result(Effect.flatMap(made, (role) => role.run({ diff: "+1" }))).pipe(
    Effect.provideService(Harness.Harness, scripted.harness),
    Effect.provideService(Journal.Journal, journal)
  )
  const events = yield* Stream.runCollect(journal.read())
  return { result, requests: yield* scripted.requests, events }
})
type AgentFileRole = Effect.Success<ReturnType<typeof AgentFile.role<typeof Input, typeof Outcome>>>

describe("AgentFile.role", () => {
  it.live("is a role that the file instructs, with what the caller allows of what the file wants", () =>
    Effect.gen(function* () {
      yield* workspace({ "a.md": "a\n" })
      const file = yield* AgentFile.parse(reviewer, house)
      const made = AgentFile.role(file, {
        input: Input,
        outcome: Outcome,
        grants: ["read", "edit", "bash"],
        tools: ["github/*", "!github/delete_*"]
      })
      const { events, requests, result } = yield* run(made, [
        { tool: "read", arguments: { path: "a.md" } },
        { tool: "bash", arguments: { script: "echo b > a.md" } }
      ])
      assert.deepStrictEqual(result._tag === "Success" && result.success, { _tag: "Approved", note: "" })
      const [request] = requests
      assert.deepStrictEqual(request?.grants, ["read", "edit"])
      assert.deepStrictEqual(request?.tools, ["github/get_issue", "!linear/delete_*", "!github/delete_*"])
      assert.strictEqual(request?.tier, "large")
      assert.strictEqual(request?.maxTurns, 12)
      assert.match(request?.system ?? "", /^Role: code-reviewer\n\nYou review what changed since the last commit\./)
      assert.deepStrictEqual(
        events.flatMap(({ fact }) => (fact._tag === "ToolCalled" ? [fact.ok] : [])),
        [true, false],
        "a call of a tool that only one of them allows was made"
      )
      const fact = events.find(({ fact }) => fact._tag === "RoleStarted")?.fact
      assert.deepInclude(fact, {
        role: "code-reviewer",
        skill: "code-reviewer",
        skillDigest: Digest.of(reviewer),
        skillSource: house.source
      })
      const manifest = events.reduce(
        (all, event) => RunManifest.step(all, { ...event, run: "r" }),
        RunManifest.empty("r")
      )
      const held = (text: string) =>
        Effect.flatMap(AgentFile.parse(text, house), AgentFile.skill).pipe(RunManifest.hold(manifest))
      assert.strictEqual((yield* held(reviewer)).digest, file.digest)
      assert.strictEqual((yield* Effect.flip(held(`${reviewer}\nMore.`))).reason, "NotPinned")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.live("only reads, in no tool index, where the caller says nothing", () =>
    Effect.gen(function* () {
      const file = yield* AgentFile.parse(implementer, { ...house, source: "agents/implementer/agent.md" })
      const { requests } = yield* run(AgentFile.role(file, { input: Input, outcome: Outcome }))
      assert.deepStrictEqual(requests[0]?.grants, ["read", "grep"])
      assert.isUndefined(requests[0]?.tools)
      assert.strictEqual(requests[0]?.tier, "standard")
      const small = yield* run(AgentFile.role(file, { input: Input, outcome: Outcome, tier: "small", maxTurns: 3 }))
      assert.deepInclude(small.requests[0], { tier: "small", maxTurns: 3 })
      const inherits = yield* parsed("model: inherit\n")
      const given = yield* run(AgentFile.role(inherits, { input: Input, outcome: Outcome, tier: "large" }))
      assert.strictEqual(given.requests[0]?.tier, "large")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.live("is refused to a file from outside, before a model is asked", () =>
    Effect.gen(function* () {
      const file = yield* AgentFile.parse(reviewer, { ...house, trust: "outside" })
      const { events, requests, result } = yield* run(AgentFile.role(file, { input: Input, outcome: Outcome }))
      assert.strictEqual(result._tag, "Failure")
      if (result._tag === "Failure") {
        assert.deepInclude(result.failure, { _tag: "SkillError", reason: "NotTrusted" })
        assert.match(result.failure.message, /agent file .* its place is not of the house/)
      }
      assert.deepStrictEqual([requests, events], [[], []])
      const held = yield* Effect.flip(AgentFile.skill(file))
      assert.strictEqual(held.reason, "NotTrusted")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  const names = [
    "Read",
    "Grep",
    "Glob",
    "Edit",
    "Write",
    "Bash",
    "Bash(git:*)",
    "Task",
    "*",
    "",
    "Read, Write"
  ] as const
  const servers = ["mcp__*", "mcp__a", "mcp__a__x", "mcp__a__x*", "mcp__b__*y", "mcp__*__x"] as const
  const Tools = Schema.Array(Schema.Literals([...names, ...servers]))
  const patterns = ["*/*", "a/*", "a/x", "a/x*", "b/y", "*/x", "!a/x", "!b/*", "!*/x"] as const
  const ids = ["a/x", "a/xy", "a/y", "b/x", "b/y", "b/xy", "c/z"]
  it.effect.prop(
    "may do nothing that the file does not want or the caller does not allow",
    {
      tools: Schema.NullOr(Tools),
      taken: Tools,
      mode: Schema.Literals(["plan", "bypassPermissions"]),
      grants: Schema.Array(Grant.Grant),
      scope: Schema.Array(Schema.Literals(patterns))
    },
    ({ grants, mode, scope, taken, tools }) =>
      Effect.gen(function* () {
        const list = (key: string, items: ReadonlyArray<string>) => `${key}: ${JSON.stringify(items)}\n`
        const file = yield* parsed(
          `${tools === null ? "" : list("tools", tools)}${list("disallowedTools", taken)}permissionMode: ${mode}\n`
        )
        const role = AgentFile.reach(file, { grants, tools: scope })
        const isIn = (grant: Grant.Grant, all: ReadonlyArray<Grant.Grant>) => all.includes(grant)
        assert.deepStrictEqual(
          [...role.grants].sort(),
          Grant.all.filter((grant) => isIn(grant, file.grants) && isIn(grant, grants)).sort()
        )
        if (mode === "plan") assert.isTrue(role.grants.every((grant) => isIn(grant, Grant.readOnly)))
        if (tools !== null && !tools.some((name) => name === "Bash" || name === "*"))
          assert.notInclude(role.grants, "bash")
        if (taken.some((name) => name.startsWith("Bash"))) assert.notInclude(role.grants, "bash")
        for (const id of ids.filter(ToolScope.allows(role.tools))) {
          assert.isTrue(ToolScope.allows(file.tools)(id), `${id} is not what the file wants`)
          assert.isTrue(ToolScope.allows(scope)(id), `${id} is not what the caller allows`)
        }
        if (!scope.some((pattern) => pattern.startsWith("!")) && scope.some((pattern) => pattern === "*/*")) {
          const both = ids.filter(ToolScope.allows(file.tools))
          assert.deepStrictEqual(ids.filter(ToolScope.allows(role.tools)), both, "what both allow is not there")
        }
      })
  )

  it("compiles with what a role can be made of, and with nothing else", () => {
    const made = (file: AgentFile.AgentFile) => [
      AgentFile.role(file, {
        input: Input,
        outcome: Outcome,
        grants: ["read"],
        tools: ["github/*"],
        followUps: ["Again."]
      }),
      // @ts-expect-error: no such grant
      AgentFile.role(file, { input: Input, outcome: Outcome, grants: ["fly"] }),
      // @ts-expect-error: a pattern of tools has a slash
      AgentFile.role(file, { input: Input, outcome: Outcome, tools: ["github"] }),
      // @ts-expect-error: the file is the skill
      AgentFile.role(file, { input: Input, outcome: Outcome, skill: Effect.never }),
      // @ts-expect-error: what it answers with is said in code
      AgentFile.role(file, { input: Input }),
      Effect.map(AgentFile.role(file, { input: Input, outcome: Outcome }), (role) => [
        role.run({ diff: "" }),
        // @ts-expect-error: this is not its input
        role.run({ diff: 1 })
      ]),
      // @ts-expect-error: another version of the value
      (): AgentFile.AgentFile => ({ ...file, version: 2 })
    ]
    assert.isDefined(made)
  })
})
