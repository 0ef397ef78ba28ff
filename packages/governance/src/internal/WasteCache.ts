/** What had been read from a cache and was written to it again after a pause. */
import * as Digest from "@millwright/core/Digest"
import type * as WasteClaims from "./WasteClaims.ts"
import type * as WasteScene from "./WasteScene.ts"

const short = 5 * 60_000
const long = 60 * 60_000

/** The claims of a conversation. `lifetime` is how long a cache keeps what was read, in milliseconds; `null`: as the session tells. */
export const claims = (scene: WasteScene.Scene, lifetime: number | null): ReadonlyArray<WasteClaims.Claim> => {
  const { agent, answers } = scene
  const asked = askedAt(scene)
  const found: Array<WasteClaims.Claim> = []
  let isLong = false
  for (const [place, answer] of answers.entries()) {
    const before = answers[place - 1]
    isLong ||= (before?.thing.longCacheWrite ?? 0) > 0
    if (before === undefined || before.thing.model !== answer.thing.model || before.epoch !== answer.epoch) continue
    const pause = asked(answer, before) - (before.thing.until ?? before.at)
    if (pause <= (lifetime ?? (isLong ? long : short))) continue
    const cached = before.usage.cacheRead + before.usage.cacheWrite
    // Providers without a price of writing bill what is not in the cache as input.
    const paid = answer.usage.cacheWrite > 0 ? answer.usage.cacheWrite : answer.usage.input
    const tokens = Math.min(paid, cached - answer.usage.cacheRead) - answer.dropped
    if (tokens <= 0) continue
    found.push({
      kind: "idle-cache",
      place: answer.thing.key,
      what: Digest.of("idle-cache"),
      tools: [],
      file: null,
      range: null,
      session: answer.thing.session,
      agent,
      at: answer.at,
      charges: [() => new Map([[answer.thing.key, { tokens, how: "again" }]])]
    })
  }
  return found
}

/** When a model was asked, as late as the last turn or result before its answer: what is behind that is the model's own time. */
const askedAt = ({ turns, uses }: WasteScene.Scene) => {
  const times = [...turns.map(({ at }) => at), ...uses.map(({ result }) => result?.at ?? null)]
    .filter((at) => at !== null)
    .sort((a, b) => a - b)
  let next = 0
  return (answer: WasteScene.Answer, before: WasteScene.Answer): number => {
    while ((times[next] ?? Number.POSITIVE_INFINITY) <= answer.at) next++
    const last = times[next - 1] ?? answer.at
    return last > before.at ? last : answer.at
  }
}
