/** Names that a person types: what is said when there is nothing of that name. */
import * as Fault from "@millwright/core/Fault"
import * as Text from "./text.ts"

/** What was asked for is not there. */
export class LookError extends Fault.Class<LookError>()("LookError", { NoSuchRun: false }) {}

/** There is no such run. Says which of the runs that there are has a name like it. */
export const noSuchRun = (run: string, names: ReadonlyArray<string>): LookError => {
  const like = Text.near(run, names).map(Text.oneLine)
  const others = names.length === 0 ? "There are no runs." : `There are ${names.length}; list shows them.`
  return new LookError({
    reason: "NoSuchRun",
    message: `There is no run "${Text.oneLine(run)}" here. ${like.length > 0 ? `Did you mean ${like.join(", ")}?` : others}`
  })
}

/** There is neither a run nor an item of this name. Says which names are like it. */
export const noSuchThing = (name: string, names: ReadonlyArray<string>): LookError => {
  const like = Text.near(name, names).map(Text.oneLine)
  const others = names.length === 0 ? "There are no runs." : "list shows the runs, and cost alone the items."
  return new LookError({
    reason: "NoSuchRun",
    message: `There is no run and no item "${Text.oneLine(name)}" here. ${like.length > 0 ? `Did you mean ${like.join(", ")}?` : others}`
  })
}
