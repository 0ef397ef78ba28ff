/** RSpec's and minitest's blocks: `it "…" do … end`, found by the `end` that stands as far in as they do. */
import * as SourceText from "./SourceText.ts"

/** A block as it stands in a source. */
export interface RubyTest {
  readonly title: string
  readonly isSuite: boolean
  readonly from: number
  readonly bodyFrom: number
  readonly to: number
  readonly skip: string | undefined
  readonly only: boolean
  readonly isTodo: boolean
}

const begin =
  /(?:^|\n)([ \t]*)(?:RSpec\.)?(x|f)?(it|specify|example|scenario|describe|context|feature|test)\b(?=[ (]*["'A-Z{]|[ \t]+do\b)([^\n]*)/g
const left = /,\s*(?:skip:|pending:|:skip\b|:pending\b)|^\s*(?:skip|pending)\b(?!\s*:)/

/** Methods that minitest runs. */
const methods = (source: SourceText.SourceText, most: number): ReadonlyArray<RubyTest> =>
  [...source.code.matchAll(/(?:^|\n)([ \t]*)def (test_\w+[?!]?)[^\n]*\n/g)].slice(0, most).flatMap((match) => {
    const [whole, indent = "", title = ""] = match
    const from = match.index + whole.indexOf("def")
    const bodyFrom = match.index + whole.length - 1
    const end = source.code.indexOf(`\n${indent}end`, bodyFrom)
    if (end === -1) return []
    const skip = /^\s*skip\b/.test(source.code.slice(bodyFrom, end)) ? "skip" : undefined
    const to = end + indent.length + 4
    return [{ title, isSuite: false, from, bodyFrom, to, skip, only: false, isTodo: false }]
  })

/** The blocks of a source, and its methods; `most` of each. */
export const of = (source: SourceText.SourceText, most: number): ReadonlyArray<RubyTest> => {
  const found = [...methods(source, most)]
  const first = found.length
  for (const match of source.code.matchAll(begin)) {
    if (found.length - first >= most) break
    const [whole, indent = "", mark = "", word = "", rest = ""] = match
    const from = match.index + (whole.startsWith("\n") ? 1 : 0)
    const line = from + (whole.startsWith("\n") ? whole.length - 1 : whole.length)
    const head = source.bare.slice(line - rest.length, line)
    const isBlock = /\bdo\b(?:\s*\|[^|]*\|)?\s*$/.test(rest)
    const brace = rest.search(/\{/)
    const end = isBlock ? source.code.indexOf(`\n${indent}end`, line - 1) : line
    if (isBlock && end === -1) continue
    const body = isBlock ? source.code.slice(line, end) : ""
    const inside = /^\s*(?:skip|pending)\b/.test(body) ? body.trim().split(/\s/, 1)[0] : undefined
    const isSuite = /^(?:describe|context|feature)$/.test(word)
    found.push({
      title: /["']([^"'\n]*)["']/.exec(head)?.[1] ?? SourceText.squeezed(head.replace(/\bdo\b.*$/, "")),
      isSuite,
      from: from + indent.length,
      bodyFrom: isBlock ? line : line - rest.length + Math.max(0, brace),
      to: isBlock ? end + indent.length + 4 : line,
      skip: mark === "x" ? "x" : (left.exec(head)?.[0].trim() ?? inside),
      only: mark === "f" || /,\s*(?:focus:\s*true|:focus\b)/.test(head),
      isTodo: !isBlock && brace === -1
    })
  }
  return found
}
