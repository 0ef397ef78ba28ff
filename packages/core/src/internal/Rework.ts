/** Going back: work that is done again with its failure as the context, until it is good or it makes no sense to go on. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Budget from "../Budget.ts"
import * as Digest from "../Digest.ts"
import type * as FactoryEvent from "../FactoryEvent.ts"
import * as Journal from "../Journal.ts"
import * as Redaction from "../Redaction.ts"
import * as Run from "../Run.ts"
import * as Tainted from "../Tainted.ts"
import * as Usage from "../Usage.ts"
import * as Verdict from "../Verdict.ts"
import { type Exhausted, Parked } from "./LineError.ts"
import * as Sameness from "./Sameness.ts"
import * as Spending from "./Spending.ts"

/** The work has to be done again, with this as its context. */
export class Again<out Feedback> {
  readonly _tag = "Again"
  readonly feedback: Feedback
  constructor(feedback: Feedback) {
    this.feedback = feedback
  }
}

/** Goes back: the next attempt of the {@link rework} around gets the feedback. */
export const again = <Feedback>(feedback: Feedback): Effect.Effect<Again<Feedback>> =>
  Effect.succeed(new Again(feedback))

/** When going back ends. */
export interface Limits<Feedback> {
  /** How often the work is done at most. */
  readonly attempts: number
  /**
   * After so many attempts with the same failures the breaker trips, since another one would fail in the same way. Default 2 where
   * the feedback is a verdict, whose failures are known as a set, and 3 where it is anything else: then they are only alike.
   */
  readonly identical?: number
  /**
   * What makes two failures the same. Default: of a verdict its set of fingerprints; of anything else its JSON, without what differs
   * from one attempt to the next by itself: digests, times, temporary paths, numbers of lines.
   */
  readonly fingerprint?: (feedback: Feedback) => string
  /**
   * What all attempts may use up together, beside the budget of the run. No attempt begins where it is used up: the item is parked.
   * Within an attempt it is a hard stop like every budget.
   */
  readonly budget?: Omit<Budget.Limits, "time">
  /** How the part is called in facts and messages. Default `rework`. */
  readonly name?: string
}

type Spent = NonNullable<Exhausted["spent"]>

const isVerdict = Schema.is(Verdict.Verdict)

/** The failures that a feedback is about. */
const failuresOf = (feedback: unknown): ReadonlyArray<Digest.Digest> =>
  isVerdict(feedback)
    ? Verdict.fingerprints(feedback)
    : [Digest.of(Sameness.of(JSON.stringify(feedback) ?? String(feedback)))]

/** The feedback as the author of the next attempt may be given it. */
const contextOf = Effect.fnUntraced(function* (
  feedback: unknown,
  { attempt, since }: { readonly attempt: number; readonly since: ReadonlyMap<Digest.Digest, number> }
) {
  const secrets = yield* Redaction.Secrets
  const text = isVerdict(feedback)
    ? Verdict.complaint(feedback, { since, secrets })
    : Sameness.cut(
        Redaction.scrub(typeof feedback === "string" ? feedback : (JSON.stringify(feedback) ?? ""), secrets),
        16_000
      )
  return Tainted.of(`what stood against attempt ${attempt}`, text)
})

const spentOf = ({ unpriced, usage, usd }: Usage.Bill): Spent => ({ usd, tokens: Usage.total(usage), unpriced })

/** The records of one part of a run that is done again and again. Outside of a line there are none, and nothing is known to be spent. */
const records = Effect.fnUntraced(function* (name: string) {
  const run = Option.getOrUndefined(yield* Run.betweenStages)
  const journal = Option.getOrUndefined(yield* Effect.serviceOption(Journal.Journal))
  if (run === undefined || journal === undefined) return undefined
  // No stage is called so: it must not be counted among them.
  const part = run.next(`~${name}`).slice(1)
  const record = (
    tag: "begun" | "refused",
    make: (spent: Spent) => Extract<FactoryEvent.Fact, { readonly _tag: "AttemptBegun" | "AttemptRefused" }>
  ) =>
    Effect.gen(function* () {
      const [own] = yield* Spending.of(journal)(run.id)
      const fact = make(spentOf(own?.bill ?? Usage.emptyBill))
      const key = yield* Run.key(run, `~${part}/${fact.attempt}/${tag}`)
      const { fact: standing } = yield* Journal.record(fact, key)
      // After a crash what was spent by then is what was written then.
      return standing._tag === fact._tag ? standing.spent : fact.spent
    }).pipe(Effect.provideService(Journal.Journal, journal))
  return { part, record }
})

