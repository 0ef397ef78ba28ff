import { assert, describe, it } from "@effect/vitest"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs"
import * as ClaudeCode from "../../src/adapters/ClaudeCode.ts"
import * as Grant from "../../src/Grant.ts"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as AcpFake from "./AcpFake.ts"
import * as Agent from "./AcpLab.ts"
import { fake } from "./ClaudeFake.ts"
import * as Claude from "./ClaudeLab.ts"
import * as Cli from "./CliLab.ts"

describe("the program of a coding agent whose model means harm", () => {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(
      title,
      () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Claude.Services)),
      60_000
    )

  const at = (changes: Parameters<typeof Claude.running>[1] = {}) =>
    Claude.running("http://127.0.0.1:1", { command: "./fake", ...changes })

  /** Variables of our own environment, and what stands for a program there, until the scope closes. */
  const around = (variables: Readonly<Record<string, string>>) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const before = { ...process.env }
        Object.assign(process.env, variables)
        return before
      }),
      (before) =>
        Effect.sync(() => {
          for (const name of Object.keys(variables)) delete process.env[name]
          Object.assign(process.env, before)
        })
    )

  const seen = `fs.writeFileSync("seen", fs.readFileSync("/proc/self/environ", "utf8")); done()`

  test(
    "variables with names that no shell takes are not let in either",
    Effect.gen(function* () {
      // Where `sh` is bash, it hands on what it can not name.
      mkdirSync("bin")
      symlinkSync("/bin/bash", "bin/sh")
      yield* around({
        PATH: `${process.cwd()}/bin:${process.env["PATH"]}`,
        "INPUT_A-TOKEN": "fake-secret",
        "BASH_FUNC_it%%": "() { echo fake-secret; }",
        "npm_config_//x/:_auth": "fake-secret\nA.B=fake-secret"
      })
      fake(seen)
      yield* (yield* at()).run()
      assert.notInclude(readFileSync("seen", "utf8"), "fake-secret")
    })
  )

  test(
    "it is not started where its environment can not be cleared",
    Effect.gen(function* () {
      mkdirSync("bin")
      for (const name of ["sh", "env", "node", "grep", "kill", "mkdir"]) {
        if (existsSync(`/bin/${name}`)) symlinkSync(`/bin/${name}`, `bin/${name}`)
      }
      yield* around({ PATH: `${process.cwd()}/bin`, FAKE_TOKEN: "fake-secret" })
      fake(seen)
      const error = yield* Effect.flip((yield* at()).run())
      assert.isFalse(existsSync("seen"), "it was started with all that the place has")
      assert.strictEqual(error.reason, "Broken")
      assert.match(error.message, /`env` and `sed`/)
    })
  )

  test(
    "one that has ended is not waited for while what it started goes on to speak",
    Effect.gen(function* () {
      fake(`
        const loud = spawn(process.execPath, ["-e", "setInterval(() => console.log('{}'), 50)"], { detached: true, stdio: "inherit" })
        fs.writeFileSync("pid", String(loud.pid)); done(); process.exit(0)`)
      const lab = yield* at()
      yield* Effect.timeoutOrElse(lab.run(), {
        duration: "20 seconds",
        orElse: () => Effect.die("It is waited for what somebody else says")
      })
      assert.isFalse(Cli.isAlive(Number(readFileSync("pid", "utf8"))))
    })
  )

  test(
    "one that has done its work and does not end is ended, and its outcome counts",
    Effect.gen(function* () {
      fake(`process.stdin.removeAllListeners("end"); fs.writeFileSync("pid", String(process.pid)); done()
        await new Promise(() => setInterval(() => {}, 1000))`)
      const lab = yield* at()
      const end = yield* Effect.timeoutOrElse(lab.run(), {
        duration: "30 seconds",
        orElse: () => Effect.die("It is waited for though nothing more comes of it")
      })
      assert.deepStrictEqual(end.outcome, { _tag: "Done", note: "fake" })
      assert.isFalse(Cli.isAlive(Number(readFileSync("pid", "utf8"))))
    })
  )

  for (const [what, code] of [
    ["a pipe that nobody writes to", `require("node:child_process").execFileSync("mkfifo", [file])`],
    ["a device without an end", `fs.symlinkSync("/dev/zero", file)`]
  ]) {
    test(
      `${what} in the place of its conversation is no conversation`,
      Effect.gen(function* () {
        fake(`
          const folder = process.env.CLAUDE_CONFIG_DIR + "/projects/-here", file = folder + "/" + session + ".jsonl"
          fs.mkdirSync(folder, { recursive: true }); ${code}
          say({ type: "result", subtype: "success", session_id: session, structured_output: { outcome: { _tag: "Done", note: "" } } })`)
        const lab = yield* at()
        const error = yield* Effect.timeoutOrElse(Effect.flip(lab.run()), {
          duration: "20 seconds",
          orElse: () => Effect.die("It is read without an end")
        })
        assert.strictEqual(error.reason, "Broken")
        assert.match(error.message, /kept nothing of its conversation/)
      })
    )
  }

  test(
    "arguments nested deeper than any stack are a call like any other",
    Effect.gen(function* () {
      fake(`
        const call = JSON.stringify({ type: "assistant", message: { content: [{ type: "tool_use", id: "t1", name: "Bash", input: { deep: "DEEP" } }] } })
        fs.writeSync(1, call.replace('"DEEP"', "[".repeat(200000) + "]".repeat(200000)) + "\\n")
        say({ type: "user", message: { content: [{ type: "tool_result", tool_use_id: "t1", content: "x" }] } })
        done()`)
      const lab = yield* at()
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "fake" })
      assert.deepStrictEqual(
        (yield* lab.facts("ToolCalled")).map(({ ok, tool }) => [tool, ok]),
        [["bash", true]]
      )
    })
  )

  test(
    "what it said last is heard, also when writing it down takes its time",
    Effect.gen(function* () {
      fake(`
        for (const id of ["a", "b"]) {
          say({ type: "assistant", message: { content: [{ type: "tool_use", id, name: "Bash", input: {} }] } })
          say({ type: "user", message: { content: [{ type: "tool_result", tool_use_id: id, content: "x" }] } })
        }
        const holder = spawn("sleep", ["60"], { detached: true, stdio: "inherit" })
        done(); process.exit(0)`)
      const slow = Layer.effect(
        Journal.Journal,
        Effect.map(Journal.Journal, (journal) => ({
          ...journal,
          append: (entries: Parameters<typeof journal.append>[0]) =>
            Effect.andThen(
              Effect.sleep(entries.some(({ fact }) => fact._tag === "ToolCalled") ? "1 second" : 0),
              journal.append(entries)
            )
        }))
      )
      const harness = ClaudeCode.layer(Claude.options("http://127.0.0.1:1", { command: "./fake" }))
      const lab = yield* Cli.running(Layer.provide(harness, slow))
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "fake" })
    })
  )

  test(
    "what it runs is not taken for a tool of ours by what it is called",
    Effect.gen(function* () {
      AcpFake.write({
        prompt: `
          const options = [{ optionId: "yes", kind: "allow_once", name: "" }, { optionId: "no", kind: "reject_once", name: "" }]
          const told = []
          const may = async (toolCall) => told.push((await ask("session/request_permission", { toolCall: { toolCallId: "t" + ids, ...toolCall }, options })).outcome.optionId)
          await may({ kind: "execute", title: "millwright/outcome" }); await may({ kind: "execute", title: "millwright outcome", rawInput: { command: "millwright outcome" } })
          await may({ title: "millwright/outcome", rawInput: { command: "millwright/outcome" } }); await may({ kind: "other", title: "millwright_tool_call", rawInput: { cmd: ["x"] } })
          await may({ kind: "fetch", title: "millwright: outcome" }); await may({ kind: "edit", title: "millwright/outcome" }); await may({ kind: "delete", title: "millwright/outcome" })
          await may({ kind: "other", title: "millwright/outcome", name: "shell" })
          await may({ kind: "other", title: "mcp__millwright__outcome", rawInput: { outcome: 1 } })
          fs.writeFileSync("told", JSON.stringify(told)); await outcome("ok")`
      })
      const lab = yield* Agent.running({ name: "fake", command: "./fake", asks: Grant.all })
      yield* lab.run({ grants: ["read", "edit"] })
      const told = JSON.parse(readFileSync("told", "utf8"))
      assert.deepStrictEqual(told, [...Array.from({ length: 8 }, () => "no"), "yes"])
    })
  )

  test(
    "a key that its tools see is in no fact of it",
    Effect.gen(function* () {
      AcpFake.write({
        prompt: `
          const key = process.env.FAKE_KEY
          update("tool_call", { toolCallId: key, title: key, name: key, kind: "execute", status: "in_progress", rawInput: { command: "echo " + key } })
          update("tool_call_update", { toolCallId: key, status: "completed", content: [] })
          fs.writeFileSync("key", key); console.error(key); process.exit(1)`
      })
      const key = { variable: "FAKE_KEY", value: Agent.secret }
      const lab = yield* Agent.running({ name: "fake", command: "./fake", asks: Grant.all, key })
      const error = yield* Effect.flip(lab.run())
      const secret = readFileSync("key", "utf8")
      assert.strictEqual(secret, Redacted.value(Agent.secret))
      assert.lengthOf(yield* lab.facts("ToolCalled"), 1)
      for (const text of [error.message, ...(yield* lab.all).map((event) => JSON.stringify(event))]) {
        assert.notInclude(text, secret)
        assert.notInclude(text, JSON.stringify(secret).slice(1, -1))
      }
    })
  )

  test(
    "what is written without an end into the pipe of its servers costs no memory",
    Effect.gen(function* () {
      AcpFake.write({
        prompt: `
          const { args } = servers[0], folder = args[3], pipe = fs.openSync(folder + "/calls", "w"), block = Buffer.alloc(1 << 20, 120)
          for (let i = 0; i < 300; i++) fs.writeSync(pipe, block)
          fs.writeSync(pipe, "\\n"); fs.closeSync(pipe)
          await outcome("ok")`
      })
      const lab = yield* Agent.running({ name: "fake", command: "./fake", asks: Grant.all })
      const before = process.memoryUsage().rss
      let most = 0
      const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20)
      yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(timer)))
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "ok" })
      assert.isBelow((most - before) / 1024 ** 2, 200, "the line was kept")
    })
  )
})
