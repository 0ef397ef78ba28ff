/** How the router **looks** at a candidate: what it would cost, and what is against it. */
import type * as Budget from "../Budget.ts"
import * as Candidate from "../Candidate.ts"
import * as Forecast from "../Forecast.ts"
import type * as Model from "../Model.ts"
import type * as Pricing from "../Pricing.ts"
import type * as RouteDecision from "../RouteDecision.ts"
import type * as Scorer from "../Scorer.ts"
import * as Usage from "../Usage.ts"

/** A candidate, what the rest of the work costs with it, and what is against it so far. */
export interface Look {
  readonly id: string
  readonly quality: number | null
  readonly cost: Usage.Cost
  /** How long its answers take, in seconds, where that is known. */
  readonly seconds?: number
  /** What waiting for them is worth, in US dollars. */
  readonly waiting: number
  readonly out: RouteDecision.Alternative["out"]
}

/** One that can be compared: it has a quality and a price, and nothing is against it. */
export interface Able extends Look {
  readonly quality: number
  readonly cost: Extract<Usage.Cost, { readonly _tag: "Known" }>
  readonly out: null
}

/** What the hard filters ask about. */
export interface Question {
  readonly work: Forecast.Work
  readonly needs?: ReadonlyArray<Candidate.Capability>
  readonly tier?: Model.Tier | undefined
  readonly current?: Forecast.Current
  readonly left?: Budget.Left
  readonly outages?: ReadonlyArray<string>
  readonly evidence?: ReadonlyArray<RouteDecision.Evidence>
  readonly avoid?: ReadonlyArray<string>
  /** What an hour of waiting for answers is worth, in US dollars. */
  readonly hour?: number
}

const tiers: ReadonlyArray<Model.Tier> = ["small", "standard", "large"]

