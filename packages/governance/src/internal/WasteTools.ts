/** Tools that stood in prompts and that no agent of the session called. Those of which the size is not told are left out. */
import * as Digest from "@millwright/core/Digest"
import type * as WasteClaims from "./WasteClaims.ts"
import type * as WasteScene from "./WasteScene.ts"

/** The claims of a conversation, one for each session that its answers were first told of by. */
export const claims = (
  { agent, answers, loadings }: WasteScene.Scene,
  called: ReadonlySet<string>,
  charactersPerToken: number
): ReadonlyArray<WasteClaims.Claim> => {
  const timed = loadings.filter(({ at }) => at !== null)
  const found = new Map<string, WasteClaims.Claim>()
  const charges = new Map<string, Map<string, WasteClaims.Charge>>()
  for (const [place, { at, tools }] of timed.entries()) {
    const unused = tools.filter(({ bytes, name }) => bytes !== null && !called.has(name))
    const tokens = unused.reduce((sum, { bytes }) => sum + Math.floor((bytes ?? 0) / charactersPerToken), 0)
    if (tokens === 0) continue
    const until = timed[place + 1]?.at ?? Number.POSITIVE_INFINITY
    for (const { at: answered, thing } of answers) {
      if (answered < (at ?? 0) || answered >= until) continue
      const key = `tools:${JSON.stringify([thing.session, agent])}`
      const its = charges.get(key) ?? new Map<string, WasteClaims.Charge>()
      charges.set(key, its)
      const claim = found.get(key) ?? {
        kind: "unused-tools",
        place: key,
        what: Digest.of("unused-tools"),
        tools: [],
        file: null,
        range: null,
        session: thing.session,
        agent,
        at: answered,
        charges: [() => its]
      }
      its.set(thing.key, { tokens, how: "kept" })
      const names = new Set([...claim.tools, ...unused.map(({ name }) => name)])
      found.set(key, { ...claim, tools: [...names].sort() })
    }
  }
  return [...found.values()]
}
