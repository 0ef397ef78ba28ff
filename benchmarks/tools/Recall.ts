/** How often the right tool is among the first: ours beside the peers, and among more and more tools. */
import type * as Bench from "../Bench.ts"
import type * as Catalog from "./Catalog.ts"
import * as Measure from "./Measure.ts"
import * as Ranker from "./Ranker.ts"

/** What one ranker found: for each query, the ranks of its needs, from 1; `Infinity` for what is not found. */
type Ranks = ReadonlyArray<ReadonlyArray<number>>

const ranksOf = (queries: ReadonlyArray<Catalog.Query>, found: ReadonlyArray<ReadonlyArray<string>>): Ranks =>
  queries.map(({ needs }, n) =>
    needs.map((need) => {
      const place = (found[n] ?? []).findIndex((id) => need.includes(id))
      return place < 0 ? Infinity : place + 1
    })
  )

const kinds: Readonly<Record<string, (query: Catalog.Query) => boolean>> = {
  all: () => true,
  "single-need": ({ needs }) => needs.length === 1,
  agent: ({ needs, source }) => source.endsWith("agent") && needs.length === 1,
  step: ({ source }) => source.endsWith("step"),
  task: ({ source }) => source.endsWith("task")
}

const percent = (part: number, all: number): number => Number(((100 * part) / all).toFixed(1))

/** One need counts as one, whatever query it is of. */
const ranksOfKind = (setting: Measure.Setting, ranks: Ranks, kind: string): ReadonlyArray<number> =>
  setting.queries.flatMap((query, n) => (kinds[kind]?.(query) === true ? (ranks[n] ?? []) : []))

const recall = (ranks: ReadonlyArray<number>, at: number): number =>
  percent(ranks.filter((rank) => rank <= at).length, ranks.length)

const goals: Readonly<Record<string, number>> = { "single-need": 92, agent: 90 }

const figuresOf = (setting: Measure.Setting, ranks: Ranks, peer?: string): ReadonlyArray<Bench.Measured> =>
  Object.keys(kinds).flatMap((kind) => {
    const own = ranksOfKind(setting, ranks, kind)
    if (own.length === 0) return []
    const of = (at: number): Bench.Measured => {
      const goal = at === 5 && peer === undefined ? goals[kind] : undefined
      return {
        name: `recall@${at}, ${kind} (${own.length} needs)`,
        value: recall(own, at),
        unit: "%",
        ...(peer !== undefined && { peer }),
        ...(goal !== undefined && { goal: { op: ">=", value: goal } as const })
      }
    }
    const mrr: Bench.Measured = {
      name: `MRR, ${kind}`,
      value:
        percent(
          own.reduce((sum, rank) => sum + 1 / rank, 0),
          own.length
        ) / 100,
      unit: "",
      ...(peer !== undefined && { peer })
    }
    return [...[1, 3, 5, 10].map(of), mrr]
  })

const texts = (queries: ReadonlyArray<Catalog.Query>): ReadonlyArray<string> => queries.map(({ query }) => query)

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 200)

/** Over the catalogue itself. */
export const measure: Measure.Measure = async (setting) => {
  const { part, progress, queries } = setting
  const figures: Array<Bench.Measured> = []
  figures.push(...figuresOf(setting, ranksOf(queries, await Ranker.own.rank(part, texts(queries), progress))))
  for (const { name, rank } of Ranker.peers) {
    progress(`recall: ${name}`)
    try {
      figures.push(...figuresOf(setting, ranksOf(queries, await rank(part, texts(queries), progress)), name))
    } catch (error) {
      figures.push({ name: "recall", value: Number.NaN, unit: "%", peer: name, missing: `missing: ${reason(error)}` })
    }
  }
  setting.note(
    "Recall: a need is met at k when one of its tools is among the first k. Single-need: queries with one need."
  )
  setting.note("The peers get the same tools and queries; regex: the query's words, by how many of them a tool has.")
  return figures
}

/** Among 5,000 and 10,000 tools, beside plain BM25. */
export const crowd: Measure.Measure = async (setting) => {
  const { distractors, part, progress, queries } = setting
  const figures: Array<Bench.Measured> = []
  for (const { count, goal } of [
    { count: 5_000, goal: 82 },
    { count: 10_000, goal: 76 }
  ]) {
    const crowded = Measure.among(part, count, distractors)
    const rankers = [Ranker.own, ...Ranker.peers.filter(({ name }) => name === "plain BM25")]
    for (const { name, rank } of rankers) {
      progress(`recall among ${crowded.tools.length} tools: ${name}`)
      const ranks = ranksOf(queries, await rank(crowded, texts(queries), progress))
      const isOwn = name === Ranker.own.name
      figures.push({
        name: `recall@5, single-need, among ${crowded.tools.length} tools`,
        value: recall(ranksOfKind(setting, ranks, "single-need"), 5),
        unit: "%",
        ...(isOwn ? { goal: { op: ">=", value: goal } as const } : { peer: name })
      })
    }
  }
  return figures
}
