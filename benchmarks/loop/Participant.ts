/** A **participant** of the loop bench: a loop that asks a model, runs one small tool, and asks again, in a process of its own. */
import { join } from "node:path"
import * as Bench from "../Bench.ts"
import * as Child from "../Child.ts"
import type * as Answers from "./Answers.ts"

/** A loop, and how it is started. */
export interface Participant {
  readonly name: string
  /** What `--peers` calls it; ours and what has no framework are always there. */
  readonly key: "own" | "raw" | "ai" | "mastra" | "pi" | "openai-agents"
  readonly api: Answers.Script["api"]
  readonly mode: "stream" | "generate" | "fetch" | "sdk"
  /** The package whose version is told. */
  readonly package?: string
}

const both = (participant: Omit<Participant, "api">): ReadonlyArray<Participant> => [
  { ...participant, api: "openai" },
  { ...participant, api: "anthropic" }
]

/** Every participant. A peer streams, as ours does; where its documentation begins with answers in one piece, those too. */
export const all: ReadonlyArray<Participant> = [
  ...both({ name: "Millwright", key: "own", mode: "stream" }),
  ...both({ name: "fetch", key: "raw", mode: "fetch" }),
  { name: "SDK", key: "raw", api: "openai", mode: "sdk", package: "openai" },
  { name: "SDK", key: "raw", api: "anthropic", mode: "sdk", package: "@anthropic-ai/sdk" },
  ...both({ name: "AI SDK", key: "ai", mode: "stream", package: "ai" }),
  ...both({ name: "AI SDK, in one piece", key: "ai", mode: "generate", package: "ai" }),
  // Its models at an address of their own speak OpenAI's protocol only.
  { name: "Mastra", key: "mastra", api: "openai", mode: "stream", package: "@mastra/core" },
  { name: "Mastra, in one piece", key: "mastra", api: "openai", mode: "generate", package: "@mastra/core" },
  ...both({ name: "pi", key: "pi", mode: "stream", package: "@earendil-works/pi-agent-core" }),
  { name: "OpenAI agents", key: "openai-agents", api: "openai", mode: "stream", package: "@openai/agents" },
  {
    name: "OpenAI agents, in one piece",
    key: "openai-agents",
    api: "openai",
    mode: "generate",
    package: "@openai/agents"
  }
]

/** Ours, the loops without a framework, and the peers of a list: `all`, `none`, or some with commas between. */
export const chosen = (peers: string, api: string): ReadonlyArray<Participant> => {
  const known = [...new Set(all.map(({ key }) => key))].filter((key) => key !== "own" && key !== "raw")
  const names = peers === "all" ? known : peers === "none" ? [] : peers.split(",").map((name) => name.trim())
  const unknown = names.find((name) => !known.some((key) => key === name))
  if (unknown !== undefined) {
    throw new Bench.BadInput(`--peers knows no "${unknown}". It takes all, none, or some of ${known.join(",")}.`)
  }
  if (!["all", "openai", "anthropic"].includes(api)) {
    throw new Bench.BadInput(`--api takes all, openai or anthropic, not "${api}".`)
  }
  return all.filter(
    (each) =>
      (api === "all" || each.api === api) && (each.key === "own" || each.key === "raw" || names.includes(each.key))
  )
}

/** The stretches of turns that are looked at: the first, the middle and the last tenth. */
export const stretches = ["first", "middle", "last"] as const
/** One of the stretches. */
export type Stretch = (typeof stretches)[number]

/** What was measured of a run. Milliseconds and bytes for each turn; memory as it is at the end of a stretch, in bytes. */
export interface Measured {
  readonly ms: Readonly<Record<Stretch, number>>
  readonly cpu: Readonly<Record<Stretch, number>>
  readonly bytes: Readonly<Record<Stretch, number>>
  readonly heap: Readonly<Record<"first" | "last", number>>
  readonly rss: number
}

const peers = join(import.meta.dirname, "..", "peers", "agents")

/** Whether a tool call ends the loop of a participant, and how the tool of each turn is called there. */
export const scriptOf = ({ api, key, mode }: Participant, turns: number): Answers.Script =>
  key === "own"
    ? {
        api,
        mode,
        turns,
        tool: "mcp__notes__note",
        ending: { tool: "outcome", arguments: { outcome: { _tag: "Done", notes: turns } } }
      }
    : { api, mode, turns, tool: "note" }

const part = (line: Child.Line, name: string): Child.Line => {
  const value = line[name]
  if (typeof value !== "object" || value === null) throw new Error(`A child printed no "${name}"`)
  return { ...value }
}

/** Reads the line that a participant prints. */
export const read = (line: Child.Line): Measured => {
  const of = (name: string) => ({
    first: Child.numberIn(part(line, "first"), name),
    middle: Child.numberIn(part(line, "middle"), name),
    last: Child.numberIn(part(line, "last"), name)
  })
  const heap = part(line, "heap")
  return {
    ms: of("ms"),
    cpu: of("cpu"),
    bytes: of("bytes"),
    heap: { first: Child.numberIn(heap, "first"), last: Child.numberIn(heap, "last") },
    rss: Child.numberIn(line, "rss")
  }
}

/** Runs a participant once, before a model of its own. `own` is the program of ours. */
export const run = async (participant: Participant, own: string, turns: number): Promise<Measured> => {
  const script = scriptOf(participant, turns)
  const server = Child.start(join(import.meta.dirname, "programs", "server.ts"), script, { patience: undefined })
  try {
    const { url } = await server.next()
    const program = participant.key === "own" ? own : join(peers, `${participant.key}.mjs`)
    const request = { ...script, url, turnsModule: join(peers, "Turns.mjs") }
    return read(await Child.run(program, request, { nodeArgs: ["--expose-gc", "--no-warnings"] }))
  } finally {
    await server.kill("SIGKILL")
  }
}
