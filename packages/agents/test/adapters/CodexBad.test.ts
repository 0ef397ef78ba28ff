import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import type * as Codex from "../../src/adapters/Codex.ts"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import { isAlive, pipe, written } from "./CliLab.ts"
import * as CodexLab from "./CodexLab.ts"

const ours = { name: { type: "sessionFlags" }, config: { model_provider: "millwright" } }

/** A program that speaks as the app server of Codex does, as far as its body says. */
const fake = (body: string, layers: ReadonlyArray<object> = [ours]): void =>
  writeFileSync(
    "fake",
    `#!${process.execPath}
const fs = require("node:fs"), { spawn } = require("node:child_process")
const say = (message) => fs.writeSync(1, JSON.stringify(message) + "\\n")
const tell = (method, params) => say({ method, params })
const begin = () => tell("item/agentMessage/delta", { delta: "Hm." })
const call = (tool, given) => say({ id: tool, method: "item/tool/call", params: { callId: tool, tool, arguments: given } })
const done = async () => {
  call("outcome", { outcome: { _tag: "Done", note: "fake" } })
  say({ id: (await heard(({ method }) => method === "turn/interrupt")).id, result: {} })
  fs.mkdirSync(process.env.CODEX_HOME + "/sessions", { recursive: true })
  const item = { type: "message", role: "user", content: [] }
  fs.writeFileSync(process.env.CODEX_HOME + "/sessions/a.jsonl", JSON.stringify({ type: "response_item", payload: item }) + "\\n")
  tell("turn/completed", { turn: { id: "u", status: "interrupted" } })
}
const lines = []
let wake = () => {}
let rest = ""
const results = { "config/read": { layers: ${JSON.stringify(layers)} }, "thread/start": { thread: { id: "t" } }, "turn/start": { turn: { id: "u" } } }
process.stdin.setEncoding("utf8").on("data", (text) => {
  const all = (rest + text).split("\\n")
  rest = all.pop()
  for (const line of all.map((line) => JSON.parse(line))) {
    lines.push(line)
    if (/^(initialize$|config|account|thread|turn\\/start)/.test(line.method ?? "")) say({ id: line.id, result: results[line.method] ?? {} })
  }
  wake()
}).on("end", () => process.exit(0))
const heard = async (is) => {
  for (;;) {
    const found = lines.find(is)
    if (found) return found
    await new Promise((resolve) => (wake = resolve))
  }
}
heard(({ method }) => method === "turn/start").then(async () => {
${body}
})
`,
    { mode: 0o755 }
  )

const at = (options: Partial<Codex.Options> = {}) =>
  CodexLab.running("http://127.0.0.1:1/v1", { command: "./fake", ...options })

