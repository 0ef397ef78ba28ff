import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import type * as ClaudeCode from "../../src/adapters/ClaudeCode.ts"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import { isAlive, pipe, written } from "./CliLab.ts"
import { fake } from "./ClaudeFake.ts"
import * as Claude from "./ClaudeLab.ts"

const at = (options: Partial<ClaudeCode.Options> = {}) =>
  Claude.running("http://127.0.0.1:1", { command: "./fake", ...options })

describe("Claude Code that does what it should not", () => {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(
      title,
      () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Claude.Services)),
      120_000
    )

  const breaks = (title: string, body: string, says: RegExp, options?: Partial<ClaudeCode.Options>) =>
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
      const missing = yield* Effect.flip((yield* at({ command: "no-such-claude" })).run())
      assert.strictEqual(missing.reason, "NotInstalled")
      assert.match(missing.message, /no no-such-claude on its PATH\. Install @anthropic-ai\/claude-code/)
      writeFileSync("fake", "#!/bin/sh\necho \"error: unknown option '--restricted'\" >&2\nexit 1\n", { mode: 0o755 })
      const old = yield* Effect.flip((yield* at()).run())
      assert.strictEqual(old.reason, "NotInstalled")
      assert.match(old.message, /too old: error: unknown option '--restricted'/)
    })
  )

  test(
    "is killed in the middle of an answer: it is Broken, and what it began is billed",
    Effect.gen(function* () {
      fake(`begin({ input_tokens: 5, output_tokens: 1 }); process.kill(process.pid, "SIGKILL")`)
      const lab = yield* at()
      assert.strictEqual((yield* Effect.flip(lab.run())).reason, "Broken")
      const [failed] = yield* lab.facts("ModelFailed")
      assert.deepStrictEqual(failed?.billed?.usage, { input: 5, cacheRead: 0, cacheWrite: 0, output: 1 })
    })
  )

  breaks(
    "ends in the middle of a line",
    `fs.writeSync(1, '{"type":"result","subtype":"success","session_id":"x","structured_out'); process.exit(0)`,
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
    "says what nobody knows, long lines, and events that have become something else: they are left out",
    Effect.gen(function* () {
      fake(`
        fs.writeSync(1, "not JSON\\n[1]\\n\\"text\\"\\nnull\\n{}\\n{broken\\n\\n")
        say({ type: "telepathy", thought: 1 }); say({ type: "assistant" }); say({ type: "user", message: { content: "text" } })
        say({ type: "assistant", message: { content: [{ type: "tool_use", id: 7 }, null, { type: "hologram" }] } })
        say({ type: "stream_event", event: { type: "message_stop" } }); say({ type: "stream_event", event: null })
        say({ type: "user", message: { content: [{ type: "tool_result", tool_use_id: "never started" }] } })
        say({ type: "system", subtype: "api_retry" }); say({ type: "control_response", response: {} })
        say({ type: "x", text: "y".repeat(33 * 1024 * 1024) })
        done({ more: true })`)
      const lab = yield* at()
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "fake" })
      assert.deepStrictEqual(
        lab.events.map(({ _tag }) => _tag),
        ["Ended"]
      )
    })
  )

  test(
    "asks for a permission: it is refused, and goes on",
    Effect.gen(function* () {
      fake(`
        say({ type: "control_request", request_id: "1", request: { subtype: "can_use_tool", tool_name: "Bash", input: {} } })
        const { response } = await heard(({ response }) => response?.request_id === "1")
        fs.writeFileSync("answer", JSON.stringify(response))
        done()`)
      yield* (yield* at()).run()
      assert.include(readFileSync("answer", "utf8"), '"subtype":"error"')
    })
  )

  test(
    "calls its model for something else: what it says that it used is billed too",
    Effect.gen(function* () {
      fake(`
        begin({ input_tokens: 5, output_tokens: 1 })
        say({ type: "stream_event", event: { type: "message_delta", usage: { output_tokens: 4 } } })
        say({ type: "stream_event", event: { type: "message_stop" } })
        done({ model_usage_since_last_result: {
          "m-small": { inputTokens: 5, outputTokens: 4 }, "m-tiny": { inputTokens: 100, outputTokens: 2 } } })`)
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
          ["msg_0123456789abcdef", "m", 5, 4],
          [undefined, "m-tiny", 100, 2]
        ]
      )
    })
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
      const running = yield* Effect.forkChild((yield* at()).run())
      const pid = yield* written("begun")
      yield* Fiber.interrupt(running)
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
      assert.isFalse(isAlive(pid))
    }).pipe(Effect.scoped, Effect.provide(Claude.Services))
  )
})
