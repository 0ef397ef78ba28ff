import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { execFileSync } from "node:child_process"
import { mkdirSync, statSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import * as Quickstart from "./Quickstart.ts"

const key = "sk-ant-api03-not-a-real-key-0123456789"
const model = "claude-sonnet-5-5"

const twinOf = (script: ProviderTwin.Script) =>
  ProviderTwin.make({ script, apiKey: Redacted.make(key), models: [model] })

const envOf = (url: string, apiKey = key) => ({ ANTHROPIC_API_KEY: apiKey, ANTHROPIC_BASE_URL: url })

const argsOf = ({ repository }: Quickstart.Quickstart) => ["--repo", repository, "--issue", Quickstart.issues.bug]

/** A port of loopback that nobody listens at. */
const closedPort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 1)))
  })
})

/** Mounts a small disk, where that may be done, and answers with a way to make it larger. */
const smallDisk = (folder: string, size: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      mkdirSync(folder, { recursive: true })
      try {
        execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], { stdio: "pipe" })
        return (size: string) => void execFileSync("mount", ["-o", `remount,size=${size}`, folder], { stdio: "pipe" })
      } catch (error) {
        return String(error)
      }
    }),
    (mounted) =>
      Effect.sync(() => {
        if (typeof mounted !== "string") execFileSync("umount", ["-l", folder], { stdio: "pipe" })
      })
  )

describe("the quickstart with a real provider", { concurrent: true }, () => {
  it.live(
    "refuses a key, a model and a server before anything is changed",
    () =>
      Effect.gen(function* () {
        const quickstart = yield* Quickstart.make
        const twin = yield* twinOf(Quickstart.rehearsal())
        const args = argsOf(quickstart)
        const down = `http://127.0.0.1:${yield* closedPort}`
        const before = Quickstart.digest(quickstart.folder)
        const cases = [
          {
            what: "a refused key",
            args,
            env: envOf(twin.anthropicUrl, "sk-ant-another-key-0123456789"),
            code: 2,
            says: /key/i
          },
          {
            what: "an unknown model",
            args: [...args, "--model", "claude-nobody-knows"],
            env: envOf(twin.anthropicUrl),
            code: 2,
            says: /claude-nobody-knows/
          },
          { what: "a server that is down", args, env: envOf(down), code: 1, says: /127\.0\.0\.1/ }
        ]
        for (const { args, code, env, says, what } of cases) {
          const { code: exit, stderr, stdout } = yield* quickstart.run(args, env)
          assert.strictEqual(exit, code, `${what} is taken: ${stdout}${stderr}`)
          assert.match(stderr, says, `the message does not name ${what}`)
          assert.notMatch(stderr, /\n\s+at |\n\n\S/, "more than one paragraph, or a stack")
          assert.isFalse(stderr.includes(env.ANTHROPIC_API_KEY), "the key stands in the message")
          assert.strictEqual(Quickstart.digest(quickstart.folder), before, `${what} changed something on the disk`)
        }
      }),
    120_000
  )

  it.live(
    "waits as long as it is asked to, and takes up what was cut",
    () =>
      Effect.gen(function* () {
        const quickstart = yield* Quickstart.make
        const twin = yield* twinOf(Quickstart.rehearsal())
        yield* twin.breakNext([{ _tag: "Refuse", status: 429, retryAfter: 2 }], "Triage")
        yield* twin.breakNext([{ _tag: "Cut", after: 3, how: "inside" }], "Implement")
        yield* twin.breakNext([{ _tag: "Drop" }], "Review")
        const { code, stderr, stdout } = yield* quickstart.run(argsOf(quickstart), envOf(twin.anthropicUrl))
        assert.strictEqual(code, 3, stdout + stderr)
        assert.match(stdout, /Trying again in 2\.0 s\./, "nobody is told why nothing happens")
        const events = yield* Quickstart.journal(quickstart.repository)
        const failed = Quickstart.only(events, "ModelFailed")
        assert.deepStrictEqual(
          failed.map(({ fact, stage }) => [stage, fact.fault.reason]),
          [
            ["triage", "RateLimited"],
            ["implement", "Disconnected"],
            ["review", "Disconnected"]
          ]
        )
        const next = Quickstart.only(events, "ModelCalled").find(({ seq }) => seq > (failed[0]?.seq ?? 0))
        assert.isAtLeast((next?.at ?? 0) - (failed[0]?.at ?? 0), 2_000, "Retry-After was not honoured")
        assert.strictEqual(
          Quickstart.only(events, "ModelCalled").length,
          15,
          "an answer that was cut was billed, or a good one was asked for again"
        )
        Quickstart.assertNothingTwice(events)
      }),
    120_000
  )
})

