/** What is waste in transcripts, before it is settled what was wasted twice and what it cost. */
import type * as Digest from "@millwright/core/Digest"
import type * as Transcript from "../Transcript.ts"
import type * as TranscriptIndex from "../TranscriptIndex.ts"
import type * as Waste from "../Waste.ts"
import * as WasteCache from "./WasteCache.ts"
import * as WasteRepeats from "./WasteRepeats.ts"
import * as WasteScene from "./WasteScene.ts"
import * as WasteStay from "./WasteStay.ts"
import * as WasteTools from "./WasteTools.ts"

/** What waste is taken to be, as `Waste.Options`. `cacheLifetime` is `null` where it is left to what a session tells. */
export interface Limits {
  readonly charactersPerToken: number
  readonly longest: number
  readonly cacheLifetime: number | null
}

/**
 * Tokens of an answer's prompt that are waste: they came into it with this answer (`new`), stood in it already (`kept`), or were written
 * to a cache that they had been in (`again`).
 */
export interface Charge {
  readonly tokens: number
  readonly how: "new" | "kept" | "again"
}

/** Charges by the keys of answers, each once. They are made when they are settled: all at once they may be more than memory holds. */
export type Charges = () => Iterable<readonly [answer: string, charge: Charge]>

/**
 * One thing that is waste. `place` names it, and `charges` says what of which answers it was, as each session tells that has it; `null`:
 * nobody knows its size.
 */
export interface Claim {
  readonly kind: Waste.Kind
  readonly place: string
  readonly what: Digest.Digest
  readonly tools: ReadonlyArray<string>
  readonly file: Digest.Digest | null
  readonly range: Transcript.Range | null
  readonly session: string
  readonly agent: string | null
  readonly at: number | null
  readonly charges: ReadonlyArray<Charges> | null
}

/** The claims of an index, each place once, however many sessions tell of it. */
export const of = (index: TranscriptIndex.TranscriptIndex, limits: Limits): ReadonlyArray<Claim> => {
  const claims = new Map<string, Claim>()
  for (const { called, scenes } of WasteScene.sessions(index)) {
    for (const scene of scenes) {
      const found = [
        ...results(scene, limits),
        ...WasteCache.claims(scene, limits.cacheLifetime),
        ...WasteTools.claims(scene, called, limits.charactersPerToken)
      ]
      for (const claim of found) {
        const key = `${ofResults.includes(claim.kind) ? "result" : claim.kind} ${claim.place}`
        const before = claims.get(key)
        claims.set(key, before === undefined ? claim : joined(before, claim))
      }
    }
  }
  return [...claims.values()]
}

const results = (scene: WasteScene.Scene, { charactersPerToken, longest }: Limits): ReadonlyArray<Claim> => {
  const repeats = WasteRepeats.of(scene, charactersPerToken)
  const stays = WasteStay.make(scene, charactersPerToken)
  return scene.events.flatMap((event): ReadonlyArray<Claim> => {
    if (event.is !== "use") return []
    const { call, result } = event.use
    const repeat = repeats.get(call.key)
    const characters = result?.characters ?? null
    const isLong = characters !== null && characters > longest && result?.isRejected === false
    if (repeat === undefined && !isLong) return []
    const charges = stays(event.use, repeat === undefined && characters !== null ? characters - longest : characters)
    const { agent, at, file, key, range, session, tool } = call
    const what = repeat?.what ?? WasteRepeats.whatOf(call)
    return [
      {
        kind: repeat?.kind ?? "oversized-result",
        place: key,
        what,
        tools: [tool],
        file,
        range,
        session,
        agent,
        at,
        charges: charges === null ? null : [charges]
      }
    ]
  })
}

/** A result is waste of one kind: the first of these. */
const ofResults: ReadonlyArray<Waste.Kind> = ["same-failure", "reread", "repeated-command", "oversized-result"]

/** What two sessions tell of one thing. */
const joined = (a: Claim, b: Claim): Claim => {
  if (a.kind !== b.kind) return ofResults.indexOf(a.kind) < ofResults.indexOf(b.kind) ? a : b
  const charges = a.charges === null || b.charges === null ? (a.charges ?? b.charges) : [...a.charges, ...b.charges]
  const tools = a.kind === "unused-tools" ? a.tools.filter((tool) => b.tools.includes(tool)) : a.tools
  return { ...a, charges, tools }
}

/** What a claim is charged. Of an answer that several sessions tell of, the lowest charge holds. */
export const chargesOf = ([first, ...others]: ReadonlyArray<Charges>): ReturnType<Charges> => {
  const its = first?.() ?? []
  if (others.length === 0) return its
  const charges = new Map(its)
  for (const other of others) {
    for (const [key, charge] of other()) {
      const before = charges.get(key)
      if (before === undefined || charge.tokens < before.tokens) charges.set(key, charge)
    }
  }
  return charges
}
