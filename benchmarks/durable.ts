/** What the embedded engine costs and promises, beside its peers and beside what bounds it. */
import { loadavg } from "node:os"
import * as Bench from "./Bench.ts"
import * as Cluster from "./durable/Cluster.ts"
import * as ColdStart from "./durable/ColdStart.ts"
import * as Disk from "./durable/Disk.ts"
import * as Dispatcher from "./durable/Dispatcher.ts"
import * as Growth from "./durable/Growth.ts"
import * as Kill from "./durable/Kill.ts"
import * as Measure from "./durable/Measure.ts"
import * as Postgres from "./durable/Postgres.ts"
import * as Programs from "./durable/Programs.ts"
import * as Rival from "./durable/Rival.ts"
import * as Throughput from "./durable/Throughput.ts"
import * as Waiting from "./durable/Waiting.ts"

/** What is measured. */
export const description =
  "durable lines: speed beside the peers, growth, disk, kill -9, waiting, cold start, cluster, dispatcher"

const measures: Readonly<Record<string, Measure.Measure>> = {
  throughput: Throughput.measure,
  growth: Growth.measure,
  disk: Disk.measure,
  cold: ColdStart.measure,
  kill: Kill.measure,
  waiting: Waiting.measure,
  cluster: Cluster.measure,
  dispatcher: Dispatcher.measure
}

/** What can be set. */
export const options = {
  only: { type: "string", about: `some of ${Object.keys(measures).join(",")}`, default: "all" },
  peers: { type: "string", about: "all, none, or some of dbos,langgraph,openworkflow,mastra,restate", default: "all" },
  packages: { type: "string", about: "built (as published) or source: what our programs run on", default: "built" },
  runs: { type: "number", about: "runs that the median is taken of", default: 5 },
  stages: { type: "number", about: "stages of the one long line", default: 1_000 },
  lines: { type: "number", about: "lines of 10 stages each that run together", default: 200 },
  concurrency: { type: "number", about: "how many of them at once", default: 50 },
  late: { type: "number", about: "the late stage whose cost is compared with the 10th", default: 10_000 },
  kills: { type: "number", about: "how often a process is killed", default: 200 },
  seed: { type: "number", about: "of the moments of the kills (another one each time)" },
  waiting: { type: "number", about: "lines that wait at gates", default: 10_000 },
  idle: { type: "number", about: "seconds for which an idle process is watched", default: 10 },
  waits: { type: "number", about: "gates and timers of the cluster", default: 20 },
  nap: { type: "number", about: "seconds of such a timer", default: 3 },
  moved: { type: "number", about: "lines of the cluster that lose a runner", default: 50 },
  items: { type: "number", about: "items of the dispatcher at once", default: 100_000 },
  weeks: { type: "number", about: "simulated weeks of the dispatcher", default: 52 }
} as const satisfies Bench.Options

const described = ({ missing, name, peer, spread, unit, value }: Bench.Measured): string => {
  const title = peer === undefined ? name : `${name} (${peer})`
  if (missing !== undefined) return `  ${title}: ${missing}`
  const range = spread === undefined ? "" : ` (${spread.min}–${spread.max}, ${spread.runs} runs)`
  return `  ${title}: ${value} ${unit}${range}`
}

const loadNow = (): string =>
  loadavg()
    .map((average) => average.toFixed(2))
    .join(" ")

/** Measures whose programs are compared with the peers'. The cluster is, with the peer on the same server. */
const isCompared = (name: string, { needsPostgres }: Rival.Rival): boolean =>
  ["throughput", "disk"].includes(name) || (name === "cluster" && needsPostgres === true)

/** A measure that fails is said to be not measured, with its reason, and takes nothing of the others with it. */
const figuresOf = async (name: string, setting: Measure.Setting): Promise<ReadonlyArray<Bench.Measured>> => {
  try {
    return (await measures[name]?.(setting)) ?? []
  } catch (error) {
    return [Measure.missing({ name, unit: "" }, Rival.reason(error))]
  }
}

/** Gives a server if one is needed. Where it can not be had, says why instead. */
const withPostgres = async <A>(
  isNeeded: boolean,
  progress: Bench.Progress,
  use: (postgres: Postgres.Postgres | undefined, why: string) => Promise<A>
): Promise<A> => {
  if (!isNeeded) return await use(undefined, "nothing needs it")
  let isRunning = false
  try {
    return await Postgres.run(progress, (postgres) => {
      isRunning = true
      return use(postgres, "")
    })
  } catch (error) {
    if (isRunning) throw error
    return await use(undefined, `PostgreSQL does not start: ${Rival.reason(error)}`)
  }
}

/** Measures. Ours and the peers take turns, each run in a process and on a store of its own. */
export const run: Bench.Run<typeof options> = async ({ only, packages, peers, ...sizes }, progress) => {
  const names = Bench.chosen(only, measures)
  const asked = Rival.chosen(peers).filter((rival) => names.some((name) => isCompared(name, rival)))
  const seed = sizes.seed ?? (Date.now() % 1_000_000_000) + 1
  const { absent, ready, versions } = Rival.prepare(asked, progress)
  const needsPostgres = names.includes("cluster") || ready.some((rival) => rival.needsPostgres === true)
  return await Programs.prepare(packages, progress, (programs) =>
    withPostgres(needsPostgres, progress, async (postgres, noPostgres) => {
      const rivals = ready.filter(({ needsPostgres }) => needsPostgres !== true || postgres !== undefined)
      for (const { name } of ready.filter((rival) => !rivals.includes(rival))) absent.set(name, noPostgres)
      const notes = new Set<string>()
      const note = (line: string): void => void notes.add(line)
      const setting = { sizes: { ...sizes, seed }, programs, rivals, absent, postgres, noPostgres, progress, note }
      const figures: Array<Bench.Measured> = []
      for (const name of names) {
        progress(`${name} (load average ${loadNow()})`)
        const found = await figuresOf(name, setting)
        for (const figure of found) progress(described(figure))
        progress(`${name} is done (load average ${loadNow()})`)
        figures.push(...found)
      }
      return { figures, notes: [...notes], versions: { ...versions, packages, seed: String(seed) } }
    })
  )
}
