/** A conversation with pi while its program runs: what it says becomes events and facts, and what our extension asks is answered. */
import type * as Budget from "@millwright/core/Budget"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import type * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type * as Harness from "../Harness.ts"
import type * as CliAgent from "./CliAgent.ts"
import type * as CliReport from "./CliReport.ts"
import type * as IndexClient from "./IndexClient.ts"
import * as JsonLines from "./JsonLines.ts"
import * as PiExtension from "./PiExtension.ts"
import * as PiFault from "./PiFault.ts"
import * as PiLine from "./PiLine.ts"
import * as PiTools from "./PiTools.ts"

/** What is said to it, and who listens. */
export interface Options {
  readonly run: PiFault.Run
  /** What is said, one after the other: each when there is an outcome of the one before. */
  readonly prompts: ReadonlyArray<string>
  readonly report: CliReport.CliReport
  readonly index: IndexClient.IndexClient | undefined
  /** Calls of the index go on in it while the program is listened to. */
  readonly scope: Scope.Scope
}

/** What can stop it from our side. */
export type Failure = Harness.HarnessError | Model.ModelError | Budget.BudgetError | Journal.JournalError

type Needs = Journal.Journal | Pricing.Pricing

/** A conversation that goes on. */
export interface PiConversation {
  /** Says what it is to do, as soon as our extension says that it is there. */
  readonly begin: (talk: CliAgent.Talk) => Effect.Effect<void>
  readonly hear: (message: JsonLines.Message) => Effect.Effect<void, Failure, Needs>
  /** Bills an answer that had begun when the program was ended. */
  readonly close: Effect.Effect<void, never, Needs>
  readonly outcome: () => { readonly value: unknown } | undefined
  /** All that was to be said has an outcome. */
  readonly isOver: () => boolean
}

/** The oldest version that all of the tests pass with. */
const oldest = [1, 3] as const

const reminder = "You ended your turn without an outcome. Call the `outcome` tool now."

