/**
 * What goes wrong at a **twin** on demand, as data: with the answer to a request, or with a webhook. A rule says to what it
 * happens and how often, so that the same requests meet the same faults.
 */
import * as Schema from "effect/Schema"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/** Of what fits, the first that it happens to, from 1, and to how many. By default to the next one only. */
const Counted = {
  from: Schema.optionalKey(Count),
  times: Schema.optionalKey(Count)
}

/** Which requests. What is left out fits any. */
export const Requests = Schema.Struct({
  method: Schema.optionalKey(Schema.NonEmptyString),
  /** A route as the twin names it, `/repos/:owner/:repo/issues`, or a path. */
  route: Schema.optionalKey(Schema.NonEmptyString),
  ...Counted
})
/** Which requests. */
export type Requests = typeof Requests.Type

/** Which webhooks: those of an event, or any. */
export const Webhooks = Schema.Struct({ event: Schema.optionalKey(Schema.NonEmptyString), ...Counted })
/** Which webhooks. */
export type Webhooks = typeof Webhooks.Type

/** `true`: what was asked for is done, and only the answer is lost. Default `false`. */
const applied = Schema.optionalKey(Schema.Boolean)

/** What goes wrong with the answer to a request. */
export const AnswerFault = Schema.TaggedUnion({
  /** An error of the service. `retryAfter` is in seconds. */
  Refuse: {
    status: Schema.Int.check(Schema.isBetween({ minimum: 400, maximum: 599 })),
    retryAfter: Schema.optionalKey(Schema.Natural),
    applied
  },
  /** There is no answer, until the client hangs up. */
  Timeout: { applied },
  /** So many milliseconds pass before the answer. It is the client who waits: they are real ones, not the twin's. */
  Slow: { millis: Schema.Natural },
  /** The connection is cut: before the answer, or in the middle of it. */
  Cut: { where: Schema.Literals(["before", "inside"]), applied }
})
/** What goes wrong with the answer to a request. */
export type AnswerFault = typeof AnswerFault.Type

/** What goes wrong with a webhook. */
export const WebhookFault = Schema.TaggedUnion({
  Drop: {},
  /** It comes so many milliseconds later, by the twin's clock. */
  Delay: { millis: Schema.Natural },
  /** It comes twice, as the same delivery. */
  Double: {},
  /** It comes after the next one. Where none follows, it comes when the twin's clock is advanced. */
  Swap: {}
})
/** What goes wrong with a webhook. */
export type WebhookFault = typeof WebhookFault.Type

/** One rule. Of several that fit, the first one that is not used up holds. */
export const Rule = Schema.TaggedUnion({
  Answer: { when: Requests, what: AnswerFault },
  Webhook: { when: Webhooks, what: WebhookFault }
})
/** One rule. */
export type Rule = typeof Rule.Type

/** A rule for the answers to requests. */
export const answer = (what: AnswerFault, when: Requests = {}): Rule => ({ _tag: "Answer", when, what })

/** A rule for webhooks. */
export const webhook = (what: WebhookFault, when: Webhooks = {}): Rule => ({ _tag: "Webhook", when, what })

/** A request as rules see it. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly route: string | undefined
}

/** Counts what comes, and says what goes wrong with it. */
export interface Faults {
  readonly ofRequest: (asked: Asked) => AnswerFault | undefined
  readonly ofWebhook: (event: string) => WebhookFault | undefined
}

/** Rules with their counts at 0. */
export const counting = (rules: ReadonlyArray<Rule>): Faults => {
  const seen = new Map<Rule, number>()
  const happens = (rule: Rule): boolean => {
    const number = (seen.get(rule) ?? 0) + 1
    seen.set(rule, number)
    const from = rule.when.from ?? 1
    return number >= from && number < from + (rule.when.times ?? 1)
  }
  // Every rule that fits counts, whichever holds.
  const holding = (fitting: ReadonlyArray<Rule>): Rule | undefined => fitting.filter(happens)[0]
  return {
    ofRequest: (asked) => {
      const rule = holding(rules.filter((each) => each._tag === "Answer" && fits(each.when, asked)))
      return rule?._tag === "Answer" ? rule.what : undefined
    },
    ofWebhook: (event) => {
      const rule = holding(
        rules.filter((each) => each._tag === "Webhook" && (each.when.event === undefined || each.when.event === event))
      )
      return rule?._tag === "Webhook" ? rule.what : undefined
    }
  }
}

const fits = ({ method, route }: Requests, asked: Asked): boolean =>
  (method === undefined || method === asked.method) &&
  (route === undefined || route === asked.route || route === asked.path)
