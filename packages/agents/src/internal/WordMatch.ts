/** Which texts of many have the most telling words in common with one: the fewer have a word, the more it tells. */

/** Letters, digits and what joins them in names, of 3 characters and more; a dot or a hyphen at an end is none of it. */
const words = (text: string): ReadonlyArray<string> =>
  text
    .toLowerCase()
    .match(/[\p{L}\p{N}_][\p{L}\p{N}_.-]*[\p{L}\p{N}_]/gu)
    ?.filter(({ length }) => length > 2) ?? []

/** The places of those that have most in common with one, best first; of equals, the earlier. None that has nothing in common. */
export const best = (one: string, many: ReadonlyArray<string>, most: number): ReadonlyArray<number> => {
  const wanted = new Set(words(one))
  const having = new Map<string, number>()
  // Of each text, only what it has of the wanted words is kept: there may be ten thousand.
  const found = many.map((text) => {
    const all = words(text)
    const common = new Set(all.filter((word) => wanted.has(word)))
    for (const word of common) having.set(word, (having.get(word) ?? 0) + 1)
    return { common, length: all.length }
  })
  // A word that all have tells nothing.
  const weight = (word: string): number => Math.log((many.length + 1) / ((having.get(word) ?? 0) + 0.5)) ** 2
  return found
    .map(({ common, length }, at) => {
      const sum = [...common].reduce((sum, word) => sum + weight(word), 0)
      return { at, score: sum / Math.sqrt(Math.max(length, 1)) }
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.at - b.at)
    .slice(0, Math.max(0, most))
    .map(({ at }) => at)
}
