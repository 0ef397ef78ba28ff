import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Lab from "./TranscriptLab.ts"

const { answer, lines, result, said, tally, usage } = Lab

describe("What Claude Code writes", () => {
  it.effect(
    "comes to what the program itself counted, with the sub-agent, and with a fork that has all of it again",
    () =>
      Effect.gen(function* () {
        const main = Lab.fixture("claude.jsonl")
        const own = main.split("\n").findLast((line) => line.includes('"cost-state"')) ?? "{}"
        const counted = Object.values<Record<string, number>>(JSON.parse(own).modelUsage)[0]
        const files = [main, Lab.fixture("claude-agent.jsonl"), Lab.fixture("claude-fork.jsonl")]
        for (const order of [files, files.toReversed(), [...files, ...files]]) {
          const { byAgent, resumed, sessions, subAgents, total } = yield* tally(...order)
          assert.deepStrictEqual(total.usage, {
            input: counted?.["inputTokens"],
            cacheRead: counted?.["cacheReadInputTokens"],
            cacheWrite: counted?.["cacheCreationInputTokens"],
            output: counted?.["outputTokens"]
          })
          assert.deepStrictEqual([byAgent.main.answers, byAgent.sub.answers], [6, 2])
          assert.deepStrictEqual([sessions, subAgents, resumed], [2, 1, 0])
        }
      })
  )

  it.effect("is named by the answer, else by its request, else by its line", () =>
    Effect.gen(function* () {
      const count = (...all: ReadonlyArray<object>) => Effect.map(tally(lines(...all)), ({ total }) => total.answers)
      const [noId, noRequest] = [{ id: undefined }, { requestId: undefined }]
      assert.strictEqual(yield* count(answer(), answer({}, noRequest)), 1, "one id, with and without a request")
      assert.strictEqual(yield* count(answer(noId), answer(noId)), 1, "no id, one request")
      assert.strictEqual(yield* count(answer(noId, noRequest), answer(noId, noRequest)), 2, "neither, two lines")
      const copied = { ...noRequest, uuid: "00000000-0000-4000-8000-00000000aaaa" }
      assert.strictEqual(yield* count(answer(noId, copied), answer(noId, copied)), 1, "neither, one line twice")
      const bare = { ...noRequest, uuid: undefined, timestamp: "2026-01-01T00:00:00Z" }
      assert.strictEqual(yield* count(answer(noId, bare), answer(noId, bare)), 1, "nothing at all, one text twice")
      const other = { ...bare, sessionId: "99999999-2222-3333-4444-555555555555" }
      assert.strictEqual(
        yield* count(answer({ id: "1" }, bare), answer({ id: "1" }, other)),
        2,
        "a short id is a session's"
      )
    })
  )

  it.effect("has usage that can be none: nobody knows it, and it is not 0", () =>
    Effect.gen(function* () {
      for (const bad of [null, -1, "12", 2 ** 53 + 2, 2 ** 60, 1.5, Number.NaN, {}, [], true]) {
        const { coverage, total } = yield* tally(lines(answer({ usage: usage(bad) })))
        assert.deepStrictEqual([total.answers, total.unknown, total.usage.output], [1, 1, 0], String(bad))
        assert.deepStrictEqual(coverage, { numerator: 0, denominator: 1 })
      }
      for (const bad of [null, undefined, [], "much"]) {
        assert.strictEqual((yield* tally(lines(answer({ usage: bad })))).total.unknown, 1)
      }
      const known = yield* tally(lines(answer({ usage: usage(-1) }), answer(), answer({ usage: null })))
      assert.deepStrictEqual([known.total.unknown, known.total.usage.output], [0, 7], "another line of it knows")
      const noCache = { input_tokens: 1, output_tokens: 2, cache_read_input_tokens: null }
      const { total } = yield* tally(lines(answer({ usage: noCache })))
      assert.deepStrictEqual(total.usage, { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 }, "no cache was used")
    })
  )

  it.effect("has answers that no model gave: they are none, and lower nothing", () =>
    Effect.gen(function* () {
      const { coverage, total, unanswered } = yield* tally(
        lines(
          answer({ id: "a", model: "<synthetic>", usage: usage(0) }),
          answer({ id: "b", model: "<synthetic>", usage: usage(0) }, { isApiErrorMessage: true }),
          { type: "system", subtype: "api_error", retryAttempt: 1 }
        )
      )
      const call = { type: "tool_use", id: "toolu_0000000001", name: "Read", input: {} }
      const calls = yield* tally(lines(answer({ model: "<synthetic>", content: [call] })))
      assert.deepStrictEqual([calls.total.answers, calls.tools.calls], [0, 1], "a call in it is one all the same")
      assert.deepStrictEqual(
        [total.answers, unanswered, coverage],
        [0, { failed: 2, other: 1 }, { numerator: 0, denominator: 0 }]
      )
    })
  )

  it.effect("may go back in time, and be none", () =>
    Effect.gen(function* () {
      const entries = yield* Lab.read(
        lines(
          answer({}, { timestamp: "2026-02-03T00:00:10.000Z" }),
          answer({}, { timestamp: "2026-02-03T00:00:05.000Z" }),
          answer({}, { timestamp: "yesterday" }),
          answer({}, { timestamp: "+275761-01-01T00:00:00Z" }),
          answer({}, { timestamp: -5 })
        )
      )
      assert.deepStrictEqual(
        Lab.only(entries, "Answered").map(({ at }) => at),
        [1_770_076_810_000, 1_770_076_805_000, null, null, null]
      )
    })
  )

  it.effect(
    "has what humans do: prompts, commands, shells, interrupts, refusals; and what the program says beside",
    () =>
      Effect.gen(function* () {
        const refused =
          "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, …)."
        const { compactions, humanTurns, interrupts, rejections, tools, turns } = yield* tally(
          lines(
            said("Mend it."),
            said([
              { type: "text", text: "<ide_opened_file>a.ts</ide_opened_file>" },
              { type: "text", text: "And this." }
            ]),
            said("<command-name>/clear</command-name>"),
            said("<bash-input>ls</bash-input>"),
            said("<local-command-stdout>done</local-command-stdout>"),
            said("<task-notification>…"),
            said("Caveat: …", { isMeta: true }),
            said([{ type: "text", text: "[Request interrupted by user]" }]),
            said("[Request interrupted by user for tool use]"),
            said("It said [Request interrupted by user] and stopped."),
            { type: "system", subtype: "compact_boundary", compactMetadata: { trigger: "auto", preTokens: 155_000 } },
            said("This session is being continued …", {
              isCompactSummary: true,
              parentUuid: "00000000-0000-4000-8000-000000000010"
            }),
            result("toolu_0000000001", refused, {}, true),
            result("toolu_0000000002", "No.", { toolUseResult: "Error: User rejected tool use" }, true),
            result("toolu_0000000003", refused),
            result("toolu_0000000004", "Exit code 1", {}, true),
            result("toolu_0000000005", [
              { type: "text", text: "ok" },
              { type: "image", source: {} }
            ])
          )
        )
        assert.deepStrictEqual(turns, { prompt: 3, command: 1, shell: 1, interrupt: 2, meta: 1, summary: 1, system: 2 })
        assert.deepStrictEqual([humanTurns, interrupts, rejections, compactions], [7, 2, 2, 1])
        assert.deepStrictEqual([tools.calls, tools.errors, tools.open], [5, 3, 0])
      })
  )

  it.effect("has sub-agents between its lines and in notices of progress, whose task is no human's", () =>
    Effect.gen(function* () {
      const inner = JSON.parse(lines(answer({ id: "msg_000000000002" }, { uuid: "inner-inner-inner" })))
      const { byAgent, humanTurns, subAgents, turns } = yield* tally(
        lines(
          said("Do it."),
          said("Look for it.", { isSidechain: true }),
          answer({}, { isSidechain: true }),
          { type: "progress", data: { type: "agent_progress", agentId: "a1b2c3", message: inner } },
          { type: "progress", data: { type: "hook_progress" } },
          answer({ id: "msg_000000000003" }, { isSidechain: true, agentId: "acompact-1f" })
        )
      )
      assert.deepStrictEqual([byAgent.main.answers, byAgent.sub.answers, subAgents], [0, 3, 3])
      assert.deepStrictEqual([humanTurns, turns.system], [1, 1])
    })
  )

  it.effect("tells where a session was taken up again, once for all hooks", () =>
    Effect.gen(function* () {
      const hook = (name: string, occasion: string) => ({
        type: "progress",
        parentToolUseID: occasion,
        data: { type: "hook_progress", hookEvent: "SessionStart", hookName: `SessionStart:${name}` }
      })
      const { resumed, sessions } = yield* tally(
        lines(hook("startup", "one"), said("x"), hook("resume", "two"), hook("resume", "two"), hook("resume", "three"))
      )
      assert.deepStrictEqual([sessions, resumed], [1, 2])
    })
  )

  it.effect(
    "has calls with what they do, in which file, and which lines of it; the same input has the same digest",
    () =>
      Effect.gen(function* () {
        const call = (id: number, name: string, input: object) => ({
          type: "tool_use",
          id: `toolu_000000000${id}`,
          name,
          input
        })
        const calls = Lab.only(
          yield* Lab.read(
            lines(
              answer({
                content: [
                  call(1, "Read", { file_path: "/a.ts", offset: 5, limit: 10 }),
                  call(2, "Read", { limit: 10, offset: 5, file_path: "/a.ts" }),
                  call(3, "Edit", { file_path: "/a.ts", old_string: "x", new_string: "y" }),
                  call(4, "Bash", { command: "ls -la", description: "one" }),
                  call(5, "Bash", { command: " ls -la", description: "two" }),
                  call(6, "mcp__x__do", { any: 1 }),
                  call(7, "Task", { prompt: "…" })
                ]
              })
            )
          ),
          "Called"
        )
        assert.deepStrictEqual(
          calls.map(({ doing }) => doing),
          ["read", "read", "edit", "command", "command", "other", "delegate"]
        )
        const [one, two, edit, ls, again] = calls
        assert.deepStrictEqual(one?.range, { from: 5, lines: 10 })
        assert.strictEqual(one?.input, two?.input)
        assert.strictEqual(one?.file, edit?.file)
        assert.notStrictEqual(ls?.input, again?.input)
        assert.strictEqual(ls?.command, again?.command)
      })
  )
})
