/** The headings of a Markdown text, as far as a companion needs them: `#` headings outside of fenced code. Pure. */

/** A section: from its heading to the next one that is not below it. */
export interface Section {
  readonly title: string
  /** The title as it is compared: without emphasis, and whatever its case. */
  readonly key: string
  readonly level: number
  /** The line of its heading. */
  readonly from: number
  /** The line behind its last one. */
  readonly to: number
}

/** A text by its lines. */
export interface Outline {
  readonly lines: ReadonlyArray<string>
  readonly sections: ReadonlyArray<Section>
  /** Why its headings can not be told for sure. */
  readonly problem?: string
}

const heading = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/
const fence = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/
const underline = /^ {0,3}(?:=+|-+)[ \t]*$/

/** How titles are compared. */
export const keyOf = (title: string): string => title.replace(/[*_`]/g, "").replace(/\s+/g, " ").trim().toLowerCase()

/** Reads the headings of a text. */
export const outline = (text: string): Outline => {
  const lines = text.split("\n")
  const found: Array<Omit<Section, "to">> = []
  let open: string | undefined
  for (const [at, line] of lines.entries()) {
    const mark = fence.exec(line)?.[1]
    if (open !== undefined) {
      const closes = mark !== undefined && mark.startsWith(open) && line.trim() === mark
      if (closes) open = undefined
      continue
    }
    if (mark !== undefined) {
      open = mark
      continue
    }
    const [, marks, title = ""] = heading.exec(line) ?? []
    if (marks !== undefined) found.push({ title, key: keyOf(title), level: marks.length, from: at })
    else if (underline.test(line) && (lines[at - 1] ?? "").trim() !== "" && found.at(-1)?.from !== at - 1) {
      return { lines, sections: [], problem: `line ${at + 1} of its text underlines a heading; write it with \`#\`` }
    }
  }
  const sections = found.map((section, n) => {
    const next = found.slice(n + 1).find(({ level }) => level <= section.level)
    return { ...section, to: next?.from ?? lines.length }
  })
  return open === undefined ? { lines, sections } : { lines, sections, problem: "a fenced block of code is not closed" }
}

/** The lines below the heading of a section, with the headings in them so much deeper. */
export const below = ({ lines, sections }: Outline, { from, to }: Section, deeper: number): ReadonlyArray<string> => {
  const levels = new Map(sections.map(({ from, level }) => [from, level]))
  return lines.slice(from + 1, to).map((line, n) => {
    const level = levels.get(from + 1 + n)
    return level === undefined ? line : line.replace(/^ *#+/, "#".repeat(level + deeper))
  })
}
