/**
 * Regular expressions of RE2 as those of JavaScript.
 *
 * RE2 is linear whatever it reads; a backtracking engine is not. So a repetition without an end gets one, and a source in
 * which repetitions without an end stand within each other is refused.
 */
import * as Re2Chars from "./Re2Chars.ts"
import type * as Re2Syntax from "./Re2Syntax.ts"

/**
 * How many characters beyond the least a repetition without an end may take: of some characters, of any but line ends, of
 * any at all.
 */
export const longest = { narrow: 4_000, line: 1_000, any: 20_000 }

/** The source as JavaScript has it, without flags. */
export const emit = (node: Re2Syntax.Node): string => {
  switch (node._tag) {
    case "Chars":
      return emitChars(node.set)
    case "Cat":
      return node.items.map((item) => (item._tag === "Alt" ? `(?:${emit(item)})` : emit(item))).join("")
    case "Alt":
      return node.items.map(emit).join("|")
    case "Group":
      return `(${node.isCaptured ? "" : "?:"}${emit(node.item)})`
    case "Repeat": {
      const item = node.item._tag === "Chars" || node.item._tag === "Group" ? emit(node.item) : `(?:${emit(node.item)})`
      return `${item}{${node.min},${mostOf(node)}}${node.isLazy ? "?" : ""}`
    }
    case "Assert":
      return asserted[node.kind]
  }
}

const mostOf = ({ item, max, min }: Re2Syntax.Node & { readonly _tag: "Repeat" }): number => {
  if (max !== Number.POSITIVE_INFINITY) return max
  if (item._tag !== "Chars" || Re2Chars.size(item.set) < 60_000) return min + longest.narrow
  return min + (Re2Chars.has(item.set, 10) ? longest.any : longest.line)
}

const asserted: Readonly<Record<Re2Syntax.Assertion, string>> = {
  textStart: "(?<![^])",
  textEnd: "(?![^])",
  lineStart: "(?<![^\\n])",
  lineEnd: "(?![^\\n])",
  word: "\\b",
  noWord: "\\B"
}

const emitChar = (code: number): string =>
  /[0-9A-Za-z_ "'=:,;<>@#%&!~`]/.test(String.fromCharCode(code))
    ? String.fromCharCode(code)
    : `\\u${code.toString(16).padStart(4, "0")}`

const emitChars = (set: Re2Chars.Chars): string => {
  const only = Re2Chars.single(set)
  if (only !== undefined) return emitChar(only)
  return `[${set.map(([from, to]) => (from === to ? emitChar(from) : `${emitChar(from)}-${emitChar(to)}`)).join("")}]`
}

/** The least and the most characters that an expression takes. */
export const lengths = (node: Re2Syntax.Node): readonly [min: number, max: number] => {
  switch (node._tag) {
    case "Chars":
      return [1, 1]
    case "Assert":
      return [0, 0]
    case "Group":
      return lengths(node.item)
    case "Repeat": {
      const [min, max] = lengths(node.item)
      return [min * node.min, max === 0 ? 0 : max * mostOf(node)]
    }
    case "Cat":
      return node.items.map(lengths).reduce(([min, max], [low, high]) => [min + low, max + high], [0, 0] as const)
    case "Alt": {
      const all = node.items.map(lengths)
      return [Math.min(...all.map(([min]) => min)), Math.max(...all.map(([, max]) => max))]
    }
  }
}

/** Repetitions without an end, or nearly so, in an expression, itself too. */
const openIn = (node: Re2Syntax.Node): ReadonlyArray<Re2Syntax.Node & { readonly _tag: "Repeat" }> => {
  switch (node._tag) {
    case "Chars":
    case "Assert":
      return []
    case "Group":
      return openIn(node.item)
    case "Repeat":
      return node.max > 100 ? [node, ...openIn(node.item)] : openIn(node.item)
    case "Cat":
    case "Alt":
      return node.items.flatMap(openIn)
  }
}

/**
 * Whether repetitions without an end stand within each other, which can take exponential time. Where each turn of the outer
 * one begins with a character that the inner one does not take, as in `(?:\.\w+)+`, there is one way alone to read a text.
 */
export const isNested = (node: Re2Syntax.Node): boolean =>
  openIn(node).some((outer) => {
    const [first] = flatten(outer.item)
    return openIn(outer.item).some(
      (inner) => first?._tag !== "Chars" || inner.item._tag !== "Chars" || Re2Chars.meet(first.set, inner.item.set)
    )
  })

/** A text, in lower case, that what is matched begins with. `isWhole`: it is all of it. */
interface Head {
  readonly text: string
  readonly isWhole: boolean
}

const mostHeads = 64
const longestHead = 24
const unknown: ReadonlyArray<Head> = [{ text: "", isWhole: false }]
const nothing: ReadonlyArray<Head> = [{ text: "", isWhole: true }]

/** Texts of which each match begins with one. The empty text where nothing can be said. */
const headsOf = (node: Re2Syntax.Node): ReadonlyArray<Head> => {
  switch (node._tag) {
    case "Assert":
      return nothing
    case "Chars": {
      if (Re2Chars.size(node.set) > 12) return unknown
      const codes = node.set.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, n) => from + n))
      if (codes.some((code) => code > 127)) return unknown
      return distinct(codes.map((code) => ({ text: String.fromCharCode(code).toLowerCase(), isWhole: true })))
    }
    case "Group":
      return headsOf(node.item)
    case "Alt":
      return bounded(node.items.flatMap(headsOf))
    case "Cat":
      return node.items.reduce(joined, nothing)
    case "Repeat": {
      const once = headsOf(node.item)
      if (node.min === 0) return bounded([...nothing, ...(node.max === 1 ? once : opened(once))])
      const heads = Array.from({ length: Math.min(node.min, longestHead) }).reduce<ReadonlyArray<Head>>(
        (heads) => joined(heads, node.item),
        nothing
      )
      return node.min === node.max ? heads : opened(heads)
    }
  }
}

