/** A conversation with an agent that speaks ACP while it runs: what it says becomes events and facts, and what it asks is answered. */
import * as Budget from "@millwright/core/Budget"
import type * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import type * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Grant from "../Grant.ts"
import type * as Harness from "../Harness.ts"
import * as Target from "../tools/Target.ts"
import type * as AcpAnswer from "./AcpAnswer.ts"
import * as AcpFault from "./AcpFault.ts"
import * as AcpTools from "./AcpTools.ts"
import * as AcpUpdate from "./AcpUpdate.ts"
import type * as CliReport from "./CliReport.ts"
import type * as JsonLines from "./JsonLines.ts"

/** Who works, and who listens. */
export interface Options {
  readonly run: AcpFault.Run
  readonly grants: ReadonlyArray<Grant.Grant>
  readonly report: CliReport.CliReport
  readonly emit: (event: Harness.HarnessEvent) => Effect.Effect<void>
  /** Its session has an earlier part, which was billed then. */
  readonly isContinued: boolean
  /** The outcome was given: what is said after it is for nobody, and no turn. */
  readonly isGiven: () => boolean
}

/** What can stop it from our side. */
export type Failure = Harness.HarnessError | Model.ModelError | Budget.BudgetError | Journal.JournalError

type Needs = Journal.Journal | Pricing.Pricing

/** Whether a tool may be called. */
export interface Question {
  readonly toolCall: AcpTools.Call & { readonly toolCallId: string }
  readonly options: ReadonlyArray<AcpTools.Choice>
}

/** One of the answers that there are, or none. */
export interface Permission {
  readonly outcome: { readonly outcome: "selected"; readonly optionId: string } | { readonly outcome: "cancelled" }
}

/** A conversation that goes on. */
export interface AcpConversation {
  /** Takes what the agent tells of its session. `false`: the message is something else. */
  readonly hear: (message: JsonLines.Message) => Effect.Effect<boolean, Failure, Needs>
  readonly permission: (question: Question) => Effect.Effect<Permission, never, Harness.Workplace>
  /** From here on it works on something that it was told, in the session of this name. */
  readonly begin: (session: string) => Effect.Effect<void>
  /** It has done that, and said what it used, or not. Answers with what it said. */
  readonly end: (usage: AcpAnswer.Tokens | undefined) => Effect.Effect<string, Failure, Needs>
  /** Nothing more is allowed. */
  readonly cancel: Effect.Effect<void>
  /** Bills what had begun when it ended, which was for this reason. Default: the program was ended. */
  readonly close: (fault?: Model.ModelError) => Effect.Effect<void, never, Needs>
}

interface Seen extends AcpTools.Call {
  readonly isStarted: boolean
}

/** How much of what it says is kept, in characters: the end of it. */
const kept = 1024 * 1024

