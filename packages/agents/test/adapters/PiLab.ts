/** The real pi before a provider twin, and where its program is. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import type * as ToolIndex from "@millwright/context/ToolIndex"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import { existsSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import * as Pi from "../../src/adapters/Pi.ts"
import type * as ScriptedHarness from "../../src/testing/ScriptedHarness.ts"
import * as Cli from "./CliLab.ts"
import * as Lab from "./LoopLab.ts"

/** Its program, as `npm ci` in `test/programs` installs it; `undefined` where that was not done. */
export const program = ((): string | undefined => {
  const modules = join(import.meta.dirname, "..", "programs", "node_modules")
  const file = join(modules, "@earendil-works", "pi-coding-agent", "dist", "bundle", "cli.js")
  return existsSync(file) ? file : undefined
})()

// It is run by the Node that it finds first, and does not know how to be run by an older one than ours.
process.env["PATH"] = `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`

/** Why its tests are skipped. */
export const missing = "skipped, since pi is not there: npm ci in packages/agents/test/programs"

if (program === undefined && (process.env["MILLWRIGHT_REQUIRES"] ?? "").split(" ").includes("pi")) {
  throw new Error(missing)
}

/** What the tests that need it are called. */
export const titled = (title: string): string => (program === undefined ? `${title} (${missing})` : title)

export const models = { small: "m-small", standard: "m-standard", large: "m-large" }

/** A call as pi's model makes it. */
export const call = (tool: string, input: Schema.Json): ProviderTwin.Call => ({
  tool,
  arguments: Object.fromEntries(Object.entries(input ?? {}).map(([key, value]) => [words[key] ?? key, value]))
})

const words: Readonly<Record<string, string>> = { script: "command" }

export const bash = (script: string): ProviderTwin.Turn => ({ calls: [call("bash", { script })] })

export const outcome = (outcome: Schema.Json): ProviderTwin.Turn => ({
  calls: [{ tool: "outcome", arguments: { outcome } }]
})

/** The turns of a suite. */
export const played = (turns: ReadonlyArray<ScriptedHarness.Turn>): ReadonlyArray<ProviderTwin.Turn> =>
  turns.map(({ calls = [], outcome: given, text }) => ({
    ...(text === undefined ? {} : { text }),
    calls: [
      ...calls.map(({ arguments: input, tool }) => call(tool, input)),
      ...(given === undefined ? [] : (outcome(given).calls ?? []))
    ]
  }))

/** How it is set up before a provider at an address. */
export const options = (url: string, changes: Partial<Pi.Options> = {}): Pi.Options => ({
  models,
  command: program ?? "pi",
  apiKey: Redacted.make(Lab.key),
  baseUrl: url,
  rehearsed: true,
  ...changes
})

export const Services = NodeServices.layer

/** pi with a provider at an address, and what it tells. */
export const running = (url: string, changes: Partial<Pi.Options> = {}, index?: ToolIndex.ToolIndex) =>
  Cli.running(Pi.layer(options(url, changes)), index)

/** The same before a twin that plays these turns. */
export const start = Effect.fnUntraced(function* (
  turns: ReadonlyArray<ProviderTwin.Turn>,
  changes: Partial<Pi.Options> = {},
  index?: ToolIndex.ToolIndex
) {
  const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] }, apiKey: Redacted.make(Lab.key) })
  const bodies = Effect.map(twin.requests, (all) => all.map(({ body }) => JSON.stringify(body)))
  return { ...(yield* running(twin.anthropicUrl, changes, index)), twin, bodies }
})
