/** What many lines cost that wait at gates: memory, disk, processor, and the time until an answered one goes on. */
import { dirname } from "node:path"
import * as Bench from "../Bench.ts"
import * as Child from "../Child.ts"
import * as Store from "../Store.ts"
import * as Measure from "./Measure.ts"
import type * as Programs from "./Programs.ts"

/** How many gates are answered from inside, and as many from another process, for each process that holds them. */
const answered = 5

interface Hold {
  readonly path: string
  readonly lines: number
  readonly idle: number
  readonly inside: ReadonlyArray<number>
  readonly outside: ReadonlyArray<number>
}

/** What a process came to that held the lines. Times are in milliseconds, memory in bytes, `cpu` in percent. */
interface Held {
  readonly ready: number
  readonly rss: number
  readonly heap: number
  readonly cpu: number
  readonly inside: ReadonlyArray<number>
  readonly outside: ReadonlyArray<number>
}

/** One life of a process that holds the lines which are there, and those that it starts. */
const hold = async (programs: Programs.Programs, { idle, inside, lines, outside, path }: Hold): Promise<Held> => {
  const child = programs.start("waiting", { path, lines, idle: idle * 1_000, answers: inside }, ["--expose-gc"])
  try {
    const until = async (name: string): Promise<Child.Line> => {
      for (;;) {
        const line = await child.next()
        if (name in line) return line
      }
    }
    const ready = Child.since(child.startedAt, await until("ready"), "ready")
    const idleness = await until("rss")
    const { inside: times } = await until("inside")
    const other = outside.length === 0 ? undefined : programs.start("answer", { path, answers: outside })
    const late: Array<number> = []
    for (const _ of outside) {
      const asked = await other?.next()
      const resumed = await until("resumed")
      late.push(Number(BigInt(String(resumed["resumed"])) - BigInt(String(asked?.["asked"]))) / 1e6)
    }
    await other?.ended
    child.tell({ end: true })
    await child.ended
    return {
      ready,
      rss: Child.numberIn(idleness, "rss"),
      heap: Child.numberIn(idleness, "heap"),
      cpu: Child.numberIn(idleness, "cpu"),
      inside: Array.isArray(times) ? times.map(Number) : [],
      outside: late
    }
  } finally {
    await child.kill("SIGKILL")
  }
}

/** Measures. */
export const measure: Measure.Measure = async ({ programs, progress, sizes }) => {
  const none = { idle: sizes.idle, inside: [], outside: [] }
  progress("an idle process")
  const empty = await Store.inFolder(async (path) => {
    const held = await hold(programs, { ...none, path, lines: 0 })
    return { ...held, disk: Store.sizeOf(dirname(path)) }
  })
  return await Store.inFolder(async (path) => {
    progress(`starting ${sizes.waiting} lines`)
    const start = performance.now()
    const first = await hold(programs, { ...none, path, lines: sizes.waiting })
    const seconds = (performance.now() - start) / 1_000 - sizes.idle
    const disk = (Store.sizeOf(dirname(path)) - empty.disk) / sizes.waiting
    const again: Array<Held> = []
    let next = 0
    const some = () =>
      Array.from({ length: answered }, () => (next += Math.floor(sizes.waiting / sizes.runs / answered / 2)) - 1)
    for (let at = 1; at <= sizes.runs; at++) {
      progress(`the process that holds them starts again: run ${at} of ${sizes.runs}`)
      again.push(await hold(programs, { path, lines: 0, idle: sizes.idle, inside: some(), outside: some() }))
    }
    const over = (held: Held): number => (held.rss - empty.rss) / 1e6
    const title = `${sizes.waiting} waiting`
    return [
      { name: `${title}: started, with waiting until all wait`, value: Bench.round(seconds), unit: "s" },
      {
        name: `${title}: memory over an idle process`,
        value: Bench.round(over(first)),
        unit: "MB",
        goal: Measure.atMost(20)
      },
      {
        name: `${title}: heap over an idle process`,
        value: Bench.round((first.heap - empty.heap) / 1e6),
        unit: "MB"
      },
      {
        name: `${title}: memory over an idle process after a restart`,
        unit: "MB",
        ...Bench.middle(again.map(over)),
        goal: Measure.atMost(20)
      },
      { name: `${title}: disk for each`, value: Bench.round(disk), unit: "bytes", goal: Measure.atMost(250) },
      {
        name: `${title}: processor while idle`,
        unit: "%",
        ...Bench.middle([first, ...again].map(({ cpu }) => cpu)),
        goal: Measure.atMost(0.2)
      },
      { name: "processor while idle, nothing waiting", unit: "%", value: Bench.round(empty.cpu) },
      {
        name: `${title}: an answered one goes on, in process`,
        unit: "ms",
        ...Bench.middle(again.flatMap(({ inside }) => inside)),
        goal: Measure.atMost(2)
      },
      {
        name: `${title}: an answered one goes on, from another process`,
        unit: "ms",
        ...Bench.middle(again.flatMap(({ outside }) => outside)),
        goal: Measure.atMost(20)
      },
      {
        name: `${title}: process start to ready after a restart`,
        unit: "ms",
        ...Bench.middle(again.map(({ ready }) => ready)),
        goal: Measure.atMost(500)
      }
    ]
  })
}
