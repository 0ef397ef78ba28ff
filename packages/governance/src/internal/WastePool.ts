/**
 * The tokens that one answer was billed, of which each is wasted once. What is taken out of it is priced all together, by kind of
 * token, and shared out by tokens: so it is asked for a few prices, however many claims there are.
 */
import * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import type * as TranscriptIndex from "../TranscriptIndex.ts"
import type * as WasteClaims from "./WasteClaims.ts"

/** Takes what a charge says, as far as there is some left. `usd` is `null` where nobody knows the price, or not yet. */
export type Taking = (charge: WasteClaims.Charge) => { readonly usage: Usage.Usage; readonly usd: number | null }

/** The tokens of an answer, and how many of them were taken. */
export interface WastePool {
  readonly answer: TranscriptIndex.Thing<"Answered">
  readonly usage: Usage.Usage
  readonly taken: Record<Slot, number>
  readonly take: Taking
}

/** Kinds of tokens, and those that are billed as new and would have been read from a cache. */
type Slot = "again" | "input" | "cacheRead" | "cacheWrite"

/** What is taken first: what costs least. */
const slots: Readonly<Record<WasteClaims.Charge["how"], ReadonlyArray<Slot>>> = {
  new: ["input", "cacheWrite"],
  kept: ["cacheRead", "input", "cacheWrite"],
  again: ["again"]
}

const all: ReadonlyArray<Slot> = ["again", "input", "cacheRead", "cacheWrite"]

/** The pool of an answer. */
export const make = (answer: TranscriptIndex.Thing<"Answered">, usage: Usage.Usage): WastePool => {
  const taken = { again: 0, input: 0, cacheRead: 0, cacheWrite: 0 }
  const take = taking(usage, (slot, tokens) => {
    taken[slot] += tokens
    return null
  })
  return { answer, usage, taken, take }
}

/** Takes the same out of the pool once more, with what it costs. */
export const settle = ({ answer, taken, usage }: WastePool, pricing: Pricing.Pricing["Service"]): Taking => {
  const left: Record<Slot, number | null> = { again: null, input: null, cacheRead: null, cacheWrite: null }
  let without = usage
  let usd = priceOf(answer, usage, pricing)
  for (const slot of all) {
    if (taken[slot] === 0) continue
    without = minus(without, usageOf(slot, taken[slot], usage))
    if (slot === "again") without = { ...without, cacheRead: without.cacheRead + taken.again }
    const after = priceOf(answer, without, pricing)
    if (usd === null || after === null) break
    left[slot] = Math.max(0, Usage.plus(usd, -after))
    usd = Math.min(usd, after)
  }
  const whole = { ...left }
  return taking(usage, (slot, tokens) => {
    const rest = left[slot]
    if (rest === null) return null
    const share = Math.min(rest, Usage.plus(((whole[slot] ?? 0) * tokens) / taken[slot], 0))
    left[slot] = Usage.plus(rest, -share)
    return share
  })
}

/** Takes tokens of a bill, each once. `pay` says what some of a slot cost. Nothing taken is `Usage.zero` itself. */
const taking = (usage: Usage.Usage, pay: (slot: Slot, tokens: number) => number | null): Taking => {
  const left = { ...usage }
  return ({ how, tokens }) => {
    let missing = tokens
    let taken: Record<keyof Usage.Usage, number> | null = null
    let usd: number | null = 0
    for (const slot of slots[how]) {
      const kind = kindOf(slot, usage)
      const some = Math.min(left[kind], missing)
      if (some <= 0) continue
      missing -= some
      left[kind] -= some
      taken ??= { ...Usage.zero }
      taken[kind] = some
      const paid = pay(slot, some)
      usd = usd === null || paid === null ? null : Usage.plus(usd, paid)
    }
    return { usage: taken ?? Usage.zero, usd }
  }
}

/** Providers without a price of writing bill what is not in the cache as input. */
const kindOf = (slot: Slot, { cacheWrite }: Usage.Usage): Exclude<Slot, "again"> =>
  slot !== "again" ? slot : cacheWrite > 0 ? "cacheWrite" : "input"

const usageOf = (slot: Slot, tokens: number, usage: Usage.Usage): Usage.Usage => ({
  ...Usage.zero,
  [kindOf(slot, usage)]: tokens
})

const minus = (a: Usage.Usage, b: Usage.Usage): Usage.Usage => ({
  input: a.input - b.input,
  cacheRead: a.cacheRead - b.cacheRead,
  cacheWrite: a.cacheWrite - b.cacheWrite,
  output: a.output - b.output
})

const priceOf = (
  { model, provider }: TranscriptIndex.Thing<"Answered">,
  usage: Usage.Usage,
  pricing: Pricing.Pricing["Service"]
): number | null => {
  if (model === null || provider === null) return null
  if (Usage.total(usage) === 0) return 0
  const cost = Pricing.cost(pricing, { provider, model, usage })
  return cost._tag === "Known" ? Usage.plus(0, cost.usd) : null
}
