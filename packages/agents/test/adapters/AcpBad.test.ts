import { assert, describe, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import type * as Acp from "../../src/adapters/Acp.ts"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import { isAlive, pipe, written } from "./CliLab.ts"
import * as Fake from "./AcpFake.ts"
import * as Agent from "./AcpLab.ts"

const at = (options: Partial<Acp.Options> = {}) => Agent.running({ name: "fake", command: "./fake", ...options })

describe("an ACP agent that does what it should not", () => {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(
      title,
      () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Agent.Services)),
      120_000
    )

  const breaks = (title: string, prompt: string, says: RegExp, options?: Partial<Acp.Options>) =>
    test(
      title,
      Effect.gen(function* () {
        Fake.write({ prompt })
        const error = yield* Effect.flip((yield* at(options)).run())
        assert.deepStrictEqual([error._tag, error.reason], ["HarnessError", "Broken"], error.message)
        assert.match(error.message, says)
        assert.isTrue(error.isRetryable)
      })
    )

  const refuses = (
    title: string,
    bodies: Fake.Bodies,
    [reason, says]: readonly [string, RegExp],
    changes?: Partial<Harness.Request>
  ) =>
    test(
      title,
      Effect.gen(function* () {
        Fake.write(bodies)
        const error = yield* Effect.flip((yield* at()).run(changes))
        assert.strictEqual(error.reason, reason, error.message)
        assert.match(error.message, says)
        assert.isFalse(error.isRetryable)
      })
    )

  test(
    "is not there: it says what to install",
    Effect.gen(function* () {
      const missing = yield* Effect.flip(
        (yield* at({ command: "no-such-agent", install: "Install no-such-agent with npm." })).run()
      )
      assert.strictEqual(missing.reason, "NotInstalled")
      assert.match(missing.message, /no no-such-agent on its PATH\. Install no-such-agent with npm\./)
    })
  )

  test(
    "is killed in the middle of its work: it is Broken, and billed as unknown, not as nothing",
    Effect.gen(function* () {
      Fake.write({ prompt: `text("Hm"); process.kill(process.pid, "SIGKILL"); await never()` })
      const lab = yield* at()
      assert.strictEqual((yield* Effect.flip(lab.run())).reason, "Broken")
      const [failed] = yield* lab.facts("ModelFailed")
      assert.deepStrictEqual(failed?.billed?.cost, Usage.unknown("fake did not say what the call used"))
    })
  )

  breaks(
    "ends in the middle of a line",
    `fs.writeSync(1, '{"jsonrpc":"2.0","id":2,"result":{"stopRea'); process.exit(0)`,
    /ended with code 0 in the role Tester, and did not say how its work ended/
  )
  breaks("ends without an answer", `console.error("it broke here"); process.exit(3)`, /with code 3 .* it broke here/s)
  breaks("says nothing, and does not end", `await never()`, /has said nothing for/, { silence: "300 millis" })
  breaks(
    "asks on the terminal",
    `try { fs.openSync("/dev/tty", "r+") } catch { console.error("no terminal"); process.exit(1) }
    await never()`,
    /no terminal/
  )
  breaks("answers with an error", `fail(-32603, "the model is on fire")`, /did not do its work .* the model is on fire/)

  for (const [says, reason, shows] of [
    ["API Error: 400 max_tokens: 99 is too large", "Protocol", "asked by fake: Protocol. API Error: 400 max_tokens"],
    ["API Error: Request rejected (429) · slow down", "RateLimited", "Try again later, or run fewer lines"],
    ['{"error":{"code":503,"message":"busy"}}', "Overloaded", "busy"],
    ["HTTP 403: no", "Unauthorized", "Give the agent a key"],
    ["API Error: 400 this organization can not log in here", "Protocol", "can not log in here"],
    ["Request too large (max 32MB).", "ContextOverflow", "Give the role less context."],
    ["There's an issue with the selected model (m).", "UnknownModel", "Check the name of the model"],
    ["API Error: Unable to connect to API (ConnectionRefused)", "Unreachable", "has a way to the provider"]
  ] as const) {
    test(
      `is not answered by its provider (${says}): it says so as others do, without the key, and so does the journal`,
      Effect.gen(function* () {
        Fake.write({
          prompt: `fail(-32603, "Internal error: " + ${JSON.stringify(says)} + " " + process.env.ANTHROPIC_API_KEY)`
        })
        const lab = yield* at({ key: { variable: "ANTHROPIC_API_KEY", value: Agent.secret } })
        const error = yield* Effect.flip(lab.run())
        assert.deepStrictEqual([error._tag, error.reason], ["ModelError", reason], error.message)
        assert.include(error.message, shows)
        assert.include(error.message, "[redacted]")
        assert.notInclude(error.message, Redacted.value(Agent.secret))
        assert.notInclude(error.message, "Internal error")
        const [failed] = yield* lab.facts("ModelFailed")
        const [ended] = yield* lab.facts("AgentEnded")
        assert.deepStrictEqual([failed?.fault.reason, ended?.fault?.reason], [reason, reason])
      })
    )
  }

  breaks("answers with something else", `return { stopReason: 7 }`, /did not do its work/)

  refuses("speaks another version of the protocol", { hello: "{ protocolVersion: 2 }", prompt: "" }, [
    "NotInstalled",
    /speaks version 2 of ACP, and this package version 1/
  ])
  refuses("needs a login at its beginning", { session: `fail(-32000, "Authentication required")`, prompt: "" }, [
    "Unauthorized",
    /needs a login, and nobody is asked for one/
  ])
  refuses("needs a login at its work", { prompt: `fail(-32603, "Please log in first")` }, [
    "Unauthorized",
    /needs a login/
  ])
  refuses("can not go on with a session", { prompt: "" }, ["Unsupported", /can not go on with a session/], {
    session: { harness: "acp/fake", data: { id: "s1" } }
  })
  refuses(
    "may do what the role may not, and nobody says that it asks",
    { prompt: `await outcome("never")` },
    ["Unsupported", /does not have edit, write, bash, and nothing says that the agent asks/],
    { grants: ["read", "grep"] }
  )
  refuses(
    "gives no outcome, also when it is asked for one",
    { prompt: `text("Over: \`\`\`json\\n{broken\\n\`\`\`")` },
    ["NoOutcome", /ended without an outcome \(end_turn\)/]
  )
  refuses("says that it took all of its turns", { prompt: `return { stopReason: "max_turn_requests" }` }, [
    "TooManyTurns",
    /took the 8 turns/
  ])

  test(
    "starts none of its servers, where the role has a scope of tools: it is refused",
    Effect.gen(function* () {
      Fake.write({ prompt: `text('\`\`\`json\\n{"outcome":{"_tag":"Done","note":"x"}}\\n\`\`\`')` })
      const index = yield* SourceIndex.make([ScriptedSource.make("desk").source])
      const error = yield* Effect.flip(
        (yield* Agent.running({ name: "fake", command: "./fake" }, index)).run({ tools: ["desk/*"] })
      )
      assert.strictEqual(error.reason, "Unsupported", error.message)
      assert.match(error.message, /has no tool index/)
    })
  )

  test(
    "has no servers: it is told once how to write its outcome, and that is taken",
    Effect.gen(function* () {
      Fake.write({
        prompt: `
          if (texts.length === 1) return void text("All done.")
          text("Here:\\n\`\`\`json\\n{\\"outcome\\":{\\"_tag\\":\\"Done\\",\\"note\\":\\"first\\"}}\\n\`\`\`\\nno:\\n")
          text("\`\`\`json\\n{\\"outcome\\":{\\"_tag\\":\\"Done\\",\\"note\\":\\"" + (texts[1].includes('"Done"') ? "shape" : "?") + "\\"}}\\n\`\`\`")`
      })
      const lab = yield* at()
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "shape" })
      assert.lengthOf(yield* lab.facts("ModelCalled"), 2)
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
    "says what nobody knows, long lines, answers to nothing, and updates that have become something else: they are left out",
    Effect.gen(function* () {
      Fake.write({
        prompt: `
          fs.writeSync(1, "not JSON\\n[1]\\n\\"text\\"\\nnull\\n{}\\n{broken\\n\\n")
          out({ id: 99, result: {} }); out({ result: 1 }); out({ id: null, error: 7 }); out({ method: "telepathy", params: 1 })
          out({ method: "session/update" }); out({ method: "session/update", params: { sessionId: "other", update: {
            sessionUpdate: "agent_message_chunk", content: { type: "text", text: "of another session" } } } })
          update("hologram", {}); update("agent_message_chunk", { content: { type: "image" } }); update("tool_call", { toolCallId: 7 })
          update("tool_call_update", { toolCallId: "never begun", status: "completed" }); update("usage_update", { cost: "much" })
          out({ method: "x", params: "y".repeat(33 * 1024 * 1024) })
          if (!(await ask("session/telepathy", {})).error) fail(-1, "it was answered")
          await outcome("fake")`
      })
      const lab = yield* at()
      const errors: Array<unknown> = []
      const before = console.error
      console.error = (...said) => void errors.push(said)
      yield* Effect.addFinalizer(() => Effect.sync(() => (console.error = before)))
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "fake" })
      assert.deepStrictEqual(
        lab.events.map(({ _tag }) => _tag),
        ["Ended"]
      )
      assert.deepStrictEqual(errors, [], "what an agent says stands on our standard error")
    })
  )

  test(
    "starts a server twice at once, and again: each is answered for itself, and the last outcome counts",
    Effect.gen(function* () {
      Fake.write({
        prompt: `
          const [one, two] = await Promise.all([outcome("one"), outcome("two")])
          if (!one.content || !two.content) fail(-1, "not answered")
          if (!(await mcp(servers[0], "toString", {})).code) fail(-1, "a tool that is not there was called")
          await outcome("three")`
      })
      assert.deepStrictEqual((yield* (yield* at()).run()).outcome, { _tag: "Done", note: "three" })
    })
  )

  test(
    "ends as soon as its work is done: that is no failure",
    Effect.gen(function* () {
      Fake.write({ prompt: `await outcome("fake"); setImmediate(() => process.exit(7))` })
      assert.deepStrictEqual((yield* (yield* at()).run()).outcome, { _tag: "Done", note: "fake" })
    })
  )

  test(
    "leaves programs behind in groups of their own: they are ended, and nobody waits for the output that they hold",
    Effect.gen(function* () {
      Fake.write({
        prompt: `
          const daemon = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "inherit" })
          fs.writeFileSync("pid", String(daemon.pid))
          await outcome("fake")`
      })
      yield* (yield* at()).run()
      assert.isFalse(isAlive(Number(readFileSync("pid", "utf8"))), "the daemon lives")
    })
  )

  test(
    "does not heed what it is told, nor SIGTERM: it is killed, with what it started in another group",
    Effect.gen(function* () {
      pipe("begun")
      Fake.write({
        prompt: `
          process.stdin.removeAllListeners("end")
          process.on("SIGTERM", () => fs.writeFileSync("asked", methods.join(" ")))
          const daemon = spawn("sh", ["-c", "trap '' TERM; while :; do sleep 1; done"], { detached: true, stdio: "ignore" })
          fs.writeFileSync("begun", process.pid + "\\n"); fs.writeFileSync("daemon", String(daemon.pid))
          await never()`
      })
      const lab = yield* at()
      const running = yield* Effect.forkChild(lab.run())
      const pid = yield* written("begun")
      yield* Fiber.interrupt(running)
      const [ended] = yield* lab.facts("AgentEnded")
      assert.deepStrictEqual([ended?.fault?.tag, ended?.fault?.reason], ["HarnessError", "Interrupted"])
      assert.isTrue(existsSync("asked"), "it was not asked to end before it was killed")
      assert.include(readFileSync("asked", "utf8"), "session/cancel")
      assert.isFalse(isAlive(pid), "the program lives")
      assert.isFalse(isAlive(Number(readFileSync("daemon", "utf8"))), "what it started lives")
    })
  )

  it.effect("takes too long in all: it is ended", () =>
    Effect.gen(function* () {
      yield* workspace({})
      pipe("begun")
      Fake.write({ prompt: `fs.writeFileSync("begun", process.pid + "\\n"); await never()` })
      const lab = yield* at({ total: "1 hour" })
      const running = yield* Effect.forkChild(Effect.flip(lab.run()))
      const pid = yield* written("begun")
      yield* TestClock.adjust("1 hour")
      // How long it is waited for, once it was told to stop.
      yield* TestClock.adjust("2 seconds")
      const error = yield* Fiber.join(running)
      assert.strictEqual(error.reason, "TimedOut")
      const [ended] = yield* lab.facts("AgentEnded")
      assert.strictEqual(ended?.fault?.reason, "TimedOut", "its end is told as something else")
      assert.isFalse(isAlive(pid))
    }).pipe(Effect.scoped, Effect.provide(Agent.Services))
  )
})
