/** A **ranker**: something that says which tools fit a query, ours or a peer. */
import * as ToolRanking from "@millwright/context/ToolRanking"
import * as Effect from "effect/Effect"
import MiniSearch from "minisearch"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type * as Bench from "../Bench.ts"
import * as Peer from "../Peer.ts"
import * as Catalog from "./Catalog.ts"

/** The ids of the tools that fit each query, the best first, at most {@link depth}. Throws what says why it can not. */
export interface Ranker {
  readonly name: string
  readonly rank: (
    part: Catalog.Part,
    queries: ReadonlyArray<string>,
    progress: Bench.Progress
  ) => Promise<ReadonlyArray<ReadonlyArray<string>>>
}

/** So many tools are asked for. */
export const depth = 50

/** The shelves of a catalogue, as our index takes them. */
export const shelvesOf = ({ servers, tools }: Catalog.Part): ReadonlyArray<ToolRanking.Shelf> =>
  [...Map.groupBy(tools, ({ server }) => server)].map(([server, own]) => ({
    server,
    description: [servers.get(server)?.title, servers.get(server)?.description].filter(Boolean).join(". "),
    documents: own.map((tool) => ({
      id: Catalog.idOf(tool),
      name: tool.name,
      description: tool.description ?? "",
      schema: tool.inputSchema ?? {}
    }))
  }))

/** Fills an index. */
export const fill = (ranking: ToolRanking.ToolRanking, shelves: ReadonlyArray<ToolRanking.Shelf>): Promise<void> =>
  Effect.runPromise(Effect.forEach(shelves, (shelf) => ranking.replace(shelf), { discard: true }))

/** Ours. */
export const own: Ranker = {
  name: "millwright",
  rank: async (part, queries) => {
    const ranking = ToolRanking.make()
    await fill(ranking, shelvesOf(part))
    return queries.map((query) => ranking.search({ query, limit: depth }).hits.map(({ id }) => id))
  }
}

const words = (text: string): ReadonlyArray<string> => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []

const textOf = (tool: Catalog.Tool): string => `${tool.name} ${tool.description ?? ""} ${Catalog.parametersOf(tool)}`

const best = (scores: ReadonlyArray<number>, ids: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...scores.keys()]
    .filter((n) => (scores[n] ?? 0) > 0)
    .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
    .slice(0, depth)
    .map((n) => ids[n] ?? "")

/** BM25 over name, description, names and descriptions of parameters: the fields that Anthropic documents for its tool search. */
const bm25: Ranker = {
  name: "plain BM25",
  rank: async ({ tools }, queries) => {
    const texts = tools.map((tool) => words(textOf(tool)))
    const average = texts.reduce((sum, text) => sum + text.length, 0) / texts.length
    const counts = texts.map((text) => {
      const count = new Map<string, number>()
      for (const word of text) count.set(word, (count.get(word) ?? 0) + 1)
      return count
    })
    const holders = new Map<string, number>()
    for (const count of counts) for (const word of count.keys()) holders.set(word, (holders.get(word) ?? 0) + 1)
    const ids = tools.map(Catalog.idOf)
    const score = (asked: ReadonlySet<string>, n: number): number => {
      let sum = 0
      for (const word of asked) {
        const count = counts[n]?.get(word) ?? 0
        const held = holders.get(word) ?? 0
        const length = (texts[n]?.length ?? 0) / average
        sum +=
          (Math.log(1 + (tools.length - held + 0.5) / (held + 0.5)) * count * 2.2) /
          (count + 1.2 * (0.25 + 0.75 * length))
      }
      return sum
    }
    return queries.map((query) => {
      const asked = new Set(words(query))
      return best(
        tools.map((_, n) => score(asked, n)),
        ids
      )
    })
  }
}

/** A regular expression of the query's words, over the same text: who matches more of them is first. */
const regex: Ranker = {
  name: "regex",
  rank: async ({ tools }, queries) => {
    const texts = tools.map(textOf)
    const ids = tools.map(Catalog.idOf)
    return queries.map((query) => {
      const asked = new RegExp([...new Set(words(query))].filter((word) => word.length > 2).join("|") || "$^", "gi")
      return best(
        texts.map((text) => new Set(text.match(asked)?.map((word) => word.toLowerCase())).size),
        ids
      )
    })
  }
}

/** MiniSearch as it is without settings. */
const minisearch: Ranker = {
  name: "minisearch",
  rank: async ({ tools }, queries) => {
    const index = new MiniSearch<{ id: number }>({ fields: ["name", "description", "parameters"] })
    index.addAll(
      tools.map((tool, id) => ({
        id,
        name: tool.name,
        description: tool.description ?? "",
        parameters: Catalog.parametersOf(tool)
      }))
    )
    const ids = tools.map(Catalog.idOf)
    return queries.map((query) =>
      index
        .search(query)
        .slice(0, depth)
        .map(({ id }) => ids[Number(id)] ?? "")
    )
  }
}

/** Mastra's processor that searches tools, as published: asked through the tool that it gives a model. */
const mastra: Ranker = {
  name: "Mastra",
  rank: async ({ tools }, queries, progress) => {
    const peer = Peer.install("mastra", progress)
    const folder = mkdtempSync(join(tmpdir(), "bench-tools-"))
    try {
      const input = join(folder, "input.json")
      const output = join(folder, "output.json")
      const asked = tools.map((tool) => ({ id: Catalog.idOf(tool), description: tool.description ?? "" }))
      writeFileSync(input, JSON.stringify({ tools: asked, queries, depth }))
      const { status, stderr } = spawnSync(process.execPath, [join(peer, "rank.mjs"), input, output], {
        cwd: folder,
        encoding: "utf8",
        timeout: 300_000
      })
      if (status !== 0) throw new Error(stderr.trim().split("\n").at(-1) ?? "it ended early")
      const found: ReadonlyArray<ReadonlyArray<string>> = JSON.parse(readFileSync(output, "utf8"))
      return found
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Those that ours is compared with. */
export const peers: ReadonlyArray<Ranker> = [bm25, regex, minisearch, mastra]
