/** Settles claims with the bill: a token is wasted once, and the money of a claim is what its answers would have cost less without it. */
import * as Digest from "@millwright/core/Digest"
import * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import type * as TranscriptIndex from "../TranscriptIndex.ts"
import type * as Waste from "../Waste.ts"
import type * as WasteClaims from "./WasteClaims.ts"

/** What claims are settled with. `kinds` is the order in which they are. */
export interface Terms {
  readonly index: TranscriptIndex.TranscriptIndex
  readonly pricing: Pricing.Pricing["Service"]
  readonly kinds: ReadonlyArray<Waste.Kind>
}

/** The findings that claims come to, the most expensive first. */
export const settle = (claims: ReadonlyArray<WasteClaims.Claim>, terms: Terms): ReadonlyArray<Waste.Finding> => {
  const take = taking(terms)
  const inOrder = claims.toSorted(
    (a, b) =>
      terms.kinds.indexOf(a.kind) - terms.kinds.indexOf(b.kind) ||
      (a.at ?? 0) - (b.at ?? 0) ||
      order(a.session, b.session) ||
      order(a.place, b.place)
  )
  const groups = new Map<string, Group>()
  for (const claim of inOrder) {
    const settled = settleOne(claim, take)
    if (settled.usage !== null && Usage.total(settled.usage) === 0) continue
    const key = JSON.stringify([claim.kind, claim.session, claim.agent, claim.what])
    const group = groups.get(key) ?? { first: claim, places: [], answers: new Set(), parts: [] }
    groups.set(key, group)
    group.places.push(claim.place)
    group.parts.push(settled)
    for (const answer of claim.charges?.keys() ?? []) group.answers.add(answer)
  }
  return [...groups.values()].map(finding).sort(byMoney)
}

interface Settled {
  readonly usage: Usage.Usage | null
  readonly usd: number | null
  /** The answers without a price. */
  readonly unpriced: ReadonlyArray<string>
}

interface Group {
  readonly first: WasteClaims.Claim
  readonly places: Array<string>
  readonly answers: Set<string>
  readonly parts: Array<Settled>
}

const finding = ({ answers, first, parts, places }: Group): Waste.Finding => {
  const { agent, at, file, kind, range, session, tools, what } = first
  const priced = parts.flatMap(({ usd }) => (usd === null ? [] : [usd]))
  const sizes = parts.flatMap(({ usage }) => (usage === null ? [] : [usage]))
  return {
    kind,
    what: kind === "unused-tools" ? Digest.ofJson(tools) : what,
    tools: [...tools],
    file,
    range,
    session,
    agent,
    at,
    places,
    answers: answers.size,
    usage: sizes.length === 0 ? null : sizes.reduce(Usage.add),
    usd: priced.length === 0 ? null : priced.reduce(Usage.plus),
    unpriced: new Set(parts.flatMap(({ unpriced }) => unpriced)).size
  }
}

type Take = (answer: string, charge: WasteClaims.Charge) => { readonly usage: Usage.Usage; readonly usd: number | null }

const settleOne = ({ charges }: WasteClaims.Claim, take: Take): Settled => {
  if (charges === null) return { usage: null, usd: null, unpriced: [] }
  let usage = Usage.zero
  let usd: number | null = null
  const unpriced: Array<string> = []
  for (const [answer, charge] of charges) {
    const taken = take(answer, charge)
    usage = Usage.add(usage, taken.usage)
    if (taken.usd !== null) usd = Usage.plus(usd ?? 0, taken.usd)
    else if (Usage.total(taken.usage) > 0) unpriced.push(answer)
  }
  return { usage, usd, unpriced }
}

/** What of a prompt is taken first: what costs least. */
const orders: Readonly<Record<WasteClaims.Charge["how"], ReadonlyArray<keyof Usage.Usage>>> = {
  new: ["input", "cacheWrite"],
  kept: ["cacheRead", "input", "cacheWrite"],
  again: ["cacheWrite"]
}

interface Left {
  /** The tokens that no claim has taken. */
  usage: Usage.Usage
  /** The answer as it would have been without what was claimed, and what that costs; `null`: it has no price. */
  without: Usage.Usage
  usd: number | null
}

/** Takes tokens out of answers, each once. */
const taking = ({ index, pricing }: Terms): Take => {
  const answers = new Map<string, Left>()
  return (key, { how, tokens }) => {
    const answer = index.answers.get(key)
    if (answer === undefined || answer.usage === null) return { usage: Usage.zero, usd: null }
    const left = answers.get(key) ?? {
      usage: answer.usage,
      without: answer.usage,
      usd: priceOf(answer, answer.usage, pricing)
    }
    answers.set(key, left)
    let taken = Usage.zero
    for (const kind of orders[how]) {
      const some = Math.min(left.usage[kind], tokens - Usage.total(taken))
      taken = { ...taken, [kind]: taken[kind] + some }
    }
    if (Usage.total(taken) === 0) return { usage: taken, usd: null }
    left.usage = minus(left.usage, taken)
    left.without = minus(left.without, taken)
    // It would have been read instead.
    if (how === "again") left.without = Usage.add(left.without, { ...Usage.zero, cacheRead: taken.cacheWrite })
    const after = left.usd === null ? null : priceOf(answer, left.without, pricing)
    if (left.usd === null || after === null) return { usage: taken, usd: null }
    const usd = Math.max(0, Usage.plus(left.usd, -after))
    left.usd = Usage.plus(left.usd, -usd)
    return { usage: taken, usd }
  }
}

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

const byMoney = (a: Waste.Finding, b: Waste.Finding): number =>
  (b.usd ?? -1) - (a.usd ?? -1) ||
  tokensOf(b) - tokensOf(a) ||
  order(a.kind, b.kind) ||
  order(a.session, b.session) ||
  order(a.agent ?? "", b.agent ?? "") ||
  order(a.what, b.what)

const tokensOf = ({ usage }: Waste.Finding): number => (usage === null ? -1 : Usage.total(usage))

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
