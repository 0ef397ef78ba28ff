/**
 * `RULE-TEST-HYGIENE`: the test code that a change adds can fail, and fails for no other reason than the code. TypeScript and
 * JavaScript, read by `@ast-grep/napi`, an optional peer; without it the rule is an `error`.
 *
 * What a change weakens in tests that were there is the cheat detection's to say; this one judges what is new.
 */
import type * as Change from "@millwright/core/Change"
import * as Git from "@millwright/core/Git"
import * as Validator from "@millwright/core/Validator"
import * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as AddedLines from "../internal/AddedLines.ts"
import * as CheatView from "../internal/CheatView.ts"
import * as HygieneChecks from "../internal/HygieneChecks.ts"
import type * as Rule from "../Rule.ts"

/** How to judge. */
export interface Options {
  /** Whether a path holds tests in TypeScript or JavaScript. Default: by its usual names, such as `*.test.ts` and `__tests__/`. */
  readonly isTest?: (path: string) => boolean
}

const isScript = (path: string): boolean => /\.[cm]?[jt]sx?$/.test(path) && CheatView.isRun(path)

/** The most of a file of tests that is read, in bytes. */
const mostBytes = 4 * 1024 * 1024

const unavailable = (change: Change.Change) => (cause: { readonly message: string }) =>
  new Validator.ValidatorError({
    reason: "SubjectUnavailable",
    message: `The tests of ${change.branch} can not be read: ${cause.message}`,
    cause
  })

const parser = Effect.tryPromise({
  try: () => import("@ast-grep/napi"),
  catch: () =>
    new Validator.ValidatorError({
      reason: "SubjectUnavailable",
      message: "Test code is read by @ast-grep/napi, which is not installed. Add it: pnpm add -D @ast-grep/napi"
    })
})

/** The rule. */
export const make = ({ isTest = isScript }: Options = {}): Rule.Rule<ChildProcessSpawner> => ({
  id: "RULE-TEST-HYGIENE",
  statement: "The test code that the change adds can fail, and fails for no other reason than the code.",
  judge: Effect.fnUntraced(function* ({ change, repository }) {
    const ast = yield* parser
    const { text: patch, truncated } = yield* Git.patch(repository, {
      base: change.base,
      head: change.head,
      maxBytes: 64 * 1024 * 1024
    }).pipe(Effect.mapError(unavailable(change)))
    const added = AddedLines.parse(patch).filter(({ numbers, path }) => isTest(path) && numbers.length > 0)
    const looked = yield* Effect.forEach(
      added,
      Effect.fnUntraced(function* ({ numbers, path }) {
        const object = `${change.head}:${path}`
        const { bytes, size } = yield* Effect.mapError(
          Git.content(repository, { object, maxBytes: mostBytes }),
          unavailable(change)
        )
        if (size > mostBytes) return [problem(path, { rule: "not-read", message: tooLarge, line: 1, end: 1 })]
        const source = Buffer.from(bytes).toString()
        const language = /\.[cm]?ts$/.test(path) ? ast.Lang.TypeScript : ast.Lang.Tsx
        const flaws = HygieneChecks.look(ast.parse(language, source).root())
        return flaws
          .filter(({ end, line }) => numbers.some((number) => line <= number && number <= end))
          .map((flaw) => problem(path, flaw))
      })
    )
    return judged({ files: added.length, problems: looked.flat(), isWhole: !truncated })
  })
})

const tooLarge = "This file is too large to be read. Take it apart, or look at it by hand."

const problem = (path: string, { line, message, rule }: HygieneChecks.Flaw): Verdict.Problem => ({
  rule,
  message,
  path,
  line
})

const judged = (found: {
  readonly files: number
  readonly problems: ReadonlyArray<Verdict.Problem>
  readonly isWhole: boolean
}): Rule.Judgement => {
  const { files, isWhole, problems } = found
  const isRead = isWhole && problems.every(({ rule }) => rule !== "not-read")
  const summary = `${files} files of tests with added lines were read, ${problems.length} problems`
  const content = JSON.stringify(found)
  return {
    status: problems.some(({ rule }) => rule !== "not-read") ? "fail" : isRead ? "pass" : "error",
    reason: !isRead
      ? "not all of the test code could be read: the change, or a file of it, is too large"
      : problems.length === 0
        ? "nothing is wrong with the test code that was added"
        : `${problems.length} ${problems.length === 1 ? "thing is" : "things are"} wrong with the test code that was added`,
    evidence: [Verdict.evidence({ kind: "report", summary, content, excerpt: content.slice(0, 8_000) })],
    problems
  }
}
