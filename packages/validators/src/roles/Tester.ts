/**
 * **Tester** is the planner that is a model: for each assertion it reads what was done and what is to be seen, and answers with the
 * next steps. It has no tools and no grants. What it reads of the app stands in data blocks; what it answers are steps, which only
 * a surface takes, and which decide by what they find, and not by what it thinks of them.
 */
import * as Briefing from "@millwright/agents/Briefing"
import * as Harness from "@millwright/agents/Harness"
import * as Role from "@millwright/agents/Role"
import * as Skill from "@millwright/agents/Skill"
import * as Budget from "@millwright/core/Budget"
import * as Contract from "@millwright/core/Contract"
import * as Journal from "@millwright/core/Journal"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import * as StepText from "../internal/StepText.ts"
import type { Room } from "../NoSource.ts"
import { type Brief, type Next, type Planner, PlannerError, type Seen } from "../Planner.ts"
import type * as Recording from "../Recording.ts"
import * as Step from "../Step.ts"

/** What the role is asked. */
export const Input = Schema.Struct({
  statement: Tainted.text("the assertion"),
  kind: Contract.Kind,
  address: Tainted.text("the address of the app"),
  done: Tainted.text("what was done, and what came of it"),
  sight: Tainted.text("what is to be seen now"),
  left: Schema.Natural
})
/** What the role is asked. */
export type Input = typeof Input.Type

const why = Schema.NonEmptyString.check(Schema.isMaxLength(2_000))

/** What is done next. */
export const Outcome = Schema.TaggedUnion({
  Steps: { steps: Schema.NonEmptyArray(Step.Step).check(Schema.isMaxLength(20)) },
  Concluded: { why },
  Cannot: { why }
})
/** What is done next. */
export type Outcome = typeof Outcome.Type

const source = "@millwright/validators/skills/tester/SKILL.md"

/** The skill that comes with this package. */
export const skill: Effect.Effect<Skill.Skill, Skill.SkillError> = Effect.suspend(() =>
  Skill.fromBytes(readFileSync(new URL("../../skills/tester/SKILL.md", import.meta.url)), source)
)

const kinds: Record<Contract.Kind, Briefing.Briefing> = {
  ui: Briefing.make`It is met in a browser: your steps are those of \`ui\`.`,
  api: Briefing.make`It is an HTTP API: your steps are those of \`api\`.`,
  cli: Briefing.make`It is a program at a terminal: your steps are those of \`cli\`.`,
  artifact: Briefing.make`It is a file.`
}

/** Makes the role. An answer with steps of another kind is sent back. */
export const make = (tuning: Role.Tuning = {}) =>
  Role.make("Tester", {
    skill,
    tier: "standard",
    maxTurns: 4,
    ...tuning,
    input: Input,
    outcome: Outcome,
    grants: [],
    problems: (outcome, { kind }) =>
      outcome._tag === "Steps"
        ? outcome.steps.flatMap((step, at) =>
            Step.kindsOf(step).includes(kind) ? [] : [`Step ${at + 1} is none of ${kind}`]
          )
        : [],
    prompt: ({ address, done, kind, left, sight, statement }) =>
      Briefing.make`Test this assertion.${statement}${
        kinds[kind]
      } The app is here:${address}What was done until now, and what came of it:${done}What is to be seen now:${
        sight
      }At most ${left} more steps are done. Answer with the next ones, or conclude.`
  })

/** How a model plans. */
export interface Options {
  /** Where it works: without the source, or where somebody says that nothing keeps it from it. */
  readonly room: Room
  /** What the tests of one assertion may use up together. */
  readonly limits?: Omit<Budget.Limits, "time">
  /** How often it is asked for one assertion. Default 20. */
  readonly calls?: number
  /** Default: {@link make} as it comes. */
  readonly role?: Pick<ReturnType<typeof make>, "name" | "run">
}

/** Makes the planner, with the harness in force. */
export const planner = Effect.fnUntraced(function* ({ calls = 20, limits = {}, role = make(), room }: Options) {
  const harness = yield* Harness.Harness
  const journal = yield* Journal.Journal
  const ask = (input: Input) =>
    role
      .run(input)
      .pipe(
        Effect.provideContext(room.services),
        Effect.provideService(Harness.Harness, harness),
        Effect.provideService(Journal.Journal, journal)
      )
  return {
    name: role.name.toLowerCase(),
    author: "model",
    noSource: room.isEnforced,
    plan: (brief) =>
      Effect.sync(() => {
        let asked = 0
        // One for all calls of this assertion.
        const within = Budget.pool(`the test of ${brief.assertion}`, limits)
        return (seen) =>
          Effect.suspend(() => {
            if (++asked > calls) {
              return new PlannerError({
                reason: "Exhausted",
                message: `It was asked ${calls} times and did not conclude.`
              })
            }
            return Effect.matchEffect(within(ask(inputOf(brief, seen))), {
              onFailure: (error) => Effect.fail(failed(error)),
              onSuccess: (outcome) => Effect.succeed(nextOf(outcome))
            })
          })
      })
  } satisfies Planner["Service"]
})

const nextOf = (outcome: Outcome): Next =>
  outcome._tag === "Steps" ? { _tag: "Do", steps: outcome.steps } : { _tag: outcome._tag, why: outcome.why }

const failed = (error: Role.Failure | Budget.BudgetError): PlannerError =>
  new PlannerError({
    reason: error._tag === "BudgetError" ? "Exhausted" : "Broke",
    message: `The role did not come to a next step: ${error.message}`,
    cause: error
  })

/** How much of what is to be seen the role reads, in characters; and how many of the last steps. */
const mostSight = 30_000
const mostSteps = 40

const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most).toWellFormed()}\n[${text.length - most} characters are left out]` : text

const inputOf = ({ address, kind, statement }: Brief, { left, sight, taken }: Seen): Input => {
  const first = Math.max(0, taken.length - mostSteps)
  const done = taken.slice(first).map((each, at) => `${first + at + 1}. ${StepText.of(each.step)}: ${came(each.came)}`)
  const troubles = sight.troubles.slice(-10).map((trouble) => `! ${StepText.inOneLine(trouble, 300)}`)
  const where = sight.address === "" ? [] : [`at ${StepText.inOneLine(sight.address, 500)}`]
  return {
    statement: Tainted.of("the assertion", statement),
    kind,
    address: Tainted.of("the address of the app", address),
    done: Tainted.of("what was done, and what came of it", done.join("\n") || "nothing yet"),
    sight: Tainted.of("what is to be seen now", [...where, ...troubles, cut(sight.text, mostSight)].join("\n")),
    left: Math.max(0, left)
  }
}

const came = (came: Recording.Came): string => {
  switch (came._tag) {
    case "Done":
      return "done"
    case "Refused":
      return `could not be done: ${StepText.inOneLine(came.message, 500)}`
    case "Held":
      return `${came.holds ? "so" : "not so"}, there was ${StepText.inOneLine(came.saw, 500)}`
  }
}
