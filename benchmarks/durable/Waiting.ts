/** What many lines cost that wait at gates: memory, disk, processor, and the time until an answered one goes on. */
import * as Bench from "../Bench.ts"
import * as Child from "../Child.ts"
import * as Store from "../Store.ts"
import * as Measure from "./Measure.ts"
import type * as Programs from "./Programs.ts"

/** How many gates are answered from inside, and how many from another process, at most. */
const most = 25

/** How long an answered line may take to go on, in milliseconds. */
const patience = 5_000

/** A process that holds lines. Times are in milliseconds, memory in bytes, `cpu` in percent. */
interface Holder {
  readonly ready: number
  readonly rss: number
  readonly heap: number
  readonly cpu: number
  /** Answers the gate of an item in the process. Answers with the time until the line went on, if it did. */
  readonly inside: (item: number) => Promise<number | undefined>
  /** Answers gates in another process. */
  readonly outside: (items: ReadonlyArray<number>) => Promise<ReadonlyArray<number>>
}

interface Hold {
  readonly path: string
  /** How many lines it starts; those that are there it holds anyway. */
  readonly lines: number
  /** Seconds for which it is watched. */
  readonly idle: number
}

const hold = async <A>(
  programs: Programs.Programs,
  { idle, lines, path }: Hold,
  use: (holder: Holder) => Promise<A>
): Promise<A> => {
  const child = programs.start("waiting", { path, lines, idle: idle * 1_000 }, { nodeArgs: ["--expose-gc"] })
  const until = async (name: string): Promise<Child.Line> => {
    for (;;) {
      const line = await child.next()
      if (name in line) return line
    }
  }
  const outside = async (items: ReadonlyArray<number>): Promise<ReadonlyArray<number>> => {
    const other = programs.start("answer", { path, answers: items })
    const times: Array<number> = []
    for (const _ of items) {
      const asked = BigInt(String((await other.next())["asked"]))
      const late = new Promise<void>((resolve) => setTimeout(resolve, patience).unref())
      const resumed = await Promise.race([until("resumed"), late])
      if (resumed === undefined) break
      times.push(Number(BigInt(String(resumed["resumed"])) - asked) / 1e6)
    }
    await other.ended
    return times
  }
  try {
    const ready = Child.since(child.startedAt, await until("ready"), "ready")
    const idleness = await until("rss")
    const result = await use({
      ready,
      rss: Child.numberIn(idleness, "rss"),
      heap: Child.numberIn(idleness, "heap"),
      cpu: Child.numberIn(idleness, "cpu"),
      inside: async (answer) => {
        child.tell({ answer })
        const { took } = await until("took")
        return typeof took === "number" ? took : undefined
      },
      outside
    })
    child.tell({ end: true })
    await child.ended
    return result
  } finally {
    await child.kill("SIGKILL")
  }
}

/** Measures. */
export const measure: Measure.Measure = async ({ programs, progress, sizes }) => {
  const { idle, runs, waiting } = sizes
  const answered = Math.min(most, Math.ceil(waiting / 4))
  progress("an idle process")
  const empty = await Store.inFolder((path) =>
    hold(programs, { path, lines: 0, idle }, async (held) => ({ ...held, disk: Store.settledSize(path) }))
  )
  return await Store.inFolder(async (path) => {
    // Spread over all lines, and none twice.
    let next = 0
    const item = () => (next += Math.max(1, Math.floor(waiting / (2 * answered + runs + 1)))) % waiting
    progress(`starting ${waiting} lines`)
    const start = performance.now()
    const first = await hold(programs, { path, lines: waiting, idle }, async (held) => {
      const seconds = (performance.now() - start) / 1_000 - idle - 1
      const disk = (Store.settledSize(path) - empty.disk) / waiting
      const inside: Array<number> = []
      for (let at = 0; at < answered; at++) {
        const took = await held.inside(item())
        if (took !== undefined) inside.push(took)
      }
      return {
        ...held,
        disk,
        seconds,
        times: { inside, outside: await held.outside(Array.from({ length: answered }, item)) }
      }
    })
    const again: Array<Holder & { readonly goesOn: boolean }> = []
    for (let at = 1; at <= runs; at++) {
      progress(`the process that holds them starts again: run ${at} of ${runs}`)
      again.push(
        await hold(programs, { path, lines: 0, idle }, async (held) => ({
          ...held,
          goesOn: (await held.inside(item())) !== undefined
        }))
      )
    }
    const over = (held: Holder): number => (held.rss - empty.rss) / 1e6
    const title = `${waiting} waiting`
    const goesOn = (where: string, times: ReadonlyArray<number>, goal: Bench.Goal): Bench.Measured => {
      const figure = { name: `${title}: an answered one goes on, ${where}`, unit: "ms", goal }
      return times.length === answered
        ? { ...figure, ...Bench.middle(times) }
        : Measure.missing(figure, `only ${times.length} of ${answered} went on within ${patience} ms each`)
    }
    return [
      { name: `${title}: until all wait`, value: Bench.round(first.seconds), unit: "s" },
      {
        name: `${title}: memory over an idle process`,
        value: Bench.round(over(first)),
        unit: "MB",
        goal: Measure.atMost(20)
      },
      { name: `${title}: heap over an idle process`, value: Bench.round((first.heap - empty.heap) / 1e6), unit: "MB" },
      {
        name: `${title}: memory over an idle process, after a restart`,
        unit: "MB",
        ...Bench.middle(again.map(over)),
        goal: Measure.atMost(20)
      },
      { name: `${title}: disk for each`, value: Bench.round(first.disk), unit: "bytes", goal: Measure.atMost(250) },
      {
        name: `${title}: processor while idle`,
        unit: "%",
        ...Bench.middle([first, ...again].map(({ cpu }) => cpu)),
        goal: Measure.atMost(0.2)
      },
      { name: "nothing waiting: processor while idle", unit: "%", value: Bench.round(empty.cpu) },
      goesOn("in process", first.times.inside, Measure.atMost(2)),
      goesOn("from another process", first.times.outside, Measure.atMost(20)),
      {
        name: `${title}: process start to ready, after a restart`,
        unit: "ms",
        ...Bench.middle(again.map(({ ready }) => ready)),
        goal: Measure.atMost(500)
      },
      {
        name: `${title}: an answered one goes on, after a restart`,
        unit: `of ${runs}`,
        value: again.filter(({ goesOn }) => goesOn).length,
        goal: Measure.atLeast(runs)
      }
    ]
  })
}
