/** A **rival**: a peer's way to run durable lines, as its documentation says, with the durability that it has by default. */
import { dirname, join } from "node:path"
import * as Bench from "../Bench.ts"
import * as Child from "../Child.ts"
import * as Peer from "../Peer.ts"
import * as Store from "../Store.ts"
import type * as Postgres from "./Postgres.ts"
import type * as Programs from "./Programs.ts"

/** So many lines of so many stages, so many at once. `bytes` is the size of each stage's output; 0 for a number. */
export interface Load {
  readonly lines: number
  readonly stages: number
  readonly concurrency: number
  readonly warm: { readonly lines: number; readonly stages: number }
  readonly bytes: number
}

/** A peer, and which of its ways. */
export interface Rival {
  readonly name: string
  readonly peer: string
  readonly variant?: string
  readonly package: string
  readonly needsPostgres?: boolean
}

/** Every rival. */
export const all: ReadonlyArray<Rival> = [
  { name: "DBOS", peer: "dbos", package: "@dbos-inc/dbos-sdk", needsPostgres: true },
  { name: "LangGraph graph", peer: "langgraph", variant: "graph", package: "@langchain/langgraph" },
  { name: "LangGraph functional", peer: "langgraph", variant: "functional", package: "@langchain/langgraph" },
  { name: "OpenWorkflow", peer: "openworkflow", package: "openworkflow" },
  { name: "Mastra", peer: "mastra", package: "@mastra/core" },
  { name: "Restate", peer: "restate", package: "@restatedev/restate-server" }
]

/** The rivals of a list of peers: `all`, `none`, or folders of `benchmarks/peers/` with commas between. */
export const chosen = (list: string): ReadonlyArray<Rival> => {
  if (list === "all") return all
  if (list === "none") return []
  const names = list.split(",").map((name) => name.trim())
  const known = [...new Set(all.map(({ peer }) => peer))]
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new Bench.BadInput(`--peers knows no "${unknown}". It takes all, none, or some of ${known.join(",")}.`)
  }
  return all.filter(({ peer }) => names.includes(peer))
}

/** What was measured. `policy` says what a commit promises; `disk` is in bytes. */
export interface Measured {
  readonly ms: number
  readonly policy: string
  readonly disk: number
}

/** Runs a load in a new process on a new store. */
const measure = (
  start: (folder: string) => Promise<Child.Line>,
  /** What is on the disk when the process has ended, if the process does not say. */
  size: (folder: string) => number
): Promise<Measured> =>
  Store.inFolder(async (path) => {
    const folder = dirname(path)
    const line = await start(folder)
    const disk = "disk" in line ? Child.numberIn(line, "disk") : size(folder)
    return { ms: Child.numberIn(line, "ms"), policy: String(line["policy"]), disk }
  })

/** Measures a rival. */
export const run = (rival: Rival, load: Load, postgres: Postgres.Postgres | undefined): Promise<Measured> =>
  measure(async (folder) => {
    const program = join(import.meta.dirname, "..", "peers", rival.peer, "program.mjs")
    const url = rival.needsPostgres === true ? await postgres?.database() : undefined
    return await Child.run(program, { ...load, variant: rival.variant, folder, url }, { cwd: folder })
  }, Store.sizeOf)

/** Our engine, and what bounds it: Effect's engine in memory, and SQLite itself. */
export type Own = "NORMAL" | "FULL" | "memory" | "raw NORMAL" | "raw FULL"

/** Measures ours. */
export const runOwn = (variant: Own, load: Load, programs: Programs.Programs): Promise<Measured> =>
  measure((folder) => programs.run("throughput", { ...load, variant, folder }), Store.sizeOf)

/** Why something failed: the line of it that says so. A stack trace is no reason. */
export const reason = (error: unknown): string => {
  const lines = (error instanceof Error ? error.message : String(error)).split("\n").map((line) => line.trim())
  const saying = lines.findIndex((line) => /\w*Error: /.test(line))
  return lines
    .slice(Math.max(0, saying), Math.max(0, saying) + 3)
    .join(" ")
    .slice(0, 300)
}

/** Fetches the peers of rivals. Answers with those that are there, why the others are not, and with all versions. */
export const prepare = (rivals: ReadonlyArray<Rival>, progress: Bench.Progress) => {
  const absent = new Map<string, string>()
  const versions: Record<string, string> = {}
  for (const { name, package: pack, peer } of rivals) {
    try {
      versions[pack] = Peer.versionIn(Peer.install(peer, progress), pack)
    } catch (error) {
      absent.set(name, reason(error))
    }
  }
  return { ready: rivals.filter(({ name }) => !absent.has(name)), absent, versions }
}
