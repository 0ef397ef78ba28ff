import { assert, describe, it } from "@effect/vitest"
import * as Digest from "@millwright/core/Digest"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Lab from "./TranscriptLab.ts"

const { tally } = Lab
const used: Usage.Usage = { input: 3, cacheRead: 40, cacheWrite: 5, output: 6 }
const json = (...all: ReadonlyArray<object>) => all.map((each) => `${JSON.stringify(each)}\n`).join("")

const codex = (type: string, payload: object) => ({ timestamp: "2026-02-03T00:00:00.000Z", type, payload })
const meta = (id: string, more: object = {}) =>
  codex("session_meta", { id, cli_version: "0.40.0", model_provider: "openai", ...more })
const tokens = (input: number, cached: number, output: number) => ({
  input_tokens: input,
  cached_input_tokens: cached,
  output_tokens: output,
  reasoning_output_tokens: 1,
  total_tokens: input + output
})
const count = (total: object, last: object) =>
  codex("event_msg", { type: "token_count", info: { total_token_usage: total, last_token_usage: last } })

describe("What Codex writes", () => {
  const parent = [
    meta("01a20169-0000-7000-8000-000000000001"),
    codex("turn_context", { model: "gpt-5-codex" }),
    codex("response_item", {
      type: "message",
      role: "user",
      content: [{ type: "input_text", text: "<environment_context>…" }]
    }),
    codex("response_item", { type: "message", role: "user", content: [{ type: "input_text", text: "Do it." }] }),
    codex("event_msg", { type: "token_count", info: null }),
    count(tokens(100, 60, 10), tokens(100, 60, 10)),
    count(tokens(100, 60, 10), tokens(100, 60, 10)),
    count(tokens(250, 190, 30), tokens(150, 130, 20))
  ]

  it.effect(
    "counts an answer once, however often its sum is repeated; thoughts are output, and the cache is no input",
    () =>
      Effect.gen(function* () {
        const { byModel, humanTurns, total, turns } = yield* tally(json(...parent))
        assert.deepStrictEqual(total.usage, { input: 60, cacheRead: 190, cacheWrite: 0, output: 30 })
        assert.deepStrictEqual([total.answers, humanTurns, turns.meta], [2, 1, 1])
        assert.deepStrictEqual([byModel[0]?.provider, byModel[0]?.model], ["openai", "gpt-5-codex"])
      })
  )

  it.effect("has in a fork what its parent wrote, which counts once", () =>
    Effect.gen(function* () {
      const [first, ...rest] = parent
      const fork = json(
        meta("01a20169-0000-7000-8000-000000000002", { forked_from_id: "01a20169-0000-7000-8000-000000000001" }),
        ...(first === undefined ? [] : [first]),
        ...rest.map((line) => ({ ...line, timestamp: "2026-02-04T00:00:00.000Z" })),
        count(tokens(450, 340, 35), tokens(200, 150, 5))
      )
      const { humanTurns, sessions, total } = yield* tally(json(...parent), fork)
      assert.deepStrictEqual([total.answers, total.usage.output, humanTurns, sessions], [3, 35, 1, 2])
    })
  )

  it.effect("has interrupts, refusals, patches, failed commands, compactions and sub-agents", () =>
    Effect.gen(function* () {
      const call = (id: string, name: string, args: unknown) =>
        codex("response_item", {
          type: "function_call",
          name,
          arguments: JSON.stringify(args),
          call_id: `call_0000000000${id}`
        })
      const output = (id: string, output: unknown) =>
        codex("response_item", { type: "function_call_output", call_id: `call_0000000000${id}`, output })
      const text = json(
        meta("01a20169-0000-7000-8000-000000000003", { source: { subagent: { thread_spawn: {} } } }),
        call("1", "shell", { command: ["bash", "-lc", "ls"] }),
        output("1", '{"output":"no","metadata":{"exit_code":2,"duration_seconds":0.1}}'),
        call("2", "shell", { command: ["bash", "-lc", "ls"] }),
        output("2", '{"output":"ok","metadata":{"exit_code":0,"duration_seconds":0.1}}'),
        call("3", "shell", { command: "rm" }),
        output("3", "exec command rejected by user"),
        codex("response_item", {
          type: "custom_tool_call",
          name: "apply_patch",
          call_id: "call_00000000004",
          input: "*** Begin Patch\n*** Update File: a.ts\n…"
        }),
        output("4", { content: "no", success: false }),
        codex("event_msg", { type: "turn_aborted", reason: "interrupted" }),
        codex("event_msg", { type: "error", message: "…" }),
        codex("compacted", { message: "…" }),
        codex("event_msg", { type: "context_compacted" })
      )
      const { compactions, interrupts, rejections, subAgents, tools, unanswered, unparsed } = yield* tally(text)
      assert.deepStrictEqual([tools.calls, tools.errors, rejections, interrupts], [4, 3, 1, 1])
      assert.deepStrictEqual([compactions, subAgents, unanswered.failed, unparsed.total], [1, 1, 1, 0])
      const calls = Lab.only(yield* Lab.read(text), "Called")
      assert.strictEqual(calls[0]?.command, calls[1]?.command)
      assert.strictEqual(calls[3]?.file, Digest.of("a.ts"))
    })
  )

  it.effect("tells of less input than was read from the cache: nobody knows what that was", () =>
    Effect.gen(function* () {
      const { total } = yield* tally(
        json(meta("01a20169-0000-7000-8000-000000000004"), count(tokens(1, 60, 10), tokens(1, 60, 10)))
      )
      assert.deepStrictEqual([total.answers, total.unknown], [1, 1])
    })
  )
})

