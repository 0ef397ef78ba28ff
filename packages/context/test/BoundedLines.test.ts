import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as BoundedLines from "../src/BoundedLines.ts"

/** What comes out of chunks of bytes. */
const read = (chunks: ReadonlyArray<Uint8Array>, maxBytes = 1_000_000) => {
  const lines: Array<string> = []
  const push = BoundedLines.make({
    maxBytes,
    line: (line) => lines.push(line),
    tooLong: (start, end) => lines.push(`${start}…${end}`)
  })
  for (const chunk of chunks) push(chunk)
  return lines
}

const inChunks = (text: string, size: number): ReadonlyArray<Uint8Array> => {
  const bytes = Buffer.from(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))
}

describe("BoundedLines", () => {
  it.prop(
    "gives the lines of a text however its bytes are cut",
    [Schema.Array(Schema.String), Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))],
    ([texts, size]) => {
      const lines = texts.map((text) => text.replaceAll("\n", " ").toWellFormed().trim())
      const wanted = lines.filter((line) => line !== "")
      assert.deepStrictEqual(read(inChunks(lines.map((line) => `${line}\r\n`).join(""), size)), wanted)
    }
  )

  it("tells the two ends of a line that is too long, and goes on behind it", () => {
    const long = `{"start":1,${"x".repeat(5_000)},"end":2}`
    for (const size of [1, 7, 300, 100_000]) {
      const [first, cut, last, ...rest] = read(inChunks(`first\n${long}\nlast\n`, size), 1_000)
      assert.deepStrictEqual([first, last, rest], ["first", "last", []])
      assert.isTrue(cut?.startsWith('{"start":1,') && cut.endsWith(',"end":2}'), `in chunks of ${size}: ${cut}`)
      assert.isBelow(cut?.length ?? Infinity, 1_000)
    }
  })

  it("a line of exactly the limit is a line", () => {
    assert.deepStrictEqual(
      read(inChunks(`${"x".repeat(10)}\n${"y".repeat(11)}\n`, 3), 10).map((line) => line.length),
      [10, 23]
    )
  })
})
