/** A **measure** of the sandbox bench: what it works with, and how runs take turns. */
import type * as Bench from "../Bench.ts"

/** What a measure works with. */
export interface Setting {
  readonly runs: number
  /** A folder of its own. */
  readonly folder: string
  readonly files: number
  readonly sandboxes: number
  readonly progress: Bench.Progress
  readonly note: (line: string) => void
}

/** Measures. */
export type Measure = (setting: Setting) => Promise<ReadonlyArray<Bench.Measured>>

/** Somebody who takes turns. A `work` answers with the milliseconds that it took, or is timed from outside. */
export interface Contender {
  readonly name: string
  readonly work: () => Promise<number | void>
}

/** Milliseconds of each of so many rounds by name; one more round before does not count. */
export const rounds = async (
  contenders: ReadonlyArray<Contender>,
  runs: number
): Promise<Readonly<Record<string, ReadonlyArray<number>>>> => {
  const times = new Map<string, Array<number>>(contenders.map(({ name }) => [name, []]))
  for (let round = -1; round < runs; round++) {
    for (const { name, work } of contenders) {
      const start = performance.now()
      const said = await work()
      const took = said ?? performance.now() - start
      if (round >= 0) times.get(name)?.push(took)
    }
  }
  return Object.fromEntries(times)
}
