import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Glob from "effect/Glob"
import * as Schema from "effect/Schema"
import * as ChangeFacts from "../src/ChangeFacts.ts"
import * as PathForm from "../src/internal/PathForm.ts"
import * as PathPatterns from "../src/internal/PathPatterns.ts"
import * as Policy from "../src/Policy.ts"

const oneOf = <A>(values: readonly [A, ...ReadonlyArray<A>]): Arbitrary.Arbitrary<A> =>
  Arbitrary.map(
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: values.length - 1 }))),
    (at) => values[at] ?? values[0]
  )

const paths = [
  "docs/a.md",
  "a.test.ts",
  "test/b.py",
  "src/c.ts",
  "auth/d.ts",
  ".github/e.yml",
  "package.json",
  "t/../f"
] as const
const traits = Arbitrary.array(Arbitrary.schema(ChangeFacts.Trait), { maxLength: 4 })
const facts: Arbitrary.Arbitrary<ChangeFacts.FileFacts> = Arbitrary.map(
  Arbitrary.all([oneOf(paths), traits, oneOf([0, 1, 150])]),
  ([path, shown, lines]) => ({
    path,
    status: "modified",
    mode: "100644",
    additions: lines,
    deletions: 0,
    traits: shown.map((trait) => ({ trait }))
  })
)
const rules: Arbitrary.Arbitrary<Policy.Rule> = Arbitrary.map(
  Arbitrary.all([
    oneOf(["a", "b", "c"]),
    oneOf(["**", "**/*.md", "src/**", "auth/**", "**/*.{ts,py}"]),
    traits,
    oneOf(["AutoShip", "HumanReview", "HardStop"] as const),
    oneOf([1, 2, 3]),
    oneOf([[], ["x"], ["x", "y"]])
  ]),
  ([name, path, [first, ...shown], asks, reviewers, roles]) =>
    asks === "AutoShip"
      ? { name, paths: [path], class: asks, ...(first === undefined ? {} : { allows: [first, ...shown] }) }
      : {
          name,
          paths: [path],
          class: asks,
          reviewers,
          roles,
          ...(first === undefined ? {} : { traits: [first, ...shown] })
        }
)
const policies = Arbitrary.map(Arbitrary.array(rules, { maxLength: 5 }), (all): Policy.Policy => ({
  rules: all,
  maxLines: 200,
  maxFiles: 5
}))

const rank = ({ _tag }: Policy.Decision): number => Policy.Class.literals.indexOf(_tag)

const isAtLeast = (higher: Policy.Decision, lower: Policy.Decision, why: string): void => {
  assert.isAtLeast(rank(higher), rank(lower), `${why} lowered the class: ${JSON.stringify([lower, higher])}`)
  const [more, less] = [Policy.needs(higher), Policy.needs(lower)]
  assert.isAtLeast(more.reviewers, less.reviewers, `${why} lowered the reviewers: ${JSON.stringify([lower, higher])}`)
  for (const role of less.roles) assert.include(more.roles, role, `${why} took a role away`)
}

const runs = { arbitrary: { runs: 300 } }

