/** The run of a line that a piece of code belongs to, and the numbering of its steps. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Durable from "./Durable.ts"
import * as Journal from "./Journal.ts"
import type * as WorkItem from "./WorkItem.ts"

/** A run of a line. */
export class Run extends Context.Service<
  Run,
  {
    readonly line: string
    /** The run's name, unique in its journal: the item's id and a number. */
    readonly id: string
    readonly item: WorkItem.WorkItem
    readonly execution: Context.Context<Durable.Execution>
    /**
     * The key of the next step of this name: `test`, `test#2`, `test#3`. The engine knows a step by its key alone, so two
     * steps of one name must never share one.
     */
    readonly next: (name: string) => string
  }
>()("@millwright/core/Run") {}

/** Numbers the steps of one run of the line's code; a replay starts from the beginning again. */
export const numbering = (): Run["Service"]["next"] => {
  const counts = new Map<string, number>()
  const taken = new Set<string>()
  return (name) => {
    let count = counts.get(name) ?? 0
    let key: string
    // A name may look like a numbered one, such as that of an issue.
    do {
      count++
      key = count === 1 ? name : `${name}#${count}`
    } while (taken.has(key))
    counts.set(name, count)
    taken.add(key)
    return key
  }
}

/** The run, when the code that asks stands in a line and between its stages. Inside of a stage nothing is durable. */
export const betweenStages: Effect.Effect<Option.Option<Run["Service"]>> = Effect.contextWith(
  (context: Context.Context<never>) =>
    Effect.succeed(
      Context.get(context, Journal.Origin).stage === null ? Context.getOption(context, Run) : Option.none()
    )
)
