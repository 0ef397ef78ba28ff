/** How nearly two names are spelled alike, whatever their letters' case and whatever stands between their words. */

const longest = 256

const plain = (name: string): string =>
  name
    .slice(0, longest)
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, "")

/** Letters to change, to leave out or to put in, and neighbours to change places: of `a` to become `b`. More than `most` is `undefined`. */
const edits = (a: string, b: string, most: number): number | undefined => {
  if (Math.abs(a.length - b.length) > most) return undefined
  let before: Array<number> = []
  let last = Array.from({ length: b.length + 1 }, (_, n) => n)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    if (Math.min(...row) > most) return undefined
    before = last
    last = row
  }
  const distance = last[b.length] ?? 0
  return distance > most ? undefined : distance
}

/** How far a name is from the one that was asked for: 0 is alike, `undefined` another name. What ends with the other is near it. */
export const distanceTo = (asked: string): ((name: string) => number | undefined) => {
  const a = plain(asked)
  return (name) => {
    const b = plain(name)
    if (a === "" || b === "") return undefined
    if (a === b) return 0
    const found = edits(a, b, Math.ceil(Math.max(a.length, b.length) / 4))
    if (found !== undefined) return found
    const isPart = Math.min(a.length, b.length) >= 4 && (a.endsWith(b) || b.endsWith(a))
    return isPart ? Math.abs(a.length - b.length) : undefined
  }
}
