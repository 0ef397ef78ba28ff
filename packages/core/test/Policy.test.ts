import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type * as Change from "../src/Change.ts"
import * as ChangeFacts from "../src/ChangeFacts.ts"
import * as Policy from "../src/Policy.ts"

const file = (path: string, rest: Partial<Change.FileChange> = {}): Change.FileChange => ({
  path,
  status: "modified",
  mode: "100644",
  additions: 1,
  deletions: 0,
  ...rest
})

const facts = (files: ReadonlyArray<Change.FileChange>): ChangeFacts.ChangeFacts =>
  ChangeFacts.of(files.map((each) => ({ file: each, before: { text: "a\n" }, after: { text: "a\nb\n" } })))

const decide = (...files: ReadonlyArray<Change.FileChange>): Policy.Decision =>
  Policy.classify(Policy.careful, facts(files))

const rank = (decision: Policy.Decision): number => Policy.Class.literals.indexOf(decision._tag)

const oneOf = <A>(values: ReadonlyArray<A>): Arbitrary.Arbitrary<A> =>
  Arbitrary.map(
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: values.length - 1 }))),
    (at) => {
      const value = values[at]
      if (value === undefined) throw new Error("the index is in range")
      return value
    }
  )

const segments = [
  "src",
  "docs",
  "test",
  ".github",
  ".GitHub",
  "workflows",
  "a.md",
  "a.test.ts",
  "package.json",
  ".env",
  "x.ts",
  "..",
  ".",
  "",
  "\u200b",
  "CODEOWNERS",
  ".millwright",
  "AGENTS.md"
]
const path = Arbitrary.map(
  Arbitrary.array(oneOf(segments), { minLength: 1, maxLength: 4 }),
  (parts) => parts.join("/") || "x"
)
const changed: Arbitrary.Arbitrary<Change.FileChange> = Arbitrary.map(
  Arbitrary.all([
    path,
    path,
    oneOf(["100644", "100755", "120000", "160000"]),
    oneOf(["added", "modified", "deleted", "renamed", "type-changed"] as const),
    oneOf([null, 0, 1, 150])
  ]),
  ([to, from, mode, status, lines]) => ({
    path: to,
    ...(status === "renamed" ? { previousPath: from } : {}),
    mode,
    status,
    additions: lines,
    deletions: lines
  })
)
const changes = Arbitrary.array(changed, { minLength: 1, maxLength: 12 })
const anything = Arbitrary.array(Arbitrary.all([path, Arbitrary.schema(Schema.String)]), { maxLength: 6 })

