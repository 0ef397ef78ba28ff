/** The tests of a file: where each stands, what it is called, what it asserts, and whether it is run. */
import * as Assertions from "./Assertions.ts"
import * as RubyTests from "./RubyTests.ts"
import * as SourceText from "./SourceText.ts"

/** A test, or a suite of tests. */
export interface TestBlock {
  readonly title: string
  /** The titles of the suites around it. */
  readonly within: string
  readonly isSuite: boolean
  /** From 1. */
  readonly line: number
  readonly from: number
  readonly to: number
  /** Why it is not run, as it stands there; `undefined` where it is. */
  readonly skip: string | undefined
  /** It is left out only under a condition that is not settled where it stands. */
  readonly isConditional: boolean
  readonly only: boolean
  /** A plan without a body. */
  readonly isTodo: boolean
  readonly assertions: ReadonlyArray<Assertions.Assertion>
  /** Its text, squeezed. */
  readonly body: string
}

interface Raw extends Omit<TestBlock, "within" | "assertions" | "body"> {
  readonly bodyFrom: number
}

/** The most blocks of a file that are told apart. */
const most = 5_000

const word = /(?<![\w$.])(x|f)?(it|test|describe|context|suite|specify|Deno\.test|bench)(?=\s*[.(<`])/g

/** Reads the modifiers behind `it`, and where its last arguments begin. */
const modifiers = (source: SourceText.SourceText, from: number) => {
  let at = from
  let text = ""
  for (let steps = 0; steps < 12; steps++) {
    const rest = source.code.slice(at, at + 200)
    const dot = /^\s*\.\s*[A-Za-z_$][\w$]*/.exec(rest)
    if (dot !== null) {
      text += dot[0].replace(/\s+/g, "")
      at += dot[0].length
      continue
    }
    const generic = /^\s*<[^()]*?>(?=\()/.exec(rest)
    if (generic !== null) {
      at += generic[0].length
      continue
    }
    const blank = /^\s*/.exec(rest)?.[0].length ?? 0
    const char = source.code[at + blank]
    if (char === "`") {
      const end = source.code.indexOf("`", at + blank + 1)
      if (end === -1) return undefined
      at = end + 1
      continue
    }
    if (char !== "(") return undefined
    const open = at + blank
    const close = SourceText.closing(source.code, open)
    if (
      /^\s*\(/.test(source.code.slice(close + 1, close + 20)) &&
      /\.(?:each|for|skipIf|runIf|layer|prop|if|todoIf)$/.test(text)
    ) {
      text += source.bare.slice(open, close + 1)
      at = close + 1
      continue
    }
    return { text, open, close }
  }
  return undefined
}

const always = /^\(?\s*(?:true|1|!0|!false|True)\s*[,)]?/

const jsSkip = (chain: string, source: SourceText.SourceText, args: ReadonlyArray<readonly [number, number]>) => {
  const named = /\.(skip|todo|fails|failing|fixme|fail|skipIf|runIf|todoIf)\b(.*)$/s.exec(chain)
  if (named !== null) {
    const [, name = "", rest = ""] = named
    if (name === "skipIf" || name === "todoIf") return { skip: `.${name}${rest}`, conditional: !always.test(rest) }
    if (name === "runIf") return { skip: `.${name}${rest}`, conditional: !/^\(\s*(?:false|0)/.test(rest) }
    return { skip: `.${name}`, conditional: false }
  }
  const option = args
    .slice(1)
    .map(([from, to]) => source.bare.slice(from, to))
    .find((text) => /^\s*\{[^{}]*\b(?:skip|todo|fails|ignore)\s*:/.test(text))
  if (option === undefined) return undefined
  const value = /\b(?:skip|todo|fails|ignore)\s*:\s*([^,}]*)/.exec(option)?.[1]?.trim() ?? ""
  if (value === "false") return undefined
  return { skip: option.trim(), conditional: !/^(?:true|["'`1])/.test(value) }
}

const leaves =
  /(?<![\w.])(?:pytest\.(?:skip|xfail)|self\.skipTest|raise (?:unittest\.)?SkipTest|t\.Skip(?:f|Now)?|(?:t|ctx|context|this|test|task)\.skip|test\.(?:fixme|fail)|Assume\.assumeTrue|assumeTrue|pending)\s*\(/

/** Whether what follows this code is done only where a condition holds. */
const isGuarded = (before: string): boolean => {
  const lead = before.replace(/(?:\b(?:return|await|void|raise)\b|yield\*|\s)+$/, "")
  if (/(?:&&|\|\||\?)$/.test(lead) || /(?:^|\n)[^\n]*\b(?:if|elif|else|except|catch|case|when)\b[^\n]*[{:]$/.test(lead))
    return true
  const at = lead.search(/\bif\s*\((?![\s\S]*\bif\s*\()/)
  return at !== -1 && /^\)?\s*\{?\s*$/.test(lead.slice(SourceText.closing(lead, lead.indexOf("(", at))))
}

/** What a body says first that ends it, or calls in it that leave the test out. */
const skipIn = (
  source: SourceText.SourceText,
  from: number,
  to: number
): { skip: string; conditional: boolean } | undefined => {
  const code = source.code.slice(from, to)
  if (/^\s*return\b\s*(?:;|\n|$)/.test(code)) return { skip: "returns at once", conditional: false }
  if (/^\s*if\s*\(?\s*(?:true|1|True)\s*\)?\s*:?\s*\{?\s*return\b/.test(code))
    return { skip: "returns at once", conditional: false }
  const call = leaves.exec(code)
  if (call === null) return undefined
  const before = code.slice(0, call.index)
  const given = source.code.slice(from + call.index + call[0].length).trimStart()
  // A value in the place of a reason is what decides.
  const isAsked =
    /^[A-Za-z_!(]/.test(given) && /(?:skip|fixme|fail)\s*\($/.test(call[0]) && !/^(?:f|r|b|u)?["']/.test(given)
  return {
    skip: call[0].replace(/\s*\($/, "()"),
    conditional: isGuarded(before) || isAsked || /^assume|Assume/.test(call[0])
  }
}

const js = (source: SourceText.SourceText): ReadonlyArray<Raw> => {
  const found: Array<Raw> = []
  let ended = 0
  for (const match of source.code.matchAll(word)) {
    // A test within a test is none.
    if (match.index < ended) continue
    if (found.length >= most) break
    const read = modifiers(source, match.index + match[0].length)
    if (read === undefined || read.close >= source.code.length) continue
    const args = SourceText.parts(source.code, read.open, read.close)
    const [first] = args
    const name = first === undefined ? "" : source.bare.slice(first[0], first[1]).trim()
    const isSuite = /describe|context|suite/.test(match[2] ?? "")
    const isTodo = read.text.endsWith(".todo") || (!isSuite && args.length === 1 && /^["'`]/.test(name))
    if (args.length < 2 && !isTodo) continue
    // `fit` is a name of other functions too.
    if (match[1] === "f" && !(/^["'`]/.test(name) && /=>|\bfunction\b/.test(source.code.slice(read.open, read.close))))
      continue
    const body = args
      .slice(1)
      .map(([from, to]) => ({ from, brace: source.code.slice(from, to).search(/(?:=>|\))\s*\{/) }))
      .find(({ brace }) => brace !== -1)
    const arrow = source.code.indexOf("=>", args[1]?.[0] ?? read.close)
    const plain = arrow === -1 || arrow > read.close ? read.close : arrow + 2
    const bodyFrom = body === undefined ? plain : source.code.indexOf("{", body.from + body.brace) + 1
    const inside = isSuite ? undefined : skipIn(source, bodyFrom, read.close)
    if (!isSuite) ended = read.close
    const skip = match[1] === "x" ? { skip: "x", conditional: false } : (jsSkip(read.text, source, args) ?? inside)
    found.push({
      title: /^["'`]/.test(name) ? name.slice(1, -1) : name,
      isSuite,
      line: SourceText.lineAt(source, match.index),
      from: match.index,
      bodyFrom,
      to: read.close + 1,
      skip: skip?.skip,
      isConditional: skip?.conditional ?? false,
      only:
        match[1] === "f" ||
        /\.only\b/.test(read.text) ||
        args.slice(1).some(([from, to]) => /^\s*\{[^{}]*\bonly\s*:\s*true/.test(source.bare.slice(from, to))),
      isTodo
    })
  }
  return found
}

/** Lines in front of a line that belong to it: decorators, attributes, annotations. */
const headOf = (source: SourceText.SourceText, line: number, isHead: RegExp): number => {
  let first = line
  let depth = 0
  for (let at = line - 1; at >= 1 && line - at < 60; at--) {
    const text = source.code.slice(source.starts[at - 1], source.starts[at])
    depth += (text.match(/[)\]]/g)?.length ?? 0) - (text.match(/[([]/g)?.length ?? 0)
    if (isHead.test(text)) {
      first = at
      depth = 0
    } else if (depth <= 0 || text.trim() === "") break
  }
  return first
}

const python = (source: SourceText.SourceText): ReadonlyArray<Raw> => {
  const found: Array<Raw> = []
  const fileSkip =
    /(?:^|\n)pytestmark\s*=\s*(?:\[[^\]]*)?pytest\.mark\.(skip\b(?!if)|xfail)|(?:^|\n)pytest\.skip\([^\n]*allow_module_level/.exec(
      source.code
    )
  for (const match of source.code.matchAll(/(?:^|\n)([ \t]*)(?:(?:async )?def (test\w*)\s*\(|class (\w+)[^\n:]*:)/g)) {
    if (found.length >= most) break
    const indent = match[1] ?? ""
    const isSuite = match[3] !== undefined
    const title = match[2] ?? match[3] ?? ""
    if (isSuite && !/test/i.test(title)) continue
    const offset = match.index + (match[0].startsWith("\n") ? 1 : 0)
    const line = SourceText.lineAt(source, offset)
    const open = isSuite ? -1 : source.code.indexOf("(", offset)
    const colon = source.code.indexOf(":", open === -1 ? offset : SourceText.closing(source.code, open))
    if (colon === -1) continue
    const bodyFrom = colon + 1
    const dedent = new RegExp(`\\n(?!${indent}[ \\t]+\\S|[ \\t]*\\n|[ \\t]*$|[ \\t]*[)\\]}])`, "g")
    dedent.lastIndex = bodyFrom
    const to = dedent.exec(source.code)?.index ?? source.code.length
    const first = headOf(source, line, /^\s*@/)
    const head = source.bare.slice(source.starts[first - 1], offset)
    const mark = /@(?:pytest\.mark\.|unittest\.)?(skip(?:If|Unless|if)?|xfail|expectedFailure)\b(\([\s\S]*?\))?/.exec(
      head
    )
    const isConditional = mark !== null && /(?:If|if|Unless)$/.test(mark[1] ?? "") && !always.test(mark[2] ?? "")
    const inside = isSuite ? undefined : skipIn(source, bodyFrom, to)
    found.push({
      title,
      isSuite,
      line,
      from: source.starts[first - 1] ?? offset,
      bodyFrom,
      to,
      skip: mark?.[0] ?? inside?.skip ?? fileSkip?.[0].trim(),
      isConditional: mark === null ? (inside?.conditional ?? false) : isConditional,
      only: false,
      isTodo: false
    })
  }
  return found
}

/** Tests that are functions with braces: how one begins, what stands in front of it, and what there leaves it out. */
const braced = (
  source: SourceText.SourceText,
  { begin, head, skip }: { readonly begin: RegExp; readonly head: RegExp; readonly skip: RegExp }
): ReadonlyArray<Raw> =>
  [...source.code.matchAll(begin)].slice(0, most).flatMap((match) => {
    const title = match[1] ?? ""
    const at = match.index + match[0].lastIndexOf(title)
    const line = SourceText.lineAt(source, at)
    const first = headOf(source, line, head)
    const from = Math.min(source.starts[first - 1] ?? at, match.index + match[0].search(/\S/))
    const open = source.code.indexOf("{", at)
    if (open === -1 || title === "" || SourceText.closing(source.code, open) >= source.code.length) return []
    const to = Math.min(source.code.length, SourceText.closing(source.code, open) + 1)
    const mark = skip.exec(source.bare.slice(from, open))
    const inside = skipIn(source, open + 1, to)
    return [
      {
        title,
        isSuite: false,
        line,
        from,
        bodyFrom: open + 1,
        to,
        skip: mark?.[0] ?? inside?.skip,
        isConditional: mark === null ? (inside?.conditional ?? false) : /If|cfg_attr|On|Enabled/.test(mark[0]),
        only: false,
        isTodo: false
      }
    ]
  })

const never = /(?!)/
const forms: Readonly<Partial<Record<SourceText.Language, Parameters<typeof braced>[1]>>> = {
  go: { begin: /(?:^|\n)func (?:\([^)]*\) )?((?:Test|Fuzz|Example)\w*)\s*\(/g, head: never, skip: never },
  rust: {
    begin: /#\[(?:\w+::)*(?:test|rstest|quickcheck)\b[^\]]*\](?:\s*(?:#\[[^\]]*\]|pub|async|unsafe))*\s*fn\s+(\w+)/g,
    head: /^\s*#\[/,
    skip: /#\[(?:ignore|cfg_attr\([^\]]*ignore)[^\]]*\]/
  },
  java: {
    begin:
      /(?:@(?:Test|ParameterizedTest|RepeatedTest|TestFactory)\b|\[(?:Fact|Theory|Test|TestMethod)\b)(?:[^{;]|\{[^{}]*\}(?=\s*\)))*?[\s`]([\w]+)`?\s*\(\s*[^)]*\)\s*(?:throws [\w., ]+)?(?=\{|=)/g,
    head: /^\s*(?:@|\[)/,
    skip: /@(?:Ignore|Disabled)\w*|\[Ignore|\bSkip\s*=/
  }
}

const ruby = (source: SourceText.SourceText): ReadonlyArray<Raw> =>
  RubyTests.of(source, most).map((block) => ({
    ...block,
    line: SourceText.lineAt(source, block.from),
    isConditional: false
  }))

/** The tests and suites of a source, in their order. */
export const of = (source: SourceText.SourceText): ReadonlyArray<TestBlock> => {
  const form = forms[source.language]
  const raw =
    source.language === "js"
      ? js(source)
      : source.language === "py"
        ? python(source)
        : source.language === "ruby"
          ? ruby(source)
          : form === undefined
            ? []
            : braced(source, form)
  const suites = raw.filter(({ isSuite }) => isSuite)
  return raw.map((block) => {
    const around = suites.filter(({ from, to }) => from < block.from && block.to <= to)
    return {
      ...block,
      within: around.map(({ title }) => title).join(" > "),
      assertions: block.isSuite ? [] : Assertions.between(source, block.bodyFrom, block.to),
      body: block.isSuite ? "" : SourceText.squeezed(source.bare.slice(block.bodyFrom, block.to))
    }
  })
}
