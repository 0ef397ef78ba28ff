/** What a test asserts, read from its text: what is looked at, with what, and how much that leaves open. */
import * as SourceText from "./SourceText.ts"

/** One assertion. */
export interface Assertion {
  /** As it stands, without blanks that mean nothing. */
  readonly text: string
  /** What is looked at. */
  readonly subject: string
  /** How, in lower case: `tobe`, `equal`, `==`. */
  readonly matcher: string
  /** What it is held against; empty where that is nothing. */
  readonly expected: string
  /** 3: one value alone passes; 2: some do; 1: nearly every one does; 0: it always passes. */
  readonly strength: number
  /** A condition that is true or false, and no comparison of the runner's. */
  readonly isCondition: boolean
  /** From 1. */
  readonly line: number
}

const exists =
  /^(?:tobedefined|tobetruthy|tobefalsy|tobeinstanceof|ok|exist|exists|isok|isdefined|isobject|isnotnull|notnull|assertnotnull|assertisnotnone|assertisinstance|isinstanceof|tohavebeencalled|called|assert_called|notthrow|nottothrow|doesnotthrow|notempty|isnotempty|assertdoesnotthrow|isnotnil|noerror|notnil|isok|any)$/
const partly =
  /contain|atleast|atmost|least|most|match(?!inlinesnapshot|snapshot)|include|regexp|closeto|greater|less|above|below|within|between|property|startswith|endswith|assertin$|^in$|has|some|any|approx|almost|delta|hastype|assertgreater|assertless|satisf/
const negated = /^not|doesnot|isnot/
const isBoolean = /^(?:true|false)$/i

