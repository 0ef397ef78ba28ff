import { afterAll, assert, describe, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as Budget from "@millwright/core/Budget"
import * as Journal from "@millwright/core/Journal"
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Agent from "./AcpLab.ts"
import * as Lab from "./LoopLab.ts"

// Others look for temporary folders of their own at the same time.
const before = process.env["TMPDIR"]
const temporary = mkdtempSync(join(tmpdir(), "millwright-wire-"))
process.env["TMPDIR"] = temporary
afterAll(() => {
  if (before === undefined) delete process.env["TMPDIR"]
  else process.env["TMPDIR"] = before
  rmSync(temporary, { recursive: true, force: true })
})

/** What is there of those that were run, and is none of these tests' own. */
const left = () => readdirSync(temporary).filter((name) => !/^millwright-(acp-test|tools)-/.test(name))

const done = (note: string) => Agent.outcome({ _tag: "Done", note })

/** It asks for a title too, beside its work, and says nothing of that. */
const isWork = ({ body }: { readonly body: unknown }): boolean =>
  JSON.stringify(body).includes("mcp__millwright__outcome")

const sum = (requests: ReadonlyArray<{ readonly usage: Usage.Usage | undefined }>): Usage.Usage =>
  requests.map(({ usage = Usage.zero }) => usage).reduce(Usage.add, Usage.zero)

describe.skipIf(Agent.program === undefined)(Agent.titled("ACP on the wire"), () => {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(
      title,
      () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Agent.Services)),
      90_000
    )

  test(
    "what it is told is billed with exactly the tokens that the provider reported, also what is said later and in a copy of its session",
    Effect.gen(function* () {
      const lab = yield* Agent.start([
        { usage: { input: 11, cacheRead: 7, cacheWrite: 5, output: 3 }, ...Agent.bash("echo one") },
        { usage: { input: 13, cacheRead: 17, cacheWrite: 19, output: 23 }, text: "Look.", ...done("first") },
        Agent.last,
        done("second"),
        Agent.last,
        done("third"),
        Agent.last
      ])
      const { outcome, session } = yield* lab.run({ followUps: ["Look again."] })
      assert.deepStrictEqual(outcome, { _tag: "Done", note: "second" })
      assert.deepStrictEqual((yield* lab.run({ session })).outcome, { _tag: "Done", note: "third" })
      const requests = (yield* lab.twin.requests).filter(isWork)
      assert.lengthOf(requests, 7, "it called its model for something else")
      const called = yield* lab.facts("ModelCalled")
      assert.deepStrictEqual(
        called.map(({ usage }) => usage),
        [sum(requests.slice(0, 3)), sum(requests.slice(3, 5)), sum(requests.slice(5))]
      )
      assert.deepStrictEqual(
        lab.events.flatMap((event) => (event._tag === "Turn" ? [[event.number, Usage.total(event.usage)]] : [])),
        [
          [1, 0],
          [2, Usage.total(sum(requests.slice(0, 3)))],
          [3, Usage.total(sum(requests.slice(3, 5)))],
          [1, Usage.total(sum(requests.slice(5)))]
        ]
      )
      for (const { cost, provider, rehearsed } of called) {
        assert.deepStrictEqual([provider, rehearsed, cost], ["anthropic", true, Usage.known(0.01)])
      }
    })
  )

  test(
    "the key is in no argument, no request, no event and no fact, and a secret of the host is nowhere",
    Effect.gen(function* () {
      process.env["HOST_SECRET"] = "hunter2-of-the-host"
      yield* Effect.addFinalizer(() => Effect.sync(() => delete process.env["HOST_SECRET"]))
      const lab = yield* Agent.start([
        Agent.bash(
          "env | grep -v ANTHROPIC_API_KEY; for p in $PPID $(ps -o ppid= -p $PPID); do tr '\\0' ' ' < /proc/$p/cmdline; done"
        ),
        done("ok"),
        Agent.last
      ])
      yield* lab.run()
      const [, second = ""] = yield* lab.bodies
      assert.include(second, "PATH=", "the tool did not print its environment")
      assert.include(second, "claude-agent-acp/dist/index.js", "the tool did not print the arguments of the program")
      for (const [where, text] of Object.entries({
        requests: (yield* lab.bodies).join(""),
        events: JSON.stringify(lab.events),
        facts: JSON.stringify(yield* lab.all)
      })) {
        assert.notInclude(text, Lab.key, `the key stands in the ${where}`)
        assert.notInclude(text, "hunter2-of-the-host", `a secret of the host stands in the ${where}`)
      }
      assert.deepStrictEqual(left(), [], "the folder of the run is left, or what it and its tools put down")
    })
  )

  test(
    "what it asks for and was not granted is refused, and so are files outside of the workspace",
    Effect.gen(function* () {
      const outside = `${process.cwd()}-outside`
      symlinkSync("/etc", "link")
      const lab = yield* Agent.start(
        [
          {
            calls: [
              Agent.call("bash", { script: "echo x > ran" }),
              Agent.call("edit", { path: "fake", old: "a", new: "b" }),
              { tool: "WebFetch", arguments: { url: "http://127.0.0.1:1/", prompt: "x" } }
            ]
          },
          {
            calls: [
              Agent.call("read", { path: "/etc/hostname" }),
              Agent.call("write", { path: outside, content: "x" }),
              Agent.call("write", { path: "link/millwright-test", content: "x" }),
              Agent.call("write", { path: `${process.cwd()}/.git/hooks/pre-commit`, content: "x" }),
              Agent.call("write", { path: `${process.cwd()}/inside`, content: "x" })
            ]
          },
          done("ok"),
          Agent.last
        ],
        // Nothing is taken away from it: it asks.
        {
          asks: ["edit", "bash"],
          meta: () => ({ claudeCode: { options: { settingSources: [], promptSuggestions: false } } })
        }
      )
      yield* lab.run({ grants: ["read", "grep", "write"] })
      assert.deepStrictEqual((yield* lab.facts("ToolCalled")).map(({ ok, tool }) => `${tool} ${ok}`).sort(), [
        "WebFetch false",
        "bash false",
        "edit false",
        "read false",
        "write false",
        "write false",
        "write false",
        "write true"
      ])
      for (const path of ["ran", outside, "link/millwright-test", ".git/hooks/pre-commit"])
        assert.isFalse(existsSync(path), path)
      assert.isTrue(existsSync("inside"))
    })
  )

  test(
    "the tool index is served through the folder of the run, within the scope of the role, and called by its ids",
    Effect.gen(function* () {
      const [desk, vault] = [ScriptedSource.make("desk"), ScriptedSource.make("vault")]
      desk.lists({
        name: "create_ticket",
        description: "Creates a ticket.",
        inputSchema: { type: "object", properties: { title: { type: "string" } }, required: ["title"] }
      })
      vault.lists({ name: "open", description: "Opens it.", inputSchema: { type: "object" } })
      const index = yield* SourceIndex.make([desk.source, vault.source])
      yield* index.settled
      const tool = (name: string, args: ProviderTwin.Call["arguments"]): ProviderTwin.Turn => ({
        calls: [{ tool: `mcp__millwright-index__${name}`, arguments: args ?? {} }]
      })
      const lab = yield* Agent.start(
        [
          tool("tool_search", { query: "create a ticket" }),
          tool("tool_call", { name: "desk/create_ticket", arguments: { title: "It breaks" } }),
          tool("tool_call", { name: "vault/open", arguments: {} }),
          done("ok"),
          Agent.last
        ],
        {},
        index
      )
      yield* lab.run({ tools: ["desk/*"], grants: ["read"] })
      assert.deepStrictEqual([desk.count.call, vault.count.call], [1, 0], "the scope of the role does not hold")
      assert.include((yield* lab.bodies)[1], '\\"required\\":[\\"title\\"]', "the search does not show the schema")
      assert.deepStrictEqual(
        (yield* lab.facts("ToolCalled")).map(({ ok, tool }) => `${tool} ${ok}`),
        ["tool_search true", "desk/create_ticket true", "vault/open false"]
      )
    })
  )

  test(
    "a wrong key, and none at all, are a login that is missing",
    Effect.gen(function* () {
      const wrong = yield* Agent.start([done("ok")], {
        key: { variable: "ANTHROPIC_API_KEY", value: Redacted.make("another-key-0123456789") }
      })
      assert.strictEqual((yield* Effect.flip(wrong.run())).reason, "Unauthorized")
      const none = yield* Agent.start([done("ok")], { key: undefined })
      assert.strictEqual((yield* Effect.flip(none.run())).reason, "Unauthorized")
      assert.deepStrictEqual(yield* none.twin.requests, [], "it asked without a key")
    })
  )

  test(
    "what its provider does not take is told in the provider's words, and is no fault of the agent",
    Effect.gen(function* () {
      const lab = yield* Agent.start([done("never")])
      const refusal = { _tag: "Refuse", status: 400, message: "max_tokens: 99 is too large" } as const
      // It asks for a title too, and again without what it takes to be at fault.
      yield* lab.twin.breakNext(Array.from({ length: 12 }, () => refusal))
      const error = yield* Effect.flip(lab.run())
      assert.deepStrictEqual([error._tag, error.reason, error.isRetryable], ["ModelError", "Protocol", false])
      assert.match(
        error.message,
        /^The model, asked by claude: Protocol\. API Error: 400 max_tokens: 99 is too large\. /
      )
    })
  )

  test(
    "a limit that is reached ends it before what it is told next, and a budget that is spent before it begins",
    Effect.gen(function* () {
      const lab = yield* Agent.start([
        Agent.bash("echo one >> log"),
        done("first"),
        Agent.last,
        Agent.bash("echo two >> log")
      ])
      const run = lab.run({ followUps: ["Again."] })
      const error = yield* Effect.flip(
        run.pipe(Budget.slice("small", { usd: 0.005 }), Effect.provideService(Journal.Journal, lab.journal))
      )
      assert.deepStrictEqual([error._tag, error.reason], ["BudgetError", "MoneySpent"])
      assert.lengthOf((yield* lab.twin.requests).filter(isWork), 3)
      assert.strictEqual(readFileSync("log", "utf8"), "one\n")
    })
  )

  test(
    "work that is not waited for is told to stop, and billed",
    Effect.gen(function* () {
      const lab = yield* Agent.start([Agent.bash("echo begun > begun; sleep 60"), done("never")])
      const running = yield* Effect.forkChild(lab.run())
      yield* Effect.promise(async () => {
        while (!existsSync("begun")) await new Promise(setImmediate)
      })
      assert.isNotEmpty(left())
      yield* Fiber.interrupt(running)
      assert.deepStrictEqual(left(), [], "something is left of it")
      const called = yield* lab.facts("ModelCalled")
      const failed = yield* lab.facts("ModelFailed")
      assert.lengthOf([...called, ...failed], 1, "it is billed not once")
      for (const { usage } of called) assert.deepStrictEqual(usage, sum((yield* lab.twin.requests).filter(isWork)))
    })
  )
})
