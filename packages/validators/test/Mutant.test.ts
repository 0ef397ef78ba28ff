import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Mutant from "../src/internal/Mutant.ts"

const before = `export const total = (prices) => {
  let sum = 0
  for (const price of prices) sum += price
  return sum
}
`
const after = `// less than 3 === few
export const total = (prices, free) => {
  let sum = 0
  for (const price of prices) if (price >= 0 && price !== free) sum += price
  return sum > 100 ? "much" : sum
}
`

const whats = (mutants: ReadonlyArray<Mutant.Mutant>) => mutants.map(({ line, what }) => `${line}: ${what}`)

describe("Mutant", () => {
  it("takes back each hunk, and breaks each sign of an added line", () => {
    const mutants = Mutant.ofChange([{ path: "total.js", before, after }], 100)
    assert.deepStrictEqual(whats(mutants), [
      "1: the hunk was taken back",
      "4: the hunk was taken back",
      "4: !== became ===",
      "5: > became <=",
      "4: >= became <",
      "5: 100 became 101",
      "4: && became ||",
      "5: much became mutated",
      "4: 0 became 1",
      "4: if ( became if (false &&"
    ])
    const [, second] = mutants
    assert.include(
      second?.text,
      "  for (const price of prices) sum += price\n  return sum\n}",
      "the hunk is still there"
    )
    assert.include(second?.text, "(prices, free)", "another hunk was taken back with it")
    for (const { text } of mutants) assert.notStrictEqual(text, after, "a mutant is what it was made from")
  })

  it("leaves comments, the names of modules and unchanged lines alone", () => {
    const text = `import { a } from "a < b"\n/* 1 < 2\n true */ // false\nexport const x = a\n`
    assert.deepStrictEqual(whats(Mutant.ofChange([{ path: "x.ts", after: text }], 100)), [])
    assert.deepStrictEqual(whats(Mutant.ofChange([{ path: "x.py", after: "# if 1 < 2:\n" }], 100)), [])
  })

  it("breaks Python's signs too", () => {
    const python = "def few(n):\n    if n < 3 and ok:\n        return True\n"
    assert.deepStrictEqual(whats(Mutant.ofChange([{ path: "few.py", after: python }], 100)), [
      "2: < became >=",
      "3: True became False",
      "2: and became or",
      "2: 3 became 4",
      "2: False and was put in"
    ])
  })

  it("takes one of every file and line in turn where there are too many", () => {
    const files = ["a.ts", "b.ts"].map((path) => ({ path, after: "const a = 1 + 1\nconst b = 2 + 2\n" }))
    assert.deepStrictEqual(
      Mutant.ofChange(files, 4).map(({ line, path }) => `${path}:${line}`),
      ["a.ts:1", "b.ts:1", "a.ts:2", "b.ts:2"]
    )
  })

  it("has none of what did not change, of nothing, and of what is too long", () => {
    assert.deepStrictEqual(Mutant.ofChange([{ path: "a", before: after, after }], 9), [])
    assert.deepStrictEqual(Mutant.ofChange([{ path: "a", after: "" }], 9), [])
    assert.deepStrictEqual(Mutant.ofChange([{ path: "a", before: "", after: "1 + 1\n".repeat(400_000) }], 9), [])
  })

  it("takes back what the change took away, and the end of a file without a line end", () => {
    const back = (before: string, after: string) => Mutant.ofChange([{ path: "a.txt", before, after }], 1)[0]?.text
    assert.strictEqual(back("a\nb\nc\n", "a\nc\n"), "a\nb\nc\n")
    assert.strictEqual(back("a\nb", "a\nb\nc\n"), "a\nb\n", "the line that was added is still there")
    assert.strictEqual(back("a\n", ""), "a\n")
  })

  const Lines = Schema.Array(
    Schema.Literals(["if (a < b) {", "}", "x = 'y'", '"""', "`${a}` && `", "/* *", "*/", "", "é || '\\''"])
  ).check(Schema.isMaxLength(12))

  it.prop("breaks the file that it was made from, whatever is in it", [Lines, Lines], ([before, after]) => {
    const file = { path: "a.js", before: before.join("\n"), after: after.join("\n") }
    for (const mutant of Mutant.ofChange([file], 50)) {
      assert.notStrictEqual(mutant.text, file.after, `${mutant.what} broke nothing`)
      assert.isAtMost(mutant.line, after.length + 1, "a place behind the end of the file")
    }
  })
})
