/** The real Codex before a provider twin, and where its program is. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import type * as ToolIndex from "@millwright/context/ToolIndex"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Codex from "../../src/adapters/Codex.ts"
import type * as ScriptedHarness from "../../src/testing/ScriptedHarness.ts"
import * as Cli from "./CliLab.ts"
import * as Lab from "./LoopLab.ts"

/** Its program, as `npm ci` in `test/programs` installs it; `undefined` where that was not done. */
export const program = ((): string | undefined => {
  const file = join(import.meta.dirname, "..", "programs", "node_modules", ".bin", "codex")
  return existsSync(file) ? file : undefined
})()

/** Why its tests are skipped. */
export const missing = "skipped, since Codex is not there: npm ci in packages/agents/test/programs"

if (program === undefined && (process.env["MILLWRIGHT_REQUIRES"] ?? "").split(" ").includes("codex")) {
  throw new Error(missing)
}

/** What the tests that need it are called. */
export const titled = (title: string): string => (program === undefined ? `${title} (${missing})` : title)

export const models = { small: "m-small", standard: "m-standard", large: "m-large" }

/** The turns of a suite. The outcome is a call like any other. */
export const played = (turns: ReadonlyArray<ScriptedHarness.Turn>): ReadonlyArray<ProviderTwin.Turn> =>
  turns.map(({ calls = [], outcome, text }) => ({
    ...(text === undefined ? {} : { text }),
    calls: [...calls, ...(outcome === undefined ? [] : [{ tool: "outcome", arguments: { outcome } }])]
  }))

/** How it is set up before a provider at an address. */
export const options = (url: string, changes: Partial<Codex.Options> = {}): Codex.Options => ({
  models,
  command: program ?? "codex",
  apiKey: Redacted.make(Lab.key),
  baseUrl: url,
  rehearsed: true,
  ...changes
})

export const Services = NodeServices.layer

/** Codex with a provider at an address, and what it tells. */
export const running = (url: string, changes: Partial<Codex.Options> = {}, index?: ToolIndex.ToolIndex) =>
  Cli.running(Codex.layer(options(url, changes)), index)

/** The same before a twin that plays these turns. */
export const start = Effect.fnUntraced(function* (
  turns: ReadonlyArray<ProviderTwin.Turn>,
  changes: Partial<Codex.Options> = {},
  index?: ToolIndex.ToolIndex
) {
  const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] }, apiKey: Redacted.make(Lab.key) })
  const bodies = Effect.map(twin.requests, (all) => all.map(({ body }) => JSON.stringify(body)))
  return { ...(yield* running(twin.openAiUrl, changes, index)), twin, bodies }
})
