/** Which texts of many have the most telling words in common with one: the fewer have a word, the more it tells. */

/** The words of a text, each once. */
export type Words = ReadonlySet<string>

/** Letters, digits and what joins them in names; in lower case, of 3 to 60 characters. */
export const words = (text: string): Words =>
  new Set(text.toLowerCase().match(/[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]{1,58})[\p{L}\p{N}_]/gu) ?? [])

/** The places of those that have most in common with one, best first; of equals, the earlier. None that has nothing in common. */
export const best = (one: Words, many: ReadonlyArray<Words>, most: number): ReadonlyArray<number> => {
  const having = new Map<string, number>()
  for (const words of many) for (const word of words) having.set(word, (having.get(word) ?? 0) + 1)
  // A word that all have tells nothing.
  const weight = (word: string): number => Math.log((many.length + 1) / ((having.get(word) ?? 0) + 0.5)) ** 2
  return many
    .map((words, at) => {
      let common = 0
      let all = 0
      for (const word of words) {
        all += weight(word)
        if (one.has(word)) common += weight(word)
      }
      return { at, score: common === 0 ? 0 : common / Math.sqrt(all) }
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.at - b.at)
    .slice(0, Math.max(0, most))
    .map(({ at }) => at)
}
