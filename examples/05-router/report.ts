/** What the router decided, and what came of it, as tables: folds over the journal. */
import * as Text from "@millwright-examples/shared/text"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import type * as Pricing from "@millwright/core/Pricing"
import type * as RouteDecision from "@millwright/core/RouteDecision"
import * as Usage from "@millwright/core/Usage"

type Fact<Tag extends FactoryEvent.Fact["_tag"]> = Extract<FactoryEvent.Fact, { readonly _tag: Tag }>

/** A choice, and the report that it was made for. */
export interface Choice {
  readonly report: string
  readonly decision: RouteDecision.RouteDecision
}

/** The choices, in their order. */
export const choices = (events: ReadonlyArray<FactoryEvent.FactoryEvent>): ReadonlyArray<Choice> =>
  events.flatMap(({ fact, item }) =>
    fact._tag === "ModelChosen" ? [{ report: item ?? "", decision: fact.decision }] : []
  )

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  Text.columns(rows)
    .map((row) => `  ${row}`.trimEnd())
    .join("\n")

const percent = (share: number | null): string => (share === null ? "" : `${Math.round(100 * share)} %`)

const dollars = (usd: number): string => `$${usd.toFixed(4)}`

const cost = (cost: Usage.Cost | null): string =>
  cost === null ? "" : cost._tag === "Known" ? dollars(cost.usd) : "unknown"

/** Why somebody else than before was chosen, or why this one at all. */
const because = ({ evidence, from, outages, why }: RouteDecision.RouteDecision): string => {
  const last = evidence.at(-1)
  if (last !== undefined) return `${last.kind} of ${last.candidate}`
  return outages.length > 0 ? `${outages.join(", ")} is down${from === null ? "" : `, instead of ${from}`}` : why
}

/** One row for each decision, and one for each candidate that was not chosen. */
export const decisions = (all: ReadonlyArray<Choice>): string =>
  table([
    ["report", "candidate", "predicted", "expected", "why"],
    ...all.flatMap(({ decision, report }) =>
      decision.alternatives
        .toSorted((a, b) => Number(b.out === null) - Number(a.out === null))
        .map(({ candidate, cost: expected, out, quality }) => [
          out === null ? report : "",
          `${out === null ? "→" : " "} ${candidate}`,
          percent(quality),
          cost(expected),
          out === null ? because(decision) : `not: ${out.reason}`
        ])
    )
  ])

/** What the calls cost by model, and what they would have cost with one model for all. */
export const bill = (
  events: ReadonlyArray<FactoryEvent.FactoryEvent>,
  { price, strongest }: { readonly price: Pricing.Pricing["Service"]["price"]; readonly strongest: string }
) => {
  const calls = events.flatMap(({ fact }): ReadonlyArray<Fact<"ModelCalled">> =>
    fact._tag === "ModelCalled" ? [fact] : []
  )
  const byModel = Map.groupBy(calls, ({ model, provider }) => `${provider}/${model}`)
  const sum = (some: ReadonlyArray<Pick<Fact<"ModelCalled">, "cost" | "usage">>) =>
    some.reduce(Usage.charge, Usage.emptyBill)
  const row = (name: string, { calls, unpriced, usage, usd }: Usage.Bill) => [
    name,
    String(calls),
    ...[usage.input, usage.cacheRead, usage.cacheWrite, usage.output].map((tokens) => tokens.toLocaleString("en")),
    `${dollars(usd)}${unpriced === 0 ? "" : ` and ${unpriced} calls without a price`}`
  ]
  const [provider = "", model = ""] = strongest.split("/")
  const paid = sum(calls)
  const alone = sum(calls.map(({ usage }) => ({ usage, cost: price({ provider, model, usage: whole(usage) }) })))
  return {
    paid,
    alone,
    text: table([
      ["model", "calls", "input", "cache read", "cache write", "output", "cost"],
      ...[...byModel].map(([name, some]) => row(name, sum(some))),
      row("together", paid),
      ["", ...Array.from({ length: 5 }, () => ""), `${dollars(alone.usd)} had ${strongest} answered all of it`]
    ])
  }
}

/** Another provider counts what is new as input and not as a write: one that writes is paid for that. */
const whole = (usage: Usage.Usage): Usage.Usage => ({ ...usage, input: 0, cacheWrite: usage.cacheWrite + usage.input })
