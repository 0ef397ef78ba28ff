/** The real Claude Code before a provider twin, and where its program is. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import type * as ToolIndex from "@millwright/context/ToolIndex"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as ClaudeCode from "../../src/adapters/ClaudeCode.ts"
import type * as ScriptedHarness from "../../src/testing/ScriptedHarness.ts"
import * as Cli from "./CliLab.ts"
import * as Lab from "./LoopLab.ts"

/** Its program, as `npm ci` in `test/programs` installs it for this machine; `undefined` where that was not done, or there is none. */
export const program = ((): string | undefined => {
  const modules = join(import.meta.dirname, "..", "programs", "node_modules")
  const file = join(modules, "@anthropic-ai", "claude-code", "bin", "claude.exe")
  return existsSync(file) ? file : undefined
})()

/** Why its tests are skipped. */
export const missing = "skipped, since Claude Code is not there: npm ci in packages/agents/test/programs"

if (program === undefined && (process.env["MILLWRIGHT_REQUIRES"] ?? "").split(" ").includes("claude")) {
  throw new Error(missing)
}

/** What the tests that need it are called. */
export const titled = (title: string): string => (program === undefined ? `${title} (${missing})` : title)

export const models = { small: "m-small", standard: "m-standard", large: "m-large" }

const names = new Map(["Read", "Grep", "Edit", "Write", "Bash"].map((name) => [name.toLowerCase(), name]))
const words: Readonly<Record<string, string>> = { script: "command", path: "file_path" }

/** A call as Claude Code's model makes it. */
export const call = (tool: string, input: Schema.Json): ProviderTwin.Call => ({
  tool: names.get(tool) ?? tool,
  arguments: Object.fromEntries(Object.entries(input ?? {}).map(([key, value]) => [words[key] ?? key, value]))
})

export const bash = (script: string): ProviderTwin.Turn => ({ calls: [call("bash", { script })] })

export const outcome = (outcome: Schema.Json): ProviderTwin.Turn => ({
  calls: [{ tool: "StructuredOutput", arguments: { outcome } }]
})

/** The turns of a suite. */
export const played = (turns: ReadonlyArray<ScriptedHarness.Turn>): ReadonlyArray<ProviderTwin.Turn> =>
  turns.flatMap(({ calls = [], outcome: given, text }): ReadonlyArray<ProviderTwin.Turn> => {
    const turn = {
      ...(text === undefined ? {} : { text }),
      calls: [
        ...calls.map(({ arguments: input, tool }) => call(tool, input)),
        ...(given === undefined ? [] : (outcome(given).calls ?? []))
      ]
    }
    // Taken up again, it puts an answer of its own behind an outcome, which the twin counts as a turn.
    return given === undefined ? [turn] : [turn, { text: "No response requested." }]
  })

/** How it is set up before a provider at an address. */
export const options = (url: string, changes: Partial<ClaudeCode.Options> = {}): ClaudeCode.Options => ({
  models,
  command: program ?? "claude",
  apiKey: Redacted.make(Lab.key),
  baseUrl: url,
  rehearsed: true,
  ...changes
})

export const Services = NodeServices.layer

/** Claude Code with a provider at an address, and what it tells. */
export const running = (url: string, changes: Partial<ClaudeCode.Options> = {}, index?: ToolIndex.ToolIndex) =>
  Cli.running(ClaudeCode.layer(options(url, changes)), index)

/** The same before a twin that plays these turns. */
export const start = Effect.fnUntraced(function* (
  turns: ReadonlyArray<ProviderTwin.Turn>,
  changes: Partial<ClaudeCode.Options> = {},
  index?: ToolIndex.ToolIndex
) {
  const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] }, apiKey: Redacted.make(Lab.key) })
  const bodies = Effect.map(twin.requests, (all) => all.map(({ body }) => JSON.stringify(body)))
  return { ...(yield* running(twin.anthropicUrl, changes, index)), twin, bodies }
})