/** Begins one. */
export const make = ({ index, prompts, report, run, scope }: Options): PiConversation => {
  const waiting = [...prompts]
  let talk: CliAgent.Talk | undefined
  let isReady = false
  let requested: number | undefined
  let answer: CliReport.Answer | undefined
  /** A call of the model that failed, of which nobody has said yet whether it is tried again. */
  let failed: { readonly fault: Model.ModelError; readonly isRecorded: boolean } | undefined
  let turns = 0
  let isReminded = false
  /** What was given as an outcome last, whether it fits or not. */
  let given: { readonly value: unknown } | undefined
  /** pi would go on, though there is an outcome. */
  let wantsMore = false
  /** It was told not to call the model again. What it says of the call that it gave up is no fault. */
  let isStopped = false
  let outcome: { readonly value: unknown } | undefined
  let isOver = false

  const say = (message: unknown) => talk?.say(message) ?? Effect.void
  const prompt = (message: string) => say({ type: "prompt", id: "prompt", message })
  const next = Effect.suspend(() => {
    const text = waiting.shift()
    isReminded = false
    return text === undefined ? (talk?.close ?? Effect.void) : prompt(text)
  })

  const answerOf = Effect.fnUntraced(function* ({ model, responseId, usage }: PiLine.Spoken) {
    return {
      message: named(responseId ?? undefined),
      model,
      usage: PiLine.usage(usage),
      asked: requested ?? (yield* Clock.currentTimeMillis)
    }
  })

  /** Bills an answer that had begun and has no end, as far as anything of it is known. */
  const brokenOff = Effect.fnUntraced(function* (begun: CliReport.Answer | undefined, fault: Model.ModelError) {
    if (begun === undefined || Usage.total(begun.usage) === 0) return false
    yield* report.brokenOff(begun, fault)
    return true
  })

  const spoken = Effect.fnUntraced(function* (message: PiLine.Spoken) {
    const done = yield* answerOf(message)
    answer = undefined
    if (message.stopReason === "error" || message.stopReason === "aborted") {
      const fault = PiFault.ofCall(message.errorMessage ?? "It broke off", run)
      const isRecorded = yield* brokenOff(done, fault)
      if (message.stopReason === "error" && !isStopped) failed = { fault, isRecorded }
      return
    }
    // One that was cut is not what it was going to say.
    if (message.stopReason !== "length") {
      const calls = PiLine.calls(message)
      wantsMore = false
      for (const call of calls) {
        if (call.name !== PiTools.outcome.name) wantsMore = true
        else
          given = { value: Predicate.hasProperty(call.arguments, "outcome") ? call.arguments.outcome : call.arguments }
      }
    }
    turns++
    yield* report.answered(done, true)
  })

  /** Nothing more comes of what was said last. */
  const settled = Effect.suspend((): Effect.Effect<void, Failure, Needs> => {
    isStopped = false
    if (failed !== undefined) return Effect.andThen(tried(null), failed.fault)
    if (given !== undefined) {
      outcome = given
      given = undefined
      isOver = waiting.length === 0
      return next
    }
    if (turns >= run.maxTurns) return PiFault.tooManyTurns(run)
    if (isReminded) return PiFault.noOutcome(run)
    isReminded = true
    return prompt(reminder)
  })

  /** Records a call of the model that failed; it is tried again after so many milliseconds, or not. */
  const tried = Effect.fnUntraced(function* (delay: number | null) {
    const last = failed
    failed = undefined
    if (last === undefined || last.isRecorded) return
    yield* Journal.record({ _tag: "ModelFailed", model: run.model, fault: Fault.record(last.fault), delay })
  })

  const ready = Effect.fnUntraced(function* (version: string) {
    if (isReady) return
    const [, major = -1, minor = -1] = /^(\d+)\.(\d+)\./.exec(version)?.map(Number) ?? []
    if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
      return yield* PiFault.tooOld(`it is ${version.slice(0, 40)}, and has to be ${oldest.join(".")} or newer`)
    }
    isReady = true
    yield* next
  })

  const asked = Effect.fnUntraced(function* ({ id, method, placeholder, statusKey, statusText, title }: PiLine.Asked) {
    const respond = (answer: object) => say({ type: "extension_ui_response", id, ...answer })
    if (method === "setStatus") {
      if (statusKey === PiExtension.asks.ready) yield* ready(statusText ?? "")
      if (statusKey === PiExtension.asks.answer && answer !== undefined) {
        answer = { ...answer, message: named(statusText ?? undefined) }
      }
      return
    }
    if (method !== "input") return dialogs.has(method) ? yield* respond({ cancelled: true }) : undefined
    switch (title) {
      case PiExtension.asks.turn:
        isStopped = given === undefined ? turns >= run.maxTurns : wantsMore
        return yield* respond({ value: isStopped ? PiExtension.stop : "" })
      case PiExtension.asks.compact: {
        // A conversation that is over is shortened by who goes on with it.
        const isLast = given === undefined ? turns >= run.maxTurns : waiting.length === 0
        return yield* respond({ value: isLast ? PiExtension.stop : "" })
      }
      case PiExtension.asks.call: {
        const call = JsonLines.value(placeholder ?? "")
        if (index === undefined || !Predicate.hasProperty(call, "tool") || !Predicate.isString(call.tool)) break
        const answered = index.call(call.tool, Predicate.hasProperty(call, "arguments") ? call.arguments : {})
        return yield* Effect.asVoid(
          Effect.forkIn(
            Effect.flatMap(answered, (answer) => respond({ value: JSON.stringify(answer) })),
            scope
          )
        )
      }
    }
    // Nobody is asked. What was allowed was said before.
    yield* respond({ cancelled: true })
  })

  return {
    outcome: () => outcome,
    isOver: () => isOver,
    begin: (to) => {
      talk = to
      // Our extension has spoken before this is answered, where it is there.
      return say({ type: "get_state", id: "state" })
    },
    hear: Effect.fnUntraced(function* (message) {
      const line = PiLine.read(message)
      switch (line?.type) {
        case "turn_start":
          requested = yield* Clock.currentTimeMillis
          return
        case "message_start":
          answer = yield* answerOf(line.message)
          return
        case "message_update": {
          const { assistantMessageEvent: event, usage } = line
          if (answer !== undefined && usage !== undefined) answer = { ...answer, usage: PiLine.usage(usage) }
          if (event.type === "text_delta") yield* report.text(event.delta ?? "")
          return
        }
        case "message_end":
          return yield* spoken(line.message)
        case "tool_execution_start":
          if (line.toolName === PiTools.outcome.name) return
          return yield* report.toolStarted({ id: line.toolCallId, ...PiTools.called(line.toolName, line.args) })
        case "tool_execution_end":
          if (line.toolName === PiTools.outcome.name) {
            // One that does not fit is not its end for pi. Mending it is the caller's.
            wantsMore ||= line.isError
            return
          }
          return yield* report.toolEnded(line.toolCallId, { ok: !line.isError, bytes: PiLine.bytes(line.result) })
        case "auto_retry_start":
          return yield* tried(Math.max(0, Math.round(line.delayMs)))
        case "compaction_end":
          return yield* report.answered(
            {
              message: undefined,
              model: run.model,
              usage: PiLine.usage(line.result.usage),
              asked: yield* Clock.currentTimeMillis
            },
            false
          )
        case "agent_settled":
          return yield* settled
        case "extension_error":
          return yield* PiFault.refused("does not run our extension", `${line.event}: ${line.error}`, run)
        case "extension_ui_request":
          return yield* asked(line)
        case "response":
          if (line.success) return isReady ? undefined : yield* PiFault.tooOld("it does not run our extension")
          return yield* PiFault.ofPrompt(line.error ?? "", run)
      }
    }),
    close: Effect.ignore(
      Effect.suspend(() =>
        brokenOff(
          answer,
          new Model.ModelError({
            reason: "Disconnected",
            message: `An answer of ${run.model} to pi has no end. Its program was ended, or ended by itself.`
          })
        )
      )
    )
  }
}

const dialogs: ReadonlySet<string> = new Set(["select", "confirm", "editor"])

/** Small servers count, or draw a number below a thousand: that tells no answer from another. */
const named = (id: string | undefined): string | undefined => (id !== undefined && id.length >= 16 ? id : undefined)
