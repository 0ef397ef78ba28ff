import { assert, describe, it } from "@effect/vitest"
import * as Usage from "@millwright/core/Usage"
import * as Schema from "effect/Schema"
import * as Transcript from "../src/Transcript.ts"
import * as TranscriptIndex from "../src/TranscriptIndex.ts"
import * as Waste from "../src/Waste.ts"
import { answer, command, compacted, edit, pause, play, prices, read, said } from "./WasteLab.ts"
import type { Call, Step } from "./WasteLab.ts"

/** A conversation as it may go, with a few files and commands, so that much comes again. */
const Drawn = Schema.Array(
  Schema.Struct({
    what: Schema.Literals(["answer", "answer", "answer", "said", "pause", "compacted", "dropped", "loaded"]),
    calls: Schema.Array(
      Schema.Struct({
        what: Schema.Literals(["read", "read", "command", "edit", "other"]),
        of: Schema.Literals(["a", "b"]),
        characters: Schema.NullOr(Schema.Literals([0, 300, 5_000, 90_000])),
        output: Schema.NullOr(Schema.Literals(["said", "said", "else"])),
        isError: Schema.Literals([false, false, true]),
        isRejected: Schema.Literals([false, false, false, true])
      })
    ).check(Schema.isMaxLength(3)),
    model: Schema.Literals(["m", "m", "m", "free"])
  })
)

const stepsOf = (drawn: typeof Drawn.Type): ReadonlyArray<Step> =>
  drawn.map(({ calls, model, what }): Step => {
    switch (what) {
      case "said":
        return said
      case "pause":
        return pause(7)
      case "compacted":
        return compacted
      case "dropped":
        return { is: what, tokens: 700 }
      case "loaded":
        return {
          is: what,
          tools: [
            ["Read", 400],
            ["Never", 60_000],
            ["Bash", null]
          ]
        }
      default:
        return { ...answer(...calls.map(callOf)), model } as Step
    }
  })

const callOf = ({ of, what, ...more }: (typeof Drawn.Type)[number]["calls"][number]): Call => {
  const made = { read, command, edit, other: (input: string, call: Call): Call => ({ input, ...call }) }
  return made[what](of, more)
}

const mine = (entries: ReadonlyArray<Transcript.Entry>, pricing = prices) =>
  Waste.of(TranscriptIndex.of(entries), pricing)

const bytes = (waste: Waste.Waste) => JSON.stringify(Schema.encodeSync(Waste.Json)(waste)) + Waste.report(waste)

const isWithin = ({ bill, byKind, findings, total }: Waste.Waste) => {
  for (const kind of ["input", "cacheRead", "cacheWrite", "output"] as const) {
    assert.isAtMost(total.usage[kind], bill.usage[kind], `more ${kind} tokens were wasted than billed`)
  }
  assert.isAtMost(total.usd ?? 0, bill.usd, "more was wasted than paid")
  assert.isTrue(
    findings.every(({ usd }) => (usd ?? 0) >= 0),
    "waste that brings money"
  )
  const sums = findings.reduce((all, { usage }) => Usage.add(all, usage ?? Usage.zero), Usage.zero)
  assert.deepStrictEqual(total.usage, sums)
  assert.deepStrictEqual(
    byKind.reduce((all, { usage }) => Usage.add(all, usage), Usage.zero),
    sums,
    "a finding is of no kind, or of two"
  )
}

/** The same as another session that has all of it again. */
const resumed = (entries: ReadonlyArray<Transcript.Entry>, session: string): ReadonlyArray<Transcript.Entry> =>
  entries.map((entry) => (entry._tag === "Unparsed" ? entry : { ...entry, session }))

describe("Waste: laws", () => {
  it.prop("the waste is never more than the bill, by kind of token and in money", { drawn: Drawn }, ({ drawn }) => {
    isWithin(mine([...play(stepsOf(drawn)), ...play(stepsOf(drawn.toReversed()), "s", "sub")]))
  })

  it.prop(
    "not of entries that nobody ever wrote either",
    { entries: Schema.Array(Transcript.Entry) },
    ({ entries }) => {
      isWithin(mine(entries))
    }
  )

  it.prop("not with prices that know no reason", { drawn: Drawn }, ({ drawn }) => {
    const dearer = { price: ({ usage }: { readonly usage: Usage.Usage }) => Usage.known(1 / (1 + usage.cacheRead)) }
    isWithin(mine(play(stepsOf(drawn)), dearer))
  })

  it.prop(
    "the same entries give the same bytes, in whatever order and however often",
    { drawn: Drawn },
    ({ drawn }) => {
      const entries = play(stepsOf(drawn))
      const once = bytes(mine(entries))
      assert.strictEqual(bytes(mine(entries.toReversed())), once)
      assert.strictEqual(bytes(mine([...entries, ...entries])), once)
    }
  )

  it.prop("a session that was taken up again under another name adds nothing", { drawn: Drawn }, ({ drawn }) => {
    const entries = play(stepsOf(drawn))
    assert.strictEqual(bytes(mine([...resumed(entries, "t"), ...entries])), bytes(mine(entries)))
  })

  it.prop("sessions on their own add up, in whatever order", { a: Drawn, b: Drawn }, ({ a, b }) => {
    const [first, second] = [play(stepsOf(a), "s"), play(stepsOf(b), "t")]
    const both = mine([...first, ...second])
    assert.strictEqual(bytes(mine([...second, ...first])), bytes(both))
    const alone = [...mine(first).findings, ...mine(second).findings]
    const sorted = (findings: ReadonlyArray<Waste.Finding>) => findings.map((each) => JSON.stringify(each)).sort()
    assert.deepStrictEqual(sorted(both.findings), sorted(alone))
  })

  it.prop("what does not come again, is short and goes on at once is no waste", { drawn: Drawn }, ({ drawn }) => {
    const steps = stepsOf(drawn)
      .filter(({ is }) => is !== "pause" && is !== "loaded")
      .map((step, at): Step =>
        step.is !== "answer"
          ? step
          : answer(
              ...step.calls.map((call, nth) => ({
                ...call,
                file: `${at}/${nth}`,
                input: `${at}/${nth}`,
                characters: Math.min(20_000, call.characters ?? 0)
              }))
            )
      )
    assert.deepStrictEqual(mine(play(steps)).findings, [])
  })

  it.prop("is JSON, and comes back from it as it was", { drawn: Drawn }, ({ drawn }) => {
    const waste = mine(play(stepsOf(drawn)))
    const json: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(Waste.Json)(waste)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(Waste.Json)(json), waste)
  })
})
