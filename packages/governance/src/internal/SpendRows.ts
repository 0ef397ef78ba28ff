/** What was done and spent in a run, added up: one row for each hour, stage, role and model. */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Ledger from "@millwright/core/Ledger"
import * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Window from "../Window.ts"

/** Who worked where: what validation is told from other work by. */
export interface Work {
  /** The stage, without its number. */
  readonly stage: string | null
  /** The role; of a sub-agent, that of the agent it works for. */
  readonly role: string | null
  /** A verdict was given in the stage. Known when the stage ends; of calls it is `false`. */
  readonly isJudged: boolean
}

/** All work of one kind in one hour. */
export interface Row extends Work {
  /** When the hour began, in milliseconds since 1970. */
  readonly hour: number
  /** `provider/model`; `null` where none was called. */
  readonly model: string | null
  readonly agents: number
  /** Milliseconds in stages. */
  readonly time: number
  /** Attempts of the stage that finished, and that did not. */
  readonly finished: number
  readonly failed: number
  /** Tokens, those of answers that broke off at their least. */
  readonly usage: Usage.Usage
  /** US dollars that were paid. */
  readonly usd: number
  readonly unpriced: number
  /** Answers that broke off. */
  readonly broken: number
}

/** All rows of a run. */
export type Rows = HashMap.HashMap<string, Row>

/** What is added to a row. */
export type Amount = Partial<
  Pick<Row, "agents" | "time" | "finished" | "failed" | "usage" | "usd" | "unpriced" | "broken">
>

/** Which row it is added to. */
export type Place = Pick<Row, "stage" | "role" | "isJudged" | "model"> & { readonly at: number }

/** No rows. */
export const empty: Rows = HashMap.empty()

/** The rows with an amount more. */
export const add = (rows: Rows, { at, ...kind }: Place, amount: Amount): Rows => {
  const hour = at - (at % Window.hour)
  return HashMap.modifyAt(rows, JSON.stringify([hour, kind.stage, kind.role, kind.isJudged, kind.model]), (known) =>
    Option.some(
      plus(
        Option.getOrElse(known, () => ({ ...none, ...kind, hour })),
        amount
      )
    )
  )
}

const none = { agents: 0, time: 0, finished: 0, failed: 0, usage: Usage.zero, usd: 0, unpriced: 0, broken: 0 }

const plus = (row: Row, amount: Amount): Row => ({
  ...row,
  agents: row.agents + (amount.agents ?? 0),
  time: row.time + (amount.time ?? 0),
  finished: row.finished + (amount.finished ?? 0),
  failed: row.failed + (amount.failed ?? 0),
  usage: Usage.add(row.usage, amount.usage ?? Usage.zero),
  usd: Usage.plus(row.usd, amount.usd ?? 0),
  unpriced: row.unpriced + (amount.unpriced ?? 0),
  broken: row.broken + (amount.broken ?? 0)
})

/** A stage without the number that tells it from others of its name. */
export const stageOf = (stage: string | null): string | null => stage && stage.replaceAll(/#\d+(?=\/|$)/g, "")

/** The role that an agent works for: its own, or that of the first one above it. */
export const roleOf = (agent: string): string => agent.split("/", 1)[0] ?? agent

/** An answer of a model: what it cost, and what tells it from others. */
export interface Call {
  readonly place: Place
  readonly amount: Amount
  /** `undefined`: its provider gave it no name, so its place in the journal is all there is. */
  readonly name: string | undefined
  readonly isBroken: boolean
}

/** The call that an event tells of. */
export const callOf = ({ actor, at, fact, stage }: FactoryEvent.FactoryEvent): Call | undefined => {
  const call = fact._tag === "ModelCalled" ? fact : fact._tag === "ModelFailed" ? fact.billed : undefined
  if (call === undefined || !("model" in fact)) return undefined
  const { cost, paidBy = "key", provider, usage } = call
  const price = paidBy === "subscription" ? Usage.known(0) : Pricing.sane(cost, fact.model)
  const isBroken = fact._tag === "ModelFailed"
  const role = actor._tag === "Agent" ? roleOf(actor.role) : null
  return {
    place: { at, stage: stageOf(stage), role, isJudged: false, model: `${provider}/${fact.model}` },
    amount: {
      usage,
      ...(price._tag === "Known" ? { usd: price.usd } : { unpriced: 1 }),
      ...(isBroken && { broken: 1 })
    },
    name: Ledger.keyOf(call),
    isBroken
  }
}

/** The same amount, to be taken away. */
export const negative = ({ broken = 0, unpriced = 0, usage = Usage.zero, usd = 0 }: Amount): Amount => ({
  usage: {
    input: -usage.input,
    cacheRead: -usage.cacheRead,
    cacheWrite: -usage.cacheWrite,
    output: -usage.output
  },
  usd: -usd,
  unpriced: -unpriced,
  broken: -broken
})

type Pruned = Extract<FactoryEvent.Fact, { readonly _tag: "RunPruned" }>

/** The rows of a pruned run, as they were written down. When they were, is not known: they all stand at one time. */
export const ofPruned = (at: number, { spent = [] }: Pruned): Rows =>
  spent.reduce((rows, { agent, broken, calls, model, paidBy, provider, stage, unpriced, usage, usd }) => {
    const isPaid = paidBy === "key"
    const role = agent === null ? null : roleOf(agent)
    return add(
      rows,
      { at, stage: stageOf(stage), role, isJudged: false, model: `${provider}/${model}` },
      { usage, usd: isPaid ? usd : 0, unpriced: isPaid ? unpriced : 0, broken: broken ? calls : 0 }
    )
  }, empty)
