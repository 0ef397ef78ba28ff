/** What our index costs: to build, to search, to change, to keep. */
import * as ToolRanking from "@millwright/context/ToolRanking"
import * as Bench from "../Bench.ts"
import type * as Catalog from "./Catalog.ts"
import * as Measure from "./Measure.ts"
import * as Ranker from "./Ranker.ts"

/** Each query is asked so often; its best time counts, since a busy machine only adds. */
const repeats = 11

const at = (numbers: ReadonlyArray<number>, share: number): number => {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Real texts under other servers' names and made ones, half and half. */
const grown = ({ distractors, part }: Measure.Setting, count: number): Catalog.Part => {
  const tools = part.tools.slice(0, count)
  const servers = new Map(part.servers)
  for (let copy = 1; tools.length < count / 2; copy++) {
    for (const tool of part.tools.slice(0, Math.ceil(count / 2) - tools.length)) {
      tools.push({ ...tool, server: `${tool.server}-${copy}` })
      servers.set(`${tool.server}-${copy}`, part.servers.get(tool.server) ?? {})
    }
  }
  return Measure.among({ tools, servers }, count, distractors)
}

/** The longest time that nobody else ran, in milliseconds, while something was done. */
const longestStretch = async (work: () => Promise<void>): Promise<number> => {
  let longest = 0
  let last = performance.now()
  let isDone = false
  const tick = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (!isDone) setImmediate(tick)
  }
  setImmediate(tick)
  await work()
  isDone = true
  return longest
}

/** Milliseconds that the processor worked for this thread: what others do on a busy machine does not count. */
const worked = async (work: () => Promise<void>): Promise<number> => {
  const start = process.threadCpuUsage()
  await work()
  const { system, user } = process.threadCpuUsage(start)
  return (system + user) / 1_000
}

const build = async (shelves: ReadonlyArray<ToolRanking.Shelf>) => {
  const ranking = ToolRanking.make()
  return { ranking, ms: await worked(() => Ranker.fill(ranking, shelves)) }
}

const searchTimes = (ranking: ToolRanking.ToolRanking, queries: ReadonlyArray<Catalog.Query>): ReadonlyArray<number> =>
  queries.map(({ query }) => Math.min(...Bench.times(repeats, () => ranking.search({ query, limit: 8 }))))

const goals: ReadonlyArray<{ readonly count: number; readonly p99: number }> = [
  { count: 500, p99: 1 },
  { count: 5_000, p99: 2.5 },
  { count: 50_000, p99: 10 }
]

/** Times and bytes at three sizes. */
export const measure: Measure.Measure = async (setting) => {
  const figures: Array<Bench.Measured> = []
  for (const { count, p99 } of goals) {
    setting.progress(`speed with ${count} tools`)
    const part = grown(setting, count)
    const shelves = Ranker.shelvesOf(part)
    const builds = []
    for (let n = 0; n < (count > 10_000 ? 1 : 3); n++) builds.push(await build(shelves))
    const ranking = builds.at(-1)?.ranking ?? ToolRanking.make()
    const times = searchTimes(ranking, setting.queries)
    const perTool = Bench.middle(builds.map(({ ms }) => (ms * 1_000) / part.tools.length))
    figures.push({ name: `build, ${count} tools`, ...perTool, unit: "µs per tool", goal: { op: "<=", value: 90 } })
    const search = `search, ${count} tools`
    figures.push({ name: `${search}: p50`, value: Bench.round(at(times, 0.5)), unit: "ms" })
    figures.push({
      name: `${search}: p99`,
      value: Bench.round(at(times, 0.99)),
      unit: "ms",
      goal: { op: "<=", value: p99 }
    })
    const size = Bench.round(ranking.bytes() / 2 ** 20)
    const limit: Partial<Bench.Measured> = count === 50_000 ? { goal: { op: "<=", value: 50 } } : {}
    figures.push({ name: `index, ${count} tools`, value: size, unit: "MiB", ...limit })
    if (count === 5_000) figures.push(...(await changes(setting, ranking)))
  }
  setting.note(
    `Build and replace: time of the processor. Search: the best of ${repeats} times of each query, by the clock, which others on the machine slow down.`
  )
  setting.note("Sizes: real tools, copied under other servers' names, and made ones, half and half.")
  return figures
}

/** A server of 200 tools is put in the place of itself. */
const changes = async (
  { part }: Measure.Setting,
  ranking: ToolRanking.ToolRanking
): Promise<ReadonlyArray<Bench.Measured>> => {
  const tools = part.tools.slice(0, 200).map((tool, n) => ({ ...tool, server: "changing", name: `${tool.name}_${n}` }))
  const shelves = Ranker.shelvesOf({ tools, servers: new Map() })
  const times: Array<number> = []
  let longest = Infinity
  for (let n = 0; n < 8; n++) {
    longest = Math.min(longest, await longestStretch(() => Ranker.fill(ranking, shelves)))
    times.push(await worked(() => Ranker.fill(ranking, shelves)))
  }
  const again = Bench.middle(times.slice(1))
  return [
    {
      name: `a server of ${tools.length} tools replaced, among 5000`,
      ...again,
      unit: "ms",
      goal: { op: "<=", value: 20 }
    },
    {
      name: "longest time that nobody else ran, meanwhile",
      value: Bench.round(longest),
      unit: "ms",
      goal: { op: "<=", value: 10 }
    }
  ]
}
