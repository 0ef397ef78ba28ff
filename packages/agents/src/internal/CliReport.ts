/**
 * What the program of a coding agent does, as events for who watches and facts for the journal: each answer of its model billed
 * once, each tool recorded once. It stops the program where a limit is reached.
 */
import * as Budget from "@millwright/core/Budget"
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import type * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Harness from "../Harness.ts"
import * as Tools from "../Tools.ts"

/** Whose calls they are, and who pays. */
export interface Account {
  readonly provider: string
  readonly rehearsed: boolean
  readonly paidBy: Usage.PaidBy
}

/** An answer of the model. */
export interface Answer {
  /** The provider's name for it. */
  readonly message: string | undefined
  readonly model: string
  readonly usage: Usage.Usage
  /** When it was asked for, in milliseconds since 1970. */
  readonly asked: number
  /** What the program says that it cost, for where no price is known. */
  readonly cost?: Usage.Cost
}

type Needs = Journal.Journal | Pricing.Pricing
type Failure = Journal.JournalError | Budget.BudgetError

/** Tells what happens. */
export interface CliReport {
  readonly text: (text: string) => Effect.Effect<void>
  readonly toolStarted: (call: {
    readonly id: string
    readonly tool: string
    readonly input: unknown
  }) => Effect.Effect<void>
  /** A tool ended. `bytes` is what the model was shown. One that had not started is left out. */
  readonly toolEnded: (
    id: string,
    end: { readonly ok: boolean; readonly bytes: number }
  ) => Effect.Effect<void, Journal.JournalError, Journal.Journal>
  /** An answer that came to its end. `isTurn`: it is one of the agent's own conversation. */
  readonly answered: (answer: Answer, isTurn: boolean) => Effect.Effect<void, Failure, Needs>
  /** An answer that had begun and broke off: what it says is the least that it cost. */
  readonly brokenOff: (answer: Answer, fault: Model.ModelError) => Effect.Effect<void, Journal.JournalError, Needs>
}

/** Tells it to `emit`, and to the journal. `conversation` names calls so that no two of a run are the same. */
export const make = (
  account: Account,
  conversation: string,
  emit: (event: Harness.HarnessEvent) => Effect.Effect<void>
): CliReport => {
  const open = new Map<string, { readonly tool: string; readonly input: unknown; readonly started: number }>()
  let turns = 0
  const { paidBy, provider, rehearsed } = account

  const priced = ({ cost: told, model, usage }: Answer) =>
    Effect.map(Pricing.Pricing, (pricing) => {
      const cost =
        Usage.total(usage) > 0
          ? Pricing.cost(pricing, { provider, model, usage })
          : Usage.unknown(`${provider} did not say what the call used`)
      return cost._tag === "Unknown" && told !== undefined ? told : cost
    })

  return {
    text: (text) => emit({ _tag: "Text", text }),
    toolStarted: Effect.fnUntraced(function* ({ id, input, tool }) {
      open.set(id, { tool, input, started: yield* Clock.currentTimeMillis })
      yield* emit({ _tag: "ToolStarted", tool, summary: Tools.summary(tool, input) })
    }),
    toolEnded: Effect.fnUntraced(function* (id, { bytes, ok }) {
      const call = open.get(id)
      if (call === undefined || !open.delete(id)) return
      yield* emit({ _tag: "ToolEnded", tool: call.tool, ok })
      yield* Journal.record({
        _tag: "ToolCalled",
        tool: call.tool.slice(0, 300),
        summary: Tools.summary(call.tool, call.input),
        arguments: Digest.ofJson(call.input ?? null),
        ok,
        outputBytes: bytes,
        duration: Math.max(0, (yield* Clock.currentTimeMillis) - call.started),
        call: `${conversation}/${id}`.slice(0, 300)
      })
    }),
    answered: Effect.fnUntraced(function* (answer, isTurn) {
      const { asked, message, model, usage } = answer
      yield* Effect.uninterruptible(
        Budget.spend({
          ...{ _tag: "ModelCalled", model, provider, usage, cost: yield* priced(answer), rehearsed, paidBy },
          latency: Math.max(0, (yield* Clock.currentTimeMillis) - asked),
          ...(message !== undefined && { message })
        })
      )
      if (isTurn) yield* emit({ _tag: "Turn", number: ++turns, usage })
      yield* Budget.check
    }),
    brokenOff: Effect.fnUntraced(function* (answer, fault) {
      const { message, model, usage } = answer
      const billed = { provider, rehearsed, usage, cost: yield* priced(answer), paidBy }
      yield* Budget.spend({
        ...{ _tag: "ModelFailed", model, fault: Fault.record(fault), delay: null },
        billed: { ...billed, ...(message !== undefined && { message }) }
      })
    })
  }
}
