/** Text for a terminal: nothing in it may steer the terminal, and it fits into its columns. */
import * as Tainted from "@millwright/core/Tainted"

/** What somebody else wrote, as text alone; its lines stay. */
export const plain = (text: string): string => text.replaceAll(Tainted.hidden, "\ufffd")

/** What somebody else wrote, in one line. */
export const oneLine = (text: string): string => plain(text).replaceAll(/\s+/g, " ").trim()

/** A value as JSON in one line, with nothing in it that steers a terminal; it reads back the same. */
export const json = (value: unknown): string =>
  JSON.stringify(value).replaceAll(Tainted.hidden, (hidden) =>
    hidden
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join("")
  )

/** How many columns a character takes; of what terminals differ in, the most. */
const widthOf = (character: string): number => {
  const code = character.codePointAt(0) ?? 0
  if (/^(?:\p{M}|\p{Default_Ignorable_Code_Point})/u.test(character)) return 0
  return code < 0x1100 || (code >= 0x2000 && code < 0x2e80) ? 1 : 2
}

/** How many columns a text takes. */
export const width = (text: string): number =>
  /^[\x20-\x7e]*$/.test(text) ? text.length : [...text].reduce((sum, character) => sum + widthOf(character), 0)

/** As much of a text as fits into the columns, with a mark where something is left out. */
export const fit = (text: string, columns: number): string => {
  if (width(text) <= columns) return text
  let room = Math.max(0, columns - 1)
  let kept = ""
  for (const character of text) {
    room -= widthOf(character)
    if (room < 0) break
    kept += character
  }
  return columns < 1 ? "" : `${kept}…`
}

/** As {@link fit}, but the end of the text is kept. */
export const fitEnd = (text: string, columns: number): string => {
  if (width(text) <= columns) return text
  let room = Math.max(0, columns - 1)
  let kept = ""
  for (const character of [...text].toReversed()) {
    room -= widthOf(character)
    if (room < 0) break
    kept = character + kept
  }
  return columns < 1 ? "" : `…${kept}`
}

/** Filled up with blanks, or cut, to be as wide as this. */
export const column = (text: string, columns: number): string => {
  const cut = fit(text, columns)
  return cut + " ".repeat(Math.max(0, columns - width(cut)))
}

/** Rows in columns that are as wide as what stands in them. */
export const columns = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = rows.reduce<ReadonlyArray<number>>(
    (widest, row) => row.map((cell, index) => Math.max(width(cell), widest[index] ?? 0)),
    []
  )
  return rows.map((row) =>
    row
      .map((cell, index) => column(cell, widths[index] ?? 0))
      .join("  ")
      .trimEnd()
  )
}

/** The names that are most like one, nearest first; none that are far off. */
export const near = (name: string, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names
    .map((each) => ({ each, distance: each.includes(name) || name.includes(each) ? 1 : distance(name, each) }))
    .filter(({ each, distance }) => distance <= Math.max(2, each.length / 3))
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ each }) => each)

/** How many characters have to be put in, taken out or changed. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, left] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, right] of [...b].entries()) {
      next.push(Math.min((row[j] ?? 0) + (left === right ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
