/**
 * Which characters of a source file are code, which stand in a string, and which in a comment, in the languages that tests are
 * written in. It reads characters and no grammar, so that it takes any text, in linear time, and one reader does for all of them.
 */

/** How strings and comments are written. */
export type Language = "js" | "py" | "go" | "rust" | "java" | "ruby" | "sh" | "conf" | "json" | "text"

const languages: ReadonlyArray<readonly [RegExp, Language]> = [
  [/\.(?:[cm]?[jt]sx?|vue|svelte|astro)$/i, "js"],
  [/\.pyi?$/i, "py"],
  [/\.go$/i, "go"],
  [/\.rs$/i, "rust"],
  [/\.(?:java|kts?|cs|scala|swift|c|h|cc|cpp|hpp|php|dart|groovy)$|(?:^|\/)Jenkinsfile$/i, "java"],
  [/\.(?:rb|rake)$|(?:^|\/)(?:Rakefile|Gemfile)$/, "ruby"],
  [/\.(?:sh|bash|zsh)$|(?:^|\/)(?:pre-commit|pre-push)$/i, "sh"],
  [
    /\.(?:ya?ml|toml|ini|cfg|conf|mk|properties)$|(?:^|\/)(?:GNU|BSD)?[Mm]akefile$|(?:^|\/)\.(?:coveragerc|rspec)$|(?:^|\/)Dockerfile$|(?:^|\/)justfile$/,
    "conf"
  ],
  [/\.(?:json[5c]?|jsonl|webmanifest)$|(?:^|\/)\.(?:eslintrc|babelrc|nycrc|mocharc|oxlintrc)$/i, "json"]
]

/** The language of a path, by its name. */
export const languageOf = (path: string): Language => languages.find(([pattern]) => pattern.test(path))?.[1] ?? "text"

interface Quote {
  readonly open: string
  readonly close: string
  readonly escapes: boolean
  readonly long: boolean
}

interface Syntax {
  readonly line: ReadonlyArray<string>
  readonly block: boolean
  readonly quotes: ReadonlyArray<Quote>
}

const quote = (mark: string, long = false, escapes = true): Quote => ({ open: mark, close: mark, escapes, long })
const plain = [quote('"'), quote("'")]

const syntaxes: Readonly<Record<Language, Syntax>> = {
  js: { line: ["//"], block: true, quotes: [...plain, quote("`", true)] },
  py: { line: ["#"], block: false, quotes: [quote('"""', true), quote("'''", true), ...plain] },
  go: { line: ["//"], block: true, quotes: [...plain, quote("`", true, false)] },
  rust: {
    line: ["//"],
    block: true,
    quotes: [{ open: 'r#"', close: '"#', escapes: false, long: true }, quote('"', true)]
  },
  java: { line: ["//"], block: true, quotes: [quote('"""', true), ...plain] },
  ruby: { line: ["#"], block: false, quotes: plain },
  sh: { line: ["#"], block: false, quotes: [quote('"', true), quote("'", true, false)] },
  conf: { line: ["#"], block: false, quotes: [quote('"""', true), ...plain] },
  json: { line: ["//"], block: true, quotes: [quote('"')] },
  text: { line: [], block: false, quotes: [] }
}

/** A source text in three readings of the same length and the same lines; what is left out of one is blank there. */
export interface SourceText {
  readonly language: Language
  readonly text: string
  /** Without comments. */
  readonly bare: string
  /** Without comments, and without what stands between quotes. */
  readonly code: string
  /** The comments alone. */
  readonly comments: string
  /** The place of each line's first character. */
  readonly starts: ReadonlyArray<number>
}

const CODE = 0
const STRING = 1
const COMMENT = 2

