/** What is the same in two texts of one failure: all but what differs from one time to the next by itself. */
import { stripVTControlCharacters } from "node:util"

const differing: ReadonlyArray<readonly [RegExp, string]> = [
  // 2026-01-02T03:04:05.678Z, 03:04:05
  [/\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?/g, "<time>"],
  [/\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?\b/g, "<time>"],
  // 12ms, 1.25 s, 3 minutes
  [/\b\d+(?:[.,]\d+)*\s?(?:ns|µs|us|ms|s|secs?|seconds?|m|min|minutes?|h|hours?)\b/g, "<duration>"],
  // Digests and ids; a word such as `deadbeef` too, a plain number not.
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "<id>"],
  [/\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,128}\b/gi, "<id>"],
  [/\b0x[0-9a-f]+\b/gi, "<id>"],
  [/(?:\/private)?\/(?:tmp|var)\/[^\s"'`:)]+/g, "<temporary>"],
  [/[A-Z]:\\[^\s"'`:)]*\\Temp\\[^\s"'`:)]+/gi, "<temporary>"],
  // file.ts:12:3, (12,3), line 12, column 3
  [/(?<=\.\w{1,8}):\d+(?::\d+)?\b|(?<=[\w>]):\d+:\d+\b|(?<=<temporary>):\d+\b/g, ":<line>"],
  [/\(\d+,\s?\d+\)/g, "(<line>)"],
  [/\b(lines?|columns?|col|pid|port|process)(\s+#?|[:=]\s?)\d+/gi, "$1$2<number>"],
  [/\b(localhost|127\.0\.0\.1|\[::1\]):(?:\d+|<line>)/g, "$1:<number>"],
  [/[ \t]+/g, " "]
]

/** A text without colours, times, digests, temporary paths, and numbers of lines, processes and ports. Other numbers stay. */
export const of = (text: string): string =>
  differing.reduce((rest, [pattern, by]) => rest.replace(pattern, by), stripVTControlCharacters(text)).trim()

/** A line that says what is wrong, as most programs write it. */
const wrong = /error|fail|not ok|assert|exception|panic|expected|cannot|can not|✗|✖|×|❌/i

/** The lines of a text that say what is wrong; all of them where none does so. */
export const complaints = (text: string): ReadonlyArray<string> => {
  const lines = of(text)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
  const said = lines.filter((line) => wrong.test(line))
  return said.length > 0 ? said : lines
}

/** At most so many characters of a text, with the first line in it that says what is wrong. */
export const cut = (text: string, longest: number): string => {
  if (text.length <= longest) return text
  const first = text.search(wrong)
  const line = first === -1 ? 0 : text.lastIndexOf("\n", first) + 1
  const left = (count: number) => `… (${count} characters left out)`
  // A line before it says where it belongs; but the line itself may be longer than all that there is room for.
  const room = Math.max(0, longest - 2 * left(text.length).length - 2)
  const from = first - line > room / 2 ? first : line
  const begin = from + room >= text.length ? Math.max(0, text.length - room) : from
  const kept = text.slice(begin, begin + room).toWellFormed()
  const rest = text.length - begin - kept.length
  return [...(begin > 0 ? [left(begin)] : []), kept, ...(rest > 0 ? [left(rest)] : [])].join("\n").slice(0, longest)
}
