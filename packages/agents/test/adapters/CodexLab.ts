/** The real Codex before a provider twin, and where its program is. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as McpToolServer from "@millwright/context/adapters/McpToolServer"
import * as ToolIndex from "@millwright/context/ToolIndex"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Codex from "../../src/adapters/Codex.ts"
import * as Harness from "../../src/Harness.ts"
import type * as ScriptedHarness from "../../src/testing/ScriptedHarness.ts"
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
export const running = Effect.fnUntraced(function* (
  url: string,
  changes: Partial<Codex.Options> = {},
  index?: ToolIndex.ToolIndex
) {
  const built = yield* Layer.build(
    Codex.layer(options(url, changes)).pipe(
      Layer.provide(Layer.succeed(Pricing.Pricing, Lab.cents)),
      Layer.provideMerge(Layer.fresh(MemoryJournal.layer)),
      Layer.provide([
        index === undefined ? Layer.empty : Layer.succeed(ToolIndex.ToolIndex, index),
        index === undefined ? Layer.empty : McpToolServer.layer
      ])
    )
  )
  const harness = Context.get(built, Harness.Harness)
  const journal = Context.get(built, Journal.Journal)
  const events: Array<Harness.HarnessEvent> = []
  return {
    journal,
    events,
    run: Effect.fnUntraced(function* (changes?: Partial<Harness.Request>) {
      yield* Stream.runForEach(harness.run(Lab.request(changes)), (event) => Effect.sync(() => events.push(event)))
      const last = events.at(-1)
      return last?._tag === "Ended" ? last : yield* Effect.die(`The last event is ${last?._tag}`)
    }),
    all: Stream.runCollect(journal.read()),
    facts: <Tag extends FactoryEvent.Fact["_tag"]>(tag: Tag) =>
      Effect.map(Stream.runCollect(journal.read()), (events) =>
        events.flatMap(({ fact }) =>
          fact._tag === tag ? [fact as Extract<FactoryEvent.Fact, { readonly _tag: Tag }>] : []
        )
      )
  }
})

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
