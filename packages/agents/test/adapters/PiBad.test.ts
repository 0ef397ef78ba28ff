import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import type * as Pi from "../../src/adapters/Pi.ts"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import { isAlive, pipe, written } from "./CliLab.ts"
import * as PiLab from "./PiLab.ts"

/** A program that speaks as pi does, as far as its body says. */
const fake = (body: string, version = "1.5.2"): void =>
  writeFileSync(
    "fake",
    `#!${process.execPath}
const fs = require("node:fs"), { spawn } = require("node:child_process"), args = process.argv
const after = (name) => args[args.indexOf(name) + 1]
const say = (message) => fs.writeSync(1, JSON.stringify(message) + "\\n")
const status = (statusKey, statusText) => say({ type: "extension_ui_request", id: "s", method: "setStatus", statusKey, statusText })
const usage = (input, output) => ({ input, output, cacheRead: 0, cacheWrite: 0 })
const answer = (type, more) => say({ type, message: { role: "assistant", model: "m", content: [], usage: usage(0, 0), stopReason: "toolUse", ...more } })
const done = () => {
  fs.mkdirSync(after("--session-dir"), { recursive: true })
  fs.writeFileSync(after("--session-dir") + "/now_" + after("--session-id") + ".jsonl", "{}\\n")
  const outcome = { type: "toolCall", id: "o", name: "outcome", arguments: { outcome: { _tag: "Done", note: "fake" } } }
  answer("message_end", { content: [outcome], usage: usage(5, 4), responseId: "msg_0123456789abcdef" })
  say({ type: "agent_settled" })
}
const lines = []
let wake = () => {}
let rest = ""
process.stdin.setEncoding("utf8").on("data", (text) => {
  const all = (rest + text).split("\\n")
  rest = all.pop()
  lines.push(...all.map((line) => JSON.parse(line)))
  wake()
}).on("end", () => process.exit(0))
const heard = async (is) => {
  for (;;) {
    const found = lines.find(is)
    if (found) return found
    await new Promise((resolve) => (wake = resolve))
  }
}
status("millwright-ready", ${JSON.stringify(version)})
heard(({ type }) => type === "prompt").then(async () => {
${body}
})
`,
    { mode: 0o755 }
  )

const at = (options: Partial<Pi.Options> = {}) => PiLab.running("http://127.0.0.1:1", { command: "./fake", ...options })

