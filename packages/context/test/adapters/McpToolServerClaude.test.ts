/**
 * A harness that is not ours uses the tool server: Claude Code, before a provider twin, in a home of its own. It is too large
 * to be a dependency: the test runs where `claude` is on the PATH, or `MILLWRIGHT_CLAUDE` says where it is.
 */
import { assert, it } from "@effect/vitest"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../fixtures/serve.ts", import.meta.url))
const claude = process.env["MILLWRIGHT_CLAUDE"] ?? "claude"

const run = Effect.fnUntraced(function* (url: string) {
  const home = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-claude-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  const server = { type: "stdio", command: process.execPath, args: [program], alwaysLoad: true }
  const args = [
    ["-p", "Open a ticket at the desk."],
    ["--mcp-config", JSON.stringify({ mcpServers: { tools: server } }), "--strict-mcp-config"],
    ["--tools", "", "--allowedTools", "mcp__tools", "--setting-sources", ""]
  ].flat()
  return yield* Effect.callback<{ readonly code: number | null; readonly text: string }>((resume) => {
    const child = spawn(claude, args, {
      cwd: home,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 60_000,
      // Nothing of whoever runs the tests: no key, no settings, and no way to anybody but the twin.
      env: {
        PATH: process.env["PATH"],
        HOME: home,
        ANTHROPIC_BASE_URL: url,
        ANTHROPIC_API_KEY: "twin-key-0123456789abcdef",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        DISABLE_AUTOUPDATER: "1"
      }
    })
    let text = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
    }
    child.once("close", (code) => resume(Effect.succeed({ code, text })))
  })
})

it.live(
  "Claude Code finds a tool of the index and calls it, with three tools in its prompt",
  (context) =>
    Effect.gen(function* () {
      const { error, status } = spawnSync(claude, ["--version"], { timeout: 20_000, stdio: "ignore" })
      if (error !== undefined || status !== 0) {
        return context.skip(
          "Claude Code is not installed: put `claude` on the PATH, or its path into MILLWRIGHT_CLAUDE"
        )
      }
      const turns = [
        { calls: [{ tool: "mcp__tools__tool_search", arguments: { query: "create a ticket" } }] },
        {
          calls: [
            {
              tool: "mcp__tools__tool_call",
              arguments: { name: "desk/create_ticket", arguments: { title: "It breaks" } }
            }
          ]
        },
        { text: "The ticket is open." }
      ]
      const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
      const { code, text } = yield* run(twin.anthropicUrl)
      assert.strictEqual(code, 0, text)
      assert.include(text, "The ticket is open.")
      const bodies = (yield* twin.requests).map(({ body }) => JSON.stringify(body))
      assert.lengthOf(bodies, turns.length)
      assert.include(bodies[0], "desk/create_ticket: Creates a ticket", "The instructions are not in the prompt")
      assert.include(bodies[1], '\\"required\\":[\\"title\\"]', "The search does not show the schema")
      assert.include(bodies[2], 'create_ticket {\\"title\\":\\"It breaks\\"}')
    }).pipe(Effect.scoped),
  120_000
)
