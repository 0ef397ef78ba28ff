/** A conversation with the app server of Codex while its program runs: what it says becomes events and facts, and tools are run for it. */
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import type * as Pricing from "@millwright/core/Pricing"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type * as Harness from "../Harness.ts"
import type * as CliAgent from "./CliAgent.ts"
import type * as CliReport from "./CliReport.ts"
import * as CodexFault from "./CodexFault.ts"
import * as CodexLine from "./CodexLine.ts"
import * as CodexSession from "./CodexSession.ts"
import * as JsonLines from "./JsonLines.ts"

/** The tool through which the outcome is given. */
export const outcomeTool = "outcome"

/** A call of a tool of ours. */
export interface Call {
  readonly id: string
  readonly name: string
  readonly input: unknown
}

/** What is said to it, and who listens. */
export interface Options {
  readonly run: CodexFault.Run
  readonly key: Redacted.Redacted<string>
  /** How the conversation begins, as `thread/start` has it. */
  readonly thread: { readonly cwd: string; readonly [more: string]: unknown }
  /** What was said before. */
  readonly items: ReadonlyArray<CodexSession.Item>
  /** What is said, one after the other: each when there is an outcome of the one before. */
  readonly prompts: ReadonlyArray<string>
  readonly report: CliReport.CliReport
  /** Runs a tool, and tells the facts of it. */
  readonly tool: (call: Call) => Effect.Effect<Ran, Harness.Failure, Needs>
  /** Does what it is given, one after the other, while the program is listened to. */
  readonly lane: (step: Step) => Effect.Effect<void, never, Needs>
}

/** What the model reads of a call. */
export interface Ran {
  readonly ok: boolean
  readonly text: string
}

/** What the conversation needs around it. */
export type Needs = Journal.Journal | Pricing.Pricing | Harness.Workplace
/** Something to do. */
export type Step = Effect.Effect<void, Harness.Failure, Needs>

/** A conversation that goes on. */
export interface CodexConversation {
  readonly begin: (talk: CliAgent.Talk) => Step
  readonly hear: (message: JsonLines.Message) => Step
  /** Bills an answer that had begun when the program was ended. */
  readonly close: Effect.Effect<void, never, Needs>
  readonly outcome: () => { readonly value: unknown } | undefined
  /** All that was to be said has an outcome. */
  readonly isOver: () => boolean
}

/** What models that write programs in the place of calls have for it: the calls in them come one by one. */
const scripts: ReadonlyArray<unknown> = ["exec", "wait"]

