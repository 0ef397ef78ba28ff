/** The ACP adapter before a real agent with a provider twin, and where its program is. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import type * as ToolIndex from "@millwright/context/ToolIndex"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Acp from "../../src/adapters/Acp.ts"
import * as Grant from "../../src/Grant.ts"
import type * as ScriptedHarness from "../../src/testing/ScriptedHarness.ts"
import * as Claude from "./ClaudeLab.ts"
import * as Cli from "./CliLab.ts"
import * as Lab from "./LoopLab.ts"

/** The agent `claude-agent-acp`, which runs Claude Code; `undefined` where one of the two is not installed. */
export const program = ((): string | undefined => {
  const modules = join(import.meta.dirname, "..", "programs", "acp", "node_modules")
  const file = join(modules, "@agentclientprotocol", "claude-agent-acp", "dist", "index.js")
  return existsSync(file) && Claude.program !== undefined ? file : undefined
})()

/** Why its tests are skipped. */
export const missing =
  "skipped, since claude-agent-acp is not there: npm ci in packages/agents/test/programs, and npm ci --omit=optional in its folder acp"

if (program === undefined && (process.env["MILLWRIGHT_REQUIRES"] ?? "").split(" ").includes("acp")) {
  throw new Error(missing)
}

/** What the tests that need it are called. */
export const titled = (title: string): string => (program === undefined ? `${title} (${missing})` : title)

/** A call as its model makes it. */
export const call = Claude.call
export const bash = Claude.bash

export const outcome = (outcome: Schema.Json): ProviderTwin.Turn => ({
  calls: [{ tool: "mcp__millwright__outcome", arguments: { outcome } }]
})

/** The turns of a suite. Behind an outcome its model has the last word. */
export const played = (turns: ReadonlyArray<ScriptedHarness.Turn>): ReadonlyArray<ProviderTwin.Turn> =>
  turns.flatMap(({ calls = [], outcome: given, text }): ReadonlyArray<ProviderTwin.Turn> => {
    const turn = {
      ...(text === undefined ? {} : { text }),
      calls: [
        ...calls.map(({ arguments: input, tool }) => call(tool, input)),
        ...(given === undefined ? [] : (outcome(given).calls ?? []))
      ]
    }
    return given === undefined ? [turn] : [turn, last]
  })

/** What its model says behind an outcome. */
export const last: ProviderTwin.Turn = { text: "Over." }

/** How it is set up before a provider at an address, with a folder for its conversations. */
export const options = (url: string, folder: string, changes: Partial<Acp.Options> = {}): Acp.Options => ({
  name: "claude",
  command: process.execPath,
  args: [program ?? "claude-agent-acp"],
  // What a role may not do is taken away; what it may do on its own word, reading and harmless commands, is no other thing.
  asks: Grant.all,
  mode: "default",
  meta: ({ grants }) => ({
    claudeCode: {
      options: {
        disallowedTools: [
          ...Grant.all.filter((grant) => !grants.includes(grant)).map((grant) => call(grant, {}).tool),
          ...["Agent", "Glob", "Monitor", "NotebookEdit", "Skill", "Task", "WebFetch", "WebSearch"]
        ],
        promptSuggestions: false,
        settingSources: []
      }
    }
  }),
  env: {
    CLAUDE_CONFIG_DIR: folder,
    CLAUDE_CODE_EXECUTABLE: Claude.program ?? "claude",
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_MODEL: "m-small",
    ANTHROPIC_DEFAULT_HAIKU_MODEL: "m-small",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
    CLAUDE_CODE_DISABLE_CRON: "1",
    CLAUDE_CODE_MAX_RETRIES: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_AUTOUPDATER: "1"
  },
  key: { variable: "ANTHROPIC_API_KEY", value: Redacted.make(Lab.key) },
  provider: "anthropic",
  rehearsed: true,
  ...changes
})

/** A folder that goes with the scope. */
export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-acp-test-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
)

/** A key that a shell would make something else of. */
export const secret = Redacted.make(`fake'key"$x`)

export const Services = NodeServices.layer

/** An agent, and what it tells. */
export const running = (options: Acp.Options, index?: ToolIndex.ToolIndex) => Cli.running(Acp.layer(options), index)

/** The real agent before a twin that plays these turns. */
export const start = Effect.fnUntraced(function* (
  turns: ReadonlyArray<ProviderTwin.Turn>,
  changes: Partial<Acp.Options> = {},
  index?: ToolIndex.ToolIndex
) {
  const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] }, apiKey: Redacted.make(Lab.key) })
  const bodies = Effect.map(twin.requests, (all) => all.map(({ body }) => JSON.stringify(body)))
  return { ...(yield* running(options(twin.anthropicUrl, yield* folder, changes), index)), twin, bodies }
})
