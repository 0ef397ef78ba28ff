/** Rules about what tests put in the place of things: the unit itself, comparisons, clocks, what they expect, and snapshots. */
import * as Cheat from "./Cheat.ts"
import * as CheatTests from "./CheatTests.ts"
import * as CheatView from "./CheatView.ts"
import * as SourceText from "./SourceText.ts"

type At = (rule: Cheat.Rule, line: number, message: string) => Cheat.Cheat

/** Names that the assertions of a text are about: those that are called in what is looked at. */
const subjects = (tests: ReadonlyArray<CheatTests.Placed>, view: CheatView.View): ReadonlySet<string> =>
  new Set(
    tests
      .filter((placed) => placed.view === view)
      .flatMap(({ block }) =>
        block.assertions.flatMap(({ subject }) =>
          [...subject.matchAll(/(?:^|[\s(![.])([A-Za-z_$][\w$]*)\(/g)].map(([, name = ""]) => name)
        )
      )
  )

const mocks = (view: CheatView.View, tests: ReadonlyArray<CheatTests.Placed>, at: At): ReadonlyArray<Cheat.Cheat> => {
  const wanted = subjects(tests, view)
  const own = CheatTests.stem(view.path)
  const source = view.after
  return CheatView.addedIn(view, "bare").flatMap(({ number, text }): ReadonlyArray<Cheat.Cheat> => {
    if (CheatView.lineOf(source, number, "code").trim() === "") return []
    const whole =
      text + "\n" + CheatView.lineOf(source, number + 1, "bare") + "\n" + CheatView.lineOf(source, number + 2, "bare")
    const module_ =
      /\b(?:vi|jest)\s*\.\s*(?:mock|doMock|setMock|unstable_mockModule)\s*\(\s*(?:import\s*\(\s*)?["'`]([^"'`]+)["'`]/.exec(
        text
      )?.[1]
    if (module_ !== undefined && !/importActual|requireActual|importOriginal|spy\s*:\s*true/.test(source.bare)) {
      const imported = importedFrom(source.bare, module_)
      const isUnit = CheatTests.stem(`${module_}.x`) === own && /^[./@~#]/.test(module_)
      const isSubject = imported.some((name) => wanted.has(name)) && /^[./~#]|^@\//.test(module_)
      if (isUnit || isSubject)
        return [at("unit-mocked", number, `${Cheat.quoted(module_)} is what this file tests, and is replaced`)]
    }
    const patched =
      /@?(?:mock\.|mocker\.)?patch(?:\.object)?\s*\(\s*(?:["']([\w.]+)["']|[\w.]+\s*,\s*["'](\w+)["'])|monkeypatch\.setattr\s*\(\s*(?:["']([\w.]+)["']|[\w.]+\s*,\s*["'](\w+)["'])/.exec(
        text
      )
    const name =
      patched === null ? undefined : (patched[1] ?? patched[2] ?? patched[3] ?? patched[4] ?? "").split(".").at(-1)
    if (name !== undefined && wanted.has(name))
      return [at("unit-mocked", number, `${Cheat.quoted(name)} is what this file tests, and is replaced`)]
    const spied = /\b(?:vi|jest|sinon)\s*\.\s*(?:spyOn|stub)\s*\(\s*(\w+)\s*,\s*["'`](\w+)["'`]\s*\)/.exec(text)
    if (
      spied !== null &&
      wanted.has(spied[2] ?? "") &&
      /\.(?:mock(?:Return|Resolved|Rejected|Implementation)\w*|returns|resolves|callsFake)\b/.test(whole)
    ) {
      const isDirect = tests.some(
        (placed) =>
          placed.view === view &&
          placed.block.assertions.some(({ subject }) => subject.includes(`${spied[1]}.${spied[2]}(`))
      )
      if (isDirect)
        return [
          at(
            "unit-mocked",
            number,
            `${Cheat.quoted(`${spied[1]}.${spied[2]}`)} is what this file tests, and is replaced`
          )
        ]
    }
    return []
  })
}

const importedFrom = (bare: string, module_: string): ReadonlyArray<string> =>
  [
    ...bare.matchAll(
      /import\s+(?:type\s+)?([^;'"`]*?)\s+from\s+["'`]([^"'`]+)["'`]|(?:const|let|var)\s+([^=;]+?)\s*=\s*require\(\s*["'`]([^"'`]+)["'`]/g
    )
  ]
    .filter((match) => (match[2] ?? match[4]) === module_)
    .flatMap((match) => SourceText.names(match[1] ?? match[3] ?? ""))

const builtin =
  "toBe|toEqual|toStrictEqual|toBeCloseTo|toBeDefined|toBeUndefined|toBeNull|toBeTruthy|toBeFalsy|toContain|toContainEqual|toHaveLength|toMatch|toMatchObject|toMatchSnapshot|toMatchInlineSnapshot|toThrow|toThrowError|toHaveBeenCalled|toHaveBeenCalledWith|toHaveBeenCalledTimes|toHaveProperty|toBeGreaterThan|toBeLessThan|toBeInstanceOf|toHaveTextContent|toBeInTheDocument|toBeVisible"
const patches: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /(?<![\w.])(?:assert|console\.assert|chai\.assert)\s*(?:\.\s*(?:strict\.)?\w+|\[[^\]]+\])\s*=(?!=|>)/,
    "a function that compares is replaced"
  ],
  [
    /(?<![\w.])(?:globalThis|global|window)\s*\.\s*(?:expect|assert|it|test|describe)\s*=(?!=|>)/,
    "what tests are written with is replaced"
  ],
  [
    /\bObject\s*\.\s*(?:assign|defineProperty|defineProperties)\s*\(\s*(?:assert|expect|console\.assert|chai\.\w+)\b/,
    "a function that compares is replaced"
  ],
  [/\b(?:overwriteMethod|overwriteProperty|overwriteChainableMethod)\s*\(/, "a matcher of the runner is replaced"],
  [
    /\b(?:Object\.is|Object\.prototype\.\w+|JSON\.stringify|Array\.prototype\.\w+|String\.prototype\.\w+|util\.isDeepStrictEqual)\s*=(?!=|>)/,
    "a function of the language is replaced"
  ],
  [/\b(?:unittest\.)?TestCase\.(?:assert\w+|fail\w*|run)\s*=(?!=)/, "a function that compares is replaced"],
  [
    /\b(?:report|rep|result|outcome)\.(?:outcome|passed|failed)\s*=\s*(?:["']passed["']|True|False)/,
    "what the runner reports is replaced"
  ],
  [/\bsession\.(?:testsfailed|exitstatus)\s*=\s*0|\bexitstatus\s*=\s*0\b/, "what the runner reports is replaced"],
  [
    /(?<!\b(?:const|let|var|function)\s)\bexpect\s*=\s*(?:\(|new Proxy|function|async)/,
    "what tests are written with is replaced"
  ],
  [/\bsetattr\s*\(\s*(?:unittest\.)?(?:TestCase|builtins)\s*,/, "a function that compares is replaced"]
]

const patched = (view: CheatView.View, at: At): ReadonlyArray<Cheat.Cheat> => {
  const lines = CheatView.addedIn(view, "bare").flatMap(({ number, text }): ReadonlyArray<Cheat.Cheat> => {
    if (CheatView.lineOf(view.after, number, "code").trim().length < 3) return []
    const found = patches.find(([pattern]) => pattern.test(text))
    const match = found?.[0].exec(CheatView.lineOf(view.after, number, "code").padEnd(1))
    if (found === undefined || (match === null && !/report|outcome/.test(found[0].source))) return []
    return [at("comparison-patched", number, `${Cheat.quoted(text)}: ${found[1]}`)]
  })
  const extended = [...view.after.code.matchAll(/\bexpect\s*\.\s*extend\s*\(/g)].flatMap(
    (match): ReadonlyArray<Cheat.Cheat> => {
      const open = match.index + match[0].length - 1
      const body = view.after.code.slice(open, SourceText.closing(view.after.code, open))
      const name = new RegExp(`[{,\\s](${builtin})\\s*(?:[:(,}]|$)`).exec(body)
      if (name === null || new RegExp(`expect\\s*\\.\\s*extend[\\s\\S]*\\b${name[1]}\\b`).test(view.before.code))
        return []
      return [
        at(
          "comparison-patched",
          SourceText.lineAt(view.after, open + name.index),
          `the runner's own ${Cheat.quoted(name[1] ?? "")} is replaced`
        )
      ]
    }
  )
  return [...lines, ...extended]
}

const measures =
  /\b(?:performance\.now|process\.hrtime|time\.(?:perf_counter|monotonic|time)(?:_ns)?|time\.(?:Now|Since)|Instant::now|System\.(?:nanoTime|currentTimeMillis)|Date\.now|timeit)\b/
const freezes =
  /\bspyOn\s*\(\s*(?:performance|Date|process|globalThis\.performance)\s*,\s*["'](?:now|hrtime)["']|\b(?:performance\.now|Date\.now|process\.hrtime(?:\.bigint)?|time\.(?:perf_counter|monotonic|time)(?:_ns)?|timeit\.default_timer)\s*=(?!=)|\bmonkeypatch\.setattr\s*\(\s*(?:time\b|["']time\.)|\bpatch\s*\(\s*["'](?:[\w.]+\.)?time\.(?:perf_counter|monotonic|time)|\bfreeze_time\b|\buse(?:FakeTimers|fakeTimers)\b|\bsetSystemTime\s*\(/

const frozen = (view: CheatView.View, at: At): ReadonlyArray<Cheat.Cheat> => {
  const code = view.after.bare
  const isSpeed = /(?:toBeLessThan\w*\s*\(|isBelow\s*\(|lessThan\w*\s*\(|assertLess\w*\s*\(|<=?\s*[\w.]+)/.test(code)
  if (!isSpeed || !measures.test(view.before.bare) || !measures.test(code)) return []
  const measured = view.before.bare
    .split("\n")
    .some((line) => measures.test(line) && /-|start|elapsed|began|t0|<|Less|Below/.test(line))
  if (!measured) return []
  return CheatView.addedIn(view, "bare").flatMap(({ number, text }) =>
    freezes.test(text) && CheatView.lineOf(view.after, number, "code").trim() !== ""
      ? [at("time-frozen", number, `${Cheat.quoted(text)}: the clock that this file measures with stands still`)]
      : []
  )
}

const writes =
  /\b(?:writeFileSync|writeFile|outputFileSync|fs\.writeFile\w*|Deno\.writeTextFile\w*|Bun\.write|os\.WriteFile|ioutil\.WriteFile|fs::write|Files\.write\w*)\s*\(/g
const own = /__filename|__file__|import\.meta\.(?:url|filename|path)|fileURLToPath\(import\.meta\.url\)/

const rewrites = (
  view: CheatView.View,
  tests: ReadonlyArray<CheatTests.Placed>,
  at: At
): ReadonlyArray<Cheat.Cheat> => {
  const added = new Set(view.added.map(({ number }) => number))
  const calls = [...view.after.code.matchAll(writes)].flatMap((match) => {
    const open = match.index + match[0].length - 1
    const args = SourceText.parts(view.after.code, open, SourceText.closing(view.after.code, open)).map(([from, to]) =>
      SourceText.squeezed(view.after.bare.slice(from, to))
    )
    return [{ offset: match.index, path: args[0] ?? "", content: args[1] ?? "" }]
  })
  const python = [
    ...view.after.bare.matchAll(
      /(?<=([\w./"'() ]{1,200}))\.write_(?:text|bytes)\(([^\n]{0,1000})\)|open\(\s*([^,\n]{1,300}),\s*["']w[^\n]{0,300}?\.write\(([^\n]{0,1000})\)/g
    )
  ].map((match) => ({
    offset: match.index,
    path: SourceText.squeezed(match[1] ?? match[3] ?? ""),
    content: SourceText.squeezed(match[2] ?? match[4] ?? "")
  }))
  return [...calls, ...python].flatMap(({ content, offset, path }): ReadonlyArray<Cheat.Cheat> => {
    const line = SourceText.lineAt(view.after, offset + (view.after.bare.slice(offset).search(/\S/) || 0))
    if (!added.has(line)) return []
    const around = tests.filter(
      (placed) => placed.view === view && placed.block.from <= offset && offset < placed.block.to
    )
    const isLiteral = /^(?:"[^"]*"|'[^']*'|`[^`$]*`)$/.test(content)
    const asserted = around.some(({ block }) =>
      block.assertions.some(
        ({ expected, subject, text }) =>
          !isLiteral && content.includes("(") && (subject === content || expected === content) && text.includes(path)
      )
    )
    const expectation =
      content.includes("(") &&
      !isLiteral &&
      /["'`][^"'`]*(?:expected|golden|snapshot|__snapshots__|\.snap\b|approved)[^"'`]*["'`]/i.test(path)
    if (own.test(path)) return [at("test-rewrites-itself", line, "a test writes its own file")]
    return asserted || expectation
      ? [
          at(
            "test-rewrites-itself",
            line,
            `${Cheat.quoted(path)} is written from what comes, and is what the test expects`
          )
        ]
      : []
  })
}

const significant = (text: string): ReadonlyArray<string> => [
  ...new Set(
    (text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}_-]{2,}/gu) ?? []).filter(
      (word) =>
        !/^(?:span|div|class|classname|exports|const|snapshot|style|true|false|null|object|array|href)$/.test(word)
    )
  )
]

const snapshots = (change: CheatView.Change): ReadonlyArray<Cheat.Cheat> =>
  change.views.flatMap((view): ReadonlyArray<Cheat.Cheat> => {
    if (view.role !== "snapshot" || view.isNew || view.isGone || view.removed.length === 0) return []
    // What is recorded no longer goes as a whole: its test is gone, and that is looked at by itself.
    if (view.added.length === 0 && view.removed.some(({ text }) => /^(?:exports\[|# name: )/.test(text))) return []
    const old = new Set(significant(view.before.text))
    const now = new Set(significant(view.after.text))
    const changedWords = [
      ...significant(view.added.map(({ text }) => text).join("\n")).filter((word) => !old.has(word)),
      ...significant(view.removed.map(({ text }) => text).join("\n")).filter((word) => !now.has(word))
    ]
    const clause = new Set(significant(change.contract))
    if (
      changedWords.some((word) => clause.has(word)) ||
      (/\bsnapshots?\b/.test(change.contract) &&
        significant(CheatTests.stem(view.path)).some((word) => clause.has(word)))
    )
      return []
    const line = view.added[0]?.number ?? null
    const message = `what was recorded is replaced (${view.removed.length} lines gone, ${view.added.length} new), and no clause of the contract speaks of it`
    return [{ rule: "snapshot-rewritten", status: "blocked", path: view.path, line, message }]
  })

/** Looks at what stands in the place of something else. */
export const look = (change: CheatView.Change, paired: CheatTests.Paired): ReadonlyArray<Cheat.Cheat> => {
  const tests = [...paired.fresh, ...paired.pairs.map(([, after]) => after)]
  const found = change.views.flatMap((view) => {
    if (view.isGone || (view.role !== "test" && view.role !== "support")) return []
    const at: At = (rule, line, message) => ({ rule, status: "fail", path: view.path, line, message })
    return [...mocks(view, tests, at), ...patched(view, at), ...frozen(view, at), ...rewrites(view, tests, at)]
  })
  return [...found, ...snapshots(change)]
}
