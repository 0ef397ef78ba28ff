/** A **bench**: what it measures, the options it takes, and the figures it answers with. */

/** An option. Numbers are whole and at least `least`, by default 1; a `file` is the path of a file that is there and can be read, a `folder` that of a folder. */
export interface Option {
  readonly type: "number" | "string" | "file" | "folder" | "flag"
  readonly about: string
  readonly default?: number | string
  readonly least?: number
}

/** The options of a bench by name. */
export type Options = Readonly<Record<string, Option>>

type Raw<O extends Option> = O["type"] extends "number" ? number : O["type"] extends "flag" ? boolean : string

/** What a bench gets of its options. Without a default, an option that is not given is `undefined`. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K] extends { readonly default: number | string } | { readonly type: "flag" }
    ? Raw<O[K]>
    : Raw<O[K]> | undefined
}

/** A bound that a figure shall hold. */
export interface Goal {
  readonly op: ">=" | "<="
  readonly value: number
}

/** A measured number. `peer` names whose number it is, when it is not ours. */
export interface Measured {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly goal?: Goal
  readonly peer?: string
  /** The least and the most of the runs whose median `value` is. */
  readonly spread?: Spread
  /** Why there is no number. `value` is `NaN` then, and the goal is neither held nor missed. */
  readonly missing?: string
}

/** Between what the runs of a measurement lie, and how many they were. */
export interface Spread {
  readonly min: number
  readonly max: number
  readonly runs: number
}

/** A measured number, and whether it holds its goal. */
export interface Figure extends Measured {
  readonly holds?: boolean
}

/**
 * What a bench answers with. `versions` names those of peers, beside the ones that every bench reports. `notes` are what
 * one has to know to compare: what each side promises.
 */
export interface Result {
  readonly figures: ReadonlyArray<Measured>
  readonly notes?: ReadonlyArray<string>
  readonly versions?: Readonly<Record<string, string>>
  /** What `--json` tells beside the figures. */
  readonly details?: Readonly<Record<string, unknown>>
  /** Why the bench ends with 1: what it is there to show does not hold. */
  readonly failure?: string
}

/** Says how far the bench is, on standard error. */
export type Progress = (line: string) => void

/** Measures. Throws {@link BadInput} when an option can not be used. */
export type Run<O extends Options> = (values: Values<O>, progress: Progress) => Promise<Result>

/** What a file of this folder exports when it is a bench. */
export interface Bench {
  readonly description: string
  readonly options: Options
  readonly run: (
    values: Readonly<Record<string, number | string | boolean | undefined>>,
    progress: Progress
  ) => Promise<Result>
}

/** What was asked for can not be measured. The message says what, where and how to mend it. */
export class BadInput extends Error {}

/** The middle of some numbers; of an even count, the mean of the two in the middle. */
export const median = (numbers: ReadonlyArray<number>): number => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Milliseconds that each of `runs` runs takes, after one that does not count. */
export const times = (runs: number, work: () => unknown): ReadonlyArray<number> => {
  work()
  return Array.from({ length: runs }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
}

/** A number with three significant digits. */
export const round = (value: number): number => Number(value.toPrecision(3))

/** A share or a mean as a figure; `undefined` is one of nothing. */
export const figure = (name: string, value: number | undefined, unit: string): Measured =>
  value === undefined
    ? { name, value: Number.NaN, unit, missing: "nothing to divide by" }
    : { name, value: round(value), unit }

/** The middle of some runs, with what they lie between. */
export const middle = (numbers: ReadonlyArray<number>): { readonly value: number; readonly spread: Spread } => ({
  value: round(median(numbers)),
  spread: { min: round(Math.min(...numbers)), max: round(Math.max(...numbers)), runs: numbers.length }
})

/** A figure with its goal judged. */
export const judge = (figure: Measured): Figure => {
  if (figure.goal === undefined || figure.missing !== undefined) return figure
  const holds = figure.goal.op === ">=" ? figure.value >= figure.goal.value : figure.value <= figure.goal.value
  return { ...figure, holds }
}

/** The measures that `--only` names: all, or some of them. */
export const chosen = (list: string, measures: Readonly<Record<string, unknown>>): ReadonlyArray<string> => {
  const names = list === "all" ? Object.keys(measures) : list.split(",").map((name) => name.trim())
  const unknown = names.find((name) => !Object.hasOwn(measures, name))
  if (unknown === undefined) return names
  throw new BadInput(`--only knows no "${unknown}". It takes all, or some of ${Object.keys(measures).join(",")}.`)
}