describe("pi that does what it should not", () => {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(
      title,
      () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(PiLab.Services)),
      120_000
    )

  const breaks = (title: string, body: string, says: RegExp, options?: Partial<Pi.Options>) =>
    test(
      title,
      Effect.gen(function* () {
        fake(body)
        const error = yield* Effect.flip((yield* at(options)).run())
        assert.deepStrictEqual([error._tag, error.reason], ["HarnessError", "Broken"], error.message)
        assert.match(error.message, says)
        assert.isTrue(error.isRetryable)
      })
    )

  test(
    "is not there, or does not know what it is asked: it says what to install",
    Effect.gen(function* () {
      const missing = yield* Effect.flip((yield* at({ command: "no-such-pi" })).run())
      assert.strictEqual(missing.reason, "NotInstalled")
      assert.match(missing.message, /no no-such-pi on its PATH\. Install @earendil-works\/pi-coding-agent/)
      writeFileSync("fake", '#!/bin/sh\necho "Error: Unknown option: --no-approve" >&2\nexit 1\n', { mode: 0o755 })
      const old = yield* Effect.flip((yield* at()).run())
      assert.strictEqual(old.reason, "NotInstalled")
      assert.match(old.message, /too old: Error: Unknown option: --no-approve/)
      writeFileSync(
        "fake",
        "#!/bin/sh\necho \"SyntaxError: The module 'node:fs' does not provide an export named 'x'\" >&2\nexit 1\n"
      )
      const under = yield* Effect.flip((yield* at()).run())
      assert.strictEqual(under.reason, "NotInstalled")
      assert.match(
        under.message,
        /needs Node 22\.19 or newer .* does not run it: SyntaxError: The module .* Put a newer/
      )
    })
  )

  for (const [version, isOld] of [
    ["v20.20.2", true],
    ["v22.18.0", true],
    ["v22.19.0", false],
    ["v24.21.0", false]
  ] as const) {
    test(
      `is started with Node ${version}, which does not run it: it says ${isOld ? "which it needs" : "that it is pi that is to be installed anew"}`,
      Effect.gen(function* () {
        const line = `import { x } from "node:module";${" ".repeat(9_000)}`
        const error = "SyntaxError: The requested module 'node:module' does not provide an export named 'x'"
        const trace = `file:///cli.js:2\n${line}\n         ^\n${error}\n    at ModuleJob (node:internal:1:2)\n\nNode.js ${version}\n`
        writeFileSync("trace", trace)
        writeFileSync("fake", "#!/bin/sh\ncat trace >&2\nexit 1\n", { mode: 0o755 })
        const failed = yield* Effect.flip((yield* at()).run())
        assert.strictEqual(failed.reason, "NotInstalled")
        assert.include(failed.message, error)
        assert.include(failed.message, version)
        assert.strictEqual(/needs Node 22\.19 or newer/.test(failed.message), isOld, failed.message)
        assert.strictEqual(/ Install @earendil/.test(failed.message), !isOld, failed.message)
        assert.notInclude(failed.message, "ModuleJob", "a part of the trace is shown")
      })
    )
  }

  test(
    "is killed in the middle of an answer: it is Broken, and what it began is billed",
    Effect.gen(function* () {
      fake(`answer("message_start")
        status("millwright-answer", "msg_0123456789abcdef")
        say({ type: "message_update", usage: usage(5, 1), assistantMessageEvent: { type: "text_delta", delta: "Hm" } })
        process.kill(process.pid, "SIGKILL")`)
      const lab = yield* at()
      assert.strictEqual((yield* Effect.flip(lab.run())).reason, "Broken")
      const [failed] = yield* lab.facts("ModelFailed")
      assert.deepStrictEqual(failed?.billed?.usage, { input: 5, cacheRead: 0, cacheWrite: 0, output: 1 })
      assert.strictEqual(failed?.billed?.message, "msg_0123456789abcdef")
    })
  )

  breaks(
    "ends in the middle of a line",
    `fs.writeSync(1, '{"type":"message_end","message":{"role":"assista'); process.exit(0)`,
    /ended with code 0 in the role Tester, and did not say how its work ended/
  )
  breaks("ends without a result", `console.error("it broke here"); process.exit(3)`, /with code 3 .* it broke here/s)
  breaks(
    "says nothing, and does not end",
    `await new Promise(() => setInterval(() => {}, 1000))`,
    /has said nothing for/,
    {
      silence: "300 millis"
    }
  )
  breaks(
    "asks on the terminal",
    `try { fs.openSync("/dev/tty", "r+") } catch { console.error("no terminal"); process.exit(1) }
    await new Promise(() => setInterval(() => {}, 1000))`,
    /no terminal/
  )

  test(
    "says without an end what is no line: it is ended, and costs no memory",
    Effect.gen(function* () {
      writeFileSync("fake", "#!/bin/sh\nexec tr '\\0' x < /dev/zero\n", { mode: 0o755 })
      const lab = yield* at({ outputBytes: 1024 ** 3 })
      const before = process.memoryUsage().rss
      let most = 0
      const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20)
      yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(timer)))
      const error = yield* Effect.flip(lab.run())
      assert.strictEqual(error.reason, "Broken")
      assert.match(error.message, /has said more than 1073741824 bytes/)
      assert.isBelow((most - before) / 1024 ** 2, 200, "its output was kept")
    })
  )

  test(
    "says what nobody knows, long lines, and events that have become something else: they are left out",
    Effect.gen(function* () {
      fake(`
        fs.writeSync(1, "not JSON\\n[1]\\n\\"text\\"\\nnull\\n{}\\n{broken\\n\\n")
        say({ type: "telepathy", thought: 1 }); say({ type: "message_end" }); say({ type: "message_end", message: { role: "user" } })
        say({ type: "message_update", usage: { input: -1 }, assistantMessageEvent: { type: "text_delta", delta: "x" } })
        say({ type: "message_start", message: { role: "assistant", content: "text" } }); say({ type: "message_update" })
        say({ type: "tool_execution_start" }); say({ type: "tool_execution_end", toolCallId: "never started", toolName: "bash", isError: false })
        say({ type: "tool_execution_end", toolCallId: 7 }); say({ type: "auto_retry_start" }); say({ type: "compaction_end" })
        say({ type: "extension_ui_request", method: 7 }); say({ type: "response" }); say({ type: "agent_settled_soon" })
        say({ type: "x", text: "y".repeat(33 * 1024 * 1024) })
        done()`)
      const lab = yield* at()
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "fake" })
      assert.deepStrictEqual(
        lab.events.map(({ _tag }) => _tag),
        ["Turn", "Ended"]
      )
    })
  )

  test(
    "asks a user: nobody answers, and it goes on",
    Effect.gen(function* () {
      fake(`
        const answers = []
        for (const method of ["select", "confirm", "input", "editor"]) {
          say({ type: "extension_ui_request", id: method, method, title: "May I?", options: ["Yes"] })
          answers.push(await heard(({ id }) => id === method))
        }
        say({ type: "extension_ui_request", id: "call", method: "input", title: "millwright-call", placeholder: '{"tool":"x"}' })
        answers.push(await heard(({ id }) => id === "call"))
        say({ type: "extension_ui_request", id: "n", method: "notify", message: "x" })
        fs.writeFileSync("answers", JSON.stringify(answers))
        done()`)
      yield* (yield* at()).run()
      const answers: ReadonlyArray<unknown> = JSON.parse(readFileSync("answers", "utf8"))
      assert.deepStrictEqual(
        answers,
        ["select", "confirm", "input", "editor", "call"].map((id) => ({
          type: "extension_ui_response",
          id,
          cancelled: true
        }))
      )
    })
  )

  test(
    "compacts its conversation: what that used is billed too",
    Effect.gen(function* () {
      fake(`
        say({ type: "compaction_end", reason: "threshold", result: { summary: "x", usage: usage(100, 2) }, aborted: false })
        done()`)
      const lab = yield* at()
      yield* lab.run()
      assert.deepStrictEqual(
        (yield* lab.facts("ModelCalled")).map(({ message, model, usage }) => [
          message,
          model,
          usage.input,
          usage.output
        ]),
        [
          [undefined, "m-small", 100, 2],
          ["msg_0123456789abcdef", "m", 5, 4]
        ]
      )
    })
  )

  test(
    "needs a login: that is told as it is, and retried by nobody",
    Effect.gen(function* () {
      fake(
        `say({ type: "response", command: "prompt", success: false, error: "No API key found for anthropic. Use /login" })`
      )
      const error = yield* Effect.flip((yield* at()).run())
      assert.deepStrictEqual([error._tag, error.reason, error.isRetryable], ["ModelError", "Unauthorized", false])
    })
  )

  for (const version of ["1.2.9", "0.87.1-rc.1", "", "new"]) {
    test(
      `says of itself that it is version ${JSON.stringify(version)}: it is too old, and is told nothing`,
      Effect.gen(function* () {
        fake(`fs.writeFileSync("told", "")`, version)
        const error = yield* Effect.flip((yield* at()).run())
        assert.strictEqual(error.reason, "NotInstalled")
        assert.match(error.message, /too old: .* Install @earendil-works\/pi-coding-agent/)
        assert.isFalse(existsSync("told"))
      })
    )
  }

  breaks(
    "does not run our extension",
    `say({ type: "extension_error", extensionPath: "x", event: "turn_end", error: "ctx.ui.input is not a function" })
    await new Promise(() => setInterval(() => {}, 1000))`,
    /does not run our extension in the role Tester: turn_end: ctx\.ui\.input/
  )

  test(
    "leaves programs behind in groups of their own: they are ended, and nobody waits for the output that they hold",
    Effect.gen(function* () {
      fake(`
        const daemon = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "inherit" })
        fs.writeFileSync("pid", String(daemon.pid))
        done(); process.exit(0)`)
      yield* (yield* at()).run()
      assert.isFalse(isAlive(Number(readFileSync("pid", "utf8"))), "the daemon lives")
    })
  )

  test(
    "does not heed SIGTERM: it is killed, with what it started in another group",
    Effect.gen(function* () {
      pipe("begun")
      fake(`
        process.stdin.removeAllListeners("end")
        process.on("SIGTERM", () => fs.writeFileSync("asked", ""))
        const daemon = spawn("sh", ["-c", "trap '' TERM; while :; do sleep 1; done"], { detached: true, stdio: "ignore" })
        fs.writeFileSync("begun", process.pid + "\\n"); fs.writeFileSync("daemon", String(daemon.pid))
        await new Promise(() => setInterval(() => {}, 1000))`)
      const lab = yield* at()
      const running = yield* Effect.forkChild(lab.run())
      const pid = yield* written("begun")
      yield* Fiber.interrupt(running)
      const [ended] = yield* lab.facts("AgentEnded")
      assert.deepStrictEqual([ended?.fault?.tag, ended?.fault?.reason], ["HarnessError", "Interrupted"])
      assert.isTrue(existsSync("asked"), "it was not asked to end before it was killed")
      assert.isFalse(isAlive(pid), "the program lives")
      assert.isFalse(isAlive(Number(readFileSync("daemon", "utf8"))), "what it started lives")
    })
  )

  it.effect("takes too long in all: it is ended", () =>
    Effect.gen(function* () {
      yield* workspace({})
      pipe("begun")
      fake(`fs.writeFileSync("begun", process.pid + "\\n"); await new Promise(() => setInterval(() => {}, 1000))`)
      const lab = yield* at({ total: "1 hour" })
      const running = yield* Effect.forkChild(Effect.flip(lab.run()))
      const pid = yield* written("begun")
      yield* TestClock.adjust("1 hour")
      const error = yield* Fiber.join(running)
      assert.strictEqual(error.reason, "TimedOut")
      const [ended] = yield* lab.facts("AgentEnded")
      assert.strictEqual(ended?.fault?.reason, "TimedOut", "its end is told as something else")
      assert.isFalse(isAlive(pid))
    }).pipe(Effect.scoped, Effect.provide(PiLab.Services))
  )
})
