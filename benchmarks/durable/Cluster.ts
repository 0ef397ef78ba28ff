/**
 * The engine of several machines: three runners on PostgreSQL, on the server on which DBOS is measured too. How fast they
 * are together, how soon they hear of an answer and of a due timer, and what the death of one of them costs.
 */
import * as Bench from "../Bench.ts"
import * as Child from "../Child.ts"
import * as Measure from "./Measure.ts"
import * as Postgres from "./Postgres.ts"
import type * as Programs from "./Programs.ts"
import * as Rival from "./Rival.ts"

const runners = 3

/** The stages of the lines that lose a runner, and how long each takes, in milliseconds. */
const loss = { stages: 10, millis: 50, patience: 60_000 }

interface Fleet {
  readonly url: string
  readonly runners: ReadonlyArray<Child.Child>
}

/** Starts runners on a new database, and ends them in every case. */
const withFleet = async <A>(
  programs: Programs.Programs,
  postgres: Postgres.Postgres,
  use: (fleet: Fleet) => Promise<A>
): Promise<A> => {
  const url = await postgres.database()
  const fleet: Array<Child.Child> = []
  try {
    for (let at = 0; at < runners; at++) {
      fleet.push(programs.start("clusterRunner", { url, port: await Postgres.freePort() }))
      await fleet.at(-1)?.next()
    }
    return await use({ url, runners: fleet })
  } finally {
    await Promise.all(fleet.map((runner) => runner.kill("SIGKILL")))
  }
}

const numbersIn = (line: Child.Line, name: string): ReadonlyArray<number> => {
  const found = line[name]
  return Array.isArray(found) ? found.map(Number) : []
}

type On = Measure.Setting & { readonly postgres: Postgres.Postgres }

/** Takes turns with DBOS. */
const throughput = async ({ absent, note, postgres, programs, progress, rivals, sizes }: On) => {
  const { concurrency, lines, runs } = sizes
  const warm = { lines: Math.min(10, lines), stages: Math.min(100, sizes.stages) }
  const load = { lines, stages: 10, concurrency, warm, bytes: 0 }
  const title = `${lines} × 10`
  const rate = (ms: number) => (lines * load.stages * 1_000) / ms
  const dbos = rivals.find(({ name }) => name === "DBOS")
  const rates = { cluster: new Array<number>(), dbos: new Array<number>() }
  let failed: string | undefined
  for (let at = 1; at <= runs; at++) {
    progress(`${title}, ${concurrency} at once, ${runners} runners: run ${at} of ${runs}`)
    const { ms } = await withFleet(programs, postgres, ({ url }) => programs.run("clusterLoad", { ...load, url }))
    rates.cluster.push(rate(Number(ms)))
    if (dbos === undefined || failed !== undefined) continue
    try {
      const found = await Rival.run(dbos, load, postgres)
      rates.dbos.push(rate(found.ms))
      note(`DBOS: ${found.policy}`)
    } catch (error) {
      failed = Rival.reason(error)
    }
  }
  const why = failed ?? (dbos === undefined ? (absent.get("DBOS") ?? "not asked for (--peers)") : undefined)
  const peer = { name: title, unit: "stages/s", peer: "DBOS" }
  const ratio = { name: `${title} cluster against DBOS`, unit: "ratio", goal: Measure.atLeast(1) }
  return [
    { name: `${title} cluster, ${runners} runners`, unit: "stages/s", ...Bench.middle(rates.cluster) },
    why === undefined ? { ...peer, ...Bench.middle(rates.dbos) } : Measure.missing(peer, why),
    why === undefined
      ? { ...ratio, value: Bench.round(Bench.median(rates.cluster) / Bench.median(rates.dbos)) }
      : Measure.missing(ratio, why)
  ]
}

const waits = async ({ postgres, programs, progress, sizes }: On): Promise<ReadonlyArray<Bench.Measured>> => {
  progress(`${sizes.waits} timers, and ${sizes.waits} gates that another process answers`)
  const request = { waits: sizes.waits, nap: sizes.nap * 1_000 }
  const found = await withFleet(programs, postgres, ({ url }) => programs.run("clusterWaits", { ...request, url }))
  const goal = Measure.atMost(500)
  return [
    {
      name: "cluster: a gate answered by another process, until the next stage is recorded",
      unit: "ms",
      ...Bench.middle(numbersIn(found, "signals")),
      goal
    },
    {
      name: `cluster: lateness of a timer of ${sizes.nap} s`,
      unit: "ms",
      ...Bench.middle(numbersIn(found, "late")),
      goal
    }
  ]
}

const lost = async ({ postgres, programs, progress, sizes }: On): Promise<ReadonlyArray<Bench.Measured>> => {
  const lines = sizes.moved
  progress(`SIGKILL of one of ${runners} runners in the middle of ${lines} lines of ${loss.stages} stages`)
  const { killed, line } = await withFleet(programs, postgres, async ({ runners: [victim], url }) => {
    const client = programs.start("clusterLoss", { ...loss, lines, url })
    try {
      await client.next()
      // On the clock of the facts.
      const killed = Date.now()
      await victim?.kill("SIGKILL")
      return { killed, line: await client.next() }
    } finally {
      await client.kill("SIGKILL")
    }
  })
  const taken = numbersIn(line, "again").flatMap((at) => (at >= killed ? [at - killed] : []))
  const title = `cluster, 1 of ${runners} runners killed`
  const figure = { name: `${title}: until a stage in flight began again elsewhere`, unit: "ms" }
  const none = Measure.atMost(0)
  return [
    {
      name: `${title}: lines of ${lines} not finished`,
      value: Child.numberIn(line, "unfinished"),
      unit: "lines",
      goal: none
    },
    { name: `${title}: stage results twice`, value: Child.numberIn(line, "twice"), unit: "stages", goal: none },
    taken.length > 0
      ? { ...figure, ...Bench.middle(taken) }
      : Measure.missing(figure, "the killed runner had no stage in flight")
  ]
}

/** Measures. */
export const measure: Measure.Measure = async (setting) => {
  const { noPostgres, postgres } = setting
  if (postgres === undefined) return [Measure.missing({ name: "cluster", unit: "" }, noPostgres)]
  const on = { ...setting, postgres }
  return [...(await throughput(on)), ...(await waits(on)), ...(await lost(on))]
}
