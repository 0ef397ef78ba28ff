/**
 * A **planner** says what a tester does next: somebody's list of steps, a function of what was seen, or a role. It has a brief
 * and what was seen at the surface, and nothing of the change: no path, no repository, no commit.
 *
 * It decides what is tried and never what comes of it. The verdict follows from the expectations among its steps: see
 * {@link Recording.judge}.
 */
import * as Contract from "@millwright/core/Contract"
import * as Fault from "@millwright/core/Fault"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Recording from "./Recording.ts"
import { Step } from "./Step.ts"
import type * as Surface from "./Surface.ts"

/** All that a planner is told of what it tests. */
export const Brief = Schema.Struct({
  assertion: Contract.AssertionId,
  /** It comes from the contract, and may have been written by anybody. */
  statement: Schema.NonEmptyString,
  kind: Contract.Kind,
  /** Where the app is. */
  address: Schema.String
})
/** All that a planner is told of what it tests. */
export type Brief = typeof Brief.Type

/** What was done until now, and what is to be seen. All texts but those of its steps come from the app. */
export interface Seen {
  readonly taken: ReadonlyArray<Recording.Taken>
  /** What is there after the last of them, or at the beginning. */
  readonly sight: Surface.Sight
  /** How many steps the budget still has. */
  readonly left: number
}

/** What comes next. */
export const Next = Schema.TaggedUnion({
  /**
   * Steps, one after the other. The planner is asked again when they are done, and before that when one could not be done or when
   * something that was looked for (`Given`) is not there.
   */
  Do: { steps: Schema.NonEmptyArray(Step) },
  /** Nothing is left to try. */
  Concluded: { why: Schema.String },
  /** The assertion can not be judged: what it takes for granted can not be reached. */
  Cannot: { why: Schema.String }
})
/** What comes next. */
export type Next = typeof Next.Type

/** The machinery of a planner broke. */
export class PlannerError extends Fault.Class<PlannerError>()("PlannerError", {
  /** What it may use up is used up. */
  Exhausted: false,
  /** It came to no answer that can be used. */
  Broke: true
}) {}

/** The plan for one assertion: asked again and again, until it concludes. */
export type Plan = (seen: Seen) => Effect.Effect<Next, PlannerError>

/** Says what a tester does next. */
export class Planner extends Context.Service<
  Planner,
  {
    readonly name: string
    /** Who thinks of its steps. A pass of a model's needs more than one of a person's: see {@link Recording.judge}. */
    readonly author: Recording.Author
    /** Whether nothing but what it is told can reach it: it runs no process and has no tool, or those in a sandbox of `NoSource`. */
    readonly noSource: boolean
    /** Begins a plan. */
    readonly plan: (brief: Brief) => Effect.Effect<Plan, PlannerError>
  }
>()("@millwright/validators/Planner") {}

/** The steps of one assertion: a list, or what comes next as a function of what was seen. */
export type Script = ReadonlyArray<Step> | ((seen: Seen, brief: Brief) => Next)

/**
 * The steps of one assertion as a program: it yields a step and is given what came of it. What it returns is why the assertion can not
 * be judged, or nothing. A step that could not be done is told as such, and it goes on.
 */
export type Routine = Generator<Step, string | undefined, Recording.Came>

/** Makes a function of what was seen of a routine. It is for one assertion and one time. */
const routineScript = (routine: Routine): Script => {
  let isBegun = false
  return ({ taken }) => {
    const last = taken.at(-1)
    const { done, value } = isBegun && last !== undefined ? routine.next(last.came) : routine.next()
    isBegun = true
    if (done !== true) return { _tag: "Do", steps: [value] }
    return value === undefined ? { _tag: "Concluded", why: "the routine is at its end" } : cannot(value)
  }
}

const cannot = (why: string): Next => ({ _tag: "Cannot", why })

/** A list is done from its beginning to its end. What stops it before that makes it impossible to judge. */
const next = (script: Script, brief: Brief, seen: Seen): Next => {
  if (typeof script === "function") return script(seen, brief)
  const last = seen.taken.at(-1)
  if (last?.came._tag === "Refused") return cannot(`a step could not be done: ${last.came.message}`)
  if (last?.step._tag === "Given" && last.came._tag === "Held" && !last.came.holds) {
    return cannot(`what it takes for granted is not so: ${last.came.saw}`)
  }
  const [first, ...rest] = script.slice(seen.taken.length)
  return first === undefined
    ? { _tag: "Concluded", why: "the script is at its end" }
    : { _tag: "Do", steps: [first, ...rest] }
}

/** A planner of routines, by the id of their assertion. */
export const routines = (
  made: Readonly<Record<string, () => Routine>>,
  options: { readonly name?: string } = {}
): Planner["Service"] => ({
  ...scripted({}, options),
  plan: (brief) =>
    Effect.suspend(() => {
      const make = Object.hasOwn(made, brief.assertion) ? made[brief.assertion] : undefined
      return scripted(make === undefined ? {} : { [brief.assertion]: routineScript(make()) }).plan(brief)
    })
})

/** A planner of scripts, by the id of their assertion. What has none can not be judged. A function that throws is `Broke`. */
export const scripted = (
  scripts: Readonly<Record<string, Script>>,
  options: { readonly name?: string } = {}
): Planner["Service"] => ({
  name: options.name ?? "script",
  author: "person",
  noSource: true,
  plan: (brief) =>
    Effect.succeed((seen) =>
      Effect.try({
        try: () => {
          const script = Object.hasOwn(scripts, brief.assertion) ? scripts[brief.assertion] : undefined
          return script === undefined
            ? cannot(`nobody wrote a script for ${brief.assertion}`)
            : next(script, brief, seen)
        },
        catch: (cause) =>
          new PlannerError({
            reason: "Broke",
            message: `The script of ${brief.assertion} threw: ${Fault.record(cause).message}. Mend the script.`,
            cause
          })
      })
    )
})
