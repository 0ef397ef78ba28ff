import { assert, describe, it } from "@effect/vitest"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import type * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Transcript from "../src/Transcript.ts"
import * as TranscriptIndex from "../src/TranscriptIndex.ts"
import * as TranscriptTally from "../src/TranscriptTally.ts"
import * as Lab from "./TranscriptLab.ts"

const { answer, lines } = Lab

/** Sightings of a few things, in a few sessions. */
const Drawn = Schema.Array(
  Schema.Struct({
    entry: Transcript.Entry,
    key: Schema.Literals(["a", "b", "c"]),
    session: Schema.Literals(["s", "t"]),
    place: Schema.Int,
    isTwice: Schema.Boolean
  })
)

const sightings = (drawn: typeof Drawn.Type): ReadonlyArray<Transcript.Entry> =>
  drawn.map(({ entry, key, session }) => (entry._tag === "Unparsed" ? entry : { ...entry, key, session }))

const shown = (index: TranscriptIndex.TranscriptIndex) =>
  Object.values(index).map((things: ReadonlyMap<string, object>) =>
    [...things].toSorted(([a], [b]) => (a < b ? -1 : 1))
  )

const priced: Pricing.Pricing["Service"] = {
  price: ({ model, usage }) =>
    model === "none" ? Usage.unknown("no price") : Usage.known((usage.input * 3 + usage.output * 15) / 1e6)
}

describe("TranscriptIndex", () => {
  it.prop("knows no order, and nothing twice", { drawn: Drawn }, ({ drawn }) => {
    const once = TranscriptIndex.of(sightings(drawn))
    const others = drawn.toSorted((a, b) => a.place - b.place).flatMap((each) => (each.isTwice ? [each, each] : [each]))
    assert.deepStrictEqual(shown(TranscriptIndex.of(sightings(others))), shown(once))
  })

  it.prop("comes to the same tally, byte by byte", { drawn: Drawn }, ({ drawn }) => {
    const tally = (some: typeof drawn) =>
      JSON.stringify(TranscriptTally.of(TranscriptIndex.of(sightings(some)), priced))
    assert.strictEqual(tally(drawn.toReversed()), tally(drawn))
    assert.strictEqual(tally([...drawn, ...drawn]), tally(drawn))
  })

  it.effect("has each thing with its first and last time, its sessions, and a call with what it came to", () =>
    Effect.gen(function* () {
      const call = { content: [{ type: "tool_use", id: "toolu_0000000001", name: "Read", input: { file_path: "/a" } }] }
      const text = lines(
        answer(call),
        answer(),
        Lab.result("toolu_0000000001", "text"),
        Lab.result("toolu_0000000002", "lone")
      )
      const again = text.replaceAll("11111111-2222", "99999999-2222").replaceAll("2026-02-02", "2026-02-03")
      const index = TranscriptIndex.of([...(yield* Lab.read(again)), ...(yield* Lab.read(text))])
      const [only] = TranscriptIndex.inOrder(index.answers)
      assert.strictEqual(only?.session, "11111111-2222-3333-4444-555555555555")
      assert.strictEqual(only?.sessions.length, 2)
      assert.strictEqual((only?.until ?? 0) - (only?.at ?? 0), 86_401_000)
      const uses = TranscriptIndex.uses(index)
      assert.deepStrictEqual(
        uses.map(({ call, result }) => [call?.tool, result?.characters]),
        [
          ["Read", 4],
          [undefined, 4]
        ]
      )
    })
  )
})

describe("TranscriptTally", () => {
  it.effect("has no price for what has none: it is not free, and the share that is covered is less", () =>
    Effect.gen(function* () {
      const entries = yield* Lab.read(
        lines(
          answer(),
          answer({ id: "msg_000000000002", model: "none" }),
          answer({ id: "msg_000000000003", usage: null })
        )
      )
      const index = TranscriptIndex.of(entries)
      const { byModel, coverage, total } = TranscriptTally.of(index, priced)
      assert.strictEqual(total.usd, 0.000135)
      assert.deepStrictEqual([total.unpriced, total.unknown], [1, 1])
      assert.deepStrictEqual(coverage, { numerator: 1, denominator: 3 })
      assert.deepStrictEqual(
        byModel.map(({ answers, model, usd }) => [model, answers, usd]),
        [
          ["claude-opus-4-6", 2, 0.000135],
          ["none", 1, 0]
        ]
      )
      assert.deepStrictEqual(TranscriptTally.of(index).coverage, { numerator: 0, denominator: 3 }, "without a table")
      const broken: Pricing.Pricing["Service"] = {
        price: () => {
          throw new Error("no table")
        }
      }
      assert.strictEqual(TranscriptTally.of(index, broken).coverage.numerator, 0, "with a table that breaks")
      const absurd = { price: () => Usage.known(Number.NaN) }
      assert.strictEqual(TranscriptTally.of(index, absurd).total.usd, 0, "with a price that is none")
    })
  )

  it.effect("comes to the money that Claude Code itself says", () =>
    Effect.gen(function* () {
      const files = ["claude.jsonl", "claude-agent.jsonl"].map(Lab.fixture)
      const { totalCostUSD } = JSON.parse(
        files[0]?.split("\n").findLast((line) => line.includes('"cost-state"')) ?? "{}"
      )
      const entries = yield* Effect.forEach(files, (file) => Lab.read(file))
      const { coverage, total } = TranscriptTally.of(TranscriptIndex.of(entries.flat()), GenAiPrices)
      assert.strictEqual(total.usd, totalCostUSD)
      assert.deepStrictEqual(coverage, { numerator: 8, denominator: 8 })
    })
  )

  it("is nothing of nothing", () => {
    const { coverage, total, unparsed } = TranscriptTally.of(TranscriptIndex.make())
    assert.deepStrictEqual([total.answers, total.usd, unparsed.total], [0, 0, 0])
    assert.deepStrictEqual(coverage, { numerator: 0, denominator: 0 })
  })
})
