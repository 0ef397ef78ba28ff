/**
 * The **router**: the cheapest candidate whose predicted quality clears a threshold.
 *
 * 1. Who can not take the task is out, whatever it costs: what it has to be capable of, the length of its context, the
 *    role's tier, providers that are down, money and tokens that are left.
 * 2. A pin wins over everything but what the model is not capable of. What a role begins with comes next.
 * 3. Who worked on the task and failed is out, and so is everybody who is not predicted to be better.
 * 4. Of those that clear the threshold the cheapest is taken: what the rest of the work costs, cache reads, cache writes, the
 *    loss of the cache on a switch, and what waiting for it is worth included. At the same cost whoever has the conversation keeps it.
 *
 * {@link select} is pure; {@link route} asks the scorer and records the decision, with every alternative and its reason.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Budget from "./Budget.ts"
import * as Candidate from "./Candidate.ts"
import * as Fault from "./Fault.ts"
import type * as Forecast from "./Forecast.ts"
import * as Look from "./internal/CandidateLook.ts"
import * as Journal from "./Journal.ts"
import type * as Model from "./Model.ts"
import * as Pricing from "./Pricing.ts"
import type * as RouteDecision from "./RouteDecision.ts"
import * as Scorer from "./Scorer.ts"
import * as TaskFeatures from "./TaskFeatures.ts"

/** No candidate can be chosen. The message says of each why. */
export class RouteError extends Fault.Class<RouteError>()("RouteError", {
  /** Nobody can take the task. */
  NobodyLeft: false,
  /** Those who could are of providers that are down. */
  Unavailable: true,
  /** Nobody is predicted to be better than whoever failed. */
  NobodyStronger: false,
  /** Nobody clears the threshold, and the rules say that this is an end. */
  NobodyClears: false,
  /** The pinned model is not capable of the task. */
  PinCanNot: false,
  /** A name that is no candidate's, or numbers that can not be. */
  Misconfigured: false,
  /** A call failed in a way that another provider does not mend. */
  NotTransient: false
}) {}

/** What a role begins with. */
export interface RoleDefault {
  /** A candidate by name, taken without a look at quality and price for as long as it can take the task. */
  readonly candidate?: string
  /** No smaller tier than this. */
  readonly tier?: Model.Tier
  /** In the place of the rules' threshold. */
  readonly threshold?: number
}

/** What holds for every task. */
export interface Rules {
  readonly candidates: ReadonlyArray<Candidate.Candidate>
  /** The quality that is enough, from 0 to 1. Default 0.7. */
  readonly threshold?: number
  /** By the name of the role. */
  readonly roles?: Readonly<Record<string, RoleDefault>>
  /** When nobody clears the threshold: the strongest who can take the task (default), or an error. */
  readonly belowThreshold?: "strongest" | "fail"
  /**
   * When nobody clears the threshold, by how much less than the strongest somebody may be predicted to count as strong as
   * that one; the cheapest of them is taken. From 0 (default) to 1.
   */
  readonly slack?: number
  /**
   * What an hour of waiting for answers is worth, in US dollars. Default 0: nobody waits. Where somebody does, the faster of two
   * that are good enough may be taken although it costs more.
   */
  readonly hour?: number
}

/** One choice that is to be made: at the beginning of a task, or in the middle of it. */
export interface Request {
  readonly task: TaskFeatures.Task
  readonly work: Forecast.Work
  readonly needs?: ReadonlyArray<Candidate.Capability>
  readonly role?: string
  /** A candidate by name, as a user said it. */
  readonly pin?: string
  readonly current?: Forecast.Current
  /** What may still be used up: `Budget.left`. */
  readonly left?: Budget.Left
  /** What speaks against those who worked on this task so far. */
  readonly evidence?: ReadonlyArray<RouteDecision.Evidence>
  /** Providers that are down. */
  readonly outages?: ReadonlyArray<string>
  /** Families of models that may not have the task, whoever wants it: those of whoever wrote what is judged, say. */
  readonly avoid?: ReadonlyArray<string>
}

/** What a choice needs to know beside the rules: prices, and what a scorer said. */
export interface Knowledge {
  readonly pricing: Pricing.Pricing["Service"]
  readonly scorer: string
  readonly scores: Scorer.Scores
}

type Answer = Result.Result<RouteDecision.RouteDecision, RouteError>

/** The threshold that is used where nothing else is said. */
export const usualThreshold = 0.7

/** Chooses. Pure: the same rules, request and knowledge have the same answer, in whatever order candidates stand. */
export const select = (rules: Rules, request: Request, knowledge: Knowledge): Answer => {
  const wrong = misconfigured(rules, request)
  if (wrong !== undefined) return fail("Misconfigured", wrong)
  const looks = looksOf(rules, request, knowledge.pricing)
  return (
    given(rules, request, looks) ??
    scored(rules, request, { scorer: knowledge.scorer, looks: Look.score(looks, request, knowledge.scores) })
  )
}

