/** **Outcomes**: what each of some models made of each of some tasks, and what that cost. */
import * as Schema from "effect/Schema"
import * as TaskFeatures from "@millwright/core/TaskFeatures"
import { readFileSync } from "node:fs"
import * as Bench from "../Bench.ts"
import * as Chance from "../Chance.ts"

const Outcome = Schema.Struct({ passed: Schema.Boolean, usd: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)) })

/** The table. Every task has an outcome of every model; models are named `provider/model`. */
export const Outcomes = Schema.Struct({
  models: Schema.NonEmptyArray(
    Schema.Struct({ id: Schema.NonEmptyString, tier: Schema.Literals(["small", "standard", "large"]) })
  ),
  tasks: Schema.NonEmptyArray(
    Schema.Struct({
      task: Schema.String,
      features: TaskFeatures.Features,
      outcomes: Schema.Record(Schema.String, Outcome)
    })
  )
})
/** The table. */
export type Outcomes = typeof Outcomes.Type

/** One task of the table. */
export type Task = Outcomes["tasks"][number]

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Outcomes))

/** Reads the table of a file. Throws `Bench.BadInput` where it is none, or has a hole. */
export const load = (path: string): Outcomes => {
  const table = (() => {
    try {
      return decode(readFileSync(path, "utf8"))
    } catch (error) {
      throw new Bench.BadInput(`${path} holds no table of outcomes (see benchmarks/router/README.md): ${String(error)}`)
    }
  })()
  for (const { outcomes, task } of table.tasks) {
    const missing = table.models.find(({ id }) => !Object.hasOwn(outcomes, id))
    if (missing !== undefined) throw new Bench.BadInput(`${path}: the task ${task} has no outcome of ${missing.id}.`)
  }
  if (table.tasks.length < 20)
    throw new Bench.BadInput(`${path} has ${table.tasks.length} tasks; at least 20 are needed.`)
  return table
}

/**
 * Made-up models: log odds to pass a task in the middle, and US dollars for a task. Pass rates (60, 65 and 71 %) and
 * costs are about those of three models on SWE-bench Verified with mini-SWE-agent, as its leaderboard has them.
 */
const made = [
  { id: "made/small", tier: "small", odds: 0.87, usd: 0.035 },
  { id: "made/standard", tier: "standard", odds: 1.33, usd: 0.28 },
  { id: "made/large", tier: "large", odds: 1.87, usd: 0.56 }
] as const

/** By how much log odds fall with each standard deviation of difficulty. */
const fall = 3

const names = ["message", "detail", "tools", "repository", "languages"]

/**
 * A made-up table. Five features are drawn evenly. A task's difficulty is their sum, of which the features tell `told`
 * percent of the variance, and a sum of five draws that no feature tells. A model passes by the chance of its log odds at that
 * difficulty, by itself; costs are spread by a factor of up to 2 each way.
 */
export const generate = ({
  seed,
  tasks: count,
  told
}: {
  readonly tasks: number
  readonly seed: number
  readonly told: number
}): Outcomes => {
  const chance = Chance.make(seed)
  // Five even draws have a mean of 5/2 and a variance of 5/12.
  const standing = (draws: ReadonlyArray<number>) =>
    (draws.reduce((sum, draw) => sum + draw, 0) - 5 / 2) / Math.sqrt(5 / 12)
  const drawTask = (at: number): Task => {
    const draws = names.map(() => chance())
    const hidden = names.map(() => chance())
    const difficulty = Math.sqrt(told / 100) * standing(draws) + Math.sqrt(1 - told / 100) * standing(hidden)
    const outcomes = made.map(({ id, odds, usd }) => {
      const passed = chance() < 1 / (1 + Math.exp(fall * difficulty - odds))
      return [id, { passed, usd: usd * 2 ** (2 * chance() - 1) }] as const
    })
    return {
      task: `made-${at + 1}`,
      features: Object.fromEntries(names.map((name, n) => [name, draws[n] ?? 0])),
      outcomes: Object.fromEntries(outcomes)
    }
  }
  const [small, ...larger] = made
  return {
    models: [small, ...larger],
    tasks: [drawTask(0), ...Array.from({ length: count - 1 }, (_, at) => drawTask(at + 1))]
  }
}
