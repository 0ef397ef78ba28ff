/** **Triage** says whether an item can be done without a person, and what is missing when it can not. It looks and tries, and changes nothing. */
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Schema from "effect/Schema"
import * as OneEach from "../internal/OneEach.ts"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"
import * as Clauses from "./Clauses.ts"
import * as Question from "./Question.ts"

/** What has to hold before work is done without a person. `question` is asked so that yes means it holds. */
export interface Gate {
  /** One word, as `cause-found`. */
  readonly name: string
  readonly question: string
}

/** Gates, in order. There is at least one: without any, everything would be done without a person. */
export type Gates = readonly [Gate, ...ReadonlyArray<Gate>]

/** The gates of the bundled skill. */
export const gates: Gates = [
  { name: "defined", question: "Is it a defect, or a small change whose result is fully described?" },
  {
    name: "cause-found",
    question: "Is the place in the code known, with high or medium confidence, from code that was read?"
  },
  { name: "one-definition-of-done", question: "Would any two reasonable people build the same thing?" },
  {
    name: "one-component",
    question: "Does the change stay in one package, with no public interface, format or schema altered?"
  },
  {
    name: "not-sensitive",
    question: "Does it leave alone security, payment, personal data, licences, automation and limits?"
  },
  { name: "no-choice-left", question: "Is no choice of taste or policy left, no wording and no default?" },
  { name: "small", question: "Would somebody who knows the code need less than half a day?" },
  {
    name: "verifiable-here",
    question: "Can a test in this repository fail before and pass after, with what the workplace has?"
  }
]

/** What is triaged, and in which repository. `answers` are those to questions of an earlier triage. */
export const Input = Schema.Struct({
  item: WorkItem.WorkItem,
  repository: Tainted.text("what is known of the repository"),
  answers: Schema.Array(Question.Answer)
})

/** Whether what the item describes was made to happen. */
export const Reproduction = Schema.TaggedUnion({
  /** `ran`: the command came to its end here; otherwise `observed` says how it broke off. */
  Attempted: {
    command: Schema.NonEmptyString,
    ran: Schema.Boolean,
    expected: Schema.NonEmptyString,
    observed: Schema.NonEmptyString
  },
  NotAttempted: { reason: Schema.NonEmptyString }
})
/** Whether what the item describes was made to happen. */
export type Reproduction = typeof Reproduction.Type

/** Whether a gate holds. */
export interface Judgement {
  readonly gate: string
  readonly judgement: "holds" | "fails" | "unsure"
  readonly because: string
}

/** What somebody saw, apart from what somebody thinks. */
const seen = {
  symptoms: Schema.Array(Schema.NonEmptyString).check(Schema.isMinLength(1)),
  hypotheses: Schema.Array(
    Schema.Struct({
      statement: Schema.NonEmptyString,
      confidence: Schema.Literals(["high", "medium", "low"]),
      because: Schema.NonEmptyString
    })
  ),
  reproduction: Reproduction
}

const judgements = (list: Gates) =>
  Schema.Array(
    Schema.Struct({
      gate: Schema.Literals(list.map(({ name }) => name)).annotate({
        description: list.map(({ name, question }) => `${name}: ${question}`).join("\n")
      }),
      judgement: Schema.Literals(["holds", "fails", "unsure"]),
      because: Schema.NonEmptyString
    })
  ).check(
    Schema.makeFilter((given: ReadonlyArray<Judgement>) =>
      OneEach.problems(
        list.map(({ name }) => name),
        given.map(({ gate }) => gate),
        {
          times: (gate, times) => `The gate ${gate} is judged ${times} times, and has to be judged once`,
          unknown: (gate) => `There is no gate ${gate}`
        }
      )
    )
  )

const all = Schema.makeFilter((given: ReadonlyArray<Judgement>) =>
  given
    .filter(({ judgement }) => judgement !== "holds")
    .map(({ gate, judgement }) => `Not Automatable: the gate ${gate} ${judgement === "fails" ? "fails" : "is unsure"}`)
)

const notAll = Schema.makeFilter((given: ReadonlyArray<Judgement>) =>
  given.length > 0 && given.every(({ judgement }) => judgement === "holds")
    ? "All gates hold, and this outcome is for an item with one that does not"
    : undefined
)

/** What kind of work an item is, by these gates. */
export const outcome = (list: Gates) => {
  const judged = judgements(list)
  return Schema.TaggedUnion({
    /** Clear and small enough to be done without a person: every gate holds. */
    Automatable: {
      summary: Schema.NonEmptyString,
      ...seen,
      gates: judged.check(all),
      clauses: Schema.Array(Clauses.Proposed)
    },
    /** Worth doing, and a gate fails that a specification can mend. */
    NeedsSpec: { why: Schema.NonEmptyString, ...seen, gates: judged.check(notAll) },
    /** Questions that only a person can answer. Of an item that says nothing there are no symptoms. */
    NeedsInfo: {
      questions: Question.List,
      ...seen,
      symptoms: Schema.Array(Schema.NonEmptyString),
      gates: judged.check(notAll)
    },
    Park: { reason: Schema.NonEmptyString }
  })
}

/** What kind of work an item is, by the bundled gates. */
export const Outcome = outcome(gates)
/** What kind of work an item is. */
export type Outcome = typeof Outcome.Type

/**
 * The first gate that does not hold, and why: in the order of a list, and then one that is not in it, whose question is not known here.
 * Nothing where all hold, or where nobody judged.
 */
export const firstFailing = (outcome: Outcome, list: ReadonlyArray<Gate> = gates): (Judgement & Gate) | undefined => {
  if (outcome._tag === "Park") return undefined
  const failing = outcome.gates.filter(({ judgement }) => judgement !== "holds")
  for (const gate of list) {
    const judged = failing.find((one) => one.gate === gate.name)
    if (judged !== undefined) return { ...gate, ...judged }
  }
  // Of a role with other gates, and without their list, a no must not look like a yes.
  const [other] = failing
  return other === undefined ? undefined : { name: other.gate, question: "", ...other }
}

/** How the role is made. Default: the bundled skill and its gates. */
export interface Options extends Role.Tuning {
  readonly gates?: Gates
}

/** The role, with another skill or other gates. */
export const make = ({ gates: list = gates, ...tuning }: Options = {}) =>
  Role.make("Triage", {
    skill: Skill.bundled("triage"),
    tier: "standard",
    ...tuning,
    input: Input,
    outcome: outcome(list),
    grants: ["read", "grep", "bash"],
    problems: (outcome, { answers }) =>
      outcome._tag === "NeedsInfo" ? Question.repeated(outcome.questions, answers) : []
  })

/** The role. */
export const Triage = make()
