/** Rules about product code: what is there for the tests alone, and what keeps failures from being seen. */
import * as Cheat from "./Cheat.ts"
import type * as CheatTests from "./CheatTests.ts"
import * as CheatView from "./CheatView.ts"
import * as SourceText from "./SourceText.ts"

/** How code finds out that it is tested. Strings are read with it; the call or the variable around them has to be code. */
const asks: ReadonlyArray<RegExp> = [
  /\b(?:process|import\.meta|Bun|globalThis\.process)\s*(?:\?\.|\.)\s*env\s*(?:\?\.|\.)\s*(?:VITEST\w*|JEST_\w+|NODE_TEST_CONTEXT|PLAYWRIGHT_\w+|CYPRESS\w*|MOCHA\w*|TESTING|TEST|UNIT_TEST\w*|TEST_ENV)\b/,
  /\benv\s*\[\s*["'`](?:VITEST\w*|JEST_\w+|NODE_TEST_CONTEXT|TESTING|TEST|PYTEST_CURRENT_TEST)["'`]\s*\]/,
  /\b(?:NODE_ENV|APP_ENV|RAILS_ENV|FLASK_ENV|import\.meta\.env\.MODE|RACK_ENV)\b["'`\])]*\s*[!=]==?\s*["'`]test(?:ing)?["'`]/,
  /["'`]test(?:ing)?["'`]\s*[!=]==?\s*[\w.]*\b(?:NODE_ENV|MODE|APP_ENV)\b/,
  /["']PYTEST_(?:CURRENT_TEST|VERSION|XDIST_WORKER)["']\s*(?:not )?in\b|\b(?:environ(?:\.get)?|getenv)\s*[([]\s*["'](?:PYTEST_\w+|TESTING|TEST|UNITTEST\w*)["']/,
  /["'](?:pytest|unittest|nose|_pytest)["']\s*(?:not )?in\s+(?:sys\.modules|sys\.argv)/,
  /\btypeof\s+(?:jest|vi|vitest|describe|it|expect|beforeEach|jasmine|mocha)\b/,
  /\b(?:globalThis|global|window)\s*(?:\?\.|\.)\s*(?:jest|describe|it|expect|__vitest\w*|__coverage__|jasmine|Cypress|__karma__)\b/,
  /\bexpect\s*\.\s*getState\s*\(/,
  /\bstack\b[^\n]{0,60}(?:includes|match|indexOf|test)\s*\(\s*["'`/][^"'`\n]*(?:test|spec|jest|vitest|mocha)/i,
  /\binspect\s*\.\s*(?:stack|currentframe)\s*\(|\bsys\._getframe\s*\(/,
  /\btesting\.Testing\s*\(\)|\bflag\.Lookup\s*\(\s*"test\.|os\.Args\[0\][^\n]*\.test"/,
  /\bdefined\?\s*\(?\s*(?:RSpec|Minitest|Test::Unit)\b|\bRails\.env\.test\?/,
  /\bif\s+cfg!\s*\(\s*test\s*\)|\bcfg!\(test\)/,
  /getStackTrace\s*\(\)[^\n]*(?:junit|Test)|Class\.forName\(\s*"org\.junit/,
  /\b(?:argv|execArgv|argv0)\b[^\n]{0,60}["'`/][^"'`\n]*(?:vitest|jest|mocha|pytest|\.test\.)/
]

const testBranches = (view: CheatView.View): ReadonlyArray<Cheat.Cheat> =>
  CheatView.addedIn(view, "bare").flatMap(({ number, text }): ReadonlyArray<Cheat.Cheat> => {
    const asked = asks.map((pattern) => pattern.exec(text)).find((match) => match !== null)
    if (asked === undefined || asked === null) return []
    // What asks has to be code: a text that speaks of it asks nothing.
    if (!/[\w=]/.test(CheatView.lineOf(view.after, number, "code").slice(asked.index, asked.index + asked[0].length)))
      return []
    if (view.removed.some((line) => line.text.includes(asked[0]))) return []
    return [
      {
        rule: "test-branch",
        status: "fail",
        path: view.path,
        line: number,
        message: `${Cheat.quoted(text)} does something else when it is tested`
      }
    ]
  })

const small = /^-?(?:0|1|2|3|10|100|1000)(?:\.0+)?$/
/** A literal that says little: it may stand anywhere. */
const isPlain = (value: string): boolean =>
  value === "" || small.test(value) || /^(?:true|false|null|undefined|none|nil)$/.test(value)
const isNumber = (value: string): boolean => /^-?\d/.test(value)
/** A word that programs tell kinds of things apart by. */
const isWord = (value: string): boolean => /^[A-Za-z][\w-]{0,23}$/.test(value) || /^[.@/][\w-]{1,8}$/.test(value)

interface Example {
  readonly inputs: ReadonlySet<string>
  readonly expected: string
}

/** What tests ask, and what they expect for it. */
const examples = (paired: CheatTests.Paired): ReadonlyArray<Example> =>
  [...paired.fresh, ...paired.pairs.map(([, after]) => after)].flatMap(({ block, view }) => {
    // With what stands in front of it: a table may be there.
    const text = view.after.bare.slice(block.from, block.to)
    const inputs = new Set(SourceText.literals(text))
    const direct = block.assertions.flatMap(({ expected, strength, subject }) => {
      const values = SourceText.literals(expected)
      const own = SourceText.literals(subject)
      const [value] = values
      return strength >= 2 && values.length === 1 && value !== undefined && value.length >= expected.length - 2
        ? [{ inputs: own.length > 0 ? new Set(own) : inputs, expected: value }]
        : []
    })
    const rows = [...text.matchAll(/[[({]((?:[^[\](){}]|\{\})*)[\])}]/g)].flatMap(([, row = ""]) => {
      const values = SourceText.literals(row)
      const last = values.at(-1)
      return values.length >= 2 && last !== undefined ? [{ inputs: new Set(values.slice(0, -1)), expected: last }] : []
    })
    return [...direct, ...rows]
  })

const condition = /\b(?:if|elif|else if|case|when|unless)\b|===?|\?\s|=>|\bmatch\b/
const answer = /\breturn\b|=>|\?[^:]*:|\bthen\b|->/

/** Whether a line of the code as it was looks the same but for its literals. */
const isSibling = (view: CheatView.View, number: number): boolean => {
  const form = (text: string) => text.trim().replace(/"[^"]*"|'[^']*'|`[^`]*`|\b\d[\d_.]*\b/g, "_")
  const own = form(CheatView.lineOf(view.after, number, "bare"))
  return own.includes("_") && own.length > 10 && view.before.bare.split("\n").some((text) => form(text) === own)
}

const specialCased = (view: CheatView.View, all: ReadonlyArray<Example>): ReadonlyArray<Cheat.Cheat> => {
  if (all.length === 0 || view.added.length > 5_000) return []
  const lines = CheatView.addedIn(view, "bare")
  const found: Array<Cheat.Cheat> = []
  for (const [index, line] of lines.entries()) {
    if (!condition.test(CheatView.lineOf(view.after, line.number, "code"))) continue
    const asked = SourceText.literals(
      line.text.replace(/(?:\breturn\b|=>|\?(?!\.)|->|\bthen\b|:(?=[^"'`]*$)).*$/, "")
    ).filter((value) => !isPlain(value))
    if (asked.length === 0) continue
    const near = lines.slice(index, index + 3).filter(({ number }) => number - line.number < 3)
    const answered = near
      .filter(({ text }) => answer.test(text))
      .flatMap(({ text }) => SourceText.literals(text.replace(/^.*?(?:\breturn\b|=>|\?|->)/, "")))
    const strings = asked.filter((value) => !isNumber(value))
    const isTold = answered.some((value) =>
      isNumber(value) ? !/^-?[01]$/.test(value) : !isWord(value) && value !== "" && !isPlain(value)
    )
    const isTelling =
      asked.some(isNumber) ||
      strings.some((value) => !isWord(value)) ||
      (strings.length >= 2 && /&&|\band\b|==\s*[([]/.test(line.text) && isTold)
    // One more case beside such cases: that is how this code answers.
    if (isSibling(view, line.number)) continue
    if (!isTelling || !/[!=]==?|\bcase\b|=>|\bwhen\b|\bis\b|equals/.test(line.text)) continue
    const hit = all.find(
      ({ expected, inputs }) =>
        asked.every((value) => inputs.has(value)) &&
        answered.includes(expected) &&
        !(isPlain(expected) && asked.length < 2 && !asked.some((value) => value.length > 5)) &&
        !asked.includes(expected)
    )
    if (hit !== undefined)
      found.push({
        rule: "special-cased",
        status: "blocked",
        path: view.path,
        line: line.number,
        message: `${Cheat.quoted(line.text)} answers what a test asks with what it expects: ${Cheat.quoted(hit.expected)}`
      })
  }
  return [...found, ...tables(view, all)]
}

/** Tables whose entries are what the tests ask. */
const tables = (view: CheatView.View, all: ReadonlyArray<Example>): ReadonlyArray<Cheat.Cheat> => {
  const text = view.after.bare
  return [...view.after.code.matchAll(/[{[]/g)].slice(0, 2_000).flatMap((match): ReadonlyArray<Cheat.Cheat> => {
    const close = SourceText.closing(view.after.code, match.index)
    if (close - match.index > 4_000) return []
    const line = SourceText.lineAt(view.after, match.index)
    if (!view.added.some(({ number }) => number >= line && number <= SourceText.lineAt(view.after, close))) return []
    const entries = [
      ...text
        .slice(match.index + 1, close)
        .matchAll(
          /(?:^|[,{\n[])\s*\[?\s*("[^"\n]*"|'[^'\n]*'|-?\d[\d_.]*)\s*\]?\s*(?::|=>|,)\s*("[^"\n]*"|'[^'\n]*'|`[^`\n]*`|-?\d[\d_.]*)\s*\]?/g
        )
    ].map(
      ([, key = "", value = ""]) => [SourceText.literals(key)[0] ?? "", SourceText.literals(value)[0] ?? ""] as const
    )
    const hits = entries.filter(
      ([key, value]) =>
        all.some(({ expected, inputs }) => inputs.has(key) && expected === value) && !(isPlain(key) && isPlain(value))
    )
    // One entry is enough where nobody would key a table by such a text.
    const isAlone =
      entries.length === 1 && hits.some(([key, value]) => key.length >= 8 && value.length >= 8 && /\s/.test(key))
    if (!isAlone && (entries.length < 2 || hits.length < 2 || hits.length < entries.length * 0.75)) return []
    if (hits.every(([key]) => isWord(key))) return []
    return [
      {
        rule: "special-cased",
        status: "blocked",
        path: view.path,
        line,
        message: `a table holds what tests ask and expect, and nothing else: ${Cheat.quoted(hits.map(([key, value]) => `${key}: ${value}`).join(", "))}`
      }
    ]
  })
}

/** A `catch` that does nothing, in the reading without comments and texts. */
const dropped: ReadonlyArray<RegExp> = [
  /\bcatch\s*(?:\([^)\n]{0,300}\))?\s*\{\s*(?:return(?:\s+(?:null|undefined|false|true|\[\]|\{\}))?;?\s*)?\}/g,
  /\bexcept(?:\s*:|\s+(?:Base)?Exception(?:\s+as\s+\w+)?\s*:)\s*\n?\s*(?:pass|\.\.\.|continue|return(?: None)?)(?=\s|$)/g,
  /\.catch\s*\(\s*(?:async\s*)?(?:\(\s*\w*\s*\)|\w+)\s*=>\s*(?:\{\s*\}|undefined|null|void 0|\(\{\s*\}\))\s*\)/g,
  /\bcontextlib\.suppress\s*\(\s*(?:Base)?Exception\s*\)|(?<![\w.])suppress\s*\(\s*(?:Base)?Exception\s*\)/g,
  /\bcatch\s*\(\s*(?:final )?(?:Exception|Throwable|std::exception[^)]*|\.\.\.)\s*\w*\s*\)\s*\{\s*\}/g
]
/** In a test, what drops the failure of an assertion by its own name. */
const droppedByName: ReadonlyArray<RegExp> = [
  /\bexcept\s*\(?[^:\n]{0,200}\b(?:AssertionError|Failed)\b[^:\n]{0,200}:\s*\n?\s*(?:pass|\.\.\.|continue|return(?: None)?)(?=\s|$)/g,
  /\brescue\b(?:[ \t]+[^\n]{0,200})?\n\s*(?:nil\s*|true\s*)?end\b/g
]
const logged =
  /\bcatch\s*(?:\([^)\n]{0,300}\))?\s*\{\s*console\.\w+\([^{}]{0,400}\)\s*;?\s*\}|\bexcept(?:\s+(?:Base)?Exception)?(?:\s+as\s+\w+)?\s*:\s*\n?\s*print\([^\n]*(?=\n)/g

const dropsIn = (source: SourceText.SourceText, patterns: ReadonlyArray<RegExp>) =>
  patterns.flatMap((pattern) =>
    [...source.code.matchAll(pattern)].map((match) => ({ offset: match.index, text: match[0] }))
  )

/** What stands in the `try` before a `catch`. */
const tried = (source: SourceText.SourceText, offset: number): string => {
  const before = source.code.slice(Math.max(0, offset - 20_000), offset)
  const at = before.lastIndexOf(source.language === "ruby" ? "begin" : "try")
  return at === -1
    ? source.bare.slice(source.starts[SourceText.lineAt(source, offset) - 1] ?? 0, offset)
    : source.bare.slice(offset - before.length + at + 3, offset)
}

const asserts = /\b(?:expect\s*\(|assert|should\b|t\.(?:equal|is|deepEqual|Error|Fatal)|verify\s*\()/

const swallowed = (view: CheatView.View, isTest: boolean): ReadonlyArray<Cheat.Cheat> => {
  const patterns = isTest ? [...dropped, ...droppedByName, logged] : dropped
  const now = dropsIn(view.after, patterns)
  const old = dropsIn(view.before, patterns).length
  if (now.length <= old) return []
  const addedLines = new Set(view.added.map(({ number }) => number))
  const before = new Set(view.before.bare.split("\n").map((line) => line.trim()))
  return now.flatMap(({ offset, text }): ReadonlyArray<Cheat.Cheat> => {
    const line = SourceText.lineAt(view.after, offset + text.search(/\S/))
    const last = SourceText.lineAt(view.after, offset + text.length - 1)
    if (!addedLines.has(line) && !addedLines.has(last)) return []
    const body = tried(view.after, offset)
    // What stands for a failure is used.
    if (
      text.startsWith(".catch") &&
      /(?:=|\breturn\b|\byield\*?|[(,?:])\s*(?:await\s)?[^=;{}]*$/.test(
        view.after.code.slice(view.after.starts[line - 1], offset)
      ) &&
      !/^\s*(?:await\s|void\s)?[\w.$]+[(.]/.test(CheatView.lineOf(view.after, line, "code"))
    )
      return []
    if (isTest) {
      // A test may fail on purpose where nothing was thrown, and drop what was.
      if (
        !asserts.test(`${body}${text}`) ||
        /\b(?:assert\.fail|fail\(|expect\.fail|unreachable|shouldNotHappen|pytest\.fail)/.test(body)
      )
        return []
    } else {
      const explained =
        /\S{3}/.test(view.after.comments.slice(offset, offset + text.length)) ||
        /\S{3}/.test(
          CheatView.lineOf(view.after, line, "comments") + CheatView.lineOf(view.after, line - 1, "comments")
        )
      // The failing call was there before and could be heard.
      const wrapped = body
        .split("\n")
        .some((each) => each.trim().length > 8 && before.has(each.replace(/^[{\s]+|[}\s]+$/g, "")))
      if (explained || !wrapped) return []
    }
    const message = isTest
      ? `${Cheat.quoted(text)} drops the failure of an assertion`
      : `${Cheat.quoted(text)} drops the failures of what could fail before`
    return [{ rule: "exception-swallowed", status: isTest ? "fail" : "blocked", path: view.path, line, message }]
  })
}

const equalities: ReadonlyArray<RegExp> = [
  /\bdef\s+__(?:eq|ne|lt|le|gt|ge|contains)__\s*\([^)\n]{0,300}\)[^:\n]*:\s*return\s+True(?=\s|$)/g,
  /(?:\b(?:equals?|isEqual|eq|Equals?|EqualTo|sameValueZero|deepEquals?|operator==|compareTo)|\[Equal\.symbol\])\s*(?:<[^>]*>)?\s*\([^)\n]{0,300}\)\s*(?::\s*\w+\s*|->\s*\w+\s*|\w+\s*)?(?:const\s*|override\s*)?(?:\{\s*(?:return\s+)?(?:true|0);?\s*\}|=>\s*(?:true|0)\b|=\s*true\b)/g,
  /\b(?:equals?|isEqual|eq|deepEqual)\s*[:=]\s*(?:function\s*)?\([^)\n]{0,300}\)\s*(?::\s*\w+\s*)?(?:=>\s*true\b|(?:=>\s*)?\{\s*return\s+true;?\s*\})/g,
  /\bfunc\s+(?:\([^)\n]{0,300}\)\s*)?Equal\s*\([^)\n]{0,300}\)\s*bool\s*\{\s*return\s+true\s*\}/g
]

const rubyEquality = /\bdef\s+(?:==|eql\?|equal\?|===)\s*\(?[^)\n]{0,100}\)?\s*\n?\s*(?:return\s+)?true\s+end\b/g

const overridden = (view: CheatView.View): ReadonlyArray<Cheat.Cheat> => {
  const patterns = view.after.language === "ruby" ? [rubyEquality] : equalities
  const old = dropsIn(view.before, patterns).length
  const now = dropsIn(view.after, patterns)
  return now.length <= old
    ? []
    : now.slice(old).map(({ offset, text }) => ({
        rule: "equality-overridden",
        status: "fail",
        path: view.path,
        line: SourceText.lineAt(view.after, offset),
        message: `${Cheat.quoted(text)} always holds`
      }))
}

const exits =
  /\bprocess\s*\.\s*(?:exit|reallyExit)\s*\(\s*0?\s*\)|\bprocess\.exitCode\s*=\s*0\b|\bos\._exit\s*\(\s*0\s*\)|\bsys\.exit\s*\(\s*0?\s*\)|\bos\.Exit\s*\(\s*0\s*\)|\bprocess::exit\s*\(\s*0\s*\)|\bSystem\.exit\s*\(\s*0\s*\)|\bDeno\.exit\s*\(\s*0?\s*\)|\bexit\s*\(\s*0\s*\)(?=.*python)|\bpytest\.exit\s*\([^)]*returncode\s*=\s*0/

const exited = (view: CheatView.View): ReadonlyArray<Cheat.Cheat> => {
  // Programs that tests start may end as they like.
  const isTest =
    CheatView.isRun(view.path) ||
    view.role === "config" ||
    (view.role === "support" && !/fixtures?\/|testdata\//.test(view.path))
  if (!isTest && view.role !== "product") return []
  return CheatView.addedIn(view, "bare").flatMap(({ number, text }): ReadonlyArray<Cheat.Cheat> => {
    const code = CheatView.lineOf(view.after, number, "code")
    const exit = exits.exec(text)
    if (
      exit === null ||
      code.slice(exit.index, exit.index + 4).trim() === "" ||
      view.removed.some((line) => line.text.includes(exit[0]))
    )
      return []
    const around = [number - 2, number - 1, number].map((each) => CheatView.lineOf(view.after, each, "bare")).join("\n")
    const isHidden =
      /\b(?:setTimeout|setImmediate|queueMicrotask|nextTick|setInterval|atexit|addShutdownHook)\b|\.on(?:ce)?\s*\(\s*["'](?:exit|beforeExit|uncaughtException|unhandledRejection)/.test(
        around
      )
    const isTop =
      !/^\s/.test(text) &&
      !/\bif\b/.test(text) &&
      !/(?:^|\/)(?:bin|cli|cmd|scripts?|main|tools|examples?|benchmarks?)[./]|(?:^|\/)[\w-]*(?:cli|main)\.\w+$|__main__/.test(
        view.path
      )
    if (!isTest && !isHidden && !isTop) return []
    return [
      {
        rule: "early-exit",
        status: isTest ? "fail" : "blocked",
        path: view.path,
        line: number,
        message: `${Cheat.quoted(text)} ends the process well, whatever failed`
      }
    ]
  })
}

/** Looks at product code, and at what tests drop. */
export const look = ({ views }: CheatView.Change, paired: CheatTests.Paired): ReadonlyArray<Cheat.Cheat> => {
  const all = examples(paired)
  return views.flatMap((view) => {
    if (view.isGone) return []
    const isTest = view.role === "test" || view.role === "support"
    if (view.role === "product")
      return [
        ...testBranches(view),
        ...specialCased(view, all),
        ...swallowed(view, false),
        ...overridden(view),
        ...exited(view)
      ]
    return isTest
      ? [...swallowed(view, true), ...overridden(view), ...exited(view)]
      : view.role === "config"
        ? exited(view)
        : []
  })
}