const opened = (heads: ReadonlyArray<Head>): ReadonlyArray<Head> => heads.map(({ text }) => ({ text, isWhole: false }))

const distinct = (heads: ReadonlyArray<Head>): ReadonlyArray<Head> => [
  ...new Map(heads.map((head) => [`${head.text} ${head.isWhole}`, head])).values()
]

const bounded = (heads: ReadonlyArray<Head>): ReadonlyArray<Head> => {
  const all = distinct(heads)
  return all.length > mostHeads ? unknown : all
}

const joined = (heads: ReadonlyArray<Head>, next: Re2Syntax.Node): ReadonlyArray<Head> => {
  if (!heads.some(({ isWhole }) => isWhole)) return heads
  const after = headsOf(next)
  const all = distinct(
    heads.flatMap((head) =>
      !head.isWhole || head.text.length > longestHead
        ? [{ ...head, isWhole: false }]
        : after.map(({ isWhole, text }) => ({ text: head.text + text, isWhole }))
    )
  )
  // What became too many stays at the texts that were there before.
  return all.length > mostHeads ? opened(heads) : all
}

/** Where a match has to have one of some texts, so that it is tried there only. */
export interface Anchor {
  /** In lower case. */
  readonly texts: ReadonlyArray<string>
  /** How many characters of the match stand before the text. */
  readonly before: readonly [min: number, max: number]
  /** What may stand before it but need not: then `rest` is what is tried, at the text itself, and this is added to the left. */
  readonly lead?: Re2Chars.Chars
  /** The expression from the text on, where there is a `lead`. */
  readonly rest?: Re2Syntax.Node
}

/** Groups of the outermost sequence opened, so that what stands in them can be an anchor. */
const flatten = (node: Re2Syntax.Node): ReadonlyArray<Re2Syntax.Node> =>
  node._tag === "Cat" ? node.items.flatMap(flatten) : node._tag === "Group" ? flatten(node.item) : [node]

/** The best anchor of an expression, where it has one. */
export const anchor = (node: Re2Syntax.Node): Anchor | undefined => {
  const items = flatten(node)
  let best: { readonly anchor: Anchor; readonly score: number } | undefined
  let before: readonly [number, number] = [0, 0]
  for (const [at, item] of items.entries()) {
    const [min, max] = lengths(item)
    const start = before
    before = [before[0] + min, before[1] + max]
    // Where nothing can be said of how it begins, nothing can be said of it with what follows.
    if (headsOf(item).some(({ isWhole, text }) => text === "" && !isWhole)) continue
    const texts = shortestOf(headsOf({ _tag: "Cat", items: items.slice(at) }).map(({ text }) => text))
    const shortest = Math.min(...texts.map((text) => text.length))
    const lead = leadOf(items.slice(0, at))
    const tries = lead === undefined ? start[1] - start[0] + 1 : 1
    const score = Math.min(shortest, 8) - Math.min(tries, 100) / 20 - at / 100
    if (shortest >= 2 && tries <= 100 && (best === undefined || score > best.score)) {
      best = { score, anchor: { texts, before: start, ...(lead !== undefined && restFrom(node, lead)) } }
    }
  }
  return best?.anchor
}

/** Texts without those that begin with another one of them. */
const shortestOf = (texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(texts)].filter((text) => !texts.some((other) => other !== text && text.startsWith(other)))

/** The one set that everything before is made of, where all of that may be left out. */
const leadOf = (items: ReadonlyArray<Re2Syntax.Node>): Re2Chars.Chars | undefined => {
  let lead: Re2Chars.Chars | undefined
  for (const item of items) {
    if (item._tag !== "Repeat" || item.min > 0 || item.item._tag !== "Chars") return undefined
    if (lead !== undefined && JSON.stringify(lead) !== JSON.stringify(item.item.set)) return undefined
    lead = item.item.set
  }
  return lead
}

/** The expression without the optional characters that it begins with. */
const restFrom = (node: Re2Syntax.Node, lead: Re2Chars.Chars): Pick<Anchor, "lead" | "rest"> => ({
  lead,
  rest: withoutLead(node)
})

const withoutLead = (node: Re2Syntax.Node): Re2Syntax.Node => {
  if (node._tag === "Group") return { ...node, item: withoutLead(node.item) }
  if (node._tag !== "Cat") return node
  const [first, ...others] = node.items
  if (first === undefined) return node
  if (first._tag === "Repeat" && first.min === 0 && first.item._tag === "Chars") {
    return withoutLead({ _tag: "Cat", items: others })
  }
  return first._tag === "Group" ? { _tag: "Cat", items: [withoutLead(first), ...others] } : node
}
