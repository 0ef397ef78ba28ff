/** Regular expressions in the syntax of RE2, which Go and gitleaks use, read into a tree. */
import * as Re2Chars from "./Re2Chars.ts"

/** A regular expression. Flags are resolved: a letter that may be of either case is a set of both. */
export type Node =
  | { readonly _tag: "Chars"; readonly set: Re2Chars.Chars }
  | { readonly _tag: "Cat"; readonly items: ReadonlyArray<Node> }
  | { readonly _tag: "Alt"; readonly items: ReadonlyArray<Node> }
  | { readonly _tag: "Group"; readonly item: Node; readonly isCaptured: boolean }
  | {
      readonly _tag: "Repeat"
      readonly item: Node
      readonly min: number
      readonly max: number
      readonly isLazy: boolean
    }
  | { readonly _tag: "Assert"; readonly kind: Assertion }

/** What holds at a place without taking a character. */
export type Assertion = "textStart" | "textEnd" | "lineStart" | "lineEnd" | "word" | "noWord"

/** Why a source is no regular expression of RE2, or none that is understood. */
export class SyntaxProblem extends Error {}

interface Flags {
  readonly i: boolean
  readonly m: boolean
  readonly s: boolean
  readonly U: boolean
}

/** Reads a source. With `isCaseless` letters may be of either case whatever the source says. Throws {@link SyntaxProblem}. */
export const parse = (source: string, { isCaseless = false } = {}): Node => new Reader(source, isCaseless).all()

class Reader {
  at = 0
  depth = 0
  flags: Flags = { i: false, m: false, s: false, U: false }
  readonly source: string

  readonly isCaseless: boolean

  constructor(source: string, isCaseless: boolean) {
    this.source = source
    this.isCaseless = isCaseless
  }

  all(): Node {
    const node = this.alternatives()
    if (this.at < this.source.length) throw new SyntaxProblem(`a ")" without its "(" at ${this.at}`)
    return node
  }

  private takes(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  private alternatives(): Node {
    const outer = this.flags
    const items: Array<Node> = [this.sequence()]
    while (this.takes("|")) items.push(this.sequence())
    this.flags = outer
    const [only] = items
    return items.length === 1 && only !== undefined ? only : { _tag: "Alt", items }
  }

  private sequence(): Node {
    const items: Array<Node> = []
    while (this.at < this.source.length && !/[|)]/.test(this.source.charAt(this.at))) {
      const node = this.atom()
      if (node !== undefined) items.push(this.repeated(node))
    }
    return { _tag: "Cat", items }
  }

  private repeated(item: Node): Node {
    const counted = /^(?:\*|\+|\?|\{(\d+)(?:(,)(\d*))?\})/.exec(this.source.slice(this.at, this.at + 24))
    if (counted === null) return item
    const [sign, low, comma, high] = counted
    this.at += sign.length
    const min = low === undefined ? (sign === "+" ? 1 : 0) : Number(low)
    const open = low === undefined ? sign !== "?" : comma !== undefined && high === ""
    const max = open ? Number.POSITIVE_INFINITY : low === undefined ? 1 : comma === undefined ? min : Number(high)
    if (max < min) throw new SyntaxProblem(`${sign} asks for more than it allows at ${this.at}`)
    const isLazy = this.takes("?") !== this.flags.U
    if (/^[*+?]/.test(this.source.slice(this.at))) throw new SyntaxProblem(`a repetition of a repetition at ${this.at}`)
    return { _tag: "Repeat", item, min, max, isLazy }
  }

  /** One thing that can be repeated, or nothing where only flags were set. */
  private atom(): Node | undefined {
    if (this.takes("(")) return this.group()
    if (this.takes("[")) return { _tag: "Chars", set: this.set() }
    if (this.takes(".")) return { _tag: "Chars", set: this.flags.s ? Re2Chars.all : Re2Chars.notLineEnd }
    if (this.takes("^")) return { _tag: "Assert", kind: this.flags.m ? "lineStart" : "textStart" }
    if (this.takes("$")) return { _tag: "Assert", kind: this.flags.m ? "lineEnd" : "textEnd" }
    if (this.takes("\\Q")) return this.quoted()
    for (const [text, kind] of assertions) if (this.takes(text)) return { _tag: "Assert", kind }
    const char = this.source.charAt(this.at)
    if (/[*+?]/.test(char)) throw new SyntaxProblem(`nothing to repeat before "${char}" at ${this.at}`)
    return { _tag: "Chars", set: this.folded(this.char()) }
  }

