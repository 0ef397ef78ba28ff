/** What programs that are here really print, by the same test files: `reports/README.md` says how it was made. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import * as ReportReader from "../src/ReportReader.ts"
import * as TestReport from "../src/TestReport.ts"

const report = (name: string) => readFileSync(new URL(`reports/${name}`, import.meta.url))
const place = { directory: "/checkout" }
const tests = (text: string | Uint8Array, options: ReportReader.Options = place) =>
  ReportReader.tests(Buffer.from(text), options)
const shown = ({ cases }: TestReport.TestReport) =>
  cases.map(({ file, name, status }) => `${status} ${name}${file === null ? "" : ` @${file}`}`)

describe("what tests did, as programs write it", () => {
  for (const [name, format, expected] of [
    [
      "node.tap",
      "tap",
      [
        "passed sum > adds",
        "failed sum > fails <here> & there @a.test.mjs",
        "passed sum > inner > deep",
        "skipped skipped",
        "todo later",
        "todo todo fails @a.test.mjs",
        "passed sub > one",
        "passed sub > one"
      ]
    ],
    [
      "node.xml",
      "junit",
      [
        "passed sum > adds @a.test.mjs",
        "failed sum > fails <here> & there @a.test.mjs",
        "passed sum.inner > deep @a.test.mjs",
        "skipped skipped @a.test.mjs",
        "todo later @a.test.mjs",
        "todo todo fails @a.test.mjs",
        "passed sub > one @a.test.mjs",
        "passed sub > one @a.test.mjs"
      ]
    ],
    [
      "vitest.json",
      "vitest",
      [
        "passed sum > adds @a.test.ts",
        "failed sum > fails red @a.test.ts",
        "skipped sum > skipped @a.test.ts",
        "todo sum > later @a.test.ts",
        "passed adds @a.test.ts",
        "passed adds @a.test.ts",
        "error b.test.ts: outside of its cases @b.test.ts",
        "error c.test.ts: outside of its cases @c.test.ts"
      ]
    ],
    [
      "vitest.xml",
      "junit",
      [
        "passed a.test.ts > sum > adds",
        "failed a.test.ts > sum > fails red",
        "skipped a.test.ts > sum > skipped",
        "skipped a.test.ts > sum > later",
        "passed a.test.ts > adds",
        "passed a.test.ts > adds",
        "failed b.test.ts",
        "failed c.test.ts"
      ]
    ],
    [
      "vitest.tap",
      "tap",
      [
        "passed a.test.ts > sum > adds",
        "failed a.test.ts > sum > fails red @a.test.ts",
        "skipped a.test.ts > sum > skipped",
        "todo a.test.ts > sum > later",
        "passed a.test.ts > adds",
        "passed a.test.ts > adds",
        "failed b.test.ts @b.test.ts",
        "failed c.test.ts"
      ]
    ],
    [
      "vitest-flat.tap",
      "tap",
      [
        "passed a.test.ts > sum > adds",
        "failed a.test.ts > sum > fails red @a.test.ts",
        "skipped a.test.ts > sum > skipped",
        "todo a.test.ts > sum > later",
        "passed a.test.ts > adds",
        "passed a.test.ts > adds",
        "failed b.test.ts @b.test.ts",
        "failed c.test.ts"
      ]
    ],
    [
      "pytest.xml",
      "junit",
      [
        "passed test_a > test_ok",
        "failed test_a > test_bad",
        "skipped test_a > test_skip",
        "skipped test_a > test_xfail",
        "passed test_a.TestC > test_in",
        "error test_a > test_error"
      ]
    ]
  ] as const) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const read = yield* tests(report(name))
        assert.strictEqual(read.format, format, "found by its content")
        assert.deepStrictEqual(shown(read), [...expected])
        assert.deepStrictEqual(read.warnings, [], "it says nothing of itself that does not hold")
        const text = JSON.stringify(read)
        assert.notInclude(text, "/checkout", "a folder of this machine")
        assert.notInclude(text, "\\u001b", "a colour")
      })
    )
  }

  it.effect("totals count what ran apart from what was left out", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(TestReport.totals(yield* tests(report("vitest.json"))), {
        passed: 3,
        failed: 1,
        error: 2,
        skipped: 1,
        todo: 1,
        cases: 8,
        executed: 6
      })
    })
  )
})

const junit = (inner: string) => `<?xml version="1.0"?>\n${inner}`
const refused = (text: string | Uint8Array, reason: string, options?: ReportReader.Options) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(tests(text, options))
    assert.strictEqual(error.reason, reason, error.message)
    assert.isAbove(error.message.length, 40, "the message helps")
    assert.isBelow(error.message.length, 1_000, "the message can be read")
  })

describe("JUnit", () => {
  it.effect("without a test has none, which is for the rule to judge", () =>
    Effect.gen(function* () {
      for (const text of [`<testsuites/>`, `<testsuites tests="0"><testsuite name="a" tests="0"/></testsuites>`]) {
        assert.strictEqual(TestReport.totals(yield* tests(junit(text))).executed, 0)
      }
    })
  )

  it.effect("with a DOCTYPE is refused", () =>
    Effect.gen(function* () {
      yield* refused(
        junit(`<!DOCTYPE testsuites [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuites>&x;</testsuites>`),
        "DocumentType"
      )
      const bomb = `<!DOCTYPE a [<!ENTITY b "1"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><testsuites>&c;</testsuites>`
      yield* refused(junit(bomb), "DocumentType")
    })
  )

  it.effect("of 100 MB is refused without being read", () => refused(Buffer.alloc(100 * 1024 ** 2, "<a>"), "TooLarge"))

  it.effect("of 20 MB is read", () =>
    Effect.gen(function* () {
      const one = `<testcase name="${"x".repeat(300)}" time="0.1"><system-out>${"y".repeat(20_000)}</system-out></testcase>`
      const read = yield* tests(junit(`<testsuite name="s" tests="1000">${one.repeat(1_000)}</testsuite>`))
      assert.strictEqual(read.cases.length, 1_000)
      assert.deepStrictEqual(read.warnings, [])
    })
  )

  it.effect("has errors of a suite as cases, in an element or only counted", () =>
    Effect.gen(function* () {
      const counted = yield* tests(
        junit(
          `<testsuites errors="2"><testsuite name="a" tests="1" errors="2"><testcase name="x"/></testsuite></testsuites>`
        )
      )
      assert.deepStrictEqual(
        shown(counted).map((text) => text.split(" ")[0]),
        ["passed", "error", "error"]
      )
      const element = yield* tests(junit(`<testsuite name="a" errors="1"><error message="no database"/></testsuite>`))
      assert.deepStrictEqual(
        element.cases.map(({ message, status }) => [status, message]),
        [["error", "no database"]]
      )
    })
  )

  it.effect("with suites in suites, and cases of one name, keeps them all", () =>
    Effect.gen(function* () {
      const inner = `<testsuite name="b" file="src/b.ts"><testcase name="x"/><testcase name="x"/></testsuite>`
      const read = yield* tests(
        junit(`<testsuites><testsuite name="a">${inner}<testcase name="x"/></testsuite></testsuites>`)
      )
      assert.deepStrictEqual(shown(read), ["passed a > b > x @src/b.ts", "passed a > b > x @src/b.ts", "passed a > x"])
      yield* refused(junit("<testsuite>".repeat(300) + "</testsuite>".repeat(300)), "Malformed")
    })
  )

  it.effect("with bytes that are no UTF-8 is read, and says so", () =>
    Effect.gen(function* () {
      const read = yield* tests(Buffer.from(junit(`<testsuite><testcase name="caf\xe9"/></testsuite>`), "latin1"))
      assert.deepStrictEqual(shown(read), ["passed caf\ufffd"])
      assert.deepStrictEqual(read.warnings, ["the report has bytes that are no utf-8"])
      const latin = `<?xml version="1.0" encoding="ISO-8859-1"?><testsuite><testcase name="caf\xe9"/></testsuite>`
      assert.deepStrictEqual(shown(yield* tests(Buffer.from(latin, "latin1"))), ["passed café"])
      const utf16 = Buffer.from("\ufeff" + junit(`<testsuite><testcase name="é"/></testsuite>`), "utf16le")
      assert.deepStrictEqual(shown(yield* tests(utf16)), ["passed é"])
      yield* refused(`<?xml version="1.0" encoding="klingon"?><testsuite/>`, "Malformed")
    })
  )

  it.effect("with times of other countries, and none", () =>
    Effect.gen(function* () {
      const times = ["1.5", "1,5", "1,234.5", "1.234,5", "1,234,567", "", "NaN", "-1", "0,123", "1e-3"]
      const cases = times.map((time) => `<testcase name="x" time="${time}"/>`).join("")
      const read = yield* tests(junit(`<testsuite>${cases}</testsuite>`))
      assert.deepStrictEqual(
        read.cases.map(({ duration }) => duration),
        [1_500, 1_500, 1_234_500, 1_234_500, 1_234_567_000, null, null, null, 123, 1]
      )
    })
  )

  it.effect("with controls and colours in names is read", () =>
    Effect.gen(function* () {
      const name = `a\u001b[31mred\u001b[0m &#x1b;[1mbold&#27;[0m \u0000 &#x7; \u202e end`
      const read = yield* tests(junit(`<testsuite><testcase name="${name}"/></testsuite>`))
      const lines = yield* tests(
        junit(`<testsuite><testcase name="a"><failure message="one&#10;more\nm"/></testcase></testsuite>`)
      )
      assert.strictEqual(lines.cases[0]?.message, "one\nmore m", "a line that begins with m")
      assert.deepStrictEqual(shown(read), ["passed ared bold \ufffd \ufffd \ufffd end"])
    })
  )

  it.effect("that is cut off, or none, is refused", () =>
    Effect.gen(function* () {
      yield* refused(junit(`<testsuite><testcase name="a"/>`), "Malformed")
      yield* refused(junit(`<html><testcase name="a"/></html>`), "Malformed")
      yield* refused("", "UnknownFormat")
      yield* refused("all is well", "UnknownFormat")
      yield* refused("", "Malformed", { format: "junit" })
      yield* refused("{}", "Malformed", { format: "vitest" })
      yield* refused("{", "Malformed", { format: "ctrf" })
      yield* refused(report("oxlint.json"), "UnknownFormat")
    })
  )

  it.effect("whose skipped cases failed says the worst", () =>
    Effect.gen(function* () {
      const cases = [
        `<testcase name="a"><failure/><error/></testcase>`,
        `<testcase name="b"><skipped/><failure message="m"/></testcase>`,
        `<testcase name="c" status="notrun"/>`,
        `<testcase name="d" result="Failed"/>`,
        `<testcase name="e"><flakyFailure/></testcase>`
      ]
      assert.deepStrictEqual(shown(yield* tests(junit(`<testsuite>${cases.join("")}</testsuite>`))), [
        "error a",
        "failed b",
        "skipped c",
        "failed d",
        "passed e"
      ])
    })
  )
})

describe("TAP", () => {
  for (const [what, text, expected, warnings] of [
    ["bails out", "1..3\nok 1 - a\nBail out! no database\nok 2 - b\n", ["passed a", "error the tests bailed out"]],
    ["planned more than it ran", "1..3\nok 1 - a\n", ["passed a", "error tests that planned 3, and ran 1"]],
    [
      "ran more than it planned",
      "1..1\nok 1 - a\nok 2 - b\n",
      ["passed a", "passed b", "error tests that planned 1, and ran 2"]
    ],
    ["has no plan, as when it was cut off", "TAP version 14\nok 1 - a\n", ["passed a", "error tests without a plan"]],
    ["has its plan at the end", "ok 1 - a\nok 2\n1..2\n", ["passed a", "passed a test without a name"]],
    [
      "has directives",
      "1..5\nok 1 - a # SKIP no network\nnot ok 2 - b # TODO later\nok 3 - c # todo\nok 4 - \\# no directive \\\\\nnot ok 5 # skip\n",
      ["skipped a", "todo b", "todo c", "passed # no directive \\", "skipped a test without a name"]
    ],
    ["is left out as a whole", "1..0 # SKIP no browser\n", ["skipped all of it"]],
    ["has nothing", "TAP version 13\n1..0\n", []],
    [
      "has a subtest that planned more",
      "TAP version 14\n    ok 1 - x\n    1..2\nok 1 - a\n1..1\n",
      ["passed a > x", "error a > tests that planned 2, and ran 1"]
    ],
    [
      "has a subtest that fails for itself",
      "    ok 1 - x\n    1..1\nnot ok 1 - after hook\n1..1\n",
      ["passed after hook > x", "failed after hook"]
    ],
    [
      "has a subtest that was cut off",
      "1..1\nok 1 - a\n    ok 1 - x\n",
      ["passed a", "passed x", "error tests without a plan"]
    ],
    [
      "has other lines between",
      "hello\n1..1\r\nok 1 - a\r\nokay\n# comment\nok\n",
      ["passed a", "passed a test without a name", "error tests that planned 1, and ran 2"]
    ],
    [
      "is numbered out of order",
      "1..2\nok 2 - a\nok 1 - b\n",
      ["passed a", "passed b"],
      ["test points are not numbered one after the other"]
    ],
    [
      "has what looks like points in a block",
      "1..1\nnot ok 1 - a\n  ---\n  message: 'it broke'\n  stack: |\n    ok 2 - x\n  ...\n",
      ["failed a"]
    ]
  ] as const) {
    it.effect(`that ${what}`, () =>
      Effect.gen(function* () {
        const read = yield* tests(text, { format: "tap" })
        assert.deepStrictEqual(shown(read), [...expected])
        assert.deepStrictEqual(read.warnings, [...(warnings ?? [])])
      })
    )
  }
})

describe("JSON of tests", () => {
  it.effect("CTRF", () =>
    Effect.gen(function* () {
      const tests_ = [
        { name: "a", status: "passed", duration: 12, suite: ["s", "t"], filePath: "src/a.ts" },
        { name: "b", status: "failed", duration: -1, message: "m", suite: "s" },
        { name: "c", status: "pending" },
        { name: "d", status: "other" },
        { name: "e", status: "skipped" }
      ]
      const read = yield* tests(
        JSON.stringify({ results: { tool: { name: "x" }, summary: { tests: 7, failed: 2 }, tests: tests_ } })
      )
      assert.deepStrictEqual(shown(read), [
        "passed s > t > a @src/a.ts",
        "failed s > b",
        "todo c",
        "error d",
        "skipped e",
        "error outside of the cases"
      ])
      assert.deepStrictEqual(read.warnings, ["the summary speaks of 7 tests, and there are 5"])
    })
  )

  it.effect("mocha's, with a hook that failed", () =>
    Effect.gen(function* () {
      const a = { title: "a", fullTitle: "s a", file: "/checkout/a.js", duration: 1, err: {} }
      const b = { title: "b", fullTitle: "s b", file: "/checkout/a.js", err: {} }
      const hook = { title: "hook", fullTitle: 's "before each" hook', file: "/checkout/a.js", err: { message: "m" } }
      const read = yield* tests(
        JSON.stringify({ stats: { failures: 1 }, tests: [a, b], pending: [b], failures: [hook], passes: [a] })
      )
      assert.deepStrictEqual(shown(read), ["passed s a @a.js", "skipped s b @a.js", 'error s "before each" hook @a.js'])
    })
  )

  it.effect("vitest's that failed without a case that did", () =>
    Effect.gen(function* () {
      const read = yield* tests(JSON.stringify({ success: false, testResults: [] }))
      assert.deepStrictEqual(shown(read), ["error outside of the cases"])
    })
  )
})

describe("what became worse", () => {
  const of = (...cases: ReadonlyArray<readonly [name: string, status: TestReport.Status]>) => ({
    cases: cases.map(([name, status]) => ({ name, file: null, status, duration: null, message: "" }))
  })
  it("is what ran and does not, counted by name", () => {
    const base = of(["a", "passed"], ["a", "passed"], ["b", "failed"], ["c", "passed"], ["d", "skipped"])
    const head = of(["a", "passed"], ["b", "skipped"], ["c", "passed"], ["e", "passed"])
    const worse = TestReport.weakened(base, head)
    assert.deepStrictEqual(
      [worse.missing.map(({ name }) => name), worse.leftOut.map(({ name }) => name)],
      [["a"], ["b"]]
    )
    assert.deepStrictEqual(TestReport.weakened(base, base), { missing: [], leftOut: [] })
  })
})