/** Begins one. */
export const make = ({ items, key, lane, prompts, report, run, thread, tool }: Options): CodexConversation => {
  const waiting = [...prompts]
  const asked = new Map<unknown, { readonly method: string; readonly next: (result: unknown) => Step }>()
  /** Calls that were made, and that nobody has asked us to run, each with the number of its answer. */
  const made = new Map<string, { readonly item: CodexLine.Item; readonly answer: number }>()
  let talk: CliAgent.Talk | undefined
  let last = 0
  let threadId: unknown
  let turnId: unknown
  let model = run.model
  /** When the model was asked what it has not answered. */
  let since: number | undefined
  /** It has begun an answer. */
  let isAnswering = false
  let isCompacting = false
  let turns = 0
  /** The calls of the answer that goes on, by their names. */
  let calls: Array<unknown> = []
  let outcome: { readonly value: unknown; readonly answer: number } | undefined
  let wasReminded = false
  let isEnding = false
  let wasStopped = false
  let isOver = false

  const say = (message: object) => talk?.say(message) ?? Effect.void
  const ask = (method: string, params: object, next: (result: unknown) => Step = () => Effect.void): Step =>
    Effect.suspend(() => {
      asked.set(++last, { method, next })
      return say({ id: last, method, params })
    })
  const input = (text: string) => ({ threadId, input: [{ type: "text", text, text_elements: [] }] })
  const prompt = (text: string) => ask("turn/start", input(text))
  const reply = (id: unknown, { ok, text }: Ran) =>
    say({ id, result: { contentItems: [{ type: "inputText", text }], success: ok } })

  const started = ask("thread/start", thread, (result) => {
    const begun = Predicate.hasProperty(result, "thread") ? result.thread : undefined
    threadId = Predicate.hasProperty(begun, "id") ? begun.id : undefined
    const first = Effect.suspend(() => prompt(waiting.shift() ?? ""))
    return items.length === 0 ? first : ask("thread/inject_items", { threadId, items }, () => first)
  })

  const begun = Effect.fnUntraced(function* () {
    isAnswering = true
    since ??= yield* Clock.currentTimeMillis
  })

  const answerOf = Effect.fnUntraced(function* (
    message: string | undefined,
    said: Parameters<typeof CodexLine.usage>[0]
  ) {
    const asked = since ?? (yield* Clock.currentTimeMillis)
    since = undefined
    isAnswering = false
    return { message, model, usage: CodexLine.usage(said), asked }
  })

  /** Bills an answer that has begun and has no end: nobody says what it used. */
  const brokenOff = Effect.fnUntraced(function* (fault: Model.ModelError) {
    if (isAnswering) yield* report.brokenOff(yield* answerOf(undefined, null), fault)
  })

  /** The outcome is given: there is more to say, or it is stopped before it asks its model once more. */
  const end = Effect.suspend(() => {
    if (!isEnding || isAnswering) return Effect.void
    isEnding = false
    wasStopped = true
    return ask("turn/interrupt", { threadId, turnId })
  })

  const answered = Effect.fnUntraced(function* ({
    responseId,
    usage
  }: {
    readonly responseId: string
    readonly usage: Parameters<typeof CodexLine.usage>[0]
  }) {
    const names = calls
    calls = []
    // Small servers count: that tells no answer from another.
    const answer = yield* answerOf(responseId.length >= 16 ? responseId : undefined, usage)
    yield* report.answered(answer, !isCompacting)
    if (isCompacting) return
    since = answer.asked
    turns++
    const isLast = turns === run.maxTurns && names.length > 0
    const mayEnd = names.some((name) => name === outcomeTool || scripts.includes(name))
    if (turns > run.maxTurns || (isLast && !mayEnd)) return yield* CodexFault.tooManyTurns(run)
    since = yield* Clock.currentTimeMillis
    yield* end
  })

  /** A call that Codex answered by itself is one of a tool that is not there, or not a call of one. */
  const piece = Effect.fnUntraced(function* (item: CodexLine.Item) {
    const { call_id: id, name, output, role, type } = item
    if (type === "function_call" || type === "custom_tool_call") {
      calls.push(name)
      if (Predicate.isString(id) && !scripts.includes(name)) made.set(id, { item, answer: turns })
      return yield* begun()
    }
    if (type === "reasoning" || role === "assistant") return yield* begun()
    if (output === undefined || !Predicate.isString(id)) return
    const call = made.get(id)?.item
    if (call === undefined || !made.delete(id)) return
    const input = call.arguments ?? call.input ?? ""
    yield* report.toolStarted({ id, tool: call.name ?? "", input: JsonLines.value(input) ?? { input } })
    const text = Predicate.isString(output) ? output : JSON.stringify(output)
    yield* report.toolEnded(id, { ok: false, bytes: Buffer.byteLength(text) })
  })

  const called = Effect.fnUntraced(function* ({ id, params }: CodexLine.ToolCall, answer: number) {
    const { arguments: given, callId, tool: name } = params
    if (name !== outcomeTool && (isEnding || wasStopped)) {
      yield* report.toolStarted({ id: callId, tool: name, input: given })
      yield* report.toolEnded(callId, { ok: false, bytes: 0 })
      return yield* reply(id, { ok: false, text: "Not run: your outcome was given before." })
    }
    if (name !== outcomeTool) {
      const ran = yield* tool({ id: callId, name, input: given })
      since = yield* Clock.currentTimeMillis
      return yield* reply(id, ran)
    }
    // What is said behind an outcome is not answered by one that was given before it was said.
    const isAnswered = outcome?.answer === answer
    outcome = { value: Predicate.hasProperty(given, "outcome") ? given.outcome : given, answer }
    if (isAnswered) return yield* reply(id, { ok: true, text: CodexSession.taken })
    const next = waiting.shift()
    if (next !== undefined) {
      const said = { ...input(next), expectedTurnId: turnId }
      return yield* ask("turn/steer", said, () => reply(id, { ok: true, text: CodexSession.taken }))
    }
    isEnding = true
    yield* end
    if (wasStopped) return
    // Where the answer breaks off behind the call, the program waits for what the call says, and tells nobody.
    yield* Effect.sleep(patience)
    yield* brokenOff(endless(model, "It called for its end, and did not come to it"))
    yield* end
  })

  const failed = Effect.fnUntraced(function* (error: CodexLine.TurnError, willRetry: boolean) {
    const fault = CodexFault.ofCall(error, { ...run, model })
    const goesOn = willRetry && fault.isRetryable
    if (isAnswering) yield* brokenOff(fault)
    else
      yield* Journal.record({
        ...{ _tag: "ModelFailed", model, fault: Fault.record(fault) },
        // How long it waits, it does not say.
        delay: goesOn ? 0 : null
      })
    calls = []
    since = yield* Clock.currentTimeMillis
    // It would try a wrong key again and again.
    if (!goesOn) return yield* fault
  })

  const completed = Effect.fnUntraced(function* ({ error, status }: CodexLine.Turn) {
    if (wasStopped) {
      isOver = true
      return yield* talk?.close ?? Effect.void
    }
    if (status === "failed" || Predicate.isNotNullish(error)) {
      return yield* failed(error ?? { message: "Codex does not say why" }, false)
    }
    if (wasReminded || status !== "completed") return yield* CodexFault.noOutcome(run)
    wasReminded = true
    yield* prompt(`End by calling the \`${outcomeTool}\` tool: nothing else counts as the end of your work.`)
  })

  const told = (line: Extract<CodexLine.Line, { readonly _tag: "Notice" }>["notice"]): Step => {
    switch (line.method) {
      case "item/agentMessage/delta":
        return Effect.andThen(begun(), report.text(line.params.delta))
      case "item/started":
      case "item/completed":
        if (line.params.item.type === "contextCompaction") isCompacting = line.method === "item/started"
        return Effect.void
      case "rawResponseItem/completed":
        return piece(line.params.item)
      case "rawResponse/completed":
        return answered(line.params)
      case "model/rerouted":
        model = line.params.toModel
        return Effect.void
      case "error":
        return failed(line.params.error, line.params.willRetry)
      case "turn/started":
        turnId = line.params.turn.id
        return Effect.map(Clock.currentTimeMillis, (now) => void (since = now))
      case "turn/completed":
        return completed(line.params.turn)
    }
  }

  return {
    outcome: () => outcome,
    isOver: () => isOver,
    begin: (to) => {
      talk = to
      const hello = { clientInfo: { name: "millwright", title: "Millwright", version: "1" }, capabilities }
      return ask("initialize", hello, () =>
        Effect.andThen(
          say({ method: "initialized" }),
          ask("config/read", { includeLayers: true, cwd: thread.cwd }, (result) => {
            const fault = CodexFault.ofConfig(CodexLine.configured(result), run)
            const login = { type: "apiKey", apiKey: Redacted.value(key).trim() }
            return fault === undefined ? ask("account/login/start", login, () => started) : Effect.fail(fault)
          })
        )
      )
    },
    hear: Effect.fnUntraced(function* (message) {
      const line = CodexLine.read(message)
      switch (line?._tag) {
        case "Notice":
          return yield* told(line.notice)
        case "ToolCall": {
          const { callId } = line.call.params
          const { answer = turns } = made.get(callId) ?? {}
          made.delete(callId)
          // It asks for a tool while the answer that calls it still comes, and may wait for the tool when that breaks off.
          return yield* lane(called(line.call, answer))
        }
        case "Asked":
          return yield* say({ id: line.id, error: { code: -32000, message: nobody } })
        case "Answered": {
          const { error, id, result } = line.answer
          const question = asked.get(id)
          if (question === undefined || !asked.delete(id)) return
          if (error !== undefined) return yield* CodexFault.refused(question.method, error.message, run)
          return yield* question.next(result)
        }
      }
    }),
    close: Effect.ignore(Effect.suspend(() => brokenOff(endless(model, "Its program was ended, or ended by itself"))))
  }
}

/** How long an answer may go on behind the call of the outcome. */
const patience = "5 seconds"

const endless = (model: string, why: string): Model.ModelError =>
  new Model.ModelError({ reason: "Disconnected", message: `An answer of ${model} to Codex has no end. ${why}.` })

const nobody = "Nobody is asked. What was allowed was said before."

/** Tools of ours are of the part of its protocol that it calls experimental, and so is what each answer used. */
const capabilities = { experimentalApi: true, requestAttestation: false }
