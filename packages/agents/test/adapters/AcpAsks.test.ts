import { assert, describe, it } from "@effect/vitest"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import type * as Acp from "../../src/adapters/Acp.ts"
import * as Grant from "../../src/Grant.ts"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Fake from "./AcpFake.ts"
import * as Agent from "./AcpLab.ts"

describe("what an ACP agent asks for", () => {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(
      title,
      () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Agent.Services)),
      60_000
    )

  /** What a prompt wrote down with `tell`, and the run that it did so in. */
  const asking = Effect.fnUntraced(function* (
    prompt: string,
    changes: Partial<Harness.Request> = {},
    options: Partial<Acp.Options> = {},
    bodies: Partial<Fake.Bodies> = {}
  ) {
    Fake.write({
      prompt: `const told = []; const tell = (it) => told.push(it)\n${prompt}\nfs.writeFileSync("told", JSON.stringify(told)); await outcome("ok")`,
      ...bodies
    })
    const lab = yield* Agent.running({ name: "fake", command: "./fake", asks: Grant.all, ...options })
    const end = yield* lab.run(changes)
    return { ...lab, end, told: JSON.parse(readFileSync("told", "utf8")) }
  })

  const permission = `
    const options = [["a", "allow_always"], ["b", "allow_once"], ["c", "reject_always"], ["d", "reject_once"]].map(([optionId, kind]) => ({ optionId, kind, name: kind }))
    const may = async (toolCall, those = options) => tell((await ask("session/request_permission", { toolCall: { toolCallId: "t" + ids, ...toolCall }, options: those })).outcome?.optionId ?? "none")
    const at = (path) => ({ locations: [{ path }] })`

  test(
    "a permission is given for once where it was granted, and refused for all else, also for what nobody knows",
    Effect.gen(function* () {
      mkdirSync("src")
      writeFileSync("src/x", "x")
      symlinkSync("/etc", "link")
      const { told } = yield* asking(
        `${permission}
        await may({ kind: "edit", ...at(process.cwd() + "/src/x") }); await may({ kind: "edit", content: [{ type: "diff", path: "src/new", newText: "x" }] })
        await may({ kind: "edit", rawInput: { file_path: "src/x" } }); await may({ name: "Read", ...at("src/x") })
        await may({ kind: "other", name: "mcp__millwright__outcome" }); await may({ title: "tool_call (millwright-index MCP Server)" })
        await may({ kind: "read" })`,
        { grants: ["read", "edit"] }
      )
      assert.deepStrictEqual(told, ["b", "b", "b", "b", "b", "b", "b"], "what was granted was refused")
      const refused = yield* asking(
        `${permission}
        await may({ kind: "execute", rawInput: { command: "true" } }); await may({ name: "Write", kind: "edit", ...at("src/x") })
        await may({ kind: "edit" }); await may({ kind: "edit", ...at("/etc/passwd") }); await may({ kind: "edit", ...at("link/passwd") })
        await may({ kind: "edit", locations: [{ path: "src/x" }, { path: "../x" }] }); await may({ kind: "edit", ...at(".git/hooks/pre-commit") })
        await may({ kind: "read", ...at("/etc/passwd") }); await may({ kind: "search" }); await may({ kind: "delete", ...at("src/x") })
        await may({ kind: "fetch" }); await may({ kind: "other" }); await may({ kind: "telepathy" }); await may({})
        await may({ kind: "other", name: "mcp__other__outcome" }); await may({ kind: "other", title: "millwright" })
        await may({ kind: "execute", title: "millwright/outcome" })
        await may({ title: "millwright/outcome" }); await may({ kind: "execute", title: "millwright_outcome" }); await may({ name: "toString" }); await may({ name: "__proto__" })`,
        { grants: ["read", "edit"] }
      )
      assert.deepStrictEqual(
        refused.told,
        refused.told.map(() => "d"),
        "what was not granted was allowed"
      )
      assert.lengthOf(refused.told, 21)
      const odd = yield* asking(
        `${permission}
        await may({ kind: "execute" }, []); await may({ kind: "execute" }, [options[0]]); await may({ kind: "fetch" }, [options[1], options[2]])`
      )
      assert.deepStrictEqual(odd.told, ["none", "none", "c"], "there was no answer of this kind")
    })
  )

  test(
    "files and commands are offered only where they are granted, and what is not offered is refused",
    Effect.gen(function* () {
      const none = yield* asking(
        `tell(client)
        writeFile = await ask("fs/write_text_file", { path: "made", content: "x" }); tell(writeFile.error?.code)
        tell((await ask("fs/read_text_file", { path: "fake" })).error?.code)
        tell((await ask("terminal/create", { command: "touch", args: ["made"] })).error?.code)`,
        { grants: [] }
      )
      assert.deepStrictEqual(none.told, [
        { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
        -32601,
        -32601,
        -32601
      ])
      assert.isFalse(existsSync("made"))
      const all = yield* asking(`tell(client)`)
      assert.deepStrictEqual(all.told, [{ fs: { readTextFile: true, writeTextFile: true }, terminal: true }])
    })
  )

  test(
    "files are those of the workspace, and none of git's own is written",
    Effect.gen(function* () {
      writeFileSync("lines", "one\ntwo\nthree\n")
      symlinkSync("/etc", "link")
      const { told } = yield* asking(
        `const read = async (path, more) => { const it = await ask("fs/read_text_file", { path, ...more }); tell(it.content ?? it.error.code) }
        const write = async (path) => tell((await ask("fs/write_text_file", { path, content: "new\\n" })).error?.code ?? "written")
        await read(process.cwd() + "/lines"); await read("lines", { line: 2 }); await read("lines", { line: 2, limit: 1 }); await read("lines", { line: 9 })
        await read("none"); await read("/etc/hostname"); await read("link/hostname"); await read("../x"); await read(".")
        await write("made/deep"); await write("lines"); await write("/tmp/millwright-acp-x"); await write("link/x"); await write(".git/hooks/pre-commit")`
      )
      assert.deepStrictEqual(told, [
        ...["one\ntwo\nthree\n", "two\nthree\n", "two\n", "", -32002, -32602, -32602, -32602, -32602],
        ...["written", "written", -32602, -32602, -32602]
      ])
      assert.strictEqual(readFileSync("made/deep", "utf8") + readFileSync("lines", "utf8"), "new\nnew\n")
      const edits = yield* asking(
        `for (const path of ["lines", "other"]) tell((await ask("fs/write_text_file", { path, content: "edited" })).error?.code ?? "written")`,
        { grants: ["edit"] }
      )
      assert.deepStrictEqual(edits.told, ["written", -32602], "a file was made by who may only change files")
    })
  )

  test(
    "commands run in the workspace, say what they print, and end when they are let go, or with the run",
    Effect.gen(function* () {
      mkdirSync("sub")
      const { told } = yield* asking(
        `const run = (command, more) => ask("terminal/create", { command, ...more })
        const end = async ({ terminalId }) => { const status = await ask("terminal/wait_for_exit", { terminalId }); return [status, await ask("terminal/output", { terminalId })] }
        const done = async (command, more) => { const [status, { output, truncated }] = await end(await run(command, more)); tell([status.exitCode ?? status.signal, output, truncated]) }
        await done("sh", { args: ["-c", 'pwd; echo "$MARK" >&2; exit 3'], cwd: process.cwd() + "/sub", env: [{ name: "MARK", value: "x y" }] })
        await done("echo a && echo b"); await done("no-such-program-here", { args: ["x"] })
        await done("sh", { args: ["-c", "for i in 1 2 3 4 5 6 7 8 9; do echo 123456789; done"], outputByteLimit: 12 })
        tell((await run("true", { cwd: "/etc" })).error?.code)
        const { terminalId } = await run("sh", { args: ["-c", "echo begun; sleep 300"] })
        while (!(await ask("terminal/output", { terminalId })).output.includes("begun")) {}
        await ask("terminal/kill", { terminalId }); tell((await end({ terminalId }))[0])
        await ask("terminal/release", { terminalId }); tell((await ask("terminal/output", { terminalId })).error?.code)
        tell((await ask("terminal/output", { terminalId: "toString" })).error?.code)
        await run("sh", { args: ["-c", "echo $$ > pid; sleep 300"] }); while (!fs.existsSync("pid") || fs.readFileSync("pid", "utf8") === "") await new Promise(setImmediate)`
      )
      const [here, line, missing, bounded, outside, killed, released, unknown] = told
      assert.deepStrictEqual(here, [3, `${process.cwd()}/sub\nx y\n`, false])
      assert.deepStrictEqual(line, [0, "a\nb\n", false])
      assert.strictEqual(missing[0], 127)
      assert.deepStrictEqual(bounded, [0, "9\n123456789\n", true])
      assert.strictEqual(outside, -32602)
      assert.deepStrictEqual(killed, { signal: "SIGTERM" })
      assert.deepStrictEqual([released, unknown], [-32002, -32002])
      assert.throws(() => process.kill(Number(readFileSync("pid", "utf8")), 0), /ESRCH/, "a command outlived the run")
    })
  )

  test(
    "what it says becomes events: texts, calls with their arguments, and turns",
    Effect.gen(function* () {
      const { end, events, facts } = yield* asking(
        `text("I "); text("look."); update("agent_thought_chunk", { content: { type: "text", text: "Hm" } }); update("plan", { entries: [] })
        update("tool_call", { toolCallId: "1", title: "Run", kind: "execute", status: "pending", rawInput: {} })
        update("tool_call", { toolCallId: "2", title: "Search the web", kind: "fetch", status: "in_progress", rawInput: { query: "q" } })
        update("tool_call_update", { toolCallId: "1", rawInput: { command: "true" } })
        update("tool_call_update", { toolCallId: "1", status: "completed", content: [{ type: "content", content: { type: "text", text: "12345" } }] })
        update("tool_call_update", { toolCallId: "2", status: "failed", rawOutput: "no" }); update("tool_call_update", { toolCallId: "2", status: "completed" })
        text("Next."); update("tool_call", { toolCallId: "3", title: "Never ends", status: "in_progress" })
        update("usage_update", { used: 1, size: 2, cost: { amount: 0.25, currency: "USD" } })`
      )
      assert.deepStrictEqual(end.outcome, { _tag: "Done", note: "ok" })
      assert.deepStrictEqual(
        events.map((event) =>
          event._tag === "ToolStarted"
            ? `+ ${event.summary}`
            : event._tag === "ToolEnded"
              ? `- ${event.tool} ${event.ok}`
              : event._tag === "Turn"
                ? `turn ${event.number}`
                : event._tag === "Text"
                  ? event.text
                  : event._tag
        ),
        [
          ...["I ", "look.", "+ Search the web q", "+ bash true", "- bash true", "- Search the web false", "turn 1"],
          ...["Next.", "+ Never ends", "- Never ends false", "turn 2", "Ended"]
        ]
      )
      assert.deepStrictEqual(
        (yield* facts("ToolCalled")).map(({ outputBytes }) => outputBytes),
        [5, 2, 0]
      )
      // It says a cost, and nothing of tokens.
      assert.deepStrictEqual(
        (yield* facts("ModelCalled")).map(({ cost, usage }) => [cost, Usage.total(usage)]),
        [[Usage.known(0.25), 0]]
      )
    })
  )

  test(
    "a cost of the session is counted once, also over more than one thing that it is told",
    Effect.gen(function* () {
      const { facts } = yield* asking(
        `update("usage_update", { used: 1, size: 2, cost: { amount: 0.25 * texts.length, currency: "USD" } })`,
        { followUps: ["Again.", "And again."] }
      )
      assert.deepStrictEqual(
        (yield* facts("ModelCalled")).map(({ cost }) => cost),
        [Usage.known(0.25), Usage.known(0.25), Usage.known(0.25)]
      )
    })
  )

  test(
    "what a session cost before it was gone on with is not billed again",
    Effect.gen(function* () {
      const { facts } = yield* asking(
        `update("usage_update", { used: 1, size: 2, cost: { amount: 7 + texts.length, currency: "USD" } })`,
        { session: { harness: "acp/fake", data: { id: "s1" } }, followUps: ["Again."] },
        {},
        { hello: `{ agentCapabilities: { loadSession: true } }` }
      )
      assert.deepStrictEqual(
        (yield* facts("ModelCalled")).map(({ cost }) => (cost._tag === "Known" ? cost.usd : cost._tag)),
        ["Unknown", 1]
      )
    })
  )

  test(
    "a cost that is not said, is in another money, or is nothing, is unknown",
    Effect.gen(function* () {
      for (const said of [
        "",
        `update("usage_update", { cost: { amount: 3, currency: "EUR" } })`,
        `update("usage_update", { cost: { amount: 0, currency: "USD" } })`
      ]) {
        const { facts } = yield* asking(said)
        assert.deepStrictEqual(
          (yield* facts("ModelCalled")).map(({ cost }) => cost._tag),
          ["Unknown"],
          said
        )
      }
    })
  )

  const models = { small: "s", standard: "m", large: "l" }
  const chooses = `return { sessionId: "s1", modes: { currentModeId: "yolo", availableModes: [{ id: "ask", name: "Ask" }] }, configOptions: [7, { id: "x" },
    { id: "which", category: "model", name: "Model", type: "select", currentValue: "m", options: [{ name: "All", group: "g", options: [{ value: "s", name: "S" }] }] }] }`
  const heard = `tell(methods.slice(2, -1))`

  test(
    "its model and its mode are chosen where it has them, and refused where it has none",
    Effect.gen(function* () {
      const { facts, told } = yield* asking(
        `fs.writeFileSync("chosen", JSON.stringify(chosen))\n${heard}`,
        {},
        { models, mode: "ask" },
        {
          session: `globalThis.chosen = []; for (const method of ["session/set_mode", "session/set_config_option"]) handlers[method] = async (params) => (chosen.push(params), {})\n${chooses}`
        }
      )
      assert.deepStrictEqual(told, [["session/set_mode", "session/set_config_option"]])
      assert.deepStrictEqual(JSON.parse(readFileSync("chosen", "utf8")), [
        { sessionId: "s1", modeId: "ask" },
        { sessionId: "s1", configId: "which", value: "s" }
      ])
      assert.strictEqual((yield* facts("ModelCalled"))[0]?.model, "s")
      for (const [options, says] of [
        [{ models: { ...models, small: "none" } }, /has no model "none" \(it has s\)/],
        [{ mode: "never" }, /has no mode "never" \(it has none to choose\)/]
      ] as const) {
        const error = yield* Effect.flip(asking("", {}, options, { session: chooses }))
        assert.strictEqual(error.reason, "Unsupported", error.message)
        assert.match(error.message, says)
      }
    })
  )

  for (const [can, method] of [
    ["{ loadSession: true }", "session/load"],
    ["{ loadSession: true, sessionCapabilities: { resume: {} } }", "session/resume"],
    ["{ loadSession: true, sessionCapabilities: { resume: {}, fork: {} } }", "session/fork"]
  ] as const) {
    test(
      `a session is gone on with by ${method}, and what it repeats is not told again`,
      Effect.gen(function* () {
        const session = { harness: "acp/fake", data: { id: "s1" } }
        const { end, events, told } = yield* asking(
          `tell(methods[1])`,
          { session },
          {},
          {
            hello: `{ agentCapabilities: ${can} }`,
            session: `text("Long ago."); ${method === "session/fork" ? 'return { sessionId: "s1" }' : "return null ?? {}"}`
          }
        )
        assert.deepStrictEqual(told, [method])
        assert.deepStrictEqual(end.session, session)
        assert.notInclude(
          events.map(({ _tag }) => _tag),
          "Text"
        )
      })
    )
  }

  test(
    "who it is stands in the system prompt where the agent takes one, and before the task elsewhere",
    Effect.gen(function* () {
      const before = yield* asking(`tell(texts[0])`)
      assert.match(before.told[0], /^Role: Tester\n\nYou try a loop out\.\n\n.*MCP server `millwright`.*\n\nTry it\.$/s)
      const beside = yield* asking(
        `tell(texts[0]); tell(asked.systemPrompt)`,
        { prompt: "/compact" },
        { meta: ({ role }) => ({ role }) },
        {
          hello: `{ agentCapabilities: { sessionCapabilities: { systemPrompt: {} } } }`,
          session: `globalThis.asked = params`
        }
      )
      assert.strictEqual(beside.told[0], "Your task:\n/compact", "a command of the agent's own was called")
      assert.match(beside.told[1].content[0].text, /^Role: Tester/)
    })
  )

  test(
    "its key is in a variable, and in no argument; of the environment it sees what it is let in",
    Effect.gen(function* () {
      process.env["HOST_SECRET"] = "hunter2-of-the-host"
      yield* Effect.addFinalizer(() => Effect.sync(() => delete process.env["HOST_SECRET"]))
      const { told } = yield* asking(
        `tell(process.env.FAKE_KEY); tell(process.env.HOST_SECRET ?? "none"); tell(process.env.MARK); tell(process.env.key ?? "none"); tell(process.argv.slice(2))`,
        {},
        { args: ["--acp", "a b"], env: { MARK: "it's" }, key: { variable: "FAKE_KEY", value: Agent.secret } }
      )
      assert.deepStrictEqual(told, ["fake'key\"$x", "none", "it's", "none", ["--acp", "a b"]])
    })
  )
})
