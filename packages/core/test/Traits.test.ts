/** What single changed files show, told from their texts alone. */
import * as ChangeFacts from "@millwright/core/ChangeFacts"
import * as Policy from "@millwright/core/Policy"
import { assert, describe, it } from "@effect/vitest"

const facts = (path: string, before: string | undefined, after: string, previousPath?: string) =>
  ChangeFacts.of([
    {
      file: {
        path,
        status: previousPath !== undefined ? "renamed" : before === undefined ? "added" : "modified",
        mode: "100644",
        additions: 1,
        deletions: 1,
        ...(previousPath === undefined ? {} : { previousPath })
      },
      ...(before === undefined ? {} : { previousMode: "100644" }),
      before: before === undefined ? "absent" : { text: before },
      after: { text: after }
    }
  ])

const traits = (...args: Parameters<typeof facts>): ReadonlyArray<string> =>
  (facts(...args).files[0]?.traits ?? []).map(({ trait }) => trait)

const ships = (...args: Parameters<typeof facts>): boolean =>
  Policy.classify(Policy.careful, facts(...args))._tag === "AutoShip"

describe("tests", () => {
  const before = "it('adds', () => {\n  const all = [1, 2]\n  expect(sum(all)).toEqual({\n    sum: 3\n  })\n})\n"
  it.each([
    ["a value inside of an assertion", before.replace("sum: 3", "sum: 4")],
    ["another matcher", before.replace("toEqual({\n    sum: 3\n  })", "toHaveProperty('sum')")]
  ])("expect something else: %s", (_, after) => {
    assert.isFalse(ships("test/sum.test.ts", before, after))
  })
  it.each([
    ["another input", before.replace("[1, 2]", "[2, 1]")],
    ["a title", before.replace("'adds'", "'adds numbers'")],
    ["one more test, which is skipped", `${before}\nit.skip('later', () => {})\n`],
    ["a word that is none", `${before}\n// What does not fit is pending\nconst fit = 'it does not fit'\n`]
  ])("ask for no less: %s", (_, after) => {
    assert.isTrue(ships("test/sum.test.ts", before, after), traits("test/sum.test.ts", before, after).join())
  })
  it("are weaker where a runner finds them no more, or where what they test is played", () => {
    assert.include(traits("test/sum.ts", before, before, "test/sum.test.ts"), "TestsWeakened")
    assert.include(traits("test/sum.test.ts", before, `vi.mock('../src/sum')\n${before}`), "TestsWeakened")
    assert.include(traits("test/sum.test.ts", undefined, "it.only('a', () => {})\n"), "TestsWeakened")
    assert.include(traits("test/a.snap", "a = `3`\n", "a = `4`\n"), "ExpectationChanged")
  })
})

describe("what stood before a way in", () => {
  it.each([
    ["src/a.ts", "router.put('/x', staffOnly, save)\n", "router.put('/x', save)\n"],
    ["src/a.ts", "app.use(staffOnly)\nlisten()\n", "listen()\n"],
    ["src/x.controller.ts", "@Staff()\n@Put()\nsave() {}\n", "@Put()\nsave() {}\n"]
  ])("is a matter of auth when it is gone, whatever its name: %s", (path, before, after) => {
    assert.include(traits(path, before, after), "Auth")
    assert.notInclude(traits(path, after, before), "Auth", "it is put there")
  })
})

describe("a path", () => {
  it("is unusual with a letter that looks like another, and is not in one alphabet", () => {
    assert.include(traits("docs/p\u0430y.md", undefined, "a\n"), "UnusualPath")
    assert.notInclude(traits("docs/\u043f\u043b\u0430\u043d.md", undefined, "a\n"), "UnusualPath")
    assert.notInclude(traits("docs/größe.md", undefined, "a\n"), "UnusualPath")
  })
  it("of a README below agents is a document, and of an agent's instructions is none", () => {
    assert.isTrue(ships("packages/agents/README.md", "a\n", "b\n"))
    assert.isFalse(ships("agents/reviewer.md", "a\n", "b\n"))
    assert.isTrue(ships("docs/guides/skills.md", "a\n", "b\n"))
    assert.isTrue(ships("docs/clock.md", "a\n", "b\n"))
  })
})
