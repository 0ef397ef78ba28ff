/**
 * A **recording**: what a tester did for one assertion, what came of each step, and what was to be seen then, as data. Its verdict
 * follows from it alone, and doing its steps again (`Replay`) needs no planner.
 */
import * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import type * as Verdict from "@millwright/core/Verdict"
import * as Schema from "effect/Schema"
import * as StepText from "./internal/StepText.ts"
import { Step } from "./Step.ts"

/** The most steps that a recording has. */
export const mostSteps = 1_000

const Text = Schema.String.check(Schema.isMaxLength(20_000))

/** Who thought of the steps. */
export const Author = Schema.Literals(["person", "model"])
/** Who thought of the steps. */
export type Author = typeof Author.Type

/** What came of a step. */
export const Came = Schema.TaggedUnion({
  Done: {},
  /** Of something that was looked for. `saw` is what was there. */
  Held: { holds: Schema.Boolean, saw: Text },
  /** It could not be done. `reason` is that of a `SurfaceError`. */
  Refused: { reason: Schema.NonEmptyString, message: Text }
})
/** What came of a step. */
export type Came = typeof Came.Type

/** One step that was taken. */
export const Taken = Schema.Struct({
  step: Step,
  came: Came,
  /** Of an expectation that held: whether it had been so before anything was done. Left out: nobody looked. */
  before: Schema.optionalKey(Schema.Boolean),
  /** Of what was to be seen afterwards, its address included; `null` where nothing could be seen. */
  sight: Schema.NullOr(Digest.Digest)
})
/** One step that was taken. */
export type Taken = typeof Taken.Type

/** How a test ended. */
export const Ending = Schema.TaggedUnion({
  /** An expectation did not hold. */
  Decided: {},
  Concluded: { why: Text },
  Cannot: { why: Text },
  /** The budget was. */
  Spent: { what: Schema.Literals(["steps", "time"]) },
  /** The app stopped answering. */
  Gone: { why: Text },
  /** What tests broke: the planner, or the surface. */
  Broke: { by: Schema.Literals(["planner", "surface"]), why: Text }
})
/** How a test ended. */
export type Ending = typeof Ending.Type

/** What was done for one assertion. */
export const Recording = Schema.Struct({
  version: Schema.Literal(1),
  contract: Digest.Digest,
  assertion: Contract.AssertionId,
  kind: Contract.Kind,
  /** The commit that was running, for people. */
  head: Schema.String,
  surface: Schema.String,
  planner: Schema.String,
  author: Author,
  taken: Schema.Array(Taken).check(Schema.isMaxLength(mostSteps)),
  ending: Ending,
  /** What was thrown, refused or given up on the way. */
  troubles: Schema.Array(Text).check(Schema.isMaxLength(100)),
  status: Schema.Literals(["pass", "fail", "blocked", "error"])
})
/** What was done for one assertion. */
export type Recording = typeof Recording.Type

/** What a test comes to. */
export interface Judged {
  readonly status: Recording["status"] & Verdict.Status
  readonly reason: string
}

/** What a judgement is made of. */
export type Course = Pick<Recording, "author" | "taken" | "ending">

const isHeld = ({ came, step }: Taken): boolean => step._tag === "Expect" && came._tag === "Held" && came.holds

/**
 * What a test comes to, by its expectations alone and nobody's word:
 *
 * - `fail`: an expectation did not hold;
 * - `pass`: it was gone through, and at least one expectation held. Of a model's, at least one of those had not been so before
 *   anything was done: what is always there says nothing about what the model did;
 * - `error`: what tests broke;
 * - `blocked`: everything else.
 */
export const judge = ({ author, ending, taken }: Course): Judged => {
  const failed = taken.find(({ came, step }) => step._tag === "Expect" && came._tag === "Held" && !came.holds)
  if (failed?.step._tag === "Expect" && failed.came._tag === "Held") {
    return {
      status: "fail",
      reason: `Expected that ${StepText.expectation(failed.step.that)}; it was not so: ${told(failed.came.saw)}`
    }
  }
  if (ending._tag === "Broke") return { status: "error", reason: `The ${ending.by} broke: ${told(ending.why)}` }
  if (ending._tag !== "Concluded") return { status: "blocked", reason: stopped(ending) }
  const held = taken.filter(isHeld)
  if (held.length === 0) return { status: "blocked", reason: "Nothing was expected, so nothing was judged" }
  if (author === "model" && held.every(({ before }) => before !== false)) {
    return {
      status: "blocked",
      reason:
        "Everything that was expected had been so before anything was done, so it says nothing about the assertion"
    }
  }
  return { status: "pass", reason: `Held: ${told(held.map(({ step }) => expected(step)).join("; "), 1_000)}` }
}

const told = (text: string, longest = 500): string => StepText.inOneLine(text, longest)

const expected = (step: Step): string => (step._tag === "Act" ? "" : StepText.expectation(step.that))

const stopped = (ending: Exclude<Ending, { _tag: "Broke" | "Concluded" }>): string => {
  switch (ending._tag) {
    case "Cannot":
      return `It can not be judged: ${told(ending.why)}`
    case "Gone":
      return `The app stopped answering: ${told(ending.why)}`
    case "Spent":
      return `The budget of ${ending.what} was spent before it was judged`
    case "Decided":
      return "It ended before anything was judged"
  }
}

/** The steps as a person reads them: “Visit / · Fill the field “Name” with “Ada” · …”. At most 4,000 characters. */
export const steps = ({ taken }: Pick<Recording, "taken">): string => {
  const text = taken.map(({ came, step }) => StepText.done(step, came)).join(" · ")
  // The end is what leads to the verdict.
  return text.length <= 4_000 ? text : `${text.slice(0, 1_000)} … ${text.slice(-2_900)}`.toWellFormed()
}
