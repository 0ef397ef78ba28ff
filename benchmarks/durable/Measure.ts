/** A **measure** of the durable bench: one question about the engine, with its figures and their goals. */
import type * as Bench from "../Bench.ts"
import type * as Postgres from "./Postgres.ts"
import type * as Programs from "./Programs.ts"
import type * as Rival from "./Rival.ts"

/** How big everything is. */
export interface Sizes {
  readonly runs: number
  readonly stages: number
  readonly lines: number
  readonly concurrency: number
  readonly late: number
  readonly kills: number
  readonly seed: number
  readonly waiting: number
  /** Seconds in which nothing happens while the use of the processor is looked at. */
  readonly idle: number
  /** Gates that are answered, and timers that become due, on the cluster. */
  readonly waits: number
  /** How long such a timer is, in seconds. */
  readonly nap: number
  /** Lines of the cluster that lose a runner. */
  readonly moved: number
  /** Items of the dispatcher at once. */
  readonly items: number
  /** Simulated weeks of the dispatcher. */
  readonly weeks: number
}

/** What a measure works with. */
export interface Setting {
  readonly sizes: Sizes
  readonly programs: Programs.Programs
  readonly rivals: ReadonlyArray<Rival.Rival>
  /** Why peers that were asked for can not be measured, by name. */
  readonly absent: ReadonlyMap<string, string>
  readonly postgres: Postgres.Postgres | undefined
  /** Why there is none. */
  readonly noPostgres: string
  readonly progress: Bench.Progress
  /** Says what one has to know to compare, once, below the figures. */
  readonly note: (line: string) => void
}

/** Measures. */
export type Measure = (setting: Setting) => Promise<ReadonlyArray<Bench.Measured>>

/** A figure that could not be measured, with the reason. */
export const missing = (
  figure: Pick<Bench.Measured, "name" | "unit" | "goal" | "peer">,
  reason: string
): Bench.Measured => ({ ...figure, name: `${figure.name}: not measured`, value: Number.NaN, missing: reason })

/** At most this. */
export const atMost = (value: number): Bench.Goal => ({ op: "<=", value })

/** At least this. */
export const atLeast = (value: number): Bench.Goal => ({ op: ">=", value })
