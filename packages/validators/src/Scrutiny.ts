/**
 * The **scrutiny validator**: judges the head of a change in a fresh checkout, by the rules of the house and by the commands of
 * the contract. It reads no description of the change, and never the tree that its author worked in.
 *
 * - Each rule has a finding of its own; one that breaks is an `error`, and takes no other with it.
 * - Types and lint come first, then other rules, the commands of the contract, and tests last: these run the author's code, and
 *   what is left in the checkout is met by what comes later. With `apart`, each has a checkout of its own.
 * - What rewrites files of the commit while it judges fails, whatever it found, and the next one gets a new checkout.
 * - The same head, base and contract give the same findings, but for the digests and excerpts of what programs printed.
 */
import type * as Contract from "@millwright/core/Contract"
import * as Fault from "@millwright/core/Fault"
import * as Git from "@millwright/core/Git"
import * as Validator from "@millwright/core/Validator"
import * as Verdict from "@millwright/core/Verdict"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Checkout from "./Checkout.ts"
import * as CommandRun from "./internal/CommandRun.ts"
import * as HeldCheckout from "./internal/HeldCheckout.ts"
import * as PlainText from "./internal/PlainText.ts"
import * as ProblemsRule from "./ProblemsRule.ts"
import type * as Rule from "./Rule.ts"
import * as TestsRule from "./TestsRule.ts"

/** What is going on. `subject` is a rule or an assertion of the contract. */
export type Progress =
  | { readonly _tag: "Started"; readonly subject: string }
  | { readonly _tag: "Judged"; readonly subject: string; readonly status: Verdict.Status }

/** What is judged, and by what. */
export interface Options<R = Checkout.Services> extends Omit<Checkout.Options, "commit"> {
  /** The usual rules, by the commands of the repository. */
  readonly checks?: {
    readonly types?: ProblemsRule.Options
    readonly lint?: ProblemsRule.Options
    readonly tests?: TestsRule.Options
  }
  /** Other rules. */
  readonly rules?: ReadonlyArray<Rule.Rule<R>>
  /** The longest that a command of the contract may take. Default: 10 minutes. */
  readonly timeout?: Duration.Input
  /** Gives each rule and each command a checkout of its own, prepared for it. Default: one for all. */
  readonly apart?: boolean
  /** Told of what begins and what was found. */
  readonly progress?: (progress: Progress) => Effect.Effect<void>
}

/** What a quick look has. */
export interface Quick {
  /** The rules that are looked at; the others, and the commands of the contract, are left `blocked`. */
  readonly rules: ReadonlyArray<typeof Contract.RuleId.Type>
  /** The time for all of them together. What has not ended then is `blocked`. */
  readonly within: Duration.Input
}

const firstOf = <R>({ checks: { lint, types } = {}, rules = [] }: Options<R>): ReadonlyArray<Rule.Rule<R>> => [
  ...(types === undefined ? [] : [ProblemsRule.types(types)]),
  ...(lint === undefined ? [] : [ProblemsRule.lint(lint)]),
  ...rules
]

/** Judges by all rules. */
export const make = <R = Checkout.Services>(options: Options<R>): Validator.Validator<R | Checkout.Services> =>
  validator("scrutiny", options, undefined)

/**
 * Looks at some rules only, in a time that somebody waits for: feedback while one works, by the same rules that judge later. It
 * accepts nothing, since what it left out is `blocked`.
 */
export const quick = <R = Checkout.Services>(
  options: Options<R>,
  limits: Quick
): Validator.Validator<R | Checkout.Services> => validator("scrutiny (quick)", options, limits)

const validator = <R>(
  name: string,
  options: Options<R>,
  limits: Quick | undefined
): Validator.Validator<R | Checkout.Services> => {
  const rules = firstOf(options)
  const tests = options.checks?.tests
  const last = tests === undefined ? [] : [TestsRule.make(tests)]
  return Validator.make({
    name,
    findings: (subject) => Effect.scoped(judged({ options, rules, last, subject, limits }))
  })
}

interface Judging<R> {
  readonly options: Options<R>
  readonly rules: ReadonlyArray<Rule.Rule<R>>
  /** After the commands of the contract. */
  readonly last: ReadonlyArray<Rule.Rule>
  readonly subject: Validator.Subject
  readonly limits: Quick | undefined
}

/** What is to be judged: a rule, or a command of the contract. */
interface Task<R> {
  readonly subject: string
  readonly isLeftOut: boolean
  readonly judge: Effect.Effect<Rule.Judgement, Validator.ValidatorError | Checkout.NotPrepared, R>
}