describe("Codex that does what it should not", () => {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(
      title,
      () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(CodexLab.Services)),
      120_000
    )

  const breaks = (title: string, body: string, says: RegExp, options?: Partial<Codex.Options>) =>
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
      const missing = yield* Effect.flip((yield* at({ command: "no-such-codex" })).run())
      assert.strictEqual(missing.reason, "NotInstalled")
      assert.match(missing.message, /no no-such-codex on its PATH\. Install @openai\/codex/)
      for (const said of [
        "error: unexpected argument '--strict-config' found",
        "Error: unknown configuration field `agents.enabled` in -c/--config override"
      ]) {
        writeFileSync("fake", `#!/bin/sh\necho "WARNING: something else" >&2\ncat >&2 <<'E'\n${said}\nE\nexit 2\n`, {
          mode: 0o755
        })
        const old = yield* Effect.flip((yield* at()).run())
        assert.strictEqual(old.reason, "NotInstalled", old.message)
        assert.include(old.message, `too old: ${said}`)
      }
    })
  )

  test(
    "is killed in the middle of an answer: it is Broken, and what it began is billed",
    Effect.gen(function* () {
      fake(`begin(); process.kill(process.pid, "SIGKILL")`)
      const lab = yield* at()
      assert.strictEqual((yield* Effect.flip(lab.run())).reason, "Broken")
      const [failed] = yield* lab.facts("ModelFailed")
      assert.strictEqual(failed?.billed?.cost._tag, "Unknown")
    })
  )

  breaks(
    "ends in the middle of a line",
    `fs.writeSync(1, '{"id":"outcome","method":"item/tool/call","params":{"callId":"1","tool":"outc'); process.exit(0)`,
    /ended with code 0 in the role Tester, and did not say how its work ended/
  )
  breaks("ends without an outcome", `console.error("it broke here"); process.exit(3)`, /with code 3 .* it broke here/s)
  breaks(
    "gives an outcome, and ends before it was told to",
    `call("outcome", { outcome: { _tag: "Done", note: "x" } }); process.exit(0)`,
    /did not say how its work ended/
  )
  breaks(
    "says nothing, and does not end",
    `await new Promise(() => setInterval(() => {}, 1000))`,
    /has said nothing for/,
    { silence: "300 millis" }
  )
  breaks(
    "asks on the terminal",
    `try { fs.openSync("/dev/tty", "r+") } catch { console.error("no terminal"); process.exit(1) }
    await new Promise(() => setInterval(() => {}, 1000))`,
    /no terminal/
  )
  breaks(
    "keeps nothing of its conversation",
    `call("outcome", { outcome: { _tag: "Done", note: "x" } })
    await heard(({ method }) => method === "turn/interrupt")
    tell("turn/completed", { turn: { id: "u", status: "interrupted" } })`,
    /kept nothing of its conversation/
  )

  test(
    "speaks another version: what it does not take is said",
    Effect.gen(function* () {
      writeFileSync(
        "fake",
        `#!/bin/sh\nread -r line\necho '{"id":1,"error":{"code":-32600,"message":"unknown variant initialize"}}'\ncat > /dev/null\n`,
        { mode: 0o755 }
      )
      const error = yield* Effect.flip((yield* at()).run())
      assert.strictEqual(error.reason, "Broken")
      assert.match(error.message, /did not take `initialize` in the role Tester: unknown variant initialize/)
    })
  )

  test(
    "would follow a configuration of the machine, or does not say what it follows: it is not told the key",
    Effect.gen(function* () {
      const machine = { name: { type: "system", file: "/etc/codex/config.toml" }, config: { mcp_servers: {} } }
      const empty = { name: { type: "user", file: "/home/config.toml" }, config: {} }
      const reasons = []
      for (const layers of [[ours, empty, machine], [empty], [{ name: "another version" }]]) {
        fake("await done()", layers)
        const error = yield* Effect.flip((yield* at()).run())
        reasons.push(error.reason)
        assert.match(
          error.message,
          error.reason === "Unsupported" ? /follow \/etc\/codex\/config.toml/ : /config\/read/
        )
      }
      assert.deepStrictEqual(reasons, ["Unsupported", "Broken", "Broken"])
      fake("await done()", [ours, empty])
      yield* (yield* at()).run()
    })
  )

  test(
    "needs a login: it is Unauthorized, and is not tried again",
    Effect.gen(function* () {
      fake(`tell("error", { willRetry: true, error: {
        message: "Reconnecting", codexErrorInfo: { responseStreamDisconnected: { httpStatusCode: 401 } },
        additionalDetails: "please run codex login" } })
        await new Promise(() => setInterval(() => {}, 1000))`)
      const error = yield* Effect.flip((yield* at()).run())
      assert.deepStrictEqual([error._tag, error.reason], ["ModelError", "Unauthorized"])
    })
  )

  test(
    "says without an end what is no line: it is ended, and costs no memory",
    Effect.gen(function* () {
      writeFileSync("fake", "#!/bin/sh\nexec tr '\\0' x < /dev/zero\n", { mode: 0o755 })
      const lab = yield* at()
      const before = process.memoryUsage().rss
      let most = 0
      const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20)
      yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(timer)))
      const error = yield* Effect.flip(lab.run())
      assert.strictEqual(error.reason, "Broken")
      assert.match(error.message, /has said more than 268435456 bytes/)
      assert.isBelow((most - before) / 1024 ** 2, 200, "its output was kept")
    })
  )

  test(
    "says what nobody knows, long lines, and notices that have become something else: they are left out",
    Effect.gen(function* () {
      fake(`
        fs.writeSync(1, "not JSON\\n[1]\\n\\"text\\"\\nnull\\n{}\\n{broken\\n\\n")
        tell("telepathy", { thought: 1 }); tell("item/started"); tell("rawResponse/completed", { usage: 7 })
        tell("rawResponseItem/completed", { item: { type: "hologram" } }); tell("turn/started", { turn: null })
        tell("rawResponseItem/completed", { item: { type: "function_call_output", call_id: "never made", output: "x" } })
        say({ id: 99, result: {} }); say({ id: null, method: 7 }); say({ id: "x", method: "item/tool/call", params: {} })
        tell("x", { text: "y".repeat(33 * 1024 * 1024) })
        await done()`)
      const lab = yield* at()
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "fake" })
      assert.deepStrictEqual(
        lab.events.map(({ _tag }) => _tag),
        ["Ended"]
      )
    })
  )

  test(
    "asks for a permission, or asks a question: it is refused, and goes on",
    Effect.gen(function* () {
      fake(`
        const answers = []
        for (const method of ["item/commandExecution/requestApproval", "item/tool/requestUserInput", "mcpServer/elicitation/request"]) {
          say({ id: method, method, params: {} })
          answers.push(await heard(({ id }) => id === method))
        }
        fs.writeFileSync("answers", JSON.stringify(answers))
        await done()`)
      yield* (yield* at()).run()
      const answers: ReadonlyArray<{ readonly error?: object }> = JSON.parse(readFileSync("answers", "utf8"))
      assert.deepStrictEqual(
        answers.map(({ error }) => error !== undefined),
        [true, true, true]
      )
    })
  )

  test(
    "calls a tool that was not granted, and one with arguments that are none: it is refused, and goes on",
    Effect.gen(function* () {
      fake(`
        call("bash", { script: "echo x > ran" }); call("read", [7])
        const answers = [await heard(({ id }) => id === "bash"), await heard(({ id }) => id === "read")]
        fs.writeFileSync("answers", JSON.stringify(answers))
        await done()`)
      const lab = yield* at()
      yield* lab.run({ grants: ["read"] })
      assert.isFalse(existsSync("ran"))
      assert.notInclude(readFileSync("answers", "utf8"), '"success":true')
      assert.deepStrictEqual(
        (yield* lab.facts("ToolCalled")).map(({ ok, tool }) => `${tool} ${ok}`),
        ["bash false", "read false"]
      )
    })
  )

  test(
    "leaves programs behind in groups of their own: they are ended, and nobody waits for the output that they hold",
    Effect.gen(function* () {
      fake(`
        const daemon = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "inherit" })
        fs.writeFileSync("pid", String(daemon.pid))
        await done(); process.exit(0)`)
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
      const running = yield* Effect.forkChild((yield* at()).run())
      const pid = yield* written("begun")
      yield* Fiber.interrupt(running)
      assert.isTrue(existsSync("asked"), "it was not asked to end before it was killed")
      assert.isFalse(isAlive(pid), "the program lives")
      assert.isFalse(isAlive(Number(readFileSync("daemon", "utf8"))), "what it started lives")
    })
  )

  it.effect("takes too long in all: it is ended, and so is its tool", () =>
    Effect.gen(function* () {
      yield* workspace({})
      pipe("begun")
      fake(
        `call("bash", { script: "echo $$ > begun; sleep 300" }); await new Promise(() => setInterval(() => {}, 1000))`
      )
      const lab = yield* at({ total: "1 hour", silence: "2 hours" })
      const running = yield* Effect.forkChild(Effect.flip(lab.run()))
      const pid = yield* written("begun")
      yield* TestClock.adjust("1 hour")
      const error = yield* Fiber.join(running)
      assert.strictEqual(error.reason, "TimedOut")
      assert.isFalse(isAlive(pid))
    }).pipe(Effect.scoped, Effect.provide(CodexLab.Services))
  )
})
