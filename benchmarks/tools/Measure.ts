/** A **measure** of tools: what it needs and gives. */
import type * as Bench from "../Bench.ts"
import type * as Catalog from "./Catalog.ts"

/** What a measure works with. */
export interface Setting {
  readonly part: Catalog.Part
  readonly queries: ReadonlyArray<Catalog.Query>
  /** Tools that stand in the way, from a file or made. */
  readonly distractors: (count: number) => Catalog.Part
  readonly progress: Bench.Progress
  readonly note: (line: string) => void
}

/** Measures. */
export type Measure = (setting: Setting) => Promise<ReadonlyArray<Bench.Measured>>

/** A part with more tools, until there are `count`. */
export const among = ({ servers, tools }: Catalog.Part, count: number, more: Setting["distractors"]): Catalog.Part => {
  if (count <= tools.length) return { servers, tools }
  const added = more(count - tools.length)
  return { tools: [...tools, ...added.tools], servers: new Map([...added.servers, ...servers]) }
}