/** How {@link route} records a choice. */
export interface Options {
  /** The verdicts of the run judge this work, so it is a trial that the scorer can be calibrated with. Default `false`. */
  readonly judged?: boolean
}

/** Chooses, and records it. The scorer is asked only where a score has a say. */
export const route = (
  rules: Rules,
  request: Request,
  { judged = false }: Options = {}
): Effect.Effect<
  RouteDecision.RouteDecision,
  RouteError | Scorer.ScorerError | Journal.JournalError,
  Scorer.Scorer | Pricing.Pricing | Journal.Journal
> =>
  Effect.gen(function* () {
    const pricing = yield* Pricing.Pricing
    const wrong = misconfigured(rules, request)
    if (wrong !== undefined) return yield* Effect.fromResult(fail("Misconfigured", wrong))
    const looks = looksOf(rules, request, pricing)
    const decision = yield* Effect.fromResult(given(rules, request, looks) ?? (yield* asked(rules, request, looks)))
    yield* Journal.record({ _tag: "ModelChosen", role: request.role ?? null, judged, decision })
    return decision
  })

const asked = Effect.fnUntraced(function* (rules: Rules, request: Request, looks: ReadonlyArray<Look.Look>) {
  const { name, score } = yield* Scorer.Scorer
  const { task } = request
  const scores = yield* score({ features: TaskFeatures.of(task), task, candidates: rules.candidates })
  return scored(rules, request, { scorer: name, looks: Look.score(looks, request, scores) })
})

/**
 * The request for whoever goes on after a call failed. Another provider is asked only where the failure is transient, and
 * waiting for the first one is not: everything else fails there too, or is for a person.
 */
export const failOver = (
  request: Request,
  failed: { readonly candidate: Pick<Candidate.Candidate, "model" | "provider">; readonly error: Model.ModelError }
): Result.Result<Request, RouteError> => {
  const { candidate, error } = failed
  return error.isRetryable
    ? Result.succeed({ ...request, outages: [...new Set([...(request.outages ?? []), candidate.provider])] })
    : fail(
        "NotTransient",
        `${Candidate.idOf(candidate)} failed with ${error.reason}, which another provider does not mend. ` +
          `Mend what its message says: ${error.message}`
      )
}

/** The request for whoever goes on after evidence against the model that works on the task. */
export const escalate = (request: Request, evidence: RouteDecision.Evidence): Request => ({
  ...request,
  evidence: [...(request.evidence ?? []), evidence]
})

const fail = (reason: RouteError["reason"], message: string): Result.Result<never, RouteError> =>
  Result.fail(new RouteError({ reason, message }))

const roleOf = ({ roles = {} }: Rules, { role }: Request): RoleDefault =>
  role !== undefined && Object.hasOwn(roles, role) ? (roles[role] ?? {}) : {}

const thresholdOf = (rules: Rules, request: Request): number =>
  roleOf(rules, request).threshold ?? rules.threshold ?? usualThreshold

const looksOf = (rules: Rules, request: Request, pricing: Pricing.Pricing["Service"]): ReadonlyArray<Look.Look> =>
  Look.all(
    rules.candidates,
    { ...request, tier: roleOf(rules, request).tier, ...(rules.hour !== undefined && { hour: rules.hour }) },
    pricing
  )

/** What is wrong with rules or a request, and how to mend it. */
const misconfigured = (rules: Rules, request: Request): string | undefined => {
  const { slack = 0 } = rules
  const ids = rules.candidates.map(Candidate.idOf)
  const known = ids.join(", ") || "none"
  const twice = ids.find((id, at) => ids.indexOf(id) !== at)
  const endless = rules.candidates.find(({ context }) => !(context > 0))
  const threshold = thresholdOf(rules, request)
  const unknown = [request.pin, roleOf(rules, request).candidate].find((id) => id !== undefined && !ids.includes(id))
  const amount = Object.entries(request.work).find(([, tokens]) => !(tokens >= 0))
  const limit = Object.entries(request.left ?? {}).find(([, much]) => !(much >= 0))
  if (twice !== undefined) return `Two candidates are called ${twice}. Take one of them out.`
  if (endless !== undefined) {
    return `${Candidate.idOf(endless)} has a context of ${endless.context} tokens. Say how many it holds.`
  }
  if (!(threshold >= 0 && threshold <= 1)) return `A threshold of ${threshold} is none. Take one from 0 to 1.`
  if (!(slack >= 0 && slack <= 1)) return `A slack of ${slack} is none. Take one from 0 to 1.`
  if (rules.hour !== undefined && !(rules.hour >= 0 && rules.hour < Infinity)) {
    return `An hour of ${rules.hour} US dollars is none. Take a number of at least 0.`
  }
  const still = rules.candidates.find(({ speed }) => speed && !(speed.first >= 0 && speed.perSecond > 0))
  if (still !== undefined)
    return `${Candidate.idOf(still)} has a speed that is none. Take seconds of at least 0, and more than 0 tokens in each.`
  if (unknown !== undefined) return `${unknown} is no candidate. Pin one of these, or add it: ${known}.`
  if (amount !== undefined) return `The work has ${amount[0]} of ${amount[1]}. Take a number of at least 0.`
  if ((request.work.returns ?? 0) > 1)
    return `The work returns with ${request.work.returns}. Take a number from 0 to 1.`
  if (limit !== undefined) return `What is left has ${limit[0]} of ${limit[1]}. Take a number of at least 0.`
  return undefined
}