const minus = (after: Spent, before: Spent): Spent => ({
  usd: Math.max(0, Usage.plus(after.usd, -before.usd)),
  tokens: Math.max(0, after.tokens - before.tokens),
  unpriced: Math.max(0, after.unpriced - before.unpriced)
})

/**
 * Does work until it is good. The failure of one attempt is the context of the next: as it was given, and as a text for an author,
 * which is bounded, has no secrets in it, and says of what failed before since when. Parks the item when the attempts or the
 * money are used up, or when the breaker trips; `exhausted` says which. In a line every attempt is a fact.
 */
export const rework = <A, Feedback, E, R>(
  limits: Limits<Feedback>,
  work: (
    feedback: Feedback | undefined,
    attempt: number,
    context: Tainted.Tainted | undefined
  ) => Effect.Effect<A | Again<Feedback>, E, R>
): Effect.Effect<A, E | Parked | Budget.BudgetError | Journal.JournalError, R> =>
  Effect.gen(function* () {
    const { attempts, budget, name = "rework" } = limits
    const kept = yield* records(name)
    const seen = new Map<string, number>()
    let since: ReadonlyMap<Digest.Digest, number> = new Map()
    let feedback: Feedback | undefined
    let context: Tainted.Tainted | undefined
    let before: Spent | undefined
    let spent: Spent | undefined
    const giveUp = (why: string, exhausted: Omit<Exhausted, "spent">) =>
      parked(why, { ...exhausted, ...(spent !== undefined && { spent }) })
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const begun = yield* (
        kept?.record("begun", (spent) => ({
          _tag: "AttemptBegun",
          part: kept.part,
          attempt,
          spent
        })) ?? Effect.undefined
      )
      before ??= begun
      if (begun !== undefined && before !== undefined) spent = minus(begun, before)
      if (budget !== undefined && isSpent(budget, spent)) {
        const why = `The ${attempt - 1} attempts used up what they may together`
        return yield* giveUp(why, { repeated: false, attempts: attempt - 1 })
      }
      const inside = work(feedback, attempt, context)
      const result = yield* budget === undefined ? inside : Budget.pool(name, leftOf(budget, spent))(inside)
      if (!(result instanceof Again)) return result
      feedback = result.feedback
      const failures = failuresOf(feedback)
      const repeated = failures.filter((failure) => since.has(failure)).length
      const refused = yield* (
        kept?.record("refused", (spent) => ({
          _tag: "AttemptRefused",
          part: kept.part,
          attempt,
          failures,
          repeated,
          spent
        })) ?? Effect.undefined
      )
      if (refused !== undefined && before !== undefined) spent = minus(refused, before)
      context = yield* contextOf(feedback, { attempt, since })
      const standing = since
      since = new Map(failures.map((failure) => [failure, standing.get(failure) ?? attempt]))
      const print = limits.fingerprint?.(result.feedback) ?? failures.join(" ")
      const times = (seen.get(print) ?? 0) + 1
      seen.set(print, times)
      const isRepeated = times >= (limits.identical ?? (isVerdict(feedback) ? 2 : 3))
      if (attempt >= attempts) {
        return yield* giveUp(`The work was not accepted in ${attempts} attempts`, { repeated: isRepeated, attempts })
      }
      if (isRepeated) {
        const why = `The work failed ${times} times in the same way, and was not tried again`
        return yield* giveUp(why, { repeated: true, attempts: attempt })
      }
    }
    return yield* giveUp(`The work was not accepted in ${attempts} attempts`, { repeated: false, attempts: 0 })
  })

/** Whether no attempt may begin any more. A limit in money holds nothing of which the price is not known. */
const isSpent = ({ tokens = Infinity, usd }: Budget.Limits, spent: Spent | undefined): boolean =>
  spent !== undefined && (spent.tokens >= tokens || (usd !== undefined && (spent.usd >= usd || spent.unpriced > 0)))

/** What the next attempt may still use up. */
const leftOf = ({ tokens, usd }: Budget.Limits, spent: Spent | undefined): Budget.Left => ({
  ...(tokens !== undefined && { tokens: tokens - (spent?.tokens ?? 0) }),
  ...(usd !== undefined && { usd: Usage.plus(usd, -(spent?.usd ?? 0)) })
})

const parked = Effect.fnUntraced(function* (reason: string, exhausted: Exhausted) {
  const run = yield* Effect.serviceOption(Run.Run)
  return yield* new Parked({
    item: Option.match(run, { onNone: () => "", onSome: ({ item }) => item.id }),
    reason,
    unblockWhen: "somebody looks at the last verdict and changes the item, the contract or the limit of attempts",
    exhausted
  })
})
