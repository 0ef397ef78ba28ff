/** The tools that a model asked for in one turn: grants checked, reading ones side by side, writing ones in order. */
import type * as ToolSession from "@millwright/context/ToolSession"
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Redaction from "@millwright/core/Redaction"
import * as ToolLoading from "@millwright/core/ToolLoading"
import * as Tainted from "@millwright/core/Tainted"
import * as Prompt from "effect/ai/Prompt"
import type * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type * as Harness from "../Harness.ts"
import type * as Session from "../Session.ts"
import * as Output from "../tools/Output.ts"
import * as Truncation from "../tools/Truncation.ts"
import * as Tools from "../Tools.ts"
import * as Untrusted from "../Untrusted.ts"
import * as Deadline from "./Deadline.ts"
import * as Hooking from "./Hooking.ts"
import type * as ModelTurn from "./ModelTurn.ts"
import * as OutputFacts from "./OutputFacts.ts"
import * as Telemetry from "./Telemetry.ts"

/** The tools that may be called, and who is told about it. */
export interface Bench {
  /** Only the tools that the role was granted. */
  readonly toolkit: Toolkit.WithHandler<Record<string, Tool.Any>>
  readonly emit: (event: Harness.HarnessEvent) => Effect.Effect<void>
  /** The name of the conversation. With that of a call it is one in all. */
  readonly conversation: string
  /** How long one call may take, in milliseconds. Default: 10 minutes. */
  readonly time?: number
  /** The tools of the index that the role was granted, and the conversation that uses them. */
  readonly index?:
    | {
        readonly session: ToolSession.ToolSession
        readonly prompt: Prompt.Prompt
        /** Those of the request. Asked for only where a call is not of the role's own tools. */
        readonly offered: Effect.Effect<ReadonlyArray<Tool.Any>>
      }
    | undefined
  /** What has a say at the calls. */
  readonly hooking?: Hooking.Hooking | undefined
  /** Gives tasks to sub-agents, in the place of a tool. */
  readonly delegation?: Delegation | undefined
  /** Keeps how far each call got, before the next one runs. */
  readonly keep?: {
    /** A call that may change something is about to run. */
    readonly begun: (call: ModelTurn.ToolCall) => Effect.Effect<void, Session.SessionError>
    readonly returned: (outcome: Outcome) => Effect.Effect<void, Session.SessionError>
  }
}

/** What takes the calls of one tool that is not in the toolkit. A call of it that broke off is gone on with by calling it again. */
export interface Delegation {
  readonly takes: (call: ModelTurn.ToolCall) => boolean
  /** Nothing is changed by this call. */
  readonly isReading: (call: ModelTurn.ToolCall) => boolean
  readonly run: (
    call: ModelTurn.ToolCall
  ) => Effect.Effect<Answered, Harness.Failure, Journal.Journal | Harness.Workplace>
}

/** What a call came to, as the model reads it, and what it brought into the conversation. */
export interface Outcome {
  readonly part: Prompt.ToolResultPart
  readonly found?: ToolSession.Result | undefined
}

/** Runs the calls of one turn and answers with what the model reads next. */
export const run = (
  calls: ReadonlyArray<ModelTurn.ToolCall>,
  bench: Bench
): Effect.Effect<ReadonlyArray<Outcome>, Harness.Failure, Journal.Journal | Harness.Workplace> =>
  Effect.gen(function* () {
    const outcomes: Array<Outcome> = []
    for (const { calls: batch, isReading } of yield* batches(calls, bench)) {
      const run = Effect.fnUntraced(function* (written: ModelTurn.ToolCall) {
        const asked = yield* hooked(written, bench)
        const { call } = asked
        if (!isReading && bench.delegation?.takes(call) !== true) yield* bench.keep?.begun(call) ?? Effect.void
        // What was done is kept, also when somebody wants the loop to stop.
        return yield* Effect.uninterruptibleMask((restore) =>
          Effect.tap(
            restore(Telemetry.tool(call, bench)(one(asked, bench))),
            (outcome) => bench.keep?.returned(outcome) ?? Effect.void
          )
        )
      })
      const [only, ...others] = batch
      // A single call needs no fibre of its own.
      if (only !== undefined && others.length === 0) outcomes.push(yield* run(only))
      else outcomes.push(...(yield* Effect.forEach(batch, run, { concurrency: most })))
    }
    return outcomes
  })

/** How many reading tools run at once. */
const most = 16

/** Runs of reading tools go together; every other tool stands alone. */
const batches = Effect.fnUntraced(function* (
  calls: ReadonlyArray<ModelTurn.ToolCall>,
  { delegation, index, toolkit }: Bench
) {
  const result: Array<{ readonly calls: Array<ModelTurn.ToolCall>; readonly isReading: boolean }> = []
  for (const call of calls) {
    const tool = own(toolkit, call.name)
    const isReading =
      delegation?.takes(call) === true
        ? delegation.isReading(call)
        : tool !== undefined
          ? Tools.isReadOnly(tool)
          : index !== undefined && (yield* index.session.isReadOnly(call))
    const last = result.at(-1)
    if (isReading && last?.isReading === true) last.calls.push(call)
    else result.push({ calls: [call], isReading })
  }
  return result
})

