/**
 * An **allowance**: a role with limits of its own, for which running out of them is one more case of its outcome. What was done
 * until then is not lost: its conversation can be gone on with (`Role.goingOn`), and the workplace is as the agent left it.
 *
 * A limit that is spent without an allowance is a fault: it stalls the line, which can be resumed with a larger one.
 */
import * as Budget from "@millwright/core/Budget"
import type * as Journal from "@millwright/core/Journal"
import * as Stage from "@millwright/core/Stage"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Harness from "./Harness.ts"
import * as Progress from "./Progress.ts"
import type * as Role from "./Role.ts"

/** The role did not get to its outcome before a limit was reached: its own, or one of the run around it. */
export const OutOfBudget = Schema.TaggedStruct("OutOfBudget", {
  reason: Schema.Literals(["TokensSpent", "MoneySpent", "TimeSpent", "Unpriced"]),
  /** Which limit it was, and how much was spent. */
  message: Schema.String,
  soFar: Schema.Struct({
    /** The name of the conversation; `null` where it did not begin. */
    session: Schema.NullOr(Schema.String),
    turns: Schema.Natural,
    /** With what its sub-agents used. */
    usage: Usage.Usage,
    /** What the agent said last, at most 2,000 characters. It is as untrusted as what the agent read. */
    said: Schema.String
  })
})
/** The role did not get to its outcome before a limit was reached. */
export type OutOfBudget = typeof OutOfBudget.Type

/** Tells running out of the limits from every other outcome. */
export const isOut = Schema.is(OutOfBudget)

type SoFar = OutOfBudget["soFar"]

type Needs = Harness.Harness | Journal.Journal | Harness.Workplace

/** A role within limits. */
export interface Allowed<Name extends string, Input extends Schema.Constraint, Outcome extends Schema.Constraint> {
  readonly name: Name
  readonly run: (input: Input["Type"]) => Effect.Effect<Outcome["Type"] | OutOfBudget, Role.Failure, Needs>
}

/** The same role within limits. Its stage has its name, and its result may be {@link OutOfBudget}. */
export const within = <Name extends string, Input extends Schema.Constraint, Outcome extends Schema.Constraint>(
  role: Role.Role<Name, Input, Outcome>,
  limits: Budget.Limits
): Allowed<Name, Input, Outcome> => ({
  name: role.name,
  run: (input) =>
    Stage.run<Schema.Union<readonly [Outcome, typeof OutOfBudget]>, Role.Failure, Needs>(
      { name: role.name.toLowerCase(), success: Schema.Union([role.outcome, OutOfBudget]) },
      Effect.gen(function* () {
        const { report } = yield* Progress.Progress
        let soFar: SoFar = { session: null, turns: 0, usage: Usage.zero, said: "" }
        const watched = {
          report: (told: Progress.Report) => {
            soFar = after(soFar, told.event)
            return report(told)
          }
        }
        return yield* role.run(input).pipe(
          Effect.provideService(Progress.Progress, watched),
          Budget.slice(role.name, limits),
          Effect.catchTag("BudgetError", (error) =>
            error.reason === "Misconfigured"
              ? Effect.fail(error)
              : Effect.succeed({ _tag: "OutOfBudget" as const, reason: error.reason, message: error.message, soFar })
          )
        )
      })
    )
})

const after = (soFar: SoFar, event: Harness.HarnessEvent): SoFar => {
  switch (event._tag) {
    case "Began":
      return { ...soFar, session: event.session }
    case "Turn":
      return { ...soFar, turns: soFar.turns + 1, usage: Usage.add(soFar.usage, event.usage) }
    case "Delegated": {
      const { event: inner } = Progress.unwrap(event)
      return inner._tag === "Turn" ? { ...soFar, usage: Usage.add(soFar.usage, inner.usage) } : soFar
    }
    case "Text":
      return { ...soFar, said: `${soFar.said}${event.text}`.slice(-2_000) }
    case "ToolStarted":
      return soFar.said === "" ? soFar : { ...soFar, said: `${soFar.said.trimEnd()}\n`.slice(-2_000) }
    default:
      return soFar
  }
}
