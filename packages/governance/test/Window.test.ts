import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Figure from "../src/Figure.ts"
import * as Lifespan from "../src/internal/Lifespan.ts"
import * as Window from "../src/Window.ts"

const monday = Date.UTC(2026, 0, 5)

describe("Window", () => {
  it("has its first moment and not its end", () => {
    const window = Window.make(monday, monday + Window.day)
    assert.isTrue(Window.has(window, monday))
    assert.isTrue(Window.has(window, monday + Window.day - 1))
    assert.isFalse(Window.has(window, monday + Window.day))
    assert.isFalse(Window.has(window, monday - 1))
    assert.isFalse(Window.has(window, null))
  })

  it("is refused where it is empty, ends before it begins, or is no whole hours", () => {
    const { day } = Window
    for (const [from, to] of [
      [monday, monday],
      [monday + day, monday],
      [monday + 1, monday + day],
      [-day, 0],
      [0, NaN],
      [0, Infinity]
    ] as const) {
      assert.throws(() => Window.make(from, to), undefined, undefined, `${from} to ${to} is no window`)
    }
  })

  it.prop(
    "is cut into parts that follow each other and leave nothing out",
    [Schema.Natural, Schema.Natural, Schema.Literals(["day", "week"])],
    ([from, length, by]) => {
      const begin = (from % 500_000) * Window.hour
      const window = Window.make(begin, begin + (1 + (length % 5_000)) * Window.hour)
      const parts = Window.cut(window, by)
      assert.strictEqual(parts[0]?.from, window.from)
      assert.strictEqual(parts.at(-1)?.to, window.to)
      for (const [at, part] of parts.entries()) {
        assert.isBelow(part.from, part.to)
        if (at > 0) assert.strictEqual(part.from, parts[at - 1]?.to)
        if (at > 0) {
          const date = new Date(part.from)
          assert.deepStrictEqual([date.getUTCHours(), by === "day" || date.getUTCDay() === 1], [0, true])
        }
      }
    }
  )

  it("counts days in UTC back from the one that is now", () => {
    assert.deepStrictEqual(
      Window.days(7, monday + 5 * Window.hour),
      Window.make(monday - 6 * Window.day, monday + Window.day)
    )
    assert.deepStrictEqual(Window.days(1, monday), Window.make(monday, monday + Window.day))
    assert.deepStrictEqual(Window.before(Window.days(1, monday)), Window.make(monday - Window.day, monday))
    assert.isUndefined(Window.before(Window.make(0, Window.day)), "there was nothing before 1970")
  })
})

describe("Lifespans", () => {
  const over = (time: number) => ({ time, isOver: true })
  const open = (time: number) => ({ time, isOver: false })

  it("have the quantiles of what was there where all are over, in whatever order", () => {
    const times = [9, 1, 8, 2, 7, 3, 6, 4, 5, 10]
    assert.deepStrictEqual(Lifespan.distribution(times.map(over)), { n: 10, censored: 0, p50: 5, p90: 9 })
    assert.deepStrictEqual(Lifespan.distribution([]), { n: 0, censored: 0, p50: null, p90: null })
    assert.deepStrictEqual(Lifespan.distribution([over(0)]), { n: 1, censored: 0, p50: 0, p90: 0 })
  })

  it("are those of Kaplan and Meier where some are not over", () => {
    // Of the textbooks' remission times under 6-MP (Freireich 1963) the median is 23 weeks.
    const relapsed = [6, 6, 6, 7, 10, 13, 16, 22, 23].map(over)
    const censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35].map(open)
    assert.deepStrictEqual(Lifespan.distribution([...censored, ...relapsed]), {
      n: 9,
      censored: 12,
      p50: 23,
      p90: null
    })
  })

  it("are not known where too many are not over, and never taken for short", () => {
    assert.deepStrictEqual(Lifespan.distribution([over(1), open(5), open(5)]), {
      n: 1,
      censored: 2,
      p50: null,
      p90: null
    })
  })
})

describe("Figure", () => {
  it("has no value out of nothing, and none that is no number", () => {
    assert.strictEqual(Figure.ratio(0, 0).value, null)
    assert.strictEqual(Figure.ratio(3, 0).value, null)
    assert.strictEqual(Figure.ratio(1e308, 1e-308).value, null)
    assert.strictEqual(Figure.ratio(0, 3).value, 0)
  })

  it("says to people what it is made of", () => {
    assert.strictEqual(Figure.text({ unit: "share", ...Figure.ratio(3, 4, 1) }), "75 % (3 of 4), 1 unknown")
    assert.strictEqual(Figure.text({ unit: "share", ...Figure.ratio(0, 0) }), "no value (0 of 0)")
    const span = Lifespan.ratio(
      [
        { time: 1, isOver: true },
        { time: 3, isOver: false }
      ],
      2
    )
    assert.strictEqual(Figure.text({ unit: "hours", ...span }), "p50 1, p90 not known hours (1 over, 1 not), 2 unknown")
  })
})