const own = (toolkit: Bench["toolkit"], name: string) =>
  Object.hasOwn(toolkit.tools, name) ? toolkit.tools[name] : undefined

/** How long a call may take. A script ends by itself, at the time that its caller gave it. */
const timeOf = ({ name }: ModelTurn.ToolCall, { time = 10 * 60_000 }: Bench): number =>
  name === "bash" ? Math.max(time, 11 * 60_000) : time

/** What a call came to, and what of it is for the conversation. */
interface Ran extends Answered {
  readonly found?: ToolSession.Result | undefined
}

const ran = (call: ModelTurn.ToolCall, { index, toolkit }: Bench): Effect.Effect<Ran, never, Harness.Workplace> =>
  Effect.gen(function* () {
    if (own(toolkit, call.name) !== undefined) return yield* answer(call, toolkit)
    const found = yield* index?.session.run(call, index.prompt) ?? Effect.undefined
    if (found === undefined) {
      const offered = yield* index?.offered ?? Effect.succeed([])
      return refusal(call.name, [...Object.keys(toolkit.tools), "outcome", ...inPrompt(offered)])
    }
    return { ok: found.ok, text: yield* Truncation.text("index", found.text), isData: found.isHouse !== true, found }
  })

/** What the model reads of a call without a result. What a tool throws may be anybody's words. */
const failed = (name: string, end: Exclude<Deadline.End<Ran>, { readonly _tag: "Done" }>, time: number): Ran => {
  if (end._tag === "Broke") {
    const { message } = Fault.record(Cause.squash(end.cause))
    return { ok: false, isData: true, text: `The tool broke: ${Output.clean(message)}` }
  }
  const how = end.isLeft ? "It does not stop, and goes on without you" : "It was told to stop"
  return refused(
    `The tool ${Untrusted.visible(name.slice(0, 100))} did not end within ${Math.round(time / 1_000)} s. ${how}, so nobody knows how much of it took effect. ` +
      `Look at what is there before you call it again.`
  )
}

/** What a call is of: a tool of the role's own, one that others take, or one of the index. */
const targetOf = (call: ModelTurn.ToolCall, { delegation, index, toolkit }: Bench) =>
  own(toolkit, call.name) !== undefined || delegation?.takes(call) === true
    ? Effect.succeed<Hooking.Target>({
        id: call.name,
        arguments: call.params,
        with: (params) => ({ ...call, params })
      })
    : Effect.map(
        index?.session.target(call) ?? Effect.undefined,
        (found): Hooking.Target | undefined =>
          found && { ...found, with: (given) => ({ ...call, ...found.with(given) }) }
      )

const hooked = (call: ModelTurn.ToolCall, bench: Bench) =>
  Effect.gen(function* () {
    const { delegation, hooking } = bench
    if (hooking === undefined) return { call, target: undefined } satisfies Hooking.Asked
    const asked = yield* Hooking.before(hooking, call, yield* targetOf(call, bench))
    // What only reads runs beside others, and what was begun is not marked.
    return delegation?.takes(call) === true && delegation.isReading(call) && !delegation.isReading(asked.call)
      ? {
          ...asked,
          call,
          refusal: "Not run: a hook gave it to an agent that changes something. Ask that one yourself."
        }
      : asked
  })