describe("the laws of a policy", () => {
  it.prop(
    "one more file, trait, line or policy never lowers the class, the reviewers or the roles",
    [
      policies,
      policies,
      Arbitrary.array(facts, { minLength: 1, maxLength: 5 }),
      facts,
      Arbitrary.schema(ChangeFacts.Trait)
    ],
    ([policy, other, files, more, trait]) => {
      const decide = (all: ReadonlyArray<ChangeFacts.FileFacts>, shown: ReadonlyArray<ChangeFacts.Trait> = []) =>
        Policy.classify(policy, { files: all, traits: shown })
      const before = decide(files)
      isAtLeast(decide([...files, more]), before, "one more file")
      isAtLeast(decide(files, [trait]), before, "a trait of the whole")
      isAtLeast(
        decide(files.map((file) => ({ ...file, traits: [...file.traits, { trait }] }))),
        before,
        "one more trait"
      )
      isAtLeast(
        decide(files.map((file) => ({ ...file, additions: (file.additions ?? 0) + 1 }))),
        before,
        "one more line"
      )
      isAtLeast(Policy.classify([policy, other], { files, traits: [] }), before, "one more policy")
      isAtLeast(Policy.classify(Policy.requiresReversible(policy), { files, traits: [] }), before, "a limit")
    },
    runs
  )

  it.prop(
    "the order of files, rules, traits and policies has no say",
    [policies, policies, Arbitrary.array(facts, { maxLength: 5 }), traits],
    ([policy, other, files, shown]) => {
      const there = Policy.classify([policy, other], { files, traits: shown })
      const back = Policy.classify(
        [
          { ...other, rules: other.rules.toReversed() },
          { ...policy, rules: policy.rules.toReversed() }
        ],
        {
          files: files.map((file) => ({ ...file, traits: file.traits.toReversed() })).toReversed(),
          traits: shown.toReversed()
        }
      )
      assert.deepStrictEqual(back, there)
      assert.isTrue(Schema.is(Policy.Decision)(there), "a decision is as its schema has it")
      assert.strictEqual(Policy.digest(back), Policy.digest(there))
    },
    runs
  )

  it.prop(
    "what ships has a rule that ships each of its paths, and no trait that none of them allows",
    [policies, Arbitrary.array(facts, { maxLength: 5 })],
    ([policy, files]) => {
      if (Policy.classify(policy, { files, traits: [] })._tag !== "AutoShip") return
      for (const { path, traits: shown } of files) {
        const shipping = policy.rules.filter(
          (rule) =>
            rule.class === "AutoShip" && rule.paths?.some((glob) => Glob.match(Glob.make(glob, { dot: true }), path))
        )
        assert.isNotEmpty(shipping, `${path} ships and no rule knows it`)
        for (const { trait } of shown) {
          assert.isTrue(
            shipping.some((rule) => rule.allows?.includes(trait)),
            `${path} ships with ${trait}`
          )
          assert.notStrictEqual(trait, "Unread", "what was not read ships")
        }
      }
    },
    runs
  )

  it("with no policy, and with one of no rules, everything is a matter for a human", () => {
    const change = {
      files: [{ path: "a.md", status: "added", mode: "100644", additions: 1, deletions: 0, traits: [] }],
      traits: []
    } as const
    assert.strictEqual(Policy.classify([], change)._tag, "HumanReview")
    assert.strictEqual(Policy.classify({ rules: [], maxLines: 9, maxFiles: 9 }, change)._tag, "HumanReview")
  })

  it("a forbidden path lets no run start", () => {
    const policy = { ...Policy.careful, rules: [...Policy.careful.rules, Policy.forbidden("law", ["legal/**"])] }
    assert.deepStrictEqual(Policy.forbids(policy, ["src/a.ts", "Legal/b.md"]), { rule: "law", path: "Legal/b.md" })
    assert.isUndefined(Policy.forbids(policy, ["src/a.ts"]))
  })

  const lines = Array.from({ length: 60 }, (_, at) => `line ${at}`)
  const edits = [
    "expect(a).toBe(1)",
    "app.get('/a', b)",
    "alter table a add column b",
    "jwt.sign(a)",
    "x = 1",
    "it.skip('a')",
    "stripe.charge()",
    "// @generated"
  ] as const
  it.prop(
    "one more hunk never takes a trait away",
    [
      Arbitrary.array(oneOf(edits), { minLength: 2, maxLength: 6 }),
      oneOf(["src/a.ts", "test/a.test.ts", "docs/a.md"]),
      oneOf([true, false])
    ],
    ([chosen, path, isRemoved]) => {
      const traitsWith = (count: number) => {
        const put = lines.flatMap((line, at) =>
          at % 10 === 0 && at / 10 < count ? [line, `${chosen[at / 10] ?? "y"} ${at}`] : [line]
        )
        const [before, after] = isRemoved ? [[...lines, ...put].slice(lines.length), lines] : [lines, put]
        const text = (all: ReadonlyArray<string>) => ({ text: all.join("\n") })
        const file = { path, status: "modified", mode: "100644", additions: 1, deletions: 1 } as const
        return ChangeFacts.of([{ file, before: text(before), after: text(after) }]).files.flatMap((each) =>
          each.traits.map(({ trait }) => trait)
        )
      }
      for (let count = 1; count < chosen.length; count++) {
        for (const trait of traitsWith(count))
          assert.include(traitsWith(count + 1), trait, `hunk ${count + 1} took ${trait} away`)
      }
    },
    runs
  )

  const glob = Arbitrary.map(
    Arbitrary.array(oneOf(["**", "*", "a", "a*", "*.md", "*.{md,ts}", ".*", "{a,b}", "a.b"]), {
      minLength: 1,
      maxLength: 4
    }),
    (segments) => segments.join("/")
  )
  const path = Arbitrary.map(
    Arbitrary.array(oneOf(["a", "b", "a.md", "x.ts", ".md", ".a", "ab", "a.b", "a+b"]), { minLength: 1, maxLength: 4 }),
    (segments) => segments.join("/")
  )
  it.prop(
    "globs match what effect/Glob says that they match",
    [Arbitrary.array(glob, { minLength: 1, maxLength: 3 }), path],
    ([globs, name]) => {
      assert.strictEqual(
        PathPatterns.make(globs)(name, PathForm.isPlain(name)),
        globs.some((each) => Glob.match(Glob.make(each, { dot: true }), name)),
        `${globs.join(" ")} and ${name}`
      )
    },
    { arbitrary: { runs: 2_000 } }
  )
})
