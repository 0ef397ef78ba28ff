/** How many trivial stages a second, beside the peers and beside what bounds the engine. */
import * as Bench from "../Bench.ts"
import * as Measure from "./Measure.ts"
import * as Rival from "./Rival.ts"

interface Contestant {
  readonly name: string
  readonly run: (load: Rival.Load) => Promise<Rival.Measured>
}

const own: ReadonlyArray<{ readonly name: string; readonly variant: Rival.Own }> = [
  { name: "engine NORMAL", variant: "NORMAL" },
  { name: "engine FULL", variant: "FULL" },
  { name: "Effect in memory", variant: "memory" },
  { name: "node:sqlite NORMAL", variant: "raw NORMAL" },
  { name: "node:sqlite FULL", variant: "raw FULL" }
]

const isOurs = (name: string): boolean => name.startsWith("engine ")

/** What each run of a contestant reached, in stages a second, and why one that failed has none. */
interface Reached {
  readonly rates: Map<string, Array<number>>
  readonly failed: Map<string, string>
  readonly policies: Map<string, string>
}

/** Takes turns, so that whatever else the machine does meets all of them alike. */
const compete = async (
  contestants: ReadonlyArray<Contestant>,
  load: Rival.Load,
  { progress, sizes }: Measure.Setting
): Promise<Reached> => {
  const reached: Reached = { rates: new Map(), failed: new Map(), policies: new Map() }
  for (let at = 1; at <= sizes.runs; at++) {
    progress(`${load.lines} × ${load.stages}, ${load.concurrency} at once: run ${at} of ${sizes.runs}`)
    for (const { name, run } of contestants) {
      if (reached.failed.has(name)) continue
      try {
        const { ms, policy } = await run(load)
        reached.rates.set(name, [...(reached.rates.get(name) ?? []), (load.lines * load.stages * 1_000) / ms])
        reached.policies.set(name, policy)
      } catch (error) {
        if (isOurs(name)) throw error
        reached.failed.set(name, Rival.reason(error))
      }
    }
  }
  return reached
}

/** A ratio of what one reached to what another one did, or to the best of several. */
const ratio = (
  { absent }: Measure.Setting,
  { failed, rates }: Reached,
  wanted: { readonly name: string; readonly of: string; readonly to: ReadonlyArray<string>; readonly goal: number }
): Bench.Measured => {
  const figure = { name: wanted.name, unit: "ratio", goal: Measure.atLeast(wanted.goal) }
  const against = wanted.to.map((name) => Bench.median(rates.get(name) ?? []))
  // Who is not there might have been the best, so a bound that leaves somebody out is none.
  const out = wanted.to.filter((_, at) => Number.isNaN(against[at]))
  if (out.length > 0) {
    const why = out.map((name) => `${name}: ${failed.get(name) ?? absent.get(name) ?? "not asked for (--peers)"}`)
    return Measure.missing(figure, why.join("; "))
  }
  return { ...figure, value: Bench.round(Bench.median(rates.get(wanted.of) ?? []) / Math.max(...against)) }
}

const others = Rival.all.map(({ name }) => name).filter((name) => name !== "DBOS")

/** Measures. */
export const measure: Measure.Measure = async (setting) => {
  const { absent, note, postgres, programs, rivals, sizes } = setting
  const contestants: ReadonlyArray<Contestant> = [
    ...own.map(({ name, variant }) => ({
      name,
      run: (load: Rival.Load) => Rival.runOwn(variant, load, programs)
    })),
    ...rivals.map((rival) => ({ name: rival.name, run: (load: Rival.Load) => Rival.run(rival, load, postgres) }))
  ]
  const { concurrency, lines, stages } = sizes
  const warm = { lines: Math.min(10, lines), stages: Math.min(100, stages) }
  const loads = [
    { lines: 1, stages, concurrency: 1, warm, bytes: 0 },
    { lines, stages: 10, concurrency, warm, bytes: 0 }
  ] as const
  const figures: Array<Bench.Measured> = []
  for (const load of loads) {
    const title = `${load.lines} × ${load.stages}`
    const reached = await compete(contestants, load, setting)
    for (const { name } of contestants) {
      const rates = reached.rates.get(name)
      const figure = isOurs(name)
        ? { name: `${title} ${name}`, unit: "stages/s" }
        : { name: title, unit: "stages/s", peer: name }
      const why = reached.failed.get(name)
      if (why !== undefined || rates === undefined) figures.push(Measure.missing(figure, why ?? "no run"))
      else figures.push({ ...figure, ...Bench.middle(rates) })
      const policy = reached.policies.get(name)
      if (policy !== undefined) note(`${name}: ${policy}`)
    }
    for (const [name, why] of absent) {
      figures.push(Measure.missing({ name: title, unit: "stages/s", peer: name }, why))
    }
    figures.push(
      ...(load === loads[0]
        ? [
            { name: `${title} NORMAL against LangGraph graph`, of: "engine NORMAL", to: ["LangGraph graph"], goal: 6 },
            { name: `${title} NORMAL against in memory`, of: "engine NORMAL", to: ["Effect in memory"], goal: 0.85 }
          ]
        : [
            { name: `${title} FULL against DBOS`, of: "engine FULL", to: ["DBOS"], goal: 7 },
            { name: `${title} FULL against the best of the others`, of: "engine FULL", to: others, goal: 2 }
          ]
      ).map((wanted) => ratio(setting, reached, wanted))
    )
  }
  return figures
}
