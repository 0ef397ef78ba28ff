/** Sets of characters, as ranges of UTF-16 units in order. Classes are those of RE2, which knows ASCII alone. */

/** A set: ranges with both ends in it, in order, none touching another. */
export type Chars = ReadonlyArray<readonly [from: number, to: number]>

const last = 0xffff

/** One character. */
export const of = (code: number): Chars => [[code, code]]

/** The only character of a set, where it has one. */
export const single = ([first, second]: Chars): number | undefined =>
  first !== undefined && second === undefined && first[0] === first[1] ? first[0] : undefined

/** How many characters a set has. */
export const size = (set: Chars): number => set.reduce((sum, [from, to]) => sum + to - from + 1, 0)

/** Whether a character is in a set. */
export const has = (set: Chars, code: number): boolean => set.some(([from, to]) => from <= code && code <= to)

/** Whether two sets have a character in common. */
export const meet = (a: Chars, b: Chars): boolean =>
  a.some(([from, to]) => b.some(([low, high]) => from <= high && low <= to))

/** What is in any of some sets. */
export const union = (sets: ReadonlyArray<Chars>): Chars => {
  const merged: Array<[number, number]> = []
  for (const [from, to] of sets.flat().toSorted(([a], [b]) => a - b)) {
    const before = merged.at(-1)
    if (before !== undefined && from <= before[1] + 1) before[1] = Math.max(before[1], to)
    else merged.push([from, to])
  }
  return merged
}

/** What is not in a set. */
export const negate = (set: Chars): Chars => {
  const gaps: Array<[number, number]> = []
  let next = 0
  for (const [from, to] of set) {
    if (from > next) gaps.push([next, from - 1])
    next = to + 1
  }
  return next > last ? gaps : [...gaps, [next, last]]
}

/** A set with the other case of each of its letters. Of ASCII: that other letters have cases too, no rule asks. */
export const foldCase = (set: Chars): Chars => {
  const shifted = ([low, high]: readonly [number, number], by: number): Chars =>
    set.flatMap(([from, to]) =>
      from <= high && to >= low ? [[Math.max(from, low) + by, Math.min(to, high) + by] as const] : []
    )
  return union([set, shifted([65, 90], 32), shifted([97, 122], -32)])
}

const ranges = (text: string): Chars =>
  union([...text.matchAll(/([\s\S])-([\s\S])/g)].map(([, a = "", b = ""]) => [[a.charCodeAt(0), b.charCodeAt(0)]]))

const digit = ranges("0-9")
const wordChars = ranges("0-9A-Z_-_a-z")
const space: Chars = union([ranges("\t-\n\f-\r"), of(32)])

/** Every character. */
export const all: Chars = [[0, last]]

/** What `.` stands for. In Go it takes a carriage return; it does not here, so that lines are cut in one way only. */
export const notLineEnd: Chars = negate(union([of(10), of(13)]))

/** What a backslash and a letter stand for. */
export const escapes: Readonly<Record<string, Chars>> = {
  d: digit,
  D: negate(digit),
  w: wordChars,
  W: negate(wordChars),
  s: space,
  S: negate(space),
  t: of(9),
  n: of(10),
  v: of(11),
  f: of(12),
  r: of(13),
  a: of(7)
}

/** The named classes. */
export const posix: Readonly<Record<string, Chars>> = {
  alnum: ranges("0-9A-Za-z"),
  alpha: ranges("A-Za-z"),
  ascii: [[0, 127]],
  blank: union([of(9), of(32)]),
  cntrl: [
    [0, 31],
    [127, 127]
  ],
  digit,
  graph: [[33, 126]],
  lower: ranges("a-z"),
  print: [[32, 126]],
  punct: ranges("!-/:-@[-`{-~"),
  space: union([space, of(11)]),
  upper: ranges("A-Z"),
  word: wordChars,
  xdigit: ranges("0-9A-Fa-f")
}