describe("the quickstart with a clumsy agent", { concurrent: true }, () => {
  it.live(
    "survives tools that print 100 MB, never end, do not exist or are called wrongly",
    () =>
      Effect.gen(function* () {
        const quickstart = yield* Quickstart.make
        const twin = yield* twinOf({
          conversations: [
            {
              role: "Triage",
              turns: [
                Quickstart.call("bash", { script: "yes 'a line of a log' | head -c 100000000" }),
                Quickstart.call("bash", { script: "echo begun; (setsid sleep 900 &) ; sleep 900", timeout: 0.5 }),
                Quickstart.call("fly", { to: "the moon" }),
                Quickstart.call("bash", { command: "ls" }),
                { calls: [{ tool: "read", raw: '{"path": "src/du' }] },
                Quickstart.outcome("Maybe", {}),
                Quickstart.outcome("Park", { reason: "I give up" })
              ]
            }
          ]
        })
        const { code, stderr, stdout } = yield* quickstart.run(argsOf(quickstart), envOf(twin.anthropicUrl))
        assert.deepStrictEqual(Quickstart.inside(quickstart.folder), [], "a process of a tool is left over")
        assert.strictEqual(code, 0, stdout + stderr)
        assert.match(stdout, /^Parked +I give up/m)
        const events = yield* Quickstart.journal(quickstart.repository)
        const tools = Quickstart.only(events, "ToolCalled")
        assert.deepStrictEqual(
          tools.map(({ fact }) => [fact.tool, fact.ok]),
          [
            ["bash", true],
            ["bash", false],
            ["fly", false],
            ["bash", false],
            ["read", false]
          ]
        )
        assert.isBelow(tools[0]?.fact.outputBytes ?? Infinity, 40_000, "the output of a tool was not bounded")
        assert.isBelow(
          statSync(Quickstart.store(quickstart.repository)).size,
          12_000_000,
          "more of the output of a tool went into the store than is kept"
        )
        const sent = JSON.stringify((yield* twin.requests).at(-1)?.body)
        assert.isBelow(sent.length, 200_000, "the output of a tool went to the model unbounded")
        assert.include(sent, "bytes left out", "the model is not told that there was more")
        assert.include(sent, "begun", "what a tool printed before it was stopped is lost")
      }),
    120_000
  )

  it.live(
    "stops when the budget is spent, and goes on with a larger one",
    () =>
      Effect.gen(function* () {
        const quickstart = yield* Quickstart.make
        const args = argsOf(quickstart)
        const poor = yield* quickstart.run([...args, "--budget", "0.02"])
        assert.strictEqual(poor.code, 1, poor.stdout + poor.stderr)
        assert.match(
          poor.stdout,
          /^Stalled +The run has used 0\.0[2-9]\d* of 0\.02 US dollars, and stops\. Raise the limit/m
        )
        const rich = yield* quickstart.run([...args, "--budget", "5"])
        assert.strictEqual(rich.code, 3, rich.stdout + rich.stderr)
        const events = yield* Quickstart.journal(quickstart.repository)
        assert.strictEqual(Quickstart.only(events, "BudgetHit").length, 1)
        assert.strictEqual(Quickstart.only(events, "LineStarted").length, 1)
        Quickstart.assertNothingTwice(events)
      }),
    120_000
  )
})

describe("the quickstart on a full disk", { concurrent: true }, () => {
  it.live(
    "says so, keeps what is finished, and goes on when there is room",
    (context) =>
      Effect.gen(function* () {
        const quickstart = yield* Quickstart.make
        const grow = yield* smallDisk(join(quickstart.repository, ".git", "millwright"), "300k")
        if (typeof grow === "string") return context.skip(`no small disk can be mounted here: ${grow}`)
        const args = argsOf(quickstart)
        const full = yield* quickstart.run(args)
        assert.strictEqual(full.code, 1, full.stdout + full.stderr)
        assert.match(
          full.stderr,
          /factory\.db can not be used: .*The disk is full\. Make room and run again/,
          "it does not say what is wrong and how to mend it"
        )
        assert.notMatch(full.stderr, /\n\s+at |\n\n\S/, "more than one paragraph, or a stack")
        grow("20m")
        const last = yield* quickstart.run(args)
        assert.strictEqual(last.code, 3, last.stdout + last.stderr)
        const events = yield* Quickstart.journal(quickstart.repository)
        assert.isAbove(
          Quickstart.only(events, "LineResumed").length,
          0,
          "the disk was full too early: no run had begun"
        )
        assert.strictEqual(Quickstart.only(events, "LineStarted").length, 1)
        Quickstart.assertNothingTwice(events)
      }),
    120_000
  )
})
