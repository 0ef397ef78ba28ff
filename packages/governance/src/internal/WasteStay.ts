/** How long what came into a conversation stood in it, and how many tokens it was, by what its answers were billed. */
import type * as TranscriptIndex from "../TranscriptIndex.ts"
import type * as WasteClaims from "./WasteClaims.ts"
import type * as WasteScene from "./WasteScene.ts"

/**
 * What so many characters of a result came to in each answer that was sent them. None where no answer was; `null` where nobody knows how
 * long it was, or of the answers behind it how many tokens they were sent.
 */
export type Stays = (use: WasteScene.Use, characters: number | null) => WasteClaims.Charges | null

/** The stays of a conversation. */
export const make = ({ answers, events, isPartial, turns }: WasteScene.Scene, charactersPerToken: number): Stays => {
  const places = new Map(answers.map(({ thing }, at) => [thing.key, at]))

  const entryOf = ({ call, result }: WasteScene.Use): number => {
    const at = result?.at ?? call.at ?? 0
    const asked = call.answer === null ? undefined : places.get(call.answer)
    return Math.max((asked ?? firstFrom(answers, (call.at ?? 0) + 1) - 1) + 1, firstFrom(answers, at))
  }

  /** The characters that came into each prompt. */
  const arrived = answers.map(() => 0)
  const arrive = (at: number, characters: number) => {
    if (at < arrived.length) arrived[at] = (arrived[at] ?? 0) + characters
  }
  for (const event of events) {
    if (event.is === "use") arrive(entryOf(event.use), event.use.result?.characters ?? 0)
  }
  for (const turn of turns) arrive(arrivalOf(answers, turn), turn.characters)

  // A long conversation has as many charges as results times answers, so they are not held.
  const chargesFrom = function* (entry: number, characters: number): Generator<[string, WasteClaims.Charge]> {
    const first = answers[entry]
    const share = ((first?.added ?? 0) * characters) / Math.max(1, arrived[entry] ?? 0)
    let left = Math.floor(Math.min(characters / charactersPerToken, share))
    for (let at = entry; at < answers.length; at++) {
      const answer = answers[at]
      if (answer === undefined || answer.epoch !== first?.epoch) break
      if (at > entry) left -= answer.dropped
      if (left <= 0) break
      yield [answer.thing.key, { tokens: left, how: at === entry ? "new" : "kept" }]
    }
  }

  return (use, characters) => {
    const entry = entryOf(use)
    if (characters === null || (entry >= answers.length && isPartial)) return null
    return () => chargesFrom(entry, characters)
  }
}

const arrivalOf = (answers: ReadonlyArray<WasteScene.Answer>, { at }: TranscriptIndex.Thing<"Said">): number =>
  at === null ? answers.length : firstFrom(answers, at)

/** The place of the first answer at a time or later. */
const firstFrom = (answers: ReadonlyArray<WasteScene.Answer>, at: number): number => {
  let low = 0
  let high = answers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((answers[middle]?.at ?? 0) < at) low = middle + 1
    else high = middle
  }
  return low
}