describe("What Gemini writes", () => {
  const gemini = (id: string, more: object) => ({
    id,
    timestamp: "2026-02-03T00:00:00.000Z",
    type: "gemini",
    content: "",
    model: "gemini-2.5-pro",
    ...more
  })
  const head = {
    sessionId: "fa4593e0-f7e1-4dd1-b656-da95fb4d60fa",
    projectHash: "7e89",
    startTime: "2026-02-03T00:00:00.000Z"
  }

  it.effect("has in newer versions a line for each message, again when there is more of it", () =>
    Effect.gen(function* () {
      const told = { input: 100, output: 10, cached: 60, thoughts: 5, tool: 2, total: 117 }
      const { humanTurns, rejections, tools, total, turns, unparsed } = yield* tally(
        json(
          { ...head, kind: "main" },
          { id: "u-000000000001", timestamp: "2026-02-03T00:00:00.000Z", type: "user", content: [{ text: "Do it." }] },
          gemini("g-000000000001", {}),
          gemini("g-000000000001", { tokens: told }),
          gemini("g-000000000001", {
            tokens: told,
            toolCalls: [
              { id: "t-000000000001", name: "write_file", args: { file_path: "a" }, status: "success", result: [] },
              {
                id: "t-000000000002",
                name: "run_shell_command",
                args: { command: "rm" },
                status: "cancelled",
                result: [
                  {
                    functionResponse: {
                      response: { error: "[Operation Cancelled] Reason: User did not allow tool call" }
                    }
                  }
                ]
              }
            ]
          }),
          { $set: { lastUpdated: "2026-02-03T00:00:05.000Z" } },
          { $rewindTo: "g-000000000001" },
          { id: "i-000000000001", timestamp: "2026-02-03T00:00:00.000Z", type: "info", content: "Request cancelled." }
        )
      )
      assert.deepStrictEqual(total.usage, { input: 42, cacheRead: 60, cacheWrite: 0, output: 15 })
      assert.deepStrictEqual([total.answers, total.unknown, tools.calls, rejections], [1, 0, 2, 1])
      assert.deepStrictEqual([humanTurns, turns.interrupt, unparsed.total], [2, 1, 0])
    })
  )
})

describe("What pi writes", () => {
  it.effect("has answers that were broken off, what summaries cost, and shells of the human", () =>
    Effect.gen(function* () {
      const entry = (id: string, more: object) => ({
        id,
        parentId: null,
        timestamp: "2026-02-03T00:00:00.000Z",
        ...more
      })
      const message = (id: string, message: object) => entry(id, { type: "message", message })
      const usage = { ...used, cacheWrite1h: 4 }
      const none = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }
      const { compaction, compactions, coverage, interrupts, total, turns, unanswered } = yield* tally(
        json(
          {
            type: "session",
            version: 3,
            id: "01a20169-3f18-7681-ac3a-cab66880a091",
            timestamp: "2026-02-03T00:00:00.000Z",
            cwd: "/x",
            parentSession: "/s/2026_01a20169-0000-7681-ac3a-cab66880a091.jsonl"
          },
          entry("a1", { type: "model_change", provider: "anthropic", modelId: "claude-opus-4-6" }),
          message("a2", {
            role: "assistant",
            content: [],
            provider: "anthropic",
            model: "m",
            usage,
            stopReason: "stop"
          }),
          message("a3", {
            role: "assistant",
            content: [],
            provider: "anthropic",
            model: "m",
            usage: none,
            stopReason: "aborted"
          }),
          message("a4", {
            role: "assistant",
            content: [],
            provider: "anthropic",
            model: "m",
            usage: none,
            stopReason: "error"
          }),
          message("a5", { role: "bashExecution", command: "ls", output: "…" }),
          entry("a6", { type: "compaction", summary: "…", firstKeptEntryId: "a5", tokensBefore: 900, usage })
        )
      )
      assert.deepStrictEqual(total.usage, Usage.add(used, used))
      assert.deepStrictEqual([total.answers, total.unknown, total.longCacheWrite, unanswered.failed], [3, 1, 8, 1])
      assert.deepStrictEqual([interrupts, turns.shell, compactions, compaction.answers], [1, 1, 1, 1])
      assert.deepStrictEqual(coverage, { numerator: 0, denominator: 3 })
    })
  )
})
