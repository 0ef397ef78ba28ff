import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as RunLine from "../run-line.ts"
import * as Screen from "../screen.ts"
import * as Text from "../text.ts"

describe("Text", () => {
  it.prop(
    "fits any text into its columns, and fills it up to them",
    { text: Schema.String, columns: Schema.Natural.check(Schema.isBetween({ minimum: 0, maximum: 60 })) },
    ({ columns, text }) => {
      assert.isAtMost(Text.width(Text.fit(text, columns)), columns)
      assert.strictEqual(Text.width(Text.column(text, columns)), columns)
      if (Text.width(text) <= columns) assert.strictEqual(Text.fit(text, columns), text, "nothing is cut that fits")
    }
  )

  it.prop("leaves nothing that steers a terminal", { text: Schema.String }, ({ text }) => {
    const escape = "\u001b]0;owned\u0007\u009b2J\u202e\r\n\t"
    const line = Text.oneLine(`${text}${escape}${text}`)
    assert.notMatch(line, /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u)
  })

  it("counts wide and combining characters", () => {
    assert.strictEqual(Text.width("aé"), 2)
    assert.strictEqual(Text.width("e\u0301"), 1)
    assert.strictEqual(Text.width("工場"), 4)
    assert.strictEqual(Text.fit("工場で", 4), "工…")
  })

  it("finds names that are like another, the nearest first", () => {
    const names = ["issue-1.1", "issue-12.1", "other.1", "issue-1.2"]
    assert.deepStrictEqual(Text.near("isue-1.1", names).slice(0, 1), ["issue-1.1"])
    assert.include(Text.near("issue-1", names), "issue-1.2")
    assert.deepStrictEqual(Text.near("zebra", names), [])
  })

  it("says durations as people do", () => {
    const cases = [0, 999, 5_000, 60_000, 190_000, 7_500_000, 9 * 86_400_000 + 4 * 3_600_000, -5]
    assert.deepStrictEqual(cases.map(RunLine.duration), ["0s", "0s", "5s", "1m", "3m 10s", "2h 5m", "9d 4h", "0s"])
  })
})

describe("Screen", () => {
  it.effect("writes one picture at a time, in place, and nothing when nothing changed", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const output = { columns: 11, rows: 4, isTTY: true, write: (text: string) => written.push(text) > 0 }
      yield* Effect.scoped(
        Effect.gen(function* () {
          const draw = yield* Screen.open(output, true)
          draw([[{ text: "one two three" }], [{ text: "four", colour: "red" }]])
          draw([[{ text: "one two three" }], [{ text: "four", colour: "red" }]])
          draw([[{ text: "1" }], [{ text: "2" }], [{ text: "3" }], [{ text: "4" }]])
        })
      )
      assert.deepStrictEqual(written, [
        "\u001b[?25l",
        "\u001b[?2026h\rone two t…\u001b[K\n\u001b[31mfour\u001b[0m\u001b[K\n\u001b[J\u001b[?2026l",
        "\u001b[?2026h\u001b[2A\r1\u001b[K\n2\u001b[K\n\u001b[2m… and 2 m…\u001b[0m\u001b[K\n\u001b[J\u001b[?2026l",
        "\u001b[?25h"
      ])
    })
  )
})
