/**
 * A **forecast** of what a candidate would cost from here on: turn by turn, with what is read from the prompt cache, what
 * is written to it, and what a switch costs, since another model has none of the conversation in its cache.
 */
import * as Candidate from "./Candidate.ts"
import * as Pricing from "./Pricing.ts"
import * as Usage from "./Usage.ts"

/** The work that is expected. Tokens; each number at least 0. */
export interface Work {
  /** The conversation as it stands: the whole prompt of the next turn. */
  readonly context: number
  /** Turns from here on. At least 1; more than 1,000 count as 1,000. */
  readonly turns: number
  /** By how much a turn makes the conversation longer, beside its answer: results of tools, and what people say. */
  readonly growth: number
  /** What a turn answers. */
  readonly output: number
  /**
   * How likely the conversation comes back, after this work, to whoever has it now, from 0 to 1. Default 0. Whoever else
   * takes it then costs what writing it again costs in the end.
   */
  readonly returns?: number
}

/** Who holds the conversation now, and how much of it is in that model's cache and not yet expired, in tokens. */
export interface Current {
  readonly candidate: string
  readonly cached: number
}

const whole = (tokens: number): number => (tokens > 0 ? Math.min(Math.ceil(tokens), 1e12) : 0)

const turnsOf = ({ turns }: Work): number => Math.max(1, Math.min(1_000, whole(turns)))

/** The longest that the conversation gets, in tokens. */
export const longest = (work: Work): number =>
  whole(work.context) + turnsOf(work) * whole(work.output) + (turnsOf(work) - 1) * whole(work.growth)

/** What each turn uses with a candidate. */
export const usages = (candidate: Candidate.Candidate, work: Work, current?: Current): ReadonlyArray<Usage.Usage> => {
  const isCurrent = current?.candidate === Candidate.idOf(candidate)
  const [context, growth, output] = [whole(work.context), whole(work.growth), whole(work.output)]
  let held = isCurrent ? Math.min(whole(current?.cached ?? 0), context) : 0
  return Array.from({ length: turnsOf(work) }, (_, turn) => {
    const prompt = context + turn * (growth + output)
    const known = candidate.cache === "none" ? 0 : held
    held = prompt
    const isWritten = candidate.cache === "written"
    return {
      input: isWritten ? 0 : prompt - known,
      cacheRead: known,
      cacheWrite: isWritten ? prompt - known : 0,
      output
    }
  })
}

/** How long somebody waits for the answers of the work, in seconds; `undefined` where the speed of the candidate is not known. */
export const seconds = ({ speed }: Candidate.Candidate, work: Work): number | undefined =>
  speed && turnsOf(work) * (speed.first + whole(work.output) / speed.perSecond)

/**
 * What a conversation costs more that comes back to a model, for not being in its cache any more. 0 where nothing is
 * cached, or reading is no cheaper.
 */
export const back = (candidate: Candidate.Candidate, work: Work, pricing: Pricing.Pricing["Service"]): Usage.Cost => {
  const tokens = longest(work)
  if (candidate.cache === "none") return Usage.known(0)
  const again = candidate.cache === "written" ? { cacheWrite: tokens } : { input: tokens }
  const costs = [again, { cacheRead: tokens }].map((kind) => priced(candidate, [{ ...Usage.zero, ...kind }], pricing))
  const [written = Usage.known(0), read = Usage.known(0)] = costs
  if (written._tag === "Unknown") return written
  return read._tag === "Unknown" ? read : Usage.known(Math.max(0, written.usd - read.usd))
}

/** Prices each turn by itself, since some prices depend on how long the prompt is. A turn without a price makes all unknown. */
export const priced = (
  candidate: Candidate.Candidate,
  turns: ReadonlyArray<Usage.Usage>,
  pricing: Pricing.Pricing["Service"]
): Usage.Cost => {
  const { model, provider } = candidate
  let usd = 0
  for (const usage of turns) {
    const cost = Usage.total(usage) === 0 ? Usage.known(0) : Pricing.cost(pricing, { provider, model, usage })
    if (cost._tag === "Unknown") return cost
    usd += cost.usd
  }
  return Usage.known(usd)
}