const one = (asked: Hooking.Asked, bench: Bench) =>
  Effect.gen(function* () {
    const { conversation, delegation, emit, hooking } = bench
    const { call, refusal } = asked
    const summary = Tools.summary(call.name, call.params)
    yield* emit({ _tag: "ToolStarted", tool: call.name, summary })
    const started = yield* Clock.currentTimeMillis
    let said: Truncation.Said | undefined
    const time = timeOf(call, bench)
    const sunk = Effect.provideService(ran(call, bench), Truncation.Sink, (full) => void (said = full))
    const limited = Effect.map(Deadline.within(sunk, time), (end) =>
      end._tag === "Done" ? end.value : failed(call.name, end, time)
    )
    // A sub-agent has limits of its own.
    const answered: Ran =
      refusal !== undefined
        ? refused(refusal)
        : yield* delegation?.takes(call) === true ? delegation.run(call) : limited
    const unchanged = { ...answered, isChanged: false }
    const shown =
      hooking === undefined || refusal !== undefined
        ? Result.succeed(unchanged)
        : yield* Effect.result(Hooking.after(hooking, asked, answered))
    const { found, isChanged, isData, ok, text } = Result.getOrElse(shown, () => unchanged)
    yield* emit({ _tag: "ToolEnded", tool: call.name, ok })
    const secrets = yield* Redaction.Secrets
    const name = `${conversation}/${call.id}`.slice(0, 300)
    const filed = said && OutputFacts.of(name, said, secrets)
    // Both or none: who reads that there is an output finds it.
    const facts = [
      ...(filed?.facts ?? []),
      {
        _tag: "ToolCalled",
        // What a tool of the index was called by depends on how it came into the conversation.
        tool: (found?.called ?? call.name).slice(0, 300),
        summary,
        arguments: Digest.ofJson(call.params ?? null),
        ok,
        outputBytes: Buffer.byteLength(text),
        // A clock can be set back.
        duration: Math.max(0, (yield* Clock.currentTimeMillis) - started),
        call: name,
        ...(filed && { output: filed.output, fullBytes: filed.fullBytes })
      }
    ] as const
    const journal = yield* Journal.Journal
    yield* journal.append(yield* Effect.forEach(facts, (fact) => Journal.entry(fact)))
    // It has run, whatever became of what it said.
    if (Result.isFailure(shown)) return yield* Effect.fail(shown.failure)
    // What a tool says comes from files and programs of the repository: it is data, as an issue is.
    // It may hold a secret that nobody gave to it, and a provider is no place for one.
    const clean = Redaction.scrub(text, secrets)
    const part = result(call, {
      ok,
      text: isData ? Untrusted.block(Tainted.of("", clean)) : clean,
      // They say what the text said before it was changed.
      images: isChanged ? [] : found?.images,
      options: found?.options
    })
    return { part, found } satisfies Outcome
  })

/** What the model reads as the result of its call. */
export const result = (
  call: ModelTurn.ToolCall,
  {
    images = [],
    ok,
    options = {},
    text
  }: {
    readonly ok: boolean
    readonly text: string
    readonly images?: ToolSession.Result["images"] | undefined
    readonly options?: Prompt.ProviderOptions | undefined
  }
) =>
  Prompt.toolResultPart({
    id: call.id,
    name: call.name,
    isFailure: !ok,
    result: text,
    ...(images.length > 0 && {
      modelOutput: [
        Prompt.makePart("text", { text }),
        ...images.map(({ data, mediaType }) => Prompt.makePart("file", { data, mediaType }))
      ]
    }),
    options,
    providerExecuted: false
  })

/** What a call came to. `isData`: the text is from outside, and not a sentence of this loop. */
export interface Answered {
  readonly ok: boolean
  readonly text: string
  readonly isData: boolean
}

/** What this loop says in the place of a result. */
export const refused = (text: string): Answered => ({ ok: false, isData: false, text })

/** How many tools are named to a model that asked for one that it has not. */
const mostNamed = 40

const refusal = (name: string, tools: ReadonlyArray<string>): Answered =>
  refused(
    `There is no tool "${Untrusted.visible(name.slice(0, 100))}" for you. Your tools: ${tools.slice(0, mostNamed).join(", ")}${tools.length > mostNamed ? ` and ${tools.length - mostNamed} more` : ""}.`
  )

/** Those that wait to be loaded are many, and are searched for. */
const inPrompt = (offered: ReadonlyArray<Tool.Any>): ReadonlyArray<string> =>
  offered.flatMap((tool) => (ToolLoading.isDeferred(tool) ? [] : [tool.name]))

const answer = (call: ModelTurn.ToolCall, toolkit: Bench["toolkit"]) =>
  Effect.gen(function* () {
    // `handle` decodes the arguments itself; a tool of this toolkit returns what went wrong as its result.
    const results = yield* toolkit.handle(call.name, call.params as never, call.id, { errors: "all" })
    const last = (yield* Stream.runCollect(results)).findLast(({ preliminary }) => !preliminary)
    return last === undefined
      ? refused(`The tool ${call.name} ended without a result.`)
      : told(last.encodedResult, !last.isFailure)
  }).pipe(
    // What is left are failures of encoding and the like: the model is told, the run goes on.
    Effect.catch((error: unknown) => Effect.succeed(refused(String(error).slice(0, 1_000))))
  ) as Effect.Effect<Answered, never, Harness.Workplace>

/** A result or a failure as the sentence that it is, and not as the JSON that it is stored in. */
const told = (encoded: unknown, ok: boolean): Answered => {
  if (Predicate.isString(encoded)) return { ok, isData: true, text: encoded }
  if (Predicate.hasProperty(encoded, "message") && Predicate.isString(encoded.message)) {
    return { ok, isData: true, text: encoded.message }
  }
  const reason = Predicate.hasProperty(encoded, "reason") ? encoded.reason : undefined
  const why = Predicate.hasProperty(reason, "description") ? String(reason.description).slice(0, 1_000) : "no result"
  return refused(
    `Not run: the arguments are not what the tool takes. ${why}. Look at its parameters and call it again.`
  )
}
