/** A conversation with Claude Code while its program runs: what it says becomes events and facts, and what it asks is answered. */
import type * as ToolServer from "@millwright/context/ToolServer"
import type * as Budget from "@millwright/core/Budget"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import type * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { randomUUID } from "node:crypto"
import type * as Harness from "../Harness.ts"
import * as ClaudeFault from "./ClaudeFault.ts"
import * as ClaudeLine from "./ClaudeLine.ts"
import * as ClaudeTools from "./ClaudeTools.ts"
import type * as CliAgent from "./CliAgent.ts"
import type * as CliReport from "./CliReport.ts"
import type * as JsonLines from "./JsonLines.ts"

/** What is said to it, and who listens. */
export interface Options {
  readonly run: ClaudeFault.Run
  readonly system: string
  /** The shape of the outcome, as JSON Schema. */
  readonly schema: unknown
  /** What is said, one after the other: each when there is an outcome of the one before. */
  readonly prompts: ReadonlyArray<string>
  readonly report: CliReport.CliReport
}

/** What can stop it from our side. */
export type Failure = Harness.HarnessError | Model.ModelError | Budget.BudgetError | Journal.JournalError

type Needs = Journal.Journal | Pricing.Pricing

/** A conversation that goes on. */
export interface ClaudeConversation {
  /** Says what it is to do. `tools` is the tool server, where there is one. */
  readonly begin: (talk: CliAgent.Talk, tools: ToolServer.Connection | undefined) => Effect.Effect<void>
  readonly hear: (message: JsonLines.Message) => Effect.Effect<void, Failure, Needs>
  /** Sends a message of the tool server's. */
  readonly send: (message: unknown) => Effect.Effect<void>
  /** Bills an answer that had begun when the program was ended. */
  readonly close: Effect.Effect<void, never, Needs>
  readonly outcome: () => { readonly value: unknown } | undefined
  /** All that was to be said has an outcome. */
  readonly isOver: () => boolean
}

const again = "It broke off, and Claude Code went on with what had come of it"

/** The name of the first thing that is said. */
const opening = "initialize"

