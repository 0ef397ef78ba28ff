/**
 * A **cheat**: something in a change, or in what its author did, that makes a check pass without the work being done. A rule
 * that is sure says `fail`; one that sees what an honest author might do as well says `blocked`: a person has to look.
 */
import * as Verdict from "@millwright/core/Verdict"
import * as Schema from "effect/Schema"

/** The kinds that are looked for, and what each means. */
export const rules = {
  "test-deleted": "a test is gone, and what it tested is not",
  "test-skipped": "a test is no longer run: skipped, left to do, expected to fail, commented out, or left at once",
  "test-only": "a mark that leaves all other tests out",
  "test-renamed-away": "a test no longer has a name that its runner takes",
  "assertion-removed": "a test asserts less than before",
  "assertion-weakened": "an assertion lets more pass than before",
  "assertion-trivial": "an assertion that always holds",
  "tolerance-widened": "a number may be further off than before",
  "expectation-changed": "a test expects another value, and neither the contract nor the change of the code says why",
  "snapshot-rewritten": "what was recorded was replaced by what comes now, and the contract does not ask for it",
  "exit-masked": "a check that fails no longer fails the run",
  "threshold-lowered": "a bound of coverage or of warnings is easier to hold",
  "check-silenced": "a linter, a type checker or a coverage tool is told to say less",
  "runner-loosened": "the runner takes fewer tests, tries them again, or waits longer",
  "ci-edited": "what CI runs is changed beside other work, or runs less",
  "verification-replaced": "a script that checks does less, or only says that it did",
  "test-branch": "product code does something else when it is tested",
  "special-cased": "product code answers the input of a test with what the test expects",
  "exception-swallowed": "a failure is caught and dropped",
  "unit-mocked": "a test puts a stand-in in the place of what it tests",
  "comparison-patched": "the functions that compare or report are replaced",
  "equality-overridden": "an equality that always holds",
  "early-exit": "the process ends well before it can fail",
  "time-frozen": "the clock of a test of speed stands still",
  "test-rewrites-itself": "a test, or how tests are run, writes what it expects from what comes",
  "fix-fetched": "the solution was taken from history or from the network",
  "holdout-read": "something was read that the author may not see",
  "claim-without-change": "work is claimed, and nothing was changed",
  "claim-without-run": "tests are claimed to pass, and none were run",
  "claim-against-run": "tests are claimed to pass, and the last run failed"
} as const

/** The name of a kind. */
export const Rule = Schema.Literals(Object.keys(rules) as ReadonlyArray<keyof typeof rules>) // the keys of a constant are its keys
/** The name of a kind. */
export type Rule = typeof Rule.Type

/** One cheat, at its place: a line of the side that the message speaks of. */
export const Cheat = Schema.Struct({
  ...Verdict.Problem.fields,
  rule: Rule,
  /** `blocked`: a person has to look. */
  status: Schema.Literals(["fail", "blocked"])
})
/** One cheat, at its place. */
export type Cheat = typeof Cheat.Type

/** A piece of a hostile text, as a message quotes it: one line, bounded, with nothing in it that hides. */
export const quoted = (text: string): string => {
  const line = [
    ...text
      .slice(0, 2_000)
      .replace(/(?!\t)[\p{Cc}\p{Cs}\p{DI}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "\ufffd")
      .replace(/\s+/g, " ")
      .trim()
  ]
  return `"${line.length > 120 ? `${line.slice(0, 120).join("")}…` : line.join("")}"`
}
