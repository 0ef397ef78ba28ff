/** Settles claims with the bill: a token is wasted once, and the money of a claim is what its answers would have cost less without it. */
import * as Digest from "@millwright/core/Digest"
import type * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import type * as TranscriptIndex from "../TranscriptIndex.ts"
import type * as Waste from "../Waste.ts"
import * as WasteClaims from "./WasteClaims.ts"
import * as WastePool from "./WastePool.ts"

/** What claims are settled with. `kinds` is the order in which they are. */
export interface Terms {
  readonly index: TranscriptIndex.TranscriptIndex
  readonly pricing: Pricing.Pricing["Service"]
  readonly kinds: ReadonlyArray<Waste.Kind>
}

/** The findings that claims come to, the most expensive first. */
export const settle = (claims: ReadonlyArray<WasteClaims.Claim>, terms: Terms): ReadonlyArray<Waste.Finding> => {
  const inOrder = claims.toSorted(
    (a, b) => terms.kinds.indexOf(a.kind) - terms.kinds.indexOf(b.kind) || (a.at ?? 0) - (b.at ?? 0)
  )
  // First what is taken of each answer, then what that comes to in money, and whose it is.
  const pools = new Map<string, WastePool.WastePool>()
  const takingOf = poolIn(pools, terms.index)
  for (const { charges } of inOrder) {
    for (const [answer, charge] of WasteClaims.chargesOf(charges ?? [])) takingOf(answer)?.(charge)
  }
  const prices = new Map([...pools].map(([key, pool]) => [key, WastePool.settle(pool, terms.pricing)]))
  const groups = new Map<string, Group>()
  for (const claim of inOrder) {
    const settled = settleOne(claim, (answer) => prices.get(answer))
    if (settled.usage !== null && Usage.total(settled.usage) === 0) continue
    const key = JSON.stringify([claim.kind, claim.session, claim.agent, claim.what])
    const { first, places, sum }: Group = groups.get(key) ?? { first: claim, places: [], sum: nothing }
    places.push(claim.place)
    groups.set(key, { first, places, sum: together(sum, settled) })
  }
  return [...groups.values()].map(finding).sort(byMoney)
}

type Settled = Pick<Waste.Finding, "answers" | "unpriced" | "usage" | "usd">

interface Group {
  readonly first: WasteClaims.Claim
  readonly places: Array<string>
  readonly sum: Settled
}

const nothing: Settled = { usage: null, usd: null, answers: 0, unpriced: 0 }

const finding = ({ first, places, sum }: Group): Waste.Finding => {
  const { agent, at, file, kind, range, session, tools, what } = first
  const named = kind === "unused-tools" ? Digest.ofJson(tools) : what
  return { kind, what: named, tools, file, range, session, agent, at, places, ...sum }
}

const together = (a: Settled, b: Settled): Settled => ({
  answers: a.answers + b.answers,
  usage: either(a.usage, b.usage, Usage.add),
  usd: either(a.usd, b.usd, Usage.plus),
  unpriced: a.unpriced + b.unpriced
})

const either = <A>(a: A | null, b: A | null, join: (a: A, b: A) => A): A | null =>
  a === null ? b : b === null ? a : join(a, b)

const poolIn =
  (pools: Map<string, WastePool.WastePool>, { answers }: TranscriptIndex.TranscriptIndex) =>
  (key: string): WastePool.Taking | undefined => {
    const answer = answers.get(key)
    if (answer === undefined || answer.usage === null) return undefined
    const pool = pools.get(key) ?? WastePool.make(answer, answer.usage)
    pools.set(key, pool)
    return pool.take
  }

const settleOne = (
  { charges }: WasteClaims.Claim,
  takingOf: (answer: string) => WastePool.Taking | undefined
): Settled => {
  if (charges === null) return nothing
  const usage: Record<keyof Usage.Usage, number> = { ...Usage.zero }
  let usd: number | null = null
  let answers = 0
  let unpriced = 0
  for (const [answer, charge] of WasteClaims.chargesOf(charges)) {
    const taken = takingOf(answer)?.(charge)
    if (taken === undefined || taken.usage === Usage.zero) continue
    answers++
    usage.input += taken.usage.input
    usage.cacheRead += taken.usage.cacheRead
    usage.cacheWrite += taken.usage.cacheWrite
    if (taken.usd === null) unpriced++
    else usd = Usage.plus(usd ?? 0, taken.usd)
  }
  return { usage, usd, answers, unpriced }
}

const byMoney = (a: Waste.Finding, b: Waste.Finding): number =>
  (b.usd ?? -1) - (a.usd ?? -1) ||
  tokensOf(b) - tokensOf(a) ||
  order(a.kind, b.kind) ||
  order(a.session, b.session) ||
  order(a.agent ?? "", b.agent ?? "") ||
  order(a.what, b.what)

const tokensOf = ({ usage }: Waste.Finding): number => (usage === null ? -1 : Usage.total(usage))

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