/** Begins one. */
export const make = ({ prompts, report, run, schema, system }: Options): ClaudeConversation => {
  const waiting = [...prompts]
  /** The requests of the tool server's client that wait for an answer, by their ids. */
  const asked = new Map<unknown, string>()
  let talk: CliAgent.Talk | undefined
  let tools: ToolServer.Connection | undefined
  let requested: number | undefined
  let answer: CliReport.Answer | undefined
  /** The answer said why it ended. */
  let isWhole = false
  let told = Usage.zero
  let turns = 0
  /** What was given as an outcome last, whether it fits or not. */
  let given: unknown
  let outcome: { readonly value: unknown } | undefined
  let isOver = false

  const say = (message: unknown) => talk?.say(message) ?? Effect.void
  const prompt = Effect.suspend(() => {
    const text = waiting.shift()
    return text === undefined
      ? (talk?.close ?? Effect.void)
      : say({ type: "user", message: { role: "user", content: [{ type: "text", text: plain(text) }] } })
  })
  const respond = (request_id: string, response: object) =>
    say({ type: "control_response", response: { request_id, ...response } })

  /** Bills an answer that had begun and has no end. */
  const brokenOff = Effect.fnUntraced(function* (why: string) {
    const begun = answer
    answer = undefined
    if (begun === undefined) return
    told = Usage.add(told, begun.usage)
    const message = `An answer of ${run.model} to Claude Code has no end. ${why}.`
    yield* report.brokenOff(begun, new Model.ModelError({ reason: "Disconnected", message }))
  })

  const streamed = Effect.fnUntraced(function* ({
    event
  }: Extract<ClaudeLine.Line, { readonly type: "stream_event" }>) {
    switch (event.type) {
      case "message_start": {
        const { id, model, usage } = event.message
        const since = requested ?? (yield* Clock.currentTimeMillis)
        yield* brokenOff(again)
        isWhole = false
        // Small servers count, or draw a number below a thousand: that tells no answer from another.
        answer = { message: id.length >= 16 ? id : undefined, model, usage: ClaudeLine.usage(usage), asked: since }
        return
      }
      case "content_block_delta":
        return yield* report.text(event.delta.text)
      case "message_delta":
        isWhole = true
        if (answer !== undefined && event.usage !== undefined) {
          answer = { ...answer, usage: ClaudeLine.usage(event.usage, answer.usage) }
        }
        return
      case "message_stop": {
        // It ends an answer that broke off as well, without a word about why.
        if (!isWhole) return yield* brokenOff(again)
        const done = answer
        answer = undefined
        requested = undefined
        if (done === undefined) return
        told = Usage.add(told, done.usage)
        yield* report.answered(done, true)
        // The program counts anew with each thing that is said to it.
        if (++turns > run.maxTurns) return yield* ClaudeFault.tooManyTurns(run)
        return
      }
    }
  })

  /** What it called its models for beside the conversation, of which nothing but the sum is told. */
  const hidden = Effect.fnUntraced(function* (result: ClaudeLine.Result) {
    const used = ClaudeLine.used(result)
    const rest = minus([...(used?.values() ?? [])].reduce(Usage.add, Usage.zero), told)
    told = Usage.zero
    if (Usage.total(rest) === 0) return
    const [model = run.model] = [...(used?.keys() ?? [])].filter((name) => name !== run.model)
    yield* report.answered({ message: undefined, model, usage: rest, asked: yield* Clock.currentTimeMillis }, false)
  })

  const ended = Effect.fnUntraced(function* (result: ClaudeLine.Result) {
    yield* hidden(result)
    const { is_error: isError, structured_output: output, subtype } = result
    // What does not fit is the caller's to judge.
    const value = subtype === "error_max_structured_output_retries" ? given : isError === true ? undefined : output
    if (value === undefined) return yield* ClaudeFault.ofResult(result, run)
    outcome = { value: Predicate.hasProperty(value, "outcome") ? value.outcome : value }
    given = undefined
    isOver = waiting.length === 0
    yield* prompt
  })

  const retried = Effect.fnUntraced(function* ({
    error,
    error_status: status,
    retry_delay_ms: delay
  }: ClaudeLine.Retry) {
    const said = Predicate.isString(error) ? error : JSON.stringify(error ?? "")
    const fault = ClaudeFault.ofCall({ status: status ?? undefined, said }, run)
    yield* Journal.record({
      ...{ _tag: "ModelFailed", model: run.model, fault: Fault.record(fault) },
      delay: fault.isRetryable ? Math.max(0, Math.round(delay)) : null
    })
    // It would try a wrong key for minutes.
    if (!fault.isRetryable) return yield* fault
  })

  const controlled = Effect.fnUntraced(function* ({
    request,
    request_id
  }: Extract<ClaudeLine.Line, { readonly type: "control_request" }>) {
    const { message, subtype } = request
    if (subtype !== "mcp_message" || tools === undefined) {
      return yield* respond(request_id, {
        subtype: "error",
        error: "Nobody is asked. What was allowed was said before."
      })
    }
    if (Predicate.hasProperty(message, "method") && Predicate.hasProperty(message, "id"))
      asked.set(message.id, request_id)
    else
      yield* respond(request_id, {
        subtype: "success",
        response: { mcp_response: { jsonrpc: "2.0", id: 0, result: {} } }
      })
    yield* tools.receive(message)
  })

  return {
    outcome: () => outcome,
    isOver: () => isOver,
    begin: Effect.fnUntraced(function* (to, connection) {
      talk = to
      tools = connection
      const servers = connection === undefined ? {} : { sdkMcpServers: [ClaudeTools.server] }
      const request = { subtype: "initialize", systemPrompt: system, jsonSchema: schema, ...servers }
      yield* say({ type: "control_request", request_id: opening, request })
      yield* prompt
    }),
    send: (message) => {
      const id = Predicate.hasProperty(message, "id") ? message.id : undefined
      const request_id = Predicate.hasProperty(message, "method") ? undefined : asked.get(id)
      if (request_id !== undefined && asked.delete(id)) {
        return respond(request_id, { subtype: "success", response: { mcp_response: message } })
      }
      const request = { subtype: "mcp_message", server_name: ClaudeTools.server, message }
      return say({ type: "control_request", request_id: randomUUID(), request })
    },
    hear: Effect.fnUntraced(function* (message) {
      const line = ClaudeLine.read(message)
      switch (line?.type) {
        case "stream_event":
          return yield* streamed(line)
        case "assistant":
          for (const { id, input, name } of ClaudeLine.calls(line.message.content)) {
            if (name === ClaudeTools.outcome) given = input
            else yield* report.toolStarted({ id, ...ClaudeTools.called(name, input) })
          }
          return
        case "user":
          for (const { content, is_error, tool_use_id } of ClaudeLine.results(line.message.content)) {
            const text = Predicate.isString(content) ? content : JSON.stringify(content ?? "")
            yield* report.toolEnded(tool_use_id, { ok: is_error !== true, bytes: Buffer.byteLength(text) })
          }
          return
        case "result":
          return yield* ended(line)
        case "control_request":
          return yield* controlled(line)
        case "control_response":
          if (line.response.subtype !== "error" || line.response.request_id !== opening) return
          return yield* ClaudeFault.refused(line.response.error ?? "", run)
        case "system":
          if (line.subtype === "status") requested = yield* Clock.currentTimeMillis
          if (line.subtype === "api_retry") return yield* retried(line)
          return
      }
    }),
    close: Effect.ignore(brokenOff("Its program was ended, or ended by itself"))
  }
}

/** What begins with a slash is a command to the program, and what stands in a task is for the model. */
const plain = (text: string): string => (text.trimStart().startsWith("/") ? `Your task:\n${text}` : text)

const minus = (a: Usage.Usage, b: Usage.Usage): Usage.Usage => ({
  input: Math.max(0, a.input - b.input),
  cacheRead: Math.max(0, a.cacheRead - b.cacheRead),
  cacheWrite: Math.max(0, a.cacheWrite - b.cacheWrite),
  output: Math.max(0, a.output - b.output)
})
