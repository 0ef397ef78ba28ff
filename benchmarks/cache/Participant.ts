/** A **participant** of the cache bench: a loop that plays the session before a twin of its own, and what its requests cost. */
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import * as Child from "../Child.ts"
import * as Own from "./Own.ts"
import * as Session from "./Session.ts"

/** Who answers: its protocol, and what its cache counts when a mark looks back. */
export interface Provider {
  readonly name: string
  readonly api: "anthropic" | "openai"
  readonly places: "runs" | "blocks"
  readonly model: string
  /** US dollars for a million tokens. */
  readonly price: Readonly<Record<keyof Usage.Usage, number>>
}

const sonnet = {
  api: "anthropic",
  model: "claude-sonnet-4-6",
  price: { input: 3, cacheRead: 0.3, cacheWrite: 3.75, output: 15 }
} as const

/** Every provider. */
export const providers: ReadonlyArray<Provider> = [
  { name: "Claude API", places: "runs", ...sonnet },
  { name: "Claude, each block a place", places: "blocks", ...sonnet },
  {
    name: "OpenAI",
    api: "openai",
    places: "runs",
    model: "gpt-5.1",
    price: { input: 1.25, cacheRead: 0.125, cacheWrite: 0, output: 10 }
  },
  {
    name: "OpenAI from GPT-5.6 on",
    api: "openai",
    places: "runs",
    model: "gpt-5.6",
    price: { input: 4, cacheRead: 0.4, cacheWrite: 5, output: 20 }
  }
]

/** A loop. `variant` is how its user marks the cache. */
export interface Participant {
  readonly name: string
  /** What `--peers` calls it. */
  readonly key: "own" | "ai" | "mastra" | "pi" | "openai-agents"
  readonly apis: ReadonlyArray<Provider["api"]>
  readonly variant?: "plain" | "option" | "marks" | "system"
  /** The package whose version is told. */
  readonly package?: string
}

/** Every participant. OpenAI caches by itself, so there is nothing to mark. */
export const all: ReadonlyArray<Participant> = [
  { name: "Millwright", key: "own", apis: ["anthropic", "openai"] },
  { name: "pi", key: "pi", apis: ["anthropic", "openai"], package: "@earendil-works/pi-agent-core" },
  { name: "AI SDK", key: "ai", apis: ["anthropic", "openai"], variant: "plain", package: "ai" },
  { name: "AI SDK, cacheControl of the request", key: "ai", apis: ["anthropic"], variant: "option", package: "ai" },
  { name: "AI SDK, marks in prepareStep", key: "ai", apis: ["anthropic"], variant: "marks", package: "ai" },
  { name: "Mastra", key: "mastra", apis: ["openai"], variant: "plain", package: "@mastra/core" },
  {
    name: "Mastra, instructions marked",
    key: "mastra",
    apis: ["anthropic"],
    variant: "system",
    package: "@mastra/core"
  },
  {
    name: "Mastra, cacheControl of the request",
    key: "mastra",
    apis: ["anthropic"],
    variant: "option",
    package: "@mastra/core"
  },
  { name: "OpenAI agents", key: "openai-agents", apis: ["openai"], package: "@openai/agents" }
]

/** What the requests of a run cost together, and how many they were. */
export interface Played {
  readonly usage: Usage.Usage
  readonly requests: number
}

/** How a participant is run. `folder` has the packages of the peers. */
export interface Setting {
  readonly provider: Provider
  readonly seed: number
  readonly folder: string
}

/** Plays the session once. Fails where the participant does not come to its end. */
export const play = (participant: Participant, { folder, provider, seed }: Setting): Promise<Played> => {
  const { api, model, places } = provider
  const session = Session.make(seed)
  const program = Effect.gen(function* () {
    const twin = yield* ProviderTwin.make({
      script: Session.script(session, participant.key === "own" ? "outcome" : "text"),
      contextTokens: 1_000_000,
      places
    })
    const url = twin.anthropicUrl
    yield* Effect.promise(async () => {
      if (participant.key === "own") return void (await Own.run(session, { api, model, url }))
      const program = join(folder, "cache", `${participant.key}.mjs`)
      const module = new URL("Session.ts", import.meta.url).href
      const request = { api, model, url, seed, session: module, variant: participant.variant }
      await Child.run(program, request, { nodeArgs: ["--no-warnings"], patience: 300_000 })
    })
    const requests = yield* twin.requests
    return {
      usage: requests.reduce((sum, { usage = Usage.zero }) => Usage.add(sum, usage), Usage.zero),
      requests: requests.length
    }
  })
  return Effect.runPromise(Effect.scoped(program))
}
