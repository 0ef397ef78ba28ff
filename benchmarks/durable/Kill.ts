/** What `kill -9` at a random moment of a line costs: stages that run again, are lost or are recorded twice, and time. */
import * as Chance from "../Chance.ts"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Bench from "../Bench.ts"
import * as Store from "../Store.ts"
import * as Facts from "./Facts.ts"
import * as Measure from "./Measure.ts"
import type * as Programs from "./Programs.ts"

const stages = 100

/** How long one life may take, in milliseconds. A line that does not end within it stands still. */
const patience = 60_000

/** The key under which the stage of a number is recorded. */
const keyOf = (at: number): string => (at === 0 ? "step" : `step#${at + 1}`)

interface Begun {
  readonly at: number
  readonly moment: bigint
}

const begunIn = (log: string): ReadonlyArray<Begun> =>
  !existsSync(log)
    ? []
    : readFileSync(log, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => {
          const [at = "", moment = "0"] = line.split(" ")
          return { at: Number(at), moment: BigInt(moment) }
        })

/** Waits to a part of a millisecond, so that a kill may fall anywhere, also into a commit. */
const pause = async (ms: number): Promise<void> => {
  const end = performance.now() + ms
  if (ms > 2) await new Promise((resolve) => setTimeout(resolve, ms - 2))
  while (performance.now() < end);
}

/** What one kill did. */
interface Outcome {
  /** Finished before the kill and run again after it. */
  readonly rerun: number
  /** Finished before the kill, or without a recorded end at the end of the line. */
  readonly lost: number
  readonly doubled: number
  /** In flight when the process was killed, and run again. */
  readonly inFlight: number
  readonly isStuck: boolean
  /** From the start of the next process to the first stage that it began. */
  readonly ms: number | undefined
}

/** Kills a line once. Answers `undefined` when it was done before. */
const killOnce = (programs: Programs.Programs, delay: number): Promise<Outcome | undefined> =>
  Store.inFolder(async (path) => {
    const log = join(dirname(path), "begun.log")
    const first = programs.start("kill", { path, log, stages }, { patience })
    await first.next()
    await pause(delay)
    await first.kill("SIGKILL")
    const left = await Facts.of(path, "left.db")
    if (Facts.count(left, "LineFinished") > 0) return undefined
    const finished = Facts.finishes(left)
    const firstLife = begunIn(log)
    const reached = Math.max(...firstLife.map(({ at }) => at))

    const second = programs.start("kill", { path, log, stages, run: "bench.1" }, { patience })
    const ended = await second
      .next()
      .then(async (line) => ("ended" in line ? line : await second.next()))
      .catch(() => undefined)
    await second.ended
    const secondLife = begunIn(log).slice(firstLife.length)
    const facts = await Facts.of(path, "after.db")
    const after = Facts.finishes(facts)

    const numbers = Array.from({ length: stages }, (_, at) => at)
    // A stage begins only when the one before it is on the disk.
    const promised = numbers.filter((at) => at < reached && !finished.has(keyOf(at))).length
    const unrecorded = numbers.filter((at) => !after.has(keyOf(at))).length
    const twice = [...after.values()].reduce((sum, times) => sum + times - 1, 0)
    const beginnings = Facts.count(facts, "LineStarted") + Facts.count(facts, "LineFinished") - 2
    const isRight = ended?.["ended"] === "Finished" && ended["result"] === (stages * (stages - 1)) / 2
    const [again] = secondLife
    return {
      rerun: secondLife.filter(({ at }) => finished.has(keyOf(at))).length,
      lost: promised + unrecorded,
      doubled: twice + Math.max(0, beginnings),
      inFlight: secondLife.filter(({ at }) => at <= reached && !finished.has(keyOf(at))).length,
      isStuck: !isRight,
      ms: again === undefined ? undefined : Number(again.moment - second.startedAt) / 1e6
    }
  })

/** How long a line takes when nobody kills it, from its first stage on. Fills the cache, too. */
const calm = (programs: Programs.Programs): Promise<number> =>
  Store.inFolder(async (path) => {
    const child = programs.start("kill", { path, log: join(dirname(path), "begun.log"), stages })
    await child.next()
    const start = performance.now()
    await child.next()
    const time = performance.now() - start
    await child.ended
    return time
  })

/** Measures. */
export const measure: Measure.Measure = async ({ programs, progress, sizes }) => {
  const window = Bench.median([await calm(programs), await calm(programs), await calm(programs)])
  progress(`${sizes.kills} kills within ${Bench.round(window)} ms of a line of ${stages} stages, --seed ${sizes.seed}`)
  const random = Chance.make(sizes.seed)
  const outcomes: Array<Outcome> = []
  for (let tries = 0; outcomes.length < sizes.kills && tries < 4 * sizes.kills; tries++) {
    const outcome = await killOnce(programs, random() * window)
    if (outcome === undefined) continue
    outcomes.push(outcome)
    if (outcome.isStuck) progress(`the line of kill ${outcomes.length}, try ${tries + 1}, did not end, or ended wrong`)
    if (outcomes.length % 50 === 0) progress(`${outcomes.length} kills`)
  }
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0)
  const title = `kill -9, ${outcomes.length} times`
  const none = Measure.atMost(0)
  return [
    { name: `${title}: finished stages run again`, value: sum(({ rerun }) => rerun), unit: "stages", goal: none },
    { name: `${title}: finished stages lost`, value: sum(({ lost }) => lost), unit: "stages", goal: none },
    { name: `${title}: facts recorded twice`, value: sum(({ doubled }) => doubled), unit: "facts", goal: none },
    {
      name: `${title}: lines that did not end, or ended wrong`,
      value: sum(({ isStuck }) => Number(isStuck)),
      unit: "lines",
      goal: none
    },
    { name: `${title}: stages in flight that ran again`, value: sum(({ inFlight }) => inFlight), unit: "stages" },
    {
      name: `${title}: process start to the first new stage`,
      unit: "ms",
      ...Bench.middle(outcomes.flatMap(({ ms }) => ms ?? [])),
      goal: Measure.atMost(200)
    }
  ]
}
