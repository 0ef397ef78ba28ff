/** Facts about calls of models, as the tests of the ledger need them. */
import type * as FactoryEvent from "../src/FactoryEvent.ts"
import * as Usage from "../src/Usage.ts"

/** A call, and whose it was. */
export interface Call extends Partial<Omit<Extract<FactoryEvent.Fact, { readonly _tag: "ModelCalled" }>, "_tag">> {
  readonly run?: string | null
  readonly item?: string | null
  readonly line?: string
  readonly stage?: string | null
  readonly role?: string
  readonly at?: number
  /** It broke off. */
  readonly broken?: boolean
}

const fault = { tag: "ModelError", reason: "Disconnected", message: "It broke off.", retryable: true }

/** A fact at a place in the journal. */
export const at = (
  seq: number,
  fact: FactoryEvent.Fact,
  { at = seq * 1_000, item = "issue-1", line = "Fix", role, run = "issue-1.1", stage = null }: Call = {}
): FactoryEvent.FactoryEvent => ({
  ...{ version: 1, seq, at, item, line, run, stage, fact },
  actor: role === undefined ? { _tag: "Host" } : { _tag: "Agent", role }
})

/** A call at a place in the journal. */
export const called = (seq: number, call: Call = {}): FactoryEvent.FactoryEvent => {
  const { broken = false, cost = Usage.known(0.5), latency = 1, message, paidBy, usage = Usage.zero } = call
  const { model = "m", provider = "p", rehearsed = false } = call
  const named = { ...(message !== undefined && { message }), ...(paidBy !== undefined && { paidBy }) }
  return at(
    seq,
    broken
      ? { _tag: "ModelFailed", model, fault, delay: null, billed: { provider, rehearsed, usage, cost, ...named } }
      : { _tag: "ModelCalled", model, provider, rehearsed, usage, cost, latency, ...named },
    { stage: "implement", role: "Implement", ...call }
  )
}

/** The start of a run. */
export const started = (
  seq: number,
  run: string,
  more: Partial<Extract<FactoryEvent.Fact, { readonly _tag: "LineStarted" }>> = {}
): FactoryEvent.FactoryEvent =>
  at(seq, { _tag: "LineStarted", title: run, execution: run, start: run, ...more }, { run })