const judged = Effect.fnUntraced(function* <R>({ last, limits, options, rules, subject }: Judging<R>) {
  const { change, contract } = subject
  const { progress = () => Effect.void, repository } = options
  for (const commit of [change.head, change.base]) yield* there(repository, commit)
  const head = yield* HeldCheckout.make({ ...options, commit: change.head })
  const base = yield* HeldCheckout.make({ ...options, commit: change.base })
  const context: Rule.Context = { contract, change, repository, head: head.get, base: base.get }
  const timeout = Duration.fromInputUnsafe(options.timeout ?? "10 minutes")
  const command = Effect.fnUntraced(function* (id: string, run: string) {
    const checkout = yield* head.get
    const judge = CommandRun.judge({ id, run, timeout, most: 256 * 1024 ** 2 })
    const { assertion: _, ...judgement } = yield* Effect.provide(judge, checkout.services)
    return judgement
  })
  const ruled = ({ id, judge }: Rule.Rule<R>): Task<R> => ({
    subject: id,
    isLeftOut: limits !== undefined && !limits.rules.includes(id),
    // Whatever goes wrong in a rule, a throw too, is about that rule alone.
    judge: Effect.suspend(() => judge(context))
  })
  const commands = contract.assertions.flatMap(({ check, id }): ReadonlyArray<Task<R>> =>
    check?._tag !== "Command" ? [] : [{ subject: id, isLeftOut: limits !== undefined, judge: command(id, check.run) }]
  )
  const tasks = [...rules.map(ruled), ...commands, ...last.map(ruled)]
  const end =
    limits === undefined
      ? Infinity
      : (yield* Clock.currentTimeMillis) + Duration.toMillis(Duration.fromInputUnsafe(limits.within))

  return yield* Effect.forEach(tasks, (task) =>
    Effect.gen(function* () {
      yield* progress({ _tag: "Started", subject: task.subject })
      const judgement = yield* within(task, end)
      const settled = yield* untouched(judgement, head)
      if (options.apart === true) yield* head.renew
      yield* progress({ _tag: "Judged", subject: task.subject, status: settled.status })
      return { ...settled, assertion: task.subject } satisfies Verdict.Finding
    })
  )
})

/** Fails where there is nothing to judge, before anything is made. */
const there = (repository: string, commit: string) =>
  Effect.mapError(
    Git.resolve(repository, commit),
    (cause) =>
      new Validator.ValidatorError({
        reason: "SubjectUnavailable",
        message: `The change can not be judged: ${cause.message}`,
        cause
      })
  )

const blocked = (reason: string): Rule.Judgement => ({ status: "blocked", reason, evidence: [] })

/** What broke. Of what printed something, that is evidence: it may be another time another one. */
const broken = (error: Validator.ValidatorError | Checkout.NotPrepared): Rule.Judgement => {
  const message = PlainText.harmless(error.message)
  const [first = ""] = message.split("\n")
  const isPrinted = error._tag === "NotPrepared"
  const evidence = Verdict.evidence({ kind: "command", summary: first, content: message, excerpt: message })
  return {
    status: "error",
    reason: isPrinted ? `not made ready: ${first}` : message.slice(0, 4_000),
    evidence: isPrinted ? [evidence] : []
  }
}

const thrown = (defect: unknown): Rule.Judgement => ({
  status: "error",
  reason: `it threw: ${Fault.record(defect).message.slice(0, 4_000)}. Mend the rule: what goes wrong in it is a ValidatorError`,
  evidence: []
})

/** The judgement of a task, in the time that there is. */
const within = <R>({ isLeftOut, judge }: Task<R>, end: number): Effect.Effect<Rule.Judgement, never, R> => {
  if (isLeftOut) return Effect.succeed(blocked("left out of a quick look"))
  const whole = judge.pipe(
    Effect.catch((error) => Effect.succeed(broken(error))),
    Effect.catchDefect((defect) => Effect.succeed(thrown(defect)))
  )
  if (end === Infinity) return whole
  return Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.map(
      Effect.timeoutOption(whole, Math.max(0, end - now)),
      Option.getOrElse(() => blocked("the time of a quick look was over"))
    )
  )
}

/** A judgement together with what its judging did to the files of the commit. What was rewritten is not judged by again. */
const untouched = Effect.fnUntraced(function* (
  judgement: Rule.Judgement,
  head: HeldCheckout.Held
): Effect.fn.Return<Rule.Judgement> {
  const changed = yield* Effect.result(head.changed)
  if (changed._tag === "Success" && changed.success.length === 0) return judgement
  yield* head.renew
  if (changed._tag === "Failure") {
    return {
      ...judgement,
      status: "error",
      reason: `${judgement.reason}; whether it rewrote files of the commit is not known`
    }
  }
  const paths = changed.success.slice(0, 50)
  const { evidence, problems = [], reason, status } = judgement
  return {
    status: status === "error" ? status : "fail",
    reason: `${reason}; it rewrote files of the commit that it judged: ${paths.slice(0, 5).join(", ")}`,
    evidence,
    problems: [
      ...problems,
      ...paths.map((path) => ({ rule: "checkout-changed", message: "rewritten while it was judged", path, line: null }))
    ]
  }
})
