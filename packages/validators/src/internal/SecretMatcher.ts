/** One rule of secrets, ready to be looked for: where it is tried, and what counts as found. */
import type * as SecretRules from "../SecretRules.ts"
import * as Re2Chars from "./Re2Chars.ts"
import * as Re2Script from "./Re2Script.ts"
import * as Re2Syntax from "./Re2Syntax.ts"

/** What matched. */
export interface Match {
  readonly at: number
  readonly text: string
  readonly secret: string
  /** Where the secret begins. */
  readonly secretAt: number
}

/** One alternative of a rule. With `texts` it is tried where one of them stands; without, everywhere. */
export interface Branch {
  readonly texts: ReadonlyArray<string> | undefined
  /** What is there when the anchor's text stands at a place. */
  readonly near: (text: string, place: number) => Match | undefined
  /** All that is there. */
  readonly all: (text: string) => ReadonlyArray<Match>
}

/** The alternatives of a rule's expression. */
export const branches = (rule: SecretRules.Rule): ReadonlyArray<Branch> => {
  if (rule.regex === undefined) return []
  // Beyond gitleaks: where a flag makes any part of a rule caseless, all of it is. Who writes a token in another case has
  // still written a token.
  const node = Re2Syntax.parse(rule.regex, { isCaseless: /\(\?[msU]*i[msU]*\)/.test(rule.regex) })
  // Taken apart, the groups of an alternative would have other numbers.
  const items = rule.secretGroup === undefined ? alternatives(node) : [node]
  const made = items.map((item) => branch(item, rule.secretGroup))
  return made.every(({ texts }) => texts !== undefined) ? made : [branch(node, rule.secretGroup)]
}

const alternatives = (node: Re2Syntax.Node): ReadonlyArray<Re2Syntax.Node> => {
  if (node._tag === "Alt") return node.items.flatMap(alternatives)
  const [only, other] = node._tag === "Cat" ? node.items : []
  if (only !== undefined && other === undefined) return alternatives(only)
  return node._tag === "Group" && !node.isCaptured ? alternatives(node.item) : [node]
}

const branch = (node: Re2Syntax.Node, group: number | undefined): Branch => {
  const anchor = Re2Script.anchor(node)
  const [least, most] = anchor?.before ?? [0, 0]
  const lead = anchor?.lead
  const expression = new RegExp(Re2Script.emit(anchor?.rest ?? node), "y")
  const tried = (text: string, at: number): RegExpExecArray | null => {
    expression.lastIndex = at
    return expression.exec(text)
  }
  return {
    texts: anchor?.texts,
    near: (text, place) => {
      if (lead === undefined) {
        for (let at = Math.max(0, place - most); at <= place - least; at++) {
          const found = tried(text, at)
          if (found !== null) return matchOf(found, group)
        }
        return undefined
      }
      const found = tried(text, place)
      if (found === null) return undefined
      let from = place
      while (from > 0 && place - from < most && Re2Chars.has(lead, text.charCodeAt(from - 1))) from--
      const match = matchOf(found, group)
      const text_ = text.slice(from, place) + match.text
      return { ...match, at: from, text: text_, ...(match.secret === match.text && { secret: text_, secretAt: from }) }
    },
    all: (text) => [...text.matchAll(new RegExp(expression.source, "g"))].map((found) => matchOf(found, group))
  }
}

const matchOf = (found: RegExpExecArray, group: number | undefined): Match => {
  const [text] = found
  const wanted = group === undefined || group === 0 ? found.slice(1).find((each) => (each ?? "") !== "") : found[group]
  const secret = (wanted ?? text).replace(/^\n+|\n+$/g, "")
  return { at: found.index, text, secret, secretAt: found.index + Math.max(0, text.indexOf(secret)) }
}
