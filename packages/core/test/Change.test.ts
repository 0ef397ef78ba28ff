import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Change from "../src/Change.ts"

// Git's own output is read in Git.test.ts; here is what git never writes, and the sums.
const raw = (status: string, mode: string, ...paths: ReadonlyArray<string>) =>
  `:100644 ${mode} ${"0".repeat(40)} ${"1".repeat(40)} ${status}\0${paths.join("\0")}\0`

const name = Arbitrary.map(Arbitrary.schema(Schema.NonEmptyString), (text) => text.replaceAll(/[\0/]/g, "_"))
const names = Arbitrary.map(Arbitrary.array(name, { maxLength: 8 }), (all) => [...new Set(all)])

describe("Change.parseRawNumstat", () => {
  it.prop("reads any names back", [names], ([all]) => {
    const output =
      all.map((each) => raw("A", "100644", each)).join("") +
      all.map((each, index) => `${index}\t${index * 2}\t${each}\0`).join("")
    const expected = all.map(
      (path, index) => ({ path, status: "added", mode: "100644", additions: index, deletions: index * 2 }) as const
    )
    assert.deepStrictEqual(Change.parseRawNumstat(output), expected)
  })

  it.prop("answers for any text at all", [Schema.String], ([output]) => {
    Change.parseRawNumstat(output)
    Change.parseRawNumstat(`:${output}`)
    Change.parseRawNumstat(raw("M", "100644", "a") + output)
  })

  it("reads renames, with names that look like records and counts", () => {
    const [file] = Change.parseRawNumstat(raw("R090", "100644", ":old", "1\t2\tnew") + "3\t4\t\0:old\u00001\t2\tnew\0")
    assert.deepStrictEqual(file, {
      path: "1\t2\tnew",
      previousPath: ":old",
      status: "renamed",
      mode: "100644",
      additions: 3,
      deletions: 4
    })
  })

  it("takes a file without counts for one that can not be counted", () => {
    const files = Change.parseRawNumstat(raw("M", "100644", "a") + raw("M", "100644", "b") + "1\t1\tb\0")
    assert.deepStrictEqual(
      files.map(({ additions }) => additions),
      [null, 1]
    )
    assert.isTrue(Change.hasBinary({ files }))
  })
})

describe("Change", () => {
  it("adds lines up, and names both sides of a rename", () => {
    const file: Change.FileChange = {
      path: "b",
      previousPath: "a",
      status: "renamed",
      mode: "100644",
      additions: 2,
      deletions: 3
    }
    const files = [file, { ...file, additions: null, deletions: null }]
    assert.strictEqual(Change.lines({ files }), 5)
    assert.deepStrictEqual(Change.paths(file), ["b", "a"])
    assert.isFalse(Change.hasBinary({ files: [file] }))
  })
})