  private quoted(): Node {
    const end = this.source.indexOf("\\E", this.at)
    const text = this.source.slice(this.at, end === -1 ? undefined : end)
    this.at = end === -1 ? this.source.length : end + 2
    return {
      _tag: "Cat",
      items: [...text].map((each) => ({ _tag: "Chars", set: this.folded(Re2Chars.of(each.charCodeAt(0))) }))
    }
  }

  private group(): Node | undefined {
    if (++this.depth > 200) throw new SyntaxProblem("more than 200 groups within each other")
    const outer = this.flags
    const found = /^\?(?:P?<\w+>|([imsU]*)(?:-([imsU]+))?([:)]))/.exec(this.source.slice(this.at, this.at + 120))
    if (found === null && this.source.startsWith("?", this.at)) {
      throw new SyntaxProblem(
        `a group that RE2 does not have at ${this.at}: ${this.source.slice(this.at - 1, this.at + 3)}`
      )
    }
    const [text = "", on = "", off = "", end] = found ?? []
    this.at += text.length
    if (end !== undefined) {
      const changed = [...on].map((flag) => [flag, true] as const)
      this.flags = { ...outer, ...Object.fromEntries([...changed, ...[...off].map((flag) => [flag, false] as const)]) }
    }
    if (end === ")") {
      this.depth--
      return undefined
    }
    const item = this.alternatives()
    if (!this.takes(")")) throw new SyntaxProblem("a group is not closed")
    this.depth--
    this.flags = outer
    return { _tag: "Group", item, isCaptured: end === undefined }
  }

  private folded(set: Re2Chars.Chars): Re2Chars.Chars {
    return this.isCaseless || this.flags.i ? Re2Chars.foldCase(set) : set
  }

  private set(): Re2Chars.Chars {
    const isNegated = this.takes("^")
    const parts: Array<Re2Chars.Chars> = []
    const start = this.at
    while (this.at === start || !this.takes("]")) {
      if (this.at >= this.source.length) throw new SyntaxProblem("a set is not closed")
      parts.push(this.range())
    }
    const set = this.folded(Re2Chars.union(parts))
    return isNegated ? Re2Chars.negate(set) : set
  }

  private range(): Re2Chars.Chars {
    const named = /^\[:(\^?)(\w+):\]/.exec(this.source.slice(this.at, this.at + 16))
    if (named !== null) {
      this.at += named[0].length
      const set = Re2Chars.posix[named[2] ?? ""]
      if (set === undefined) throw new SyntaxProblem(`there is no class ${named[0]}`)
      return named[1] === "^" ? Re2Chars.negate(set) : set
    }
    const from = this.char()
    const low = Re2Chars.single(from)
    const isRange = this.source.startsWith("-", this.at) && !this.source.startsWith("-]", this.at)
    if (low === undefined || !isRange) return from
    this.at++
    const high = Re2Chars.single(this.char())
    if (high === undefined || high < low) throw new SyntaxProblem(`a range that ends before it begins at ${this.at}`)
    return [[low, high]]
  }

  /** One character, or a class that is written with a backslash. */
  private char(): Re2Chars.Chars {
    if (!this.takes("\\")) {
      const char = this.source.charCodeAt(this.at)
      this.at++
      return Re2Chars.of(char)
    }
    const found = /^(?:x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|(0[0-7]{0,2}|[1-7][0-7]{1,2}))/.exec(
      this.source.slice(this.at, this.at + 10)
    )
    if (found !== null) {
      this.at += found[0].length
      const code =
        found[3] === undefined ? Number.parseInt(found[1] ?? found[2] ?? "", 16) : Number.parseInt(found[3], 8)
      if (code > 0xffff) throw new SyntaxProblem(`${found[0]} is beyond U+FFFF, which is not understood here`)
      return Re2Chars.of(code)
    }
    const letter = this.source.charAt(this.at)
    this.at++
    const known = Re2Chars.escapes[letter]
    if (known !== undefined) return known
    if (letter === "" || /[A-Za-z0-9]/.test(letter))
      throw new SyntaxProblem(`\\${letter} is not understood at ${this.at}`)
    return Re2Chars.of(letter.charCodeAt(0))
  }
}

const assertions = [
  ["\\A", "textStart"],
  ["\\z", "textEnd"],
  ["\\b", "word"],
  ["\\B", "noWord"]
] as const