/** How much a condition leaves open. */
const conditionStrength = (text: string): number => {
  const code = text.replace(/(["'`])(?:\\.|(?!\1).)*\1/g, "$1$1")
  if (/^!?\(?(?:true|1|!0|!false|not False)\)?$/i.test(code.trim()) || /\bor True\b|\|\|\s*true\b/.test(code)) return 0
  const equal = /^(.+?)(?:===?|\bis\b)(.+)$/.exec(code)
  if (equal !== null && SourceText.squeezed(text).split(/===?/).length === 2) {
    const [left = "", right = ""] = SourceText.squeezed(text).split(/===?/)
    if (left === right) return 0
  }
  if (
    /!==? ?(?:undefined|null|nil)\b|is not None|!= ?None|\.is_(?:ok|some)\(\)|\bisinstance\(|\btypeof\b|\binstanceof\b/.test(
      code
    )
  )
    return 1
  if (/===?(?!=)|\bis (?!not)|matches!/.test(code)) return 3
  if (
    /[<>]|!=|\bin\b|\.(?:includes|contains|startsWith|endsWith|starts_with|ends_with|startswith|match|test|some|every|has|exists?)\b|\b(?:any|all)\(/.test(
      code
    )
  )
    return 2
  return 1.5
}

const strengthOf = (matcher: string, expected: string, subject: string): number => {
  if (matcher === "always") return 0
  // A type instead of a value.
  if (/^typeof\b/.test(subject) && /^"\w+"$/.test(expected)) return 1.5
  // What passes whatever the text is.
  if (/match/.test(matcher) && /^\/\.?[*+]?\/\w*$/.test(expected)) return 1
  if (isBoolean.test(expected) && !negated.test(matcher)) {
    return isBoolean.test(subject) ? 0 : Math.max(1.5, conditionStrength(subject))
  }
  // Two calls that look the same need not answer the same.
  if (subject !== "" && subject === expected && !/[(`]/.test(subject)) return 0
  if (
    expected !== "" &&
    /^-?[\d.]+$|^(["'`]).*\1$/.test(subject) &&
    SourceText.literals(subject).join() === SourceText.literals(expected).join()
  )
    return 0
  if (/^(?:tothrow|tothrowerror|throws|rejects|throw|raises|assertraises|panics|assertthrows)$/.test(matcher))
    return expected === "" ? 1 : 2.5
  if (/^tobe(?:truthy|falsy)$/.test(matcher)) return Math.min(2, Math.max(1, conditionStrength(subject) > 1.5 ? 2 : 1))
  if (negated.test(matcher) && !/nottothrow/.test(matcher)) return partly.test(matcher) ? 2 : 1
  if (exists.test(matcher)) return 1
  // Its type alone.
  if (/^(?:an?|tobetypeof|typeof)$/.test(matcher)) return 1.5
  if (/^(?:expect\.anything\(\)|mock\.ANY|ANY|any\(\))$/.test(expected)) return 1
  if (/\b(?:expect\.(?:any|anything)\(|mock\.ANY|\bANY\b|any\(\))/.test(expected)) return 2
  if (
    /\b(?:expect\.)?(?:objectContaining|arrayContaining|stringContaining|stringMatching)\(|pytest\.approx/.test(
      expected
    )
  )
    return 2.5
  // Every list has a length of 0 or more.
  if (/greater|atleast|above/.test(matcher) && /^-?[01]$/.test(expected)) return 1
  return partly.test(matcher) ? 2 : 3
}

interface Found {
  readonly offset: number
  readonly end: number
  readonly subject: string
  readonly matcher: string
  readonly expected: string
  readonly condition?: boolean
}

const longest = 20_000

/** The arguments behind a bracket, as texts. */
const argumentsAt = (
  source: SourceText.SourceText,
  open: number
): { readonly all: ReadonlyArray<string>; readonly end: number } => {
  const close = SourceText.closing(source.code, open)
  // Nobody writes one so long, and what is not closed goes on to the end.
  if (close - open > longest) return { all: [], end: open + 1 }
  const all = SourceText.parts(source.code, open, close).map(([from, to]) =>
    SourceText.squeezed(source.bare.slice(from, to))
  )
  return { all: all.filter((text) => text !== ""), end: close + 1 }
}

/** RSpec's matchers by the words that the others have for them. */
const rspec = (name: string): string =>
  name === "be_truthy" || name === "be_present" || name === "be_a" || name === "be_kind_of" || name === "be_an"
    ? "exists"
    : name === "raise_error"
      ? "throws"
      : name.replaceAll("_", "").toLowerCase()

/** The calls and properties behind an `expect(…)`: the last is the matcher. */
const chained = (source: SourceText.SourceText, from: number) => {
  let [end, matcher, expected, isNot] = [from, "", "", false]
  for (;;) {
    const next = /^\s*(?:\?\.|\.|!\.)\s*([A-Za-z_]\w*)/.exec(source.code.slice(end, end + 200))
    if (next === null) break
    end += next[0].length
    const name = (next[1] ?? "").toLowerCase()
    const ruby = source.language === "ruby" ? /^[ \t]+(\w+)/.exec(source.code.slice(end, end + 200)) : null
    if (/^(?:to|not_to|to_not)$/.test(name) && ruby !== null) {
      const line = source.code.indexOf("\n", end)
      const last = line === -1 ? source.code.length : line
      matcher = rspec(ruby[1] ?? "")
      expected = SourceText.squeezed(source.bare.slice(end + ruby[0].length, last)).replace(/^\((.*?)\)$/, "$1")
      return { end: last, matcher: name === "to" ? matcher : `not${matcher}`, expected }
    }
    if (name === "not") isNot = true
    else if (
      !/^(?:to|be|been|is|that|which|and|has|have|with|at|of|same|does|still|also|resolves|rejects|soft|poll|deep|a|an)$/.test(
        name
      ) ||
      matcher === ""
    )
      matcher = name
    if (source.code[end] === "(") {
      const { all, end: close } = argumentsAt(source, end)
      expected = all.join(",")
      end = close
      matcher = name
    }
  }
  return { end, matcher: isNot ? `not${matcher}` : matcher, expected }
}

/** Assertions of calls: `expect(a).toBe(b)`, `assert.equal(a, b)`, `assertEquals(b, a)`, `assert_eq!(a, b)`, `t.Errorf(…)`. */
const call =
  /(?<![\w$.])(?:(expect(?:Type|TypeOf)?|assertThat|should)|((?:self|cls|t|ava|tap|Assert|Assertions|XCT|np\.testing|assert|require|chai\.assert|mock\w*|\w*[mM]ock)(?:\.\w+)+|assert|debug_assert|assert\w+|verify|fail|expect\w+|check[A-Z]\w*))(!?)(?:<[\w.,\s[\]]{1,100}>)?\s*(?=\()/g
const goFailure = /^t\.(?:error|errorf|fatal|fatalf|fail|failnow)$/
/** What a context of a test may do beside asserting. */
const isNoAssertion =
  /^t\.(?:log|logf|skip|skipf|skipnow|run|parallel|helper|cleanup|tempdir|setenv|name|context|deadline|test|plan|diagnostic|mock|after|before|todo|timeout|teardown|comment|only|chdir|assert)$|^self\.(?!assert|fail)|^cls\.|mock\w*\.(?!.*(?:assert|verify))|^expect\.(?!soft|poll)|^assertions?$|^require\.(?:resolve|cache|main)/i

const callsIn = (source: SourceText.SourceText, from: number, to: number): ReadonlyArray<Found> => {
  const found: Array<Found> = []
  for (const match of source.code.slice(from, to).matchAll(call)) {
    const offset = from + match.index
    const open = offset + match[0].length
    if (offset < (found.at(-1)?.end ?? 0)) continue
    const { all, end } = argumentsAt(source, open)
    const [first = "", second = "", third = "", fourth = ""] = all
    if (match[1] !== undefined) {
      const rest = chained(source, end)
      // A list of values that a value may be one of.
      const isTurned = /^tocontain(?:equal)?$/.test(rest.matcher) && first.startsWith("[")
      const [subject, expected] = isTurned ? [rest.expected, first] : [first, rest.expected]
      if (rest.matcher !== "") found.push({ offset, end: rest.end, subject, matcher: rest.matcher, expected })
      continue
    }
    const name = match[2] ?? ""
    if (isNoAssertion.test(name)) continue
    const matcher = name.slice(name.lastIndexOf(".") + 1).toLowerCase()
    if (goFailure.test(name.toLowerCase())) found.push({ offset, end, ...goCondition(source, from, offset) })
    else if (/^(?:assert|ok|istrue|true|truthy|asserttrue|assert_true|debug_assert|check)$/.test(matcher))
      found.push({ offset, end, subject: first, matcher, expected: "", condition: true })
    else if (/^(?:assertfalse|isfalse|false)$/.test(matcher))
      found.push({ offset, end, subject: first, matcher, expected: "false" })
    else if (/^[tT]$/.test(first) && /^(?:assert|require)$/.test(name.split(".")[0] ?? "") && all.length > 1)
      found.push({ offset, end, matcher, ...testified(matcher, [second, third, fourth]) })
    else {
      const isJava = source.language === "java"
      const [subject, expected] = isJava && second !== "" ? [second, first] : [first, second]
      found.push({
        offset,
        end,
        subject,
        matcher,
        expected: third === "" || /^["'`]/.test(third) ? expected : `${expected},${third}`
      })
    }
  }
  if (source.language === "ruby") return [...found, ...minitest(source, from, to)]
  if (source.language !== "js") return found
  const answers = [...source.code.slice(from, to).matchAll(/(?<=[\w)\]]\s*)\.expect\s*(?=\()/g)].flatMap((match) => {
    const { all, end } = argumentsAt(source, from + match.index + match[0].length)
    return all.length === 0 || all.some((each) => /=>|^function\b/.test(each))
      ? []
      : [{ offset: from + match.index, end, subject: "", matcher: "answers", expected: all.join(",") }]
  })
  return [...found, ...answers]
}

/** Minitest's and RSpec's calls without brackets: `assert_equal 3, sum`, `is_expected.to eq 3`. */
const minitest = (source: SourceText.SourceText, from: number, to: number): ReadonlyArray<Found> =>
  [
    ...source.code
      .slice(from, to)
      .matchAll(
        /(?<![\w.])(?:((?:assert|refute)(?:_\w+)?)[ \t]+(?=\S)|is_expected\.(to|not_to|to_not)[ \t]+(\w+))([^\n}]*)/g
      )
  ].map((match) => {
    const offset = from + match.index
    const end = offset + match[0].length
    const args = source.bare.slice(end - (match[4]?.length ?? 0), end)
    if (match[1] === undefined) {
      const matcher = rspec(match[3] ?? "")
      const expected = SourceText.squeezed(args).replace(/^\((.*?)\)$/, "$1")
      return { offset, end, subject: "subject", matcher: match[2] === "to" ? matcher : `not${matcher}`, expected }
    }
    const given = SourceText.parts(`(${source.code.slice(end - args.length, end)})`, 0, args.length + 1).map(([a, b]) =>
      SourceText.squeezed(args.slice(a - 1, b - 1))
    )
    const name = match[1].replaceAll("_", "").replace(/^refute/, "not")
    return name === "assert"
      ? { offset, end, subject: given[0] ?? "", matcher: name, expected: "", condition: true }
      : {
          offset,
          end,
          subject: given[1] ?? given[0] ?? "",
          matcher: name,
          expected: given.length > 1 ? (given[0] ?? "") : ""
        }
  })

/** What testify's functions are given behind the test: what is expected first, but what holds something before what it holds. */
const testified = (matcher: string, [first, second, third]: readonly [string, string, string]) =>
  second === "" || (/^["`]/.test(second) && /^(?:nil|notnil|true|false|empty|notempty|noerror|error)f?$/.test(matcher))
    ? { subject: first, expected: "" }
    : /^(?:not)?(?:contains|len|subset)f?$/.test(matcher)
      ? { subject: first, expected: second }
      : { subject: second, expected: /^in(?:delta|epsilon)f?$/.test(matcher) ? `${first},${third}` : first }

/** In Go a test fails by a call: what it asserts is the condition around it. */
const goCondition = (source: SourceText.SourceText, from: number, offset: number) => {
  const before = source.code.slice(from, offset)
  const at = before.lastIndexOf("if ")
  const open = at === -1 ? -1 : before.indexOf("{\n", at)
  const start = at === -1 ? 0 : Math.max(at + 3, before.lastIndexOf(";", open === -1 ? before.length : open) + 1)
  const end = at === -1 ? 0 : open === -1 ? before.length : open
  const [left, operator, right] = sides(before.slice(start, end), source.bare.slice(from + start, from + end))
  if (/^\s*false\s*&&|&&\s*false\s*$/.test(before.slice(start, end)))
    return { subject: left, matcher: "always", expected: "" }
  if (operator === "!=" && right === "nil") return { subject: left, matcher: "noerror", expected: "" }
  return { subject: left, matcher: operator === "!=" ? "equal" : `fails if ${operator}`, expected: right }
}

/** Python's own statement, and its context managers. */
const pythonIn = (source: SourceText.SourceText, from: number, to: number): ReadonlyArray<Found> =>
  [
    ...source.code
      .slice(from, to)
      .matchAll(
        /(?:^|[\n;:])[ \t]*(?:assert(?=[\s(])|(?:async )?with\s+(?=(?:pytest\.(?:raises|warns)|self\.assertRaises\w*)\())/g
      )
  ].map((match): Found => {
    const offset = from + match.index + match[0].search(/\S(?=[^\n;:]*$)/)
    const start = from + match.index + match[0].length
    const end = statementEnd(source.code, start)
    const text = SourceText.squeezed(source.bare.slice(start, end))
    if (/with\s*$/.test(match[0])) {
      const raised = /^[\w.]+\((.*)\)(?: as \w+)?:?$/.exec(text)?.[1] ?? ""
      return { offset, end, subject: raised.split(",")[0] ?? "", matcher: "raises", expected: raised }
    }
    const [, to] = SourceText.parts(source.code, start - 1, end)[0] ?? [start, end]
    const condition = SourceText.squeezed(source.bare.slice(start, to))
    const [left, operator, right] = sides(source.code.slice(start, to), source.bare.slice(start, to))
    if (operator === "==" || operator === "is") {
      const isTurned = /^(?:["'\d[({-]|None|True|False)/.test(left) && !/^(?:["'\d[({-]|None|True|False)/.test(right)
      const always = /\bor True$/.test(condition)
      return {
        offset,
        end,
        subject: isTurned ? right : left,
        matcher: always ? "always" : "==",
        expected: isTurned ? left : right
      }
    }
    if (operator === "in") return { offset, end, subject: right, matcher: "in", expected: left }
    return {
      offset,
      end,
      subject: operator === "" ? condition : left,
      matcher: operator === "" ? "assert" : operator,
      expected: right,
      condition: operator === ""
    }
  })

/** The two sides of the first comparison that stands in no brackets, and with what they are compared. */
const sides = (code: string, bare: string): readonly [left: string, operator: string, right: string] => {
  for (let at = 0; at < code.length; at++) {
    const char = code[at] ?? ""
    if (char === "(" || char === "[" || char === "{") at = SourceText.closing(code, at)
    const found = /^(?:==|!=|<=|>=|<|>|\s(?:is not|is|not in|in)\s)/.exec(code.slice(at, at + 8))
    if (found !== null) {
      return [
        SourceText.squeezed(bare.slice(0, at)),
        found[0].trim(),
        SourceText.squeezed(bare.slice(at + found[0].length))
      ]
    }
  }
  return [SourceText.squeezed(bare), "", ""]
}

/** Where a statement ends that may go over several lines in brackets. */
const statementEnd = (code: string, from: number): number => {
  for (let at = from; at < code.length; at++) {
    const char = code[at] ?? ""
    if (char === "(" || char === "[" || char === "{") at = SourceText.closing(code, at)
    else if (char === "\n" && code[at - 1] !== "\\") return at
  }
  return code.length
}

const pythonStrength = (found: Found): number => {
  if (found.matcher === "always") return 0
  if (found.condition === true) return conditionStrength(found.subject)
  if (found.matcher === "is not" || found.matcher === "!=") return 1
  if (found.matcher === "raises") return found.subject.endsWith("Exception") && found.subject.length < 14 ? 1 : 2.5
  if (/^[<>]|in$/.test(found.matcher)) return 2
  return strengthOf(found.matcher, found.expected, found.subject)
}

/** Every assertion between two places of a source. */
export const between = (source: SourceText.SourceText, from: number, to: number): ReadonlyArray<Assertion> => {
  const isPython = source.language === "py"
  const statements = isPython ? pythonIn(source, from, to) : []
  const calls = callsIn(source, from, to).filter(
    ({ matcher, offset }) =>
      !(isPython && matcher === "assert") && !statements.some((each) => offset >= each.offset && offset < each.end)
  )
  return [...statements, ...calls]
    .sort((a, b) => a.offset - b.offset)
    .map((found): Assertion => {
      const strength =
        isPython && statements.includes(found)
          ? pythonStrength(found)
          : found.condition === true
            ? conditionStrength(found.subject)
            : found.matcher.startsWith("fails if")
              ? 2
              : strengthOf(found.matcher, found.expected, found.subject)
      return {
        text: SourceText.squeezed(source.bare.slice(found.offset, found.end)),
        subject: found.subject,
        matcher: found.matcher,
        expected: found.expected,
        strength,
        isCondition: found.condition === true || isBoolean.test(found.expected),
        line: SourceText.lineAt(source, found.offset)
      }
    })
}