describe("Policy.classify", () => {
  it.prop(
    "never answers lower for one more file",
    [changes, changed],
    ([files, more]) => {
      assert.isAtLeast(
        rank(decide(...files, more)),
        rank(decide(...files)),
        `one more file, ${more.path}, lowered the decision`
      )
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "never answers lower for one more line",
    [changes, Schema.Natural.check(Schema.isLessThan(12))],
    ([files, at]) => {
      const longer = files.map((each, index) =>
        index === at && each.additions !== null ? { ...each, additions: each.additions + 1 } : each
      )
      assert.isAtLeast(rank(decide(...longer)), rank(decide(...files)), "one more line lowered the decision")
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "answers the same for files and rules in any order",
    [changes, Schema.Int],
    ([files, seed]) => {
      const shuffled = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> =>
        values
          .map((value, index) => [Math.sin(seed + index * 7.3), value] as const)
          .sort(([a], [b]) => a - b)
          .map(([, value]) => value)
      const other = Policy.classify(
        { ...Policy.careful, rules: shuffled(Policy.careful.rules) },
        facts(shuffled(files))
      )
      assert.deepStrictEqual(other, decide(...files), "the order of files and rules has a say")
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "answers for any paths at all, and names what decided and over which paths",
    [anything],
    ([names]) => {
      const files = names.map(([known, any]) => file(any === "" ? known : any))
      const decision = decide(...files)
      assert.isTrue(Schema.is(Policy.Decision)(decision), "a decision as its schema has it")
      assert.notStrictEqual(decision.rule, "", "the rule is named")
      const all = new Set(files.map((each) => each.path))
      assert.isTrue(
        decision.paths.every((each) => all.has(each)),
        "the paths are the change's own"
      )
      const ofWhole = decision.rule.startsWith("more than") || decision.rule === "an empty change"
      assert.isTrue(
        ofWhole || decision.paths.length > 0,
        `the rule ${decision.rule} names the paths that it decided over`
      )
    },
    { arbitrary: { runs: 300 } }
  )

  it.each([
    ["AutoShip", "documents", file("docs/guide.md")],
    ["AutoShip", "documents", file("README.md")],
    ["AutoShip", "tests", file("packages/a/x.test.ts")],
    ["AutoShip", "documents", file("docs/größe.md")],
    ["HumanReview", "no rule knows this path", file("src/main.ts")],
    ["HumanReview", "dependencies", file("pkg/package.json")],
    ["HumanReview", "dependencies", file("test/package.json")],
    ["HumanReview", "instructions for agents", file("docs/AGENTS.md")],
    ["HumanReview", "instructions for agents", file("skills/review/SKILL.md")],
    ["HumanReview", "marked as generated", file("docs/.gitattributes")],
    ["HumanReview", "lines can not be counted", file("docs/picture.png", { additions: null, deletions: null })],
    ["HumanReview", "a symbolic link", file("docs/link.md", { mode: "120000" })],
    ["HumanReview", "a submodule", file("docs/module", { mode: "160000" })],
    ["HumanReview", "an executable file", file("docs/tool.md", { mode: "100755" })],
    ["HumanReview", "not a plain file", file("docs/was-link.md", { status: "type-changed" })],
    ["HumanReview", "a submodule", file("docs/module", { mode: "160000", status: "deleted" })],
    ["HumanReview", "more than 500 lines", file("docs/long.md", { additions: 250, deletions: 251 })],
    ["HardStop", "automation and secrets", file(".github/workflows/ci.yml")],
    ["HardStop", "automation and secrets", file("app/.env.local")],
    [
      "HardStop",
      "automation and secrets",
      file("docs/moved.md", { status: "renamed", previousPath: ".github/CODEOWNERS" })
    ],
    ["HardStop", "the factory", file(".millwright/policy.json")]
  ] as const)("%s by the rule %s: %j", (expected, rule, each) => {
    const decision = decide(each)
    assert.deepStrictEqual([decision._tag, decision.rule], [expected, rule])
  })

  it.each([
    ".GitHub/workflows/ci.yml",
    "./.github/workflows/ci.yml",
    ".//.github//workflows/ci.yml",
    "docs/../.github/workflows/ci.yml",
    ".github\\workflows\\ci.yml",
    ".git\u200bhub/workflows/ci.yml",
    ".github./workflows/ci.yml",
    ".github /workflows/ci.yml",
    "\uff0egithub/workflows/ci.yml",
    ".github::$INDEX_ALLOCATION/workflows/ci.yml",
    '".github/workflows/ci.yml"',
    ".github\0/workflows/ci.yml",
    "docs/.ENV",
    "docs/.env ",
    "docs/.env.",
    "docs/.env::$DATA",
    "docs/key.PEM",
    "docs/codeowners",
    ".Millwright/policy.json"
  ])("is not led round a hard stop by %j", (each) => {
    assert.strictEqual(decide(file(each))._tag, "HardStop")
  })

  it.each([
    "docs/a\u202e.md",
    "docs/a\nb.md",
    "docs/\ufffd.md",
    '"docs/a.md"',
    "docs//a.md",
    "docs/./a.md",
    "./docs/a.md",
    "docs/../docs/a.md",
    "/docs/a.md",
    "docs/a.md ",
    "docs/e\u0301.md",
    "docs\\a.md",
    "docs/a\0.md",
    "docs/",
    "docs/\ud800.md",
    "README.MD",
    "DOCS/a.txt",
    "Test/x.ts"
  ])("does not ship what only looks like a document or a test: %j", (each) => {
    assert.strictEqual(decide(file(each))._tag, "HumanReview")
  })

  it("gives an empty change to a human", () => {
    assert.deepInclude(decide(), { _tag: "HumanReview", rule: "an empty change", paths: [] })
  })

  it("gives a change to a human that is too many files, and names at most 20 paths, sorted", () => {
    const docs = Array.from({ length: 21 }, (_, index) => file(`docs/${index}.md`))
    assert.deepInclude(decide(...docs), { _tag: "HumanReview", rule: "more than 20 files", paths: [] })
    const secrets = Array.from({ length: 30 }, (_, index) => file(`${String(index).padStart(2, "0")}/.env`))
    assert.deepStrictEqual(
      decide(...secrets.toReversed()).paths,
      secrets.slice(0, 20).map((each) => each.path)
    )
  })

  it("answers within seconds for very many files and for very long paths", () => {
    const started = performance.now()
    decide(...Array.from({ length: 5_000 }, (_, index) => file(`src/${index}/lock/${"a-".repeat(20)}.ts`)))
    decide(file("a/".repeat(2_000) + "x"), file("lo".repeat(2_000)), file("**/".repeat(1_000)))
    assert.isBelow(performance.now() - started, 5_000, "a hostile change must not hold the factory up")
    assert.strictEqual(
      Policy.classify(Policy.careful, facts(Array.from({ length: 150_000 }, () => file("docs/a.md"))))._tag,
      "HumanReview",
      "no number of files is too many"
    )
  })
})