/** Whether a slash behind this code begins a regular expression, and divides nothing. */
const beforeRegex =
  /(?:^|[=([{,;:!&|?+\-*%<>~^}]|\b(?:return|typeof|case|in|of|do|else|yield|await|void|throw|new|delete))\s*$/

/** Where a regular expression that begins here ends, or -1. */
const regexEnd = (text: string, from: number): number => {
  let inClass = false
  for (let at = from + 1; at < text.length && text[at] !== "\n"; at++) {
    const char = text[at]
    if (char === "\\") at++
    else if (char === "[") inClass = true
    else if (char === "]") inClass = false
    else if (char === "/" && !inClass) return at
  }
  return -1
}

const marked = (text: string, language: Language): Uint8Array => {
  const { block, line, quotes } = syntaxes[language]
  const marks = new Uint8Array(text.length)
  const wordComment = language === "sh" || language === "conf" || language === "ruby"
  /** Depths of braces at which a template goes on. */
  const templates: Array<number> = []
  let depth = 0
  let at = 0
  const fill = (to: number, mark: number) => {
    marks.fill(mark, at, to)
    at = to
  }
  /** From within a string to behind its end. */
  const string = ({ close, escapes, long }: Quote): void => {
    let end = at
    while (end < text.length) {
      const char = text[end]
      if (escapes && char === "\\") end += 2
      else if (close === "`" && language === "js" && char === "$" && text[end + 1] === "{") {
        fill(end, STRING)
        at += 2
        templates.push(depth)
        return
      } else if (text.startsWith(close, end)) {
        fill(end, STRING)
        at += close.length
        return
      } else if (!long && char === "\n") break
      else end++
    }
    fill(Math.min(end, text.length), STRING)
  }
  while (at < text.length) {
    const char = text[at]
    const isComment =
      line.some((mark) => text.startsWith(mark, at)) && (!wordComment || at === 0 || /\s/.test(text[at - 1] ?? ""))
    if (isComment) {
      const end = text.indexOf("\n", at)
      fill(end === -1 ? text.length : end, COMMENT)
      continue
    }
    if (block && char === "/" && text[at + 1] === "*") {
      const end = text.indexOf("*/", at + 2)
      fill(end === -1 ? text.length : end + 2, COMMENT)
      continue
    }
    if (language === "js" && char === "/" && beforeRegex.test(text.slice(Math.max(0, at - 12), at))) {
      const end = regexEnd(text, at)
      if (end !== -1) {
        at++
        fill(end, STRING)
        at++
        continue
      }
    }
    if (language === "js" && templates.length > 0) {
      if (char === "{") depth++
      if (char === "}") {
        if (depth === templates.at(-1)) {
          templates.pop()
          at++
          string(quote("`", true))
          continue
        }
        depth--
      }
    }
    // In Rust a quote alone begins a lifetime.
    const found =
      language === "rust" && char === "'"
        ? /^'(?:\\.[^']{0,8}|[^\\'])'/.test(text.slice(at, at + 12))
          ? quote("'")
          : undefined
        : quotes.find(({ open }) => text.startsWith(open, at))
    if (found === undefined) at++
    else {
      at += found.open.length
      string(found)
    }
  }
  return marks
}

const shown = (text: string, marks: Uint8Array, show: (mark: number) => boolean): string => {
  const parts: Array<string> = []
  let from = 0
  for (let at = 1; at <= text.length; at++) {
    if (at < text.length && show(marks[at] ?? CODE) === show(marks[from] ?? CODE)) continue
    const part = text.slice(from, at)
    parts.push(show(marks[from] ?? CODE) ? part : part.replace(/[^\n]/g, " "))
    from = at
  }
  return parts.join("")
}

/** Reads a text as the language of its path. */
export const read = (path: string, text: string): SourceText => {
  const language = languageOf(path)
  const marks = language === "text" ? new Uint8Array(text.length) : marked(text, language)
  const starts = [0]
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1)
  return {
    language,
    text,
    bare: shown(text, marks, (mark) => mark !== COMMENT),
    code: shown(text, marks, (mark) => mark === CODE),
    comments: shown(text, marks, (mark) => mark === COMMENT),
    starts
  }
}

/** The line that a place stands in, from 1. */
export const lineAt = ({ starts }: SourceText, offset: number): number => {
  let [low, high] = [0, starts.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low + 1
}

const closers: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" }

const pairs = (code: string): Int32Array => {
  const found = new Int32Array(code.length).fill(code.length)
  const stack: Array<number> = []
  const open: Record<string, number> = { ")": 0, "]": 0, "}": 0 }
  for (let at = 0; at < code.length; at++) {
    const char = code[at] ?? ""
    const closer = closers[char]
    if (closer !== undefined) {
      stack.push(at)
      open[closer] = (open[closer] ?? 0) + 1
    } else if ((open[char] ?? 0) > 0) {
      // What closes nothing is passed over: it may be a character of a text that was taken for code.
      for (let from = stack.pop(); from !== undefined; from = stack.pop()) {
        found[from] = at
        const own = closers[code[from] ?? ""] ?? ""
        open[own] = (open[own] ?? 0) - 1
        if (own === char) break
      }
    }
  }
  return found
}

/** The last texts whose brackets were looked up, so that each is gone through once. */
const paired = new Map<string, Int32Array>()

/** The place of the bracket that closes the one at `open`, in the reading `code`; the end of the text where none does. */
export const closing = (code: string, open: number): number => {
  const known = paired.get(code) ?? pairs(code)
  paired.delete(code)
  paired.set(code, known)
  for (const [oldest] of paired) {
    if (paired.size <= 4) break
    paired.delete(oldest)
  }
  return known[open] ?? code.length
}

/** The parts of a list of arguments, as places in the text: from behind the bracket at `open` to before the one at `close`. */
export const parts = (code: string, open: number, close: number): ReadonlyArray<readonly [number, number]> => {
  const found: Array<readonly [number, number]> = []
  let from = open + 1
  for (let at = open + 1; at < close; at++) {
    const char = code[at] ?? ""
    if (closers[char] !== undefined) at = Math.min(closing(code, at), close)
    else if (char === ",") {
      found.push([from, at])
      from = at + 1
    }
  }
  if (code.slice(from, close).trim() !== "" || found.length === 0) found.push([from, close])
  return found
}

/** A piece of code as one writes it once: without blanks that mean nothing. */
export const squeezed = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(/ ?([()[\]{},;:.=<>!+*&|?]) ?/g, "$1")
    .replace(/,([)\]}])/g, "$1")
    .replaceAll("'", '"')
    .replace(/;$/, "")
    .trim()

const literal =
  /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|(?<![\w$.])-?\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?(?![\w$])|(?<![\w$])(?:true|false|null|undefined|None|True|False|nil)(?![\w$])/gi

/** The literals of a piece of code, as they are compared: strings without their quotes, numbers without `_`. */
export const literals = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(literal)].map(([found]) =>
    /^["'`]/.test(found) ? found.slice(1, -1) : /\d/.test(found) ? found.replaceAll("_", "") : found.toLowerCase()
  )

/** The names in a piece of code. */
export const names = (code: string): ReadonlyArray<string> => code.match(/[A-Za-z_$][\w$]*/g) ?? []
