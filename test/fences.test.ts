import { assert, describe, it } from "@effect/vitest"
import { gate, fencesOf } from "../scripts/gates/fences.ts"
import * as Planted from "./Planted.ts"

const fence = (code: string, info = "ts"): string => `# A page\n\n\`\`\`${info}\n${code}\n\`\`\`\n`

describe("fences", () => {
  it("finds TypeScript only, at its line, also within a list and a longer fence", () => {
    const page = "a\n```sh\nls\n```\n\n````md\n```ts\nno\n```\n````\n- x\n  ```ts run\n  const a = 1\n  ```\n"
    const [only, ...rest] = fencesOf("a.md", page)
    assert.lengthOf(rest, 0, "a fence that shows a fence was taken for one")
    assert.deepStrictEqual([only?.line, only?.isRun, only?.code.trim()], [13, true, "const a = 1"])
  })

  it("refuses a type error and names the line of the page", async () => {
    const found = await Planted.failures(gate, { "README.md": fence("const a: string = 1\nexport { a }") })
    assert.match(found, /^README\.md:4: error TS2322/)
  })

  it("refuses a type error in a guide and in a doc block", async () => {
    assert.match(
      await Planted.failures(gate, { "docs/guides/a.md": fence("missing()") }),
      /^docs\/guides\/a\.md:4: error TS2304/
    )
    const source =
      "/** A noun. */\nexport const a = 1\n/**\n * Says.\n *\n * ```ts\n * missing()\n * ```\n */\nexport const b = 1\n"
    assert.match(
      await Planted.failures(gate, { "packages/core/src/A.ts": source }),
      /^packages\/core\/src\/A\.ts:7: error TS2304/
    )
  })

  it("runs what is marked to run, and nothing else", async () => {
    const throwing = 'throw new Error("boom")'
    assert.match(
      await Planted.failures(gate, { "README.md": fence(throwing, "ts run") }),
      /README\.md:4 does not run[\s\S]*boom/
    )
    assert.strictEqual(await Planted.failures(gate, { "README.md": fence(throwing) }), "")
    assert.strictEqual(await Planted.failures(gate, { "README.md": fence("console.log(1)", "ts run") }), "")
  })
})
