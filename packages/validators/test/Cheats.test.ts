import { assert, describe, it } from "@effect/vitest"
import * as Cheats from "../src/Cheats.ts"

const rulesOf = (files: ReadonlyArray<Cheats.Sides>, statements: ReadonlyArray<string> = []) =>
  Cheats.look({ files, statements }).cheats.map(({ rule, status }) => `${rule} ${status}`)

const test = (body: string, head = 'it("a", () => {') => `import { f } from "../src/f"\n\n${head}\n  ${body}\n})\n`
const sides = (before: string | null, after: string | null, path = "test/f.test.ts"): Cheats.Sides => ({
  path,
  before,
  after
})

describe("Cheats", () => {
  it("says where a skipped test stands and what was seen", () => {
    const before = test("expect(f(1)).toBe(2)")
    const { cheats } = Cheats.look({ files: [sides(before, before.replace("it(", "it.skip("))] })
    assert.deepStrictEqual(cheats, [
      {
        rule: "test-skipped",
        status: "fail",
        path: "test/f.test.ts",
        line: 3,
        message: 'the test "a" was run before and is left out: ".skip"'
      }
    ])
  })

  it("asks for a person where a quarantine names its issue", () => {
    const before = test("expect(f(1)).toBe(2)")
    const after = before.replace("it(", "// https://github.com/acme/shop/issues/12\nit.skip(")
    assert.deepStrictEqual(rulesOf([sides(before, after)]), ["test-skipped blocked"])
  })

  it("takes comments and texts for what they are", () => {
    const before = test("expect(f(1)).toBe(2)")
    const after = before.replace(
      "expect(f(1))",
      '// it.only( assert(true)\n  const said = "expect(true).toBe(true)"\n  expect(f(1))'
    )
    assert.deepStrictEqual(rulesOf([sides(before, after)]), [])
  })

  it("lets an expectation change where the contract says so, and asks where nothing does", () => {
    const files = [sides(test("expect(f(1)).toBe(20)"), test("expect(f(1)).toBe(50)"))]
    assert.deepStrictEqual(rulesOf(files), ["expectation-changed blocked"])
    assert.deepStrictEqual(rulesOf(files, ["A page has 50 entries."]), [])
    assert.deepStrictEqual(rulesOf(files, ["A page has 500 entries."]), ["expectation-changed blocked"])
  })

  it("answers the same, in whatever order the files are", () => {
    const files = [
      sides(test("expect(f(1)).toBe(2)"), null, "test/gone.test.ts"),
      sides(test("expect(f(1)).toBe(2)"), test("expect(f(1)).toBeDefined()"), "test/b.test.ts"),
      sides("x", "if (process.env.VITEST) x\n", "src/b.ts"),
      sides('{ "scripts": { "test": "jest" } }', '{ "scripts": { "test": "jest || true" } }', "package.json")
    ]
    const forwards = Cheats.look({ files })
    assert.isAtLeast(forwards.cheats.length, 4)
    assert.deepStrictEqual(Cheats.look({ files: files.toReversed() }), forwards)
  })

  it("says what it did not look at, and does not pass it", () => {
    const files = [
      sides("a", "a\0b", "src/binary.ts"),
      sides("a", "a\ufffd", "src/latin1.ts"),
      sides(null, "x".repeat(Cheats.limits.line + 1), "src/bundle.min.js"),
      sides(null, "x\n".repeat(Cheats.limits.side), "src/huge.ts")
    ]
    const report = Cheats.look({ files, unseen: [{ path: "src/unread.ts", why: "it could not be read" }] })
    assert.deepStrictEqual(report.cheats, [])
    assert.sameMembers(
      report.unseen.map(({ path }) => path),
      ["src/unread.ts", ...files.map(({ path }) => path)]
    )
    assert.strictEqual(Cheats.finding(report).status, "blocked")
  })

  it("takes an empty change, and files without an end of anything", () => {
    assert.strictEqual(Cheats.finding(Cheats.look({ files: [] })).status, "pass")
    const odd = [
      "",
      "\n",
      "it(",
      "it('a', () => {",
      "expect(",
      "`${`${",
      "/*",
      "'''",
      "describe.each`",
      ")]}".repeat(1_000),
      "it(".repeat(2_000)
    ]
    const paths = [
      "a.test.ts",
      "test_a.py",
      "a_test.go",
      "src/a.rs",
      "ATest.java",
      "package.json",
      ".github/workflows/a.yml",
      "a.sh",
      "Makefile",
      "pyproject.toml"
    ]
    for (const path of paths)
      for (const text of odd) {
        Cheats.look({
          files: [sides(text, `${text} x`, path), sides(null, text, `b/${path}`), sides(text, null, `c/${path}`)]
        })
      }
  })

  it("takes 50,000 files, and names what is beyond", () => {
    const files = Array.from({ length: Cheats.limits.files + 1 }, (_, index) => sides("a\n", "b\n", `src/${index}.txt`))
    const report = Cheats.look({ files })
    assert.lengthOf(report.unseen, 1)
    assert.lengthOf(report.cheats, 0)
  }, 120_000)

  it("quotes a hostile text in one bounded line", () => {
    const title = `a\u202e\u0007${"x".repeat(5_000)}`
    const before = test("expect(f(1)).toBe(2)", `it("${title}", () => {`)
    const [cheat] = Cheats.look({ files: [sides(before, before.replace("it(", "it.skip("))] }).cheats
    assert.strictEqual(cheat?.rule, "test-skipped")
    assert.isBelow(cheat?.message.length ?? 0, 400)
    assert.notMatch(cheat?.message ?? "", /[\p{Cc}\p{Bidi_Control}]/u)
  })

  it("is a finding about the rule, with evidence, worst first", () => {
    const files = [
      sides(test("expect(f(1)).toBe(20)"), test("expect(f(1)).toBe(50)"), "test/a.test.ts"),
      sides(test("expect(f(1)).toBe(2)"), test("expect(f(1)).toBeDefined()"), "test/b.test.ts")
    ]
    const finding = Cheats.finding(Cheats.look({ files }))
    assert.strictEqual(finding.assertion, "RULE-CHEATS")
    assert.strictEqual(finding.status, "fail")
    assert.deepStrictEqual(
      finding.problems?.map(({ rule }) => rule),
      ["assertion-weakened", "expectation-changed"]
    )
    assert.lengthOf(finding.evidence, 1)
    const asks = Cheats.finding(Cheats.look({ files: files.slice(0, 1) }))
    assert.strictEqual(asks.status, "blocked")
  })
})
