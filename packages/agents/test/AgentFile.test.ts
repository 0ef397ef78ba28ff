import { assert, describe, it } from "@effect/vitest"
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as AgentFile from "../src/AgentFile.ts"
import * as Grant from "../src/Grant.ts"
import { agent, house, implementer, parsed, reviewer } from "./AgentFileLab.ts"

const refusal = (text: string, source: string = house.source) =>
  Effect.flip(AgentFile.parse(text, { source, trust: "house" }))
const why = ({ leftOut }: AgentFile.AgentFile) => Object.fromEntries(leftOut.map(({ what, why }) => [what, why]))

describe("AgentFile.parse", () => {
  it.effect("reads a file of Claude Code, and says what a role of it does not have", () =>
    Effect.gen(function* () {
      const file = yield* AgentFile.parse(reviewer, house)
      const { leftOut, ...rest } = file
      assert.deepStrictEqual(rest, {
        version: 1,
        format: "claude-code",
        name: "code-reviewer",
        description: "Use this agent after a change: it reviews. <example>Context: a function was written.</example>",
        instructions: "You review what changed since the last commit.\n\nSay what is wrong, worst first.",
        grants: ["read", "grep", "edit"],
        tools: ["github/get_issue", "linear/*", "!linear/delete_*"],
        tier: "large",
        model: null,
        harness: null,
        maxTurns: 12,
        secrets: [],
        settings: {},
        other: ["kind"],
        digest: Digest.of(reviewer),
        ...house
      })
      assert.deepStrictEqual(
        leftOut.map(({ what }) => what),
        ["Bash(git diff:*, git log:*)", "WebFetch", "Task", "permissionMode", "mcpServers", "hooks", "skills", "color"]
      )
      assert.match(why(file)["Bash(git diff:*, git log:*)"] ?? "", /the grant bash is all of it/)
      assert.notMatch(JSON.stringify(file), /sk-live|check\.sh|npx/, "what stands under a key without a place is kept")
    })
  )

  it.effect("reads a file of Warp, named by its folder", () =>
    Effect.gen(function* () {
      const file = yield* AgentFile.parse(implementer, { ...house, source: "factory/agents/implementer/agent.md" })
      const { leftOut, settings, ...rest } = file
      assert.deepStrictEqual(settings, {
        agentType: "IMPLEMENT",
        runner: "linux-arm64",
        environmentId: "ENV_1",
        credentialStrategy: "EXECUTOR"
      })
      assert.deepInclude(rest, {
        format: "warp",
        name: "implementer",
        grants: [...Grant.all],
        tools: ["sentry/*"],
        tier: "standard",
        model: null,
        harness: "Claude Code",
        secrets: ["SENTRY_AUTH_TOKEN", "ANTHROPIC_API_KEY"],
        other: []
      })
      assert.match(why(file)["tools"] ?? "", /by default to read/)
      assert.includeMembers(
        leftOut.map(({ what }) => what),
        ["harness", "secrets", "mcpServers", "runner", "agentType", "workerHost"]
      )
      const foreman = yield* AgentFile.parse("---\nagentType: MAIN\nmodel: auto\n---\nRoute.", {
        ...house,
        source: "agents/foreman/agent.md"
      })
      assert.deepInclude(foreman, { name: "foreman", description: "", tier: null, model: null })
      assert.strictEqual(foreman.settings["agentType"], "FOREMAN")
      const bare = yield* AgentFile.parse("---\n---\nHelp.", { ...house, source: "agents/aux/agent.md" })
      assert.deepInclude(bare, { name: "aux", tools: [], settings: {} })
    })
  )

  it.effect("is a value that can be stored and read again", () =>
    Effect.gen(function* () {
      const file = yield* AgentFile.parse(reviewer, house)
      const stored = yield* Schema.encodeEffect(Schema.fromJsonString(AgentFile.AgentFile))(file)
      assert.deepStrictEqual(yield* Schema.decodeEffect(Schema.fromJsonString(AgentFile.AgentFile))(stored), file)
    })
  )

  it.effect("takes tools as a text or as a list, and never more than they say", () =>
    Effect.gen(function* () {
      const grants = (more: string) => Effect.map(parsed(more), (file) => file.grants)
      assert.deepStrictEqual(yield* grants("tools: Read, Write\n"), ["read", "write"])
      assert.deepStrictEqual(yield* grants("tools:\n  - Read\n  - Bash\n"), ["read", "bash"])
      assert.deepStrictEqual(yield* grants('tools: "*"\n'), [...Grant.all])
      for (const none of ["tools: []\n", "tools:\n", 'tools: ""\n', "tools: Bash(git log\n", "tools: read BASH\n"]) {
        assert.deepStrictEqual(yield* grants(none), [], none)
      }
      assert.deepStrictEqual(yield* grants("tools: Bash), Write, Read\n"), [], "what a bracket opens is not known")
      assert.deepStrictEqual(yield* grants("tools: [NotebookEdit, MultiEdit, Glob]\n"), ["edit", "grep"])
      const odd = yield* parsed("tools: Read, mcp__, mcp__x__, Frobnicate, a b\n")
      assert.deepStrictEqual(odd.grants, ["read"])
      assert.deepStrictEqual(odd.tools, [])
      assert.deepStrictEqual(Object.keys(why(odd)), ["Frobnicate", "mcp__", "mcp__x__", "a b"])
    })
  )

  it.effect("takes away what the file takes away, a part of a tool as the whole of it", () =>
    Effect.gen(function* () {
      const file = yield* parsed("disallowedTools: write, Bash(rm:*), Glob, mcp__*\n")
      assert.deepStrictEqual(file.grants, ["read", "edit"])
      assert.deepStrictEqual(file.tools, ["*/*", "!*/*"])
      assert.match(why(file)["no Bash(rm:*)"] ?? "", /all of it is gone/)
      assert.deepStrictEqual((yield* parsed('disallowedTools: "*"\n')).grants, [])
      const plan = yield* parsed("tools: Read, Edit, Bash, mcp__github\npermissionMode: plan\n")
      assert.deepInclude(plan, { grants: ["read"], tools: [] })
      // What can not be read would be allowed otherwise.
      for (const bad of ["Write Edit", "mcp__", "Bash(rm", "(x)"]) {
        const error = yield* refusal(agent(`disallowedTools: ${bad}\n`))
        assert.strictEqual(error.reason, "Malformed", bad)
        assert.match(error.message, /agent file \.claude\/agents\/a\.md:4 .* no tool has such a name/)
      }
    })
  )

  it.effect("makes a tier of a family, and keeps the name of one model", () =>
    Effect.gen(function* () {
      for (const [model, tier, exact] of [
        ["haiku", "small", null],
        ["sonnet", "standard", null],
        ["opus", "large", null],
        ["inherit", null, null],
        ["claude-haiku-4-5", null, "claude-haiku-4-5"],
        ["constructor", null, "constructor"]
      ] as const) {
        const file = yield* parsed(`model: ${model}\n`)
        assert.deepInclude(file, { tier, model: exact })
        assert.strictEqual(why(file)["model"] !== undefined, exact !== null, model)
      }
    })
  )

  it.effect("refuses what is no agent file, and says where and why", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [text: string, reason: string, message: RegExp]> = [
        ["", "Malformed", /no front matter/],
        ["# An agent\n", "Malformed", /no front matter/],
        ["---\nname: a\n", "Malformed", /no end/],
        ["---\n- name\n---\nx", "Malformed", /not that of an agent/],
        ["---\nhello\n---\nx", "Malformed", /not that of an agent/],
        ["---\ndescription: x\n---\nx", "Malformed", /neither it nor its folder has a name/],
        ["---\nname: A b\ndescription: x\n---\nx", "Malformed", /a\.md:2 .*name/],
        ["---\nname: a\n---\nx", "Malformed", /no `description`/],
        ["---\nname: a\ndescription: x\n---\n \n", "Malformed", /nothing stands below/],
        ["---\nname: a\ndescription: it: is\n---\nx", "Malformed", /a\.md:3 .*quotes/],
        ["---\nname: a\nname: b\ndescription: x\n---\nx", "Malformed", /Duplicate key/],
        ["---\n__proto__:\n  name: a\n  description: x\n---\nx", "Malformed", /has a name/],
        ["---js\n{ name: process.exit(1) }\n---\nx", "Executable", /only YAML/],
        ['---\nname: a\ndescription: !!js/function "x"\n---\nx', "Executable", /asks YAML for a type/],
        ["---\nname: &n a\ndescription: *n\n---\nx", "Malformed", /anchor/],
        [agent("tools: {}\n"), "Malformed", /a\.md:4/],
        [agent("tools: [[Read]]\n"), "Malformed", /a\.md:4/],
        [agent("maxTurns: 0\n"), "Malformed", /a\.md:4/],
        [agent("agentType: BOSS\n"), "Malformed", /a\.md:4/],
        [agent("model: opus\nharness:\n  type: codex\n"), "Malformed", /a\.md:4 .*`model` and a `harness`/],
        [agent("", "Do it.\u202eno"), "Malformed", /can not be seen/],
        [agent("", "Do it.\u200b"), "Malformed", /can not be seen/],
        [agent("color: re\u00add\n"), "Malformed", /can not be seen/],
        [agent("", "x".repeat(256 * 1024)), "TooLarge", /more than 262144 bytes/],
        [agent(`x: [${"a,\n".repeat(40_000)}]\n`), "TooLarge", /front matter/],
        [agent(`x: ${"(".repeat(9_000)}\n`), "TooLarge", /8192/]
      ]
      for (const [text, reason, message] of cases) {
        const error = yield* refusal(text)
        assert.deepStrictEqual([error._tag, error.reason], ["SkillError", reason], text.slice(0, 60))
        assert.match(error.message, message)
        assert.match(error.message, /^The agent file \.claude\/agents\/a\.md/)
      }
      assert.strictEqual((yield* refusal("---\n---\nx", "agents/Bad Name/agent.md")).reason, "Malformed")
      const windows = yield* AgentFile.parse(`\ufeff${agent("", "Good 👩‍💻").replaceAll("\n", "\r\n")}`, house)
      assert.strictEqual(windows.instructions, "Good 👩‍💻", "marks of an editor and emoji hide nothing")
    })
  )

  it.effect("never holds or repeats the value of a secret", () =>
    Effect.gen(function* () {
      const values = ["sk-live-0123456789", `ghp_${"a".repeat(40)}`, "TOKEN=hunter2"]
      for (const value of values) {
        for (const more of [`- ${value}`, `- TOKEN: ${value}`]) {
          const error = yield* refusal(agent(`secrets:\n  ${more}\n`))
          assert.strictEqual(error.reason, "Malformed", more)
          assert.notInclude(error.message, value)
        }
        const error = yield* refusal(agent(`harness:\n  type: codex\n  auth:\n    secretName: ${value}\n`))
        assert.notInclude(error.message, value)
      }
    })
  )

  it.effect("takes long lists of whatever in a moment", () =>
    Effect.gen(function* () {
      for (const item of ["(", "a(", "mcp__a_", "Read,", ")"]) {
        const list = `\n${`  ${item.repeat(Math.floor(8_000 / item.length))}\n`.repeat(7)}`
        yield* Effect.exit(parsed(`tools: >${list}`))
        yield* Effect.exit(parsed(`disallowedTools: >${list}`))
      }
      const many = yield* parsed(`tools: [${Array.from({ length: 900 }, (_, n) => `T${n}`).join(",")}]\n`)
      assert.lengthOf(many.leftOut, 900)
    })
  )
})
