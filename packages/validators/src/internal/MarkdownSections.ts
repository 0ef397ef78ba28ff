/** The headings of a Markdown text, and whether anything stands below each before the next one of its level or above. */

/** A heading. `line` counts from 1. */
export interface Section {
  readonly title: string
  readonly level: number
  readonly line: number
  readonly isEmpty: boolean
}

type Heading = Omit<Section, "isEmpty">

/** Every heading outside of code and comments, in order. */
export const sections = (text: string): ReadonlyArray<Section> => {
  const lines = withoutComments(text.replaceAll(/\r\n?/g, "\n")).split("\n")
  const headings = headingsOf(lines)
  return headings.map((heading, at) => {
    const end = headings.slice(at + 1).find(({ level }) => level <= heading.level)?.line ?? lines.length + 1
    const own = headings.filter(({ line }) => line >= heading.line && line < end).map(({ line }) => line)
    const below = lines
      .slice(heading.line, end - 1)
      .filter((line, from) => !own.includes(heading.line + from + 1) && says(line))
    return { ...heading, isEmpty: below.length === 0 }
  })
}

/** What nobody sees where the text is shown. Its line ends stay, so that lines keep their numbers. */
const withoutComments = (text: string): string =>
  text.replaceAll(/<!--[^]*?(?:-->|$)/g, (comment) => comment.replaceAll(/[^\n]/g, ""))

/** Whether a reader sees something: no blank line, rule, or mark without a text. */
const says = (line: string): boolean => /[\p{L}\p{N}]/u.test(line)

const headingsOf = (lines: ReadonlyArray<string>): ReadonlyArray<Heading> => {
  const found: Array<Heading> = []
  let fence: string | undefined
  lines.forEach((line, at) => {
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line)
    if (fence !== undefined) {
      if (mark?.[1]?.startsWith(fence) === true && (mark[2] ?? "").trim() === "") fence = undefined
      return
    }
    if (mark !== null) {
      fence = mark[1]
      return
    }
    const atx = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/.exec(line)
    if (atx !== null) {
      const title = (atx[2] ?? "").replace(/(?:^|[ \t])#+[ \t]*$/, "").trim()
      found.push({ title, level: atx[1]?.length ?? 1, line: at + 1 })
    }
    const under = /^ {0,3}(=+|-+)[ \t]*$/.exec(line)?.[1]
    const above = lines[at - 1] ?? ""
    // A line of text with a line drawn below it.
    if (under !== undefined && /^ {0,3}[^\s#>*+=-]/.test(above) && !/^ {0,3}(?:`{3,}|~{3,})/.test(above)) {
      found.push({ title: above.trim(), level: under.startsWith("=") ? 1 : 2, line: at })
    }
  })
  return found
}
