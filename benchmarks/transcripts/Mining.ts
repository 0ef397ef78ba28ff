/** What is mined of sessions as numbers, and how long that takes. */
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as Usage from "@millwright/core/Usage"
import * as TranscriptIndex from "@millwright/governance/TranscriptIndex"
import * as Waste from "@millwright/governance/Waste"
import * as Bench from "../Bench.ts"
import * as SessionEntries from "./SessionEntries.ts"
import type * as SessionShape from "./SessionShape.ts"

/** What was found, and the figures of it. */
export interface Mined {
  readonly waste: Waste.Waste
  readonly figures: ReadonlyArray<Bench.Measured>
}

/** Mines sessions. */
export const of = (sessions: ReadonlyArray<SessionShape.Session>): Mined => {
  const entries = sessions.flatMap(SessionEntries.of)
  const start = performance.now()
  const waste = Waste.of(TranscriptIndex.of(entries), { price: GenAiPrices.price })
  const seconds = (performance.now() - start) / 1_000
  const again = Waste.of(TranscriptIndex.of([...entries.toReversed(), ...entries]), { price: GenAiPrices.price })
  const { bill, byKind, total } = waste
  const share = (part: number, whole: number) => (whole === 0 ? undefined : part / whole)
  const kinds = byKind.filter(({ findings }) => findings > 0)
  return {
    waste,
    figures: [
      { name: "time of mining, without reading", value: Bench.round(seconds), unit: "s" },
      {
        name: "waste that is another where entries come backwards and twice",
        value: JSON.stringify(again) === JSON.stringify(waste) ? 0 : 1,
        unit: "of 1",
        goal: { op: "<=", value: 0 }
      },
      ...kinds.map(({ findings, kind }) => ({ name: `waste, ${kind}`, value: findings, unit: "findings" })),
      ...kinds.map(({ kind, usd }) => Bench.figure(`waste, ${kind}, at least`, usd ?? undefined, "US dollars")),
      Bench.figure(
        "tokens that are waste, at least",
        share(Usage.total(total.usage), Usage.total(bill.usage)),
        "of all"
      ),
      Bench.figure("money that is waste, at least", share(total.usd ?? 0, bill.usd), "of the bill")
    ]
  }
}
