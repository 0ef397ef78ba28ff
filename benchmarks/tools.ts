/** How well the tool index finds what is needed, and what it costs, beside its peers. */
import * as Bench from "./Bench.ts"
import * as Catalog from "./tools/Catalog.ts"
import * as Distractors from "./tools/Distractors.ts"
import type * as Measure from "./tools/Measure.ts"
import * as Recall from "./tools/Recall.ts"
import * as Speed from "./tools/Speed.ts"
import * as Tokens from "./tools/Tokens.ts"

/** What is measured. */
export const description = "the tool index: recall beside the peers, among thousands of tools, speed and size"

const measures: Readonly<Record<string, Measure.Measure>> = {
  recall: Recall.measure,
  crowd: Recall.crowd,
  speed: Speed.measure,
  tokens: Tokens.measure
}

/** What can be set. */
export const options = {
  only: { type: "string", about: `some of ${Object.keys(measures).join(",")}`, default: "all" },
  catalog: { type: "file", about: "tools: JSON, or gzip of it (the sample in benchmarks/data/tool-index)" },
  queries: { type: "file", about: "queries with the tools that are right for them (the sample)" },
  servers: { type: "file", about: "what servers say about themselves (the sample)" },
  distractors: { type: "file", about: "tools to find the right ones among (made up, the same ones for a seed)" },
  seed: { type: "number", about: "of the tools that are made up", default: 7 }
} as const satisfies Bench.Options

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ distractors, only, seed, ...files }, progress) => {
  const names = Bench.chosen(only, measures)
  const { part, queries } = Catalog.load(files)
  const given = distractors === undefined ? undefined : Catalog.toolsOf(distractors)
  const notes: Array<string> = []
  const setting: Measure.Setting = {
    part,
    queries,
    // A file may hold fewer than are asked for: the figures' names say how many tools there were.
    distractors: (count) =>
      given === undefined ? Distractors.make(count, seed) : { tools: given.slice(0, count), servers: new Map() },
    progress,
    note: (line) => void notes.push(line)
  }
  const figures: Array<Bench.Measured> = []
  for (const name of names) {
    progress(name)
    figures.push(...((await measures[name]?.(setting)) ?? []))
  }
  notes.push(
    given === undefined
      ? "Tools to find the right ones among are made up of kinds of servers, verbs and nouns: no real ones."
      : `Tools to find the right ones among: ${given.length} of a file.`
  )
  return { figures, notes, details: { tools: part.tools.length, queries: queries.length } }
}