/** Looks at every candidate, by name. */
export const all = (
  candidates: ReadonlyArray<Candidate.Candidate>,
  question: Question,
  pricing: Pricing.Pricing["Service"]
): ReadonlyArray<Look> => {
  const { current, hour = 0, work } = question
  const slowest = Math.max(0, ...candidates.map((candidate) => Forecast.seconds(candidate, work) ?? 0))
  const holder = candidates.find((candidate) => Candidate.idOf(candidate) === current?.candidate)
  const { returns = 0 } = work
  const back = holder === undefined || returns === 0 ? Usage.known(0) : Forecast.back(holder, work, pricing)
  return candidates
    .map((candidate) => {
      const turns = Forecast.usages(candidate, work, current)
      const own = Forecast.priced(candidate, turns, pricing)
      const cost = candidate === holder ? own : plus(own, back, returns)
      const tokens = turns.reduce((sum, usage) => sum + Usage.total(usage), 0)
      const id = Candidate.idOf(candidate)
      const seconds = Forecast.seconds(candidate, work)
      const waiting = (hour * (seconds ?? slowest)) / 3_600
      const time = { ...(seconds !== undefined && { seconds }), waiting }
      return { id, cost, ...time, quality: null, out: against(candidate, question, { cost, tokens }) }
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** A way back that nobody can price says nothing against those who can be priced. */
const plus = (own: Usage.Cost, back: Usage.Cost, returns: number): Usage.Cost =>
  own._tag === "Known" && back._tag === "Known" ? Usage.known(own.usd + returns * back.usd) : own

const against = (
  candidate: Candidate.Candidate,
  { avoid = [], left = {}, needs = [], outages = [], tier, work }: Question,
  { cost, tokens }: { readonly cost: Usage.Cost; readonly tokens: number }
): Look["out"] => {
  const missing = needs.filter((need) => !candidate.can.includes(need))
  const longest = Forecast.longest(work)
  if (missing.length > 0) return { reason: "Incapable", detail: `It has no ${missing.join(", no ")}.` }
  if (avoid.includes(Candidate.familyOf(candidate))) {
    return { reason: "Avoided", detail: `The task may not go to the family ${Candidate.familyOf(candidate)}.` }
  }
  if (longest > candidate.context) {
    return { reason: "ContextTooSmall", detail: `It holds ${candidate.context} tokens, the work comes to ${longest}.` }
  }
  if (tier !== undefined && tiers.indexOf(candidate.tier) < tiers.indexOf(tier)) {
    return { reason: "BelowTier", detail: `It is ${candidate.tier}, and the role needs ${tier}.` }
  }
  if (outages.includes(candidate.provider))
    return { reason: "Unavailable", detail: `The provider ${candidate.provider} is down.` }
  if (left.tokens !== undefined && tokens > left.tokens) {
    return { reason: "OverBudget", detail: `It would use ${tokens} tokens, and ${left.tokens} are left.` }
  }
  if (cost._tag === "Unknown") return { reason: "Unpriced", detail: `Its price is not known: ${cost.why}.` }
  return left.usd !== undefined && cost.usd > left.usd
    ? { reason: "OverBudget", detail: `It would cost ${dollars(cost.usd)}, and ${dollars(left.usd)} are left.` }
    : null
}

/** Adds what a scorer said, and takes out whoever failed or is not better than whoever failed. */
export const score = (
  looks: ReadonlyArray<Look>,
  { evidence = [] }: Pick<Question, "evidence">,
  scores: Scorer.Scores
): ReadonlyArray<Look> => {
  const of = (id: string): number | null => {
    const score = Object.hasOwn(scores, id) ? scores[id] : undefined
    return score !== undefined && score >= 0 && score <= 1 ? score : null
  }
  const failed = new Set(evidence.map(({ candidate }) => candidate))
  const floor = Math.max(-1, ...[...failed].map((id) => of(id) ?? -1))
  return looks.map((look) => {
    const quality = of(look.id)
    return { ...look, quality, out: look.out ?? doubt({ id: look.id, quality, floor, failed }) }
  })
}

const doubt = ({
  failed,
  floor,
  id,
  quality
}: Pick<Look, "id" | "quality"> & { readonly floor: number; readonly failed: ReadonlySet<string> }): Look["out"] => {
  if (failed.has(id)) return { reason: "NotStronger", detail: "There is evidence against it." }
  if (quality === null) return { reason: "Unscored", detail: "The scorer says nothing about it." }
  return quality <= floor
    ? {
        reason: "NotStronger",
        detail: `It is predicted at ${percent(quality)}, and whoever failed at ${percent(floor)}.`
      }
    : null
}

/** Whether a look can be compared with others. */
export const isAble = (look: Look): look is Able =>
  look.out === null && look.quality !== null && look.cost._tag === "Known"

/** Whether a candidate can not, or may not, do the task at all, whatever anybody wants. */
export const isIncapable = (reason: RouteDecision.Reason): boolean =>
  reason === "Incapable" || reason === "ContextTooSmall" || reason === "Avoided"

/** The order of cost, waiting included: the cheaper one first, then whoever has the conversation, then the better one, then by name. */
export const cheaper =
  (current: Forecast.Current | undefined) =>
  (a: Able, b: Able): number =>
    a.cost.usd + a.waiting - (b.cost.usd + b.waiting) ||
    Number(b.id === current?.candidate) - Number(a.id === current?.candidate) ||
    b.quality - a.quality ||
    (a.id < b.id ? -1 : 1)

/** Every candidate with the reason why it was not chosen. */
export const alternatives = (
  looks: ReadonlyArray<Look>,
  chosen: string,
  threshold: number
): ReadonlyArray<RouteDecision.Alternative> =>
  looks.map(({ cost, id, out, quality, seconds }) => ({
    candidate: id,
    quality,
    cost,
    ...(seconds !== undefined && { seconds }),
    out: id === chosen ? null : (out ?? lost({ quality, threshold }))
  }))

const lost = ({
  quality,
  threshold
}: Pick<Look, "quality"> & { readonly threshold: number }): RouteDecision.Alternative["out"] => {
  if (quality === null) return { reason: "NotAsked", detail: "The choice was given." }
  return quality < threshold
    ? { reason: "BelowThreshold", detail: `It is predicted at ${percent(quality)} of ${percent(threshold)}.` }
    : { reason: "Dearer", detail: "Another one that clears the threshold costs less." }
}

/** A sentence for each candidate. */
export const listed = (looks: ReadonlyArray<Look>, threshold = 0): string =>
  looks.length === 0
    ? "There are no candidates."
    : looks.map(({ id, out, quality }) => `${id}: ${(out ?? lost({ quality, threshold }))?.detail ?? ""}`).join(" ")

const dollars = (usd: number): string => `$${Number(usd.toPrecision(3))}`

const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`