/** The choice that is made without a score: a pin, or what the role begins with. */
const given = (rules: Rules, request: Request, looks: ReadonlyArray<Look.Look>): Answer | undefined => {
  const { pin } = request
  const base = { rules, request, looks, scorer: null }
  if (pin !== undefined) {
    const out = looks.find(({ id }) => id === pin)?.out
    return out && Look.isIncapable(out.reason)
      ? fail("PinCanNot", `The pinned ${pin} can not take the task: ${out.detail} Pin another one, or none.`)
      : Result.succeed(decisionOf({ ...base, chosen: pin, why: "Pinned" }))
  }
  const { candidate } = roleOf(rules, request)
  const start = looks.find(({ id }) => id === candidate)
  const isFree = start !== undefined && (start.out === null || start.out.reason === "Unpriced")
  const isMoney = request.left?.usd !== undefined && start?.out?.reason === "Unpriced"
  return candidate !== undefined && isFree && !isMoney && (request.evidence ?? []).length === 0
    ? Result.succeed(decisionOf({ ...base, chosen: candidate, why: "RoleDefault" }))
    : undefined
}

/** The cheapest that clears the threshold, or the strongest where nobody does. */
const scored = (
  rules: Rules,
  request: Request,
  { looks, scorer }: { readonly looks: ReadonlyArray<Look.Look>; readonly scorer: string }
): Answer => {
  const base = { rules, request, looks, scorer }
  const threshold = thresholdOf(rules, request)
  const able = looks.filter(Look.isAble)
  const [cheapest] = able.filter(({ quality }) => quality >= threshold).sort(Look.cheaper(request.current))
  if (cheapest !== undefined) {
    return Result.succeed(decisionOf({ ...base, chosen: cheapest.id, why: "CheapestAboveThreshold" }))
  }
  const best = Math.max(...able.map(({ quality }) => quality))
  const [strongest] = able
    .filter(({ quality }) => quality >= best - (rules.slack ?? 0))
    .sort(Look.cheaper(request.current))
  if (strongest === undefined) return nobody(looks)
  if (rules.belowThreshold !== "fail") {
    return Result.succeed(decisionOf({ ...base, chosen: strongest.id, why: "StrongestBelowThreshold" }))
  }
  return fail(
    "NobodyClears",
    `Nobody clears the threshold of ${threshold}. ${Look.listed(looks, threshold)} ` +
      `Lower the threshold, add a candidate, or make the task smaller.`
  )
}

const nobody = (looks: ReadonlyArray<Look.Look>) => {
  const has = (reason: RouteDecision.Reason) => looks.some(({ out }) => out?.reason === reason)
  const reason = has("Unavailable") ? "Unavailable" : has("NotStronger") ? "NobodyStronger" : "NobodyLeft"
  const mend = {
    Unavailable: "Try again later, or add a provider.",
    NobodyStronger: "Ask a person, or add a stronger candidate.",
    NobodyLeft: "Add a candidate that can take it, or change what the task needs."
  }[reason]
  return fail(reason, `No candidate can be chosen. ${Look.listed(looks)} ${mend}`)
}

const decisionOf = ({
  chosen,
  looks,
  request,
  rules,
  scorer,
  why
}: Pick<RouteDecision.RouteDecision, "chosen" | "why" | "scorer"> & {
  readonly rules: Rules
  readonly request: Request
  readonly looks: ReadonlyArray<Look.Look>
}): RouteDecision.RouteDecision => ({
  chosen,
  why,
  threshold: thresholdOf(rules, request),
  scorer,
  features: TaskFeatures.of(request.task),
  evidence: request.evidence ?? [],
  outages: [...(request.outages ?? [])].sort(),
  from: request.current?.candidate ?? null,
  alternatives: Look.alternatives(looks, chosen, thresholdOf(rules, request))
})
