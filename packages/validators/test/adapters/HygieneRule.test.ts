import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as HygieneRule from "../../src/adapters/HygieneRule.ts"
import * as ObjectsAlone from "../ObjectsAlone.ts"
import * as RuleTest from "../../src/testing/RuleTest.ts"
import * as RuleLab from "../RuleLab.ts"

RuleTest.suite(
  "HygieneRule",
  RuleLab.fixture(HygieneRule.make(), {
    before: { "sum.ts": "export const sum = (a: number, b: number) => a + b\n" },
    holds: { "sum.test.ts": `it("adds", () => { expect(sum(1, 2)).toBe(3) })\n` },
    fails: { "sum.test.ts": `it("adds", () => { sum(1, 2) })\n` }
  })
)

const git = (dir: string, ...args: ReadonlyArray<string>): string =>
  execFileSync("git", ["-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }
  }).trim()

const commit = (dir: string, files: Readonly<Record<string, string>>): string => {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), content)
  }
  git(dir, "add", "-A")
  git(dir, "commit", "-q", "--allow-empty", "-m", "m")
  return git(dir, "rev-parse", "HEAD")
}

/** What the rule says of files that a change adds to others. */
const judged = (after: Readonly<Record<string, string>>, before: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const dir = yield* fs.makeTempDirectoryScoped({ prefix: "millwright-hygiene-" })
    git(dir, "init", "-q", "-b", "main", ".")
    const base = commit(dir, before)
    const head = commit(dir, after)
    return yield* HygieneRule.make().judge(
      ObjectsAlone.context({ repository: dir, change: { branch: "main", base, head, files: [] } })
    )
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const flaws = [
  ["test-without-assertion", `it("adds", () => {\n  add(1, 2)\n})`],
  ["test-without-assertion", `it.effect("adds", () => Effect.gen(function* () { yield* add(1, 2) }))`],
  ["assertion-of-nothing", `it("is", () => { expect(sum).toBe(sum) })`],
  ["assertion-of-nothing", `it("is", () => { assert.strictEqual(1, 1) })`],
  ["test-catches", `it("throws", () => { try { add() } catch (error) { expect(error).toBeDefined() } })`],
  ["test-only", `it.only("adds", () => { expect(add(1, 2)).toBe(3) })`],
  ["test-only", `describe.only("all", () => { it("adds", () => { expect(add(1, 2)).toBe(3) }) })`],
  [
    "test-sleeps",
    `it("waits", async () => { await new Promise((resolve) => setTimeout(resolve, 50)); expect(done()).toBe(true) })`
  ],
  [
    "test-sleeps",
    `it.live("waits", () => Effect.gen(function* () { yield* Effect.sleep(50); assert.isTrue(done()) }))`
  ],
  [
    "test-asks-the-network",
    `it("asks", async () => { expect((await fetch("https://api.github.com/zen")).ok).toBe(true) })`
  ],
  [
    "test-leaves-behind",
    `beforeAll(() => { server = createServer(); server.listen(0) })\nit("a", () => { expect(get()).toBe(1) })`
  ]
] as const

const sound = [
  `it("adds", () => { expect(add(1, 2)).toBe(3) })`,
  `it.todo("later")`,
  `it("throws", () => { assert.throws(() => add()) })`,
  `const isThree = (value) => assert.strictEqual(value, 3)\nconst both = (a) => isThree(a)\nit("adds", () => { both(add(1, 2)) })`,
  `import { holds } from "./Lab.ts"\nit("holds", () => holds(add))`,
  `const { holds } = Lab\nit.each(cases)("%s", (one) => { expect(one.run()).toBe(one.wanted) })`,
  `it("says the same twice", () => { expect(decide(1)).toEqual(decide(1)) })`,
  `it("waits", () => Effect.gen(function* () { yield* Effect.sleep(50); yield* TestClock.adjust(50); assert.isTrue(done()) }))`,
  `it("polls", async () => { while (!done()) await sleep(5)\n expect(done()).toBe(true) })`,
  `it("asks", async () => { expect((await fetch("http://127.0.0.1:8080/x")).ok).toBe(true) })`,
  `it("asks", async () => { expect((await fetch("https://api.example.com/x")).ok).toBe(true) })`,
  `beforeAll(() => { server = createServer() })\nafterAll(() => server.close())\nit("a", () => { expect(get()).toBe(1) })`,
  `for (const claim of claims) it(claim.name, () => claim.holds())`
]

describe("the hygiene of tests that a change adds", () => {
  it.live("names each flaw at its line", () =>
    Effect.gen(function* () {
      const files = Object.fromEntries(flaws.map(([, source], n) => [`f${n}.test.ts`, `\n${source}\n`]))
      const { problems = [], status } = yield* judged(files)
      assert.strictEqual(status, "fail")
      for (const [n, [rule, source]] of flaws.entries()) {
        const here = problems.filter(({ path }) => path === `f${n}.test.ts`)
        assert.deepStrictEqual(
          here.map(({ line, rule }) => [rule, line]),
          [[rule, 2]],
          source
        )
      }
    })
  )

  it.live("has nothing against sound tests, nor against what is no test", () =>
    Effect.gen(function* () {
      const files = Object.fromEntries(sound.map((source, n) => [`s${n}.test.ts`, `${source}\n`]))
      const { evidence, problems, status } = yield* judged({ ...files, "src/a.ts": `it("x", () => { f() })` })
      assert.deepStrictEqual(problems, [])
      assert.strictEqual(status, "pass")
      assert.include(evidence[0]?.summary, `${sound.length} files`)
    })
  )

  it.live("judges what was added, and not what was there", () =>
    Effect.gen(function* () {
      const old = `it("old", () => { add() })\n`
      const { problems = [] } = yield* judged(
        { "a.test.ts": `${old}it("new", () => { add() })\n` },
        { "a.test.ts": old }
      )
      assert.deepStrictEqual(
        problems.map(({ line }) => line),
        [2]
      )
      const none = yield* judged({ "b.ts": "1\n" }, { "a.test.ts": old })
      assert.strictEqual(none.status, "pass")
      const broken = yield* judged({ "a.test.ts": "it('x', () => { expect(((" })
      assert.notStrictEqual(broken.status, "error", "a source that does not parse is read as far as it goes")
    })
  )
})