/** Begins one. */
export const make = ({ emit, grants, isContinued, isGiven, report, run }: Options): AcpConversation => {
  const calls = new Map<string, Seen>()
  /** The session that it works in, and since when. */
  let at: { readonly session: string; readonly since: number } | undefined
  let isCancelled = false
  let said = ""
  /** How many turns began, and whether the last of them is open: it ends when all that it called has ended. */
  let turns = 0
  let isOpen = false
  let hasCalled = false
  /** The cost of the session as it was told last, and how much of it was there before what is billed next, where that is known. */
  let cost: { readonly usd: number; readonly before: number | undefined } = {
    usd: 0,
    before: isContinued ? undefined : 0
  }

  const closeTurn = (usage: Usage.Usage) =>
    Effect.suspend(() => {
      if (!isOpen) return Effect.void
      isOpen = false
      return emit({ _tag: "Turn", number: turns, usage })
    })

  /** It says or calls something: that begins a turn, where all that was called before has ended. */
  const turn = Effect.fnUntraced(function* () {
    if (isOpen && !(hasCalled && calls.size === 0)) return
    yield* closeTurn(Usage.zero)
    isOpen = true
    hasCalled = false
    if (++turns > run.maxTurns) return yield* AcpFault.tooManyTurns(run)
    yield* Budget.check
  })

  const heardCall = Effect.fnUntraced(function* (update: AcpUpdate.Call) {
    const { toolCallId: id } = update
    const before = calls.get(id)
    if (before === undefined && update.sessionUpdate === "tool_call_update") return
    if (before === undefined) {
      yield* turn()
      hasCalled = true
    }
    const call: Seen = { ...before, ...known(update), isStarted: before?.isStarted ?? false }
    calls.set(id, call)
    const isOver = update.status === "completed" || update.status === "failed"
    // Its arguments come after its name.
    if (isOver || update.status === "in_progress" || isSaid(call.rawInput)) yield* start(id, call)
    if (!isOver) return
    calls.delete(id)
    yield* report.toolEnded(id, { ok: update.status === "completed", bytes: shown(update) })
  })

  const start = Effect.fnUntraced(function* (id: string, call: Seen) {
    if (call.isStarted) return
    calls.set(id, { ...call, isStarted: true })
    if (AcpTools.ours(call) !== "outcome") yield* report.toolStarted({ id, ...AcpTools.called(call) })
  })

  const isAllowed = Effect.fnUntraced(function* (call: AcpTools.Call) {
    if (AcpTools.ours(call) !== undefined) return true
    const needed = AcpTools.grantsFor(call)
    if (!needed.some((grant) => grants.includes(grant))) return false
    if (needed.includes("bash")) return true
    const isWriting = needed.includes("edit") || needed.includes("write")
    const files = AcpTools.files(call)
    const led = yield* Effect.result(Effect.forEach(files, isWriting ? Target.writable : Target.inside))
    // A change of nobody knows what is none that was granted.
    return Result.isSuccess(led) && (files.length > 0 || !isWriting)
  })

  const bill = (usage: AcpAnswer.Tokens | undefined, asked: number) => {
    const paid = cost.usd - (cost.before ?? cost.usd)
    cost = { usd: cost.usd, before: cost.usd }
    const answer = { message: undefined, model: run.model, usage: tokens(usage), asked }
    return paid > 0 ? { ...answer, cost: Usage.known(paid) } : answer
  }

  return {
    hear: Effect.fnUntraced(function* (message) {
      if (message.method !== "session/update") return false
      const told = AcpUpdate.read(message)
      if (told === undefined || at === undefined || told.sessionId !== at.session) return true
      const { update } = told
      switch (update.sessionUpdate) {
        case "agent_message_chunk": {
          const { text } = update.content
          if (text === "" || isGiven()) return true
          yield* turn()
          said = `${said}${text}`.slice(-kept)
          yield* report.text(text)
          return true
        }
        case "agent_thought_chunk":
          if (!isGiven()) yield* turn()
          return true
        case "usage_update":
          if (update.cost.currency === "USD") cost = { ...cost, usd: update.cost.amount }
          return true
        default:
          yield* heardCall(update)
          return true
      }
    }),
    permission: Effect.fnUntraced(function* ({ options, toolCall }) {
      if (isCancelled) return { outcome: { outcome: "cancelled" } }
      const call = { ...calls.get(toolCall.toolCallId), ...known(toolCall) }
      const optionId = AcpTools.chosen(options, yield* isAllowed(call))
      return { outcome: optionId === undefined ? { outcome: "cancelled" } : { outcome: "selected", optionId } }
    }),
    begin: (session) =>
      Effect.map(Clock.currentTimeMillis, (since) => {
        said = ""
        at = { session, since }
      }),
    end: Effect.fnUntraced(function* (usage) {
      const since = at?.since ?? (yield* Clock.currentTimeMillis)
      at = undefined
      for (const id of calls.keys()) yield* report.toolEnded(id, { ok: false, bytes: 0 })
      calls.clear()
      yield* closeTurn(tokens(usage))
      yield* report.answered(bill(usage, since), false)
      return said
    }),
    cancel: Effect.sync(() => void (isCancelled = true)),
    close: (fault) =>
      Effect.suspend(() => {
        if (at === undefined) return Effect.void
        const { since } = at
        at = undefined
        const message = `${run.title} was ended, or ended by itself, while it worked.`
        const why = fault ?? new Model.ModelError({ reason: "Disconnected", message })
        return Effect.ignore(report.brokenOff(bill(undefined, since), why))
      })
  }
}

/** What of a call is said, over what was said of it before. */
const known = (call: AcpTools.Call): AcpTools.Call =>
  Object.fromEntries(
    (["name", "title", "kind", "rawInput", "content", "locations"] as const).flatMap((key) =>
      Predicate.isNullish(call[key]) || (key === "rawInput" && !isSaid(call[key])) ? [] : [[key, call[key]]]
    )
  )

const isSaid = (input: unknown): boolean =>
  Predicate.isObject(input) ? Object.keys(input).length > 0 : Predicate.isNotNullish(input)

/** How much of it the model was shown, in bytes. */
const shown = ({ content, rawOutput }: AcpUpdate.Call): number => {
  const texts = (content ?? []).flatMap((item) => {
    const inner = Predicate.hasProperty(item, "content") ? item.content : undefined
    return Predicate.hasProperty(inner, "text") && Predicate.isString(inner.text) ? [inner.text] : []
  })
  const raw = Predicate.isString(rawOutput) ? rawOutput : rawOutput === undefined ? "" : JSON.stringify(rawOutput)
  return Buffer.byteLength(texts.length > 0 ? texts.join("") : raw)
}

const tokens = (told: AcpAnswer.Tokens | undefined): Usage.Usage => ({
  input: told?.inputTokens ?? 0,
  cacheRead: told?.cachedReadTokens ?? 0,
  cacheWrite: told?.cachedWriteTokens ?? 0,
  output: told?.outputTokens ?? 0
})
