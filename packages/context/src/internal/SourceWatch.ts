/** One source, watched: listed at the start, again when it changed, and when a call raced a change; its last good list is kept. */
import * as Fault from "@millwright/core/Fault"
import * as Redaction from "@millwright/core/Redaction"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { ListedTool } from "../ToolEntry.ts"
import * as ToolListing from "../ToolListing.ts"
import { type Answer, type Listed, type ToolSource, ToolSourceError } from "../ToolSource.ts"
import * as Deadline from "./Deadline.ts"
import * as StrangerText from "./StrangerText.ts"

/** How long is waited, in milliseconds. */
export interface Patience {
  /** For a list. Default 10,000. */
  readonly list?: number
  /** For the answer of a tool. Default 120,000. */
  readonly call?: number
  /** For the silence after a notice of changes. Default 300. */
  readonly quiet?: number
  /** Between two tries to list a source that failed; doubled with each, at most 60 times as long. Default 1,000. */
  readonly retry?: number
}

/** What is known of a source. */
export interface SourceState {
  /** `waiting`: not one list yet. `stale`: the last good list of one that does not answer. `failed`: it never listed. */
  readonly status: "waiting" | "live" | "stale" | "failed"
  /** Why it is stale, or failed. */
  readonly error?: ToolSourceError | undefined
  readonly tools: ReadonlyArray<ListedTool>
  readonly quarantined: ReadonlyArray<ToolListing.Quarantined>
  readonly description: string
  readonly instructions: string
}

/** A source that is watched. */
export interface Watched {
  readonly source: ToolSource
  readonly state: Effect.Effect<SourceState>
  /** The state now, and then each that differs. A slow reader gets the newest, not all. */
  readonly states: Stream.Stream<SourceState>
  /** Calls a tool, within the patience; an answer is at most `maxAnswerBytes`. Lists again before it answers when the source changed meanwhile. */
  readonly call: (name: string, args: Readonly<Record<string, unknown>>) => Effect.Effect<Answer, ToolSourceError>
  /** Lists now. */
  readonly refresh: Effect.Effect<void>
}

/** The largest answer that is taken, in bytes of its texts and images. */
export const maxAnswerBytes = 8 * 1024 * 1024

/** How long a call that ended waits for the list of a source that changed meanwhile, in milliseconds. */
const raceWait = 2_000

/** How long a list is read before others run, in milliseconds. */
const sliceTime = 5

/** The longest pause between two tries, as a multiple of the first. */
const longestPause = 60

/** The longest that a source's list is taken for good without asking, in milliseconds. */
const longestTtl = 24 * 60 * 60 * 1_000

const unlisted: SourceState = { status: "waiting", tools: [], quarantined: [], description: "", instructions: "" }

/** Watches a source until the scope closes. */
export const make = Effect.fnUntraced(function* (
  source: ToolSource,
  patience: Patience
): Effect.fn.Return<Watched, never, Scope.Scope> {
  const { call = 120_000, list = 10_000, quiet = 300, retry = 1_000 } = patience
  const ref = yield* SubscriptionRef.make(unlisted)
  const noticed = Latch.makeUnsafe()
  const asked = Latch.makeUnsafe()
  const closed = Latch.makeUnsafe()
  // How many notices came, and how many of them the newest list knows of.
  let notices = 0
  let known = 0
  let waiting: Array<Deferred.Deferred<void>> = []
  let failures = 0
  let wasEmpty = false
  let isOver = false

  const listed = Effect.gen(function* () {
    const answer = yield* Deadline.within(sound(source, source.list), list)
    return Option.isSome(answer) ? answer.value : yield* late(source, "did not say which tools it has", list)
  })

  /** Lists, and says after how many milliseconds to list again when nothing happens. */
  const listOnce = Effect.gen(function* () {
    const before = SubscriptionRef.getUnsafe(ref)
    const result = yield* Effect.result(listed)
    if (Result.isFailure(result)) return yield* failed(before, result.failure)
    const next = yield* stateOf(result.success)
    if (next.tools.length === 0 && before.tools.length > 0 && !wasEmpty) {
      wasEmpty = true
      yield* set(before, { ...before, status: "stale", error: emptied(source, before.tools.length) })
      return quiet
    }
    wasEmpty = false
    failures = 0
    yield* set(before, next)
    const { ttl } = result.success
    return ttl === undefined || !(ttl > 0) ? Infinity : Math.min(Math.max(ttl, retry), longestTtl)
  })

  const failed = (before: SourceState, error: ToolSourceError) => {
    wasEmpty = false
    const pause = retry * (error.isRetryable ? Math.min(2 ** failures, longestPause) : longestPause)
    failures++
    const status = before.status === "waiting" || before.status === "failed" ? "failed" : "stale"
    return Effect.as(set(before, { ...before, status, error }), pause)
  }

  const set = (before: SourceState, next: SourceState) =>
    isSame(before, next) ? Effect.void : SubscriptionRef.set(ref, next)

  // Until no notice came for a while; but a source that never stops is listed too.
  const silence = Effect.gen(function* () {
    yield* noticed.await
    const end = (yield* Clock.currentTimeMillis) + 10 * quiet
    let before = -1
    while (before !== notices && (yield* Clock.currentTimeMillis) < end) {
      before = notices
      yield* Effect.sleep(quiet)
    }
  })

  const round = Effect.gen(function* () {
    noticed.closeUnsafe()
    asked.closeUnsafe()
    const from = notices
    const waiters = waiting
    waiting = []
    const pause = yield* listOnce
    known = from
    for (const each of waiters) Deferred.doneUnsafe(each, Effect.void)
    const timer = pause === Infinity ? Effect.never : Effect.sleep(pause)
    // A source that says that it changed, and then fails to list, is not asked more often for it.
    const change = failures === 0 ? silence : Effect.andThen(Effect.sleep(retry), silence)
    yield* Effect.raceFirst(asked.await, Effect.raceFirst(timer, change))
  })

  const notice = Effect.sync(() => {
    notices++
    noticed.openUnsafe()
  })

  const refresh = Effect.suspend(() => {
    const done = Deferred.makeUnsafe<void>()
    waiting.push(done)
    asked.openUnsafe()
    return Effect.raceFirst(Deferred.await(done), closed.await)
  })

  yield* Effect.addFinalizer(() => closed.open)
  const changes = Effect.ignoreCause(Stream.runForEach(source.changes, () => notice))
  yield* Effect.forkScoped(
    Effect.ensuring(
      changes,
      Effect.sync(() => (isOver = true))
    )
  )
  yield* Effect.forkScoped(Effect.forever(round))

  return {
    source,
    state: SubscriptionRef.get(ref),
    states: Stream.buffer(SubscriptionRef.changes(ref), { capacity: 1, strategy: "sliding" }),
    refresh,
    call: (name, args) =>
      Effect.gen(function* () {
        const answering = sound(
          source,
          Effect.suspend(() => source.call(name, args))
        )
        const result = yield* Effect.result(Deadline.within(answering, call))
        // A source that says nothing of changes any more, as a toolkit of this program never does, needs no wait.
        if (!isOver) yield* settled
        if (notices > known) yield* Deadline.within(refresh, raceWait)
        const answer = yield* Effect.fromResult(result)
        if (Option.isNone(answer))
          return yield* late(source, `did not answer a call of ${StrangerText.line(name)}`, call)
        const size = sizeOf(answer.value)
        return size > maxAnswerBytes ? yield* tooLarge(source, name, size) : answer.value
      })
  }
})

/** A notice that the source sent right behind its answer is read after this. It is about what has come, and so no matter of the clock. */
const settled = Effect.callback<void>((resume) => {
  const timer = setTimeout(() => resume(Effect.void), 5)
  return Effect.sync(() => clearTimeout(timer))
})

/** A source that throws, or stops of itself, fails like any other. */
const sound = <A>(source: ToolSource, effect: Effect.Effect<A, ToolSourceError>): Effect.Effect<A, ToolSourceError> =>
  Effect.catchCause(effect, (cause) =>
    Effect.fail(
      Option.getOrElse(Cause.findErrorOption(cause), () => {
        const thrown = StrangerText.line(Redaction.scrub(Fault.record(Cause.squash(cause)).message), 400)
        return new ToolSourceError({
          reason: "Protocol",
          message: `The source ${source.name} broke: ${thrown}. Mend its adapter.`
        })
      })
    )
  )

const late = (source: ToolSource, what: string, milliseconds: number): ToolSourceError =>
  new ToolSourceError({
    reason: "TimedOut",
    message: `The source ${source.name} ${what} within ${milliseconds} ms. Look whether it hangs and has the variables that it needs, or give the index more patience.`
  })

const emptied = (source: ToolSource, before: number): ToolSourceError =>
  new ToolSourceError({
    reason: "Protocol",
    message: `The source ${source.name} had ${before === 1 ? "1 tool" : `${before} tools`} and lists none now. Its last list is kept until it says so again.`
  })

const tooLarge = (source: ToolSource, name: string, size: number): ToolSourceError =>
  new ToolSourceError({
    reason: "TooLarge",
    message:
      `The tool ${StrangerText.line(name)} of the source ${source.name} answered with ${size} bytes, and at most ` +
      `${maxAnswerBytes} are taken. Ask it for less.`
  })

const sizeOf = ({ content }: Answer): number =>
  content.reduce((sum, part) => sum + Buffer.byteLength(part.type === "text" ? part.text : part.data), 0)

const stateOf = Effect.fnUntraced(function* ({ description, instructions, tools }: Listed) {
  const reading = ToolListing.steps(tools)
  let step = reading.next()
  while (step.done !== true) {
    // Others run in between: a long list holds up nobody.
    yield* Effect.yieldNow
    const end = performance.now() + sliceTime
    while (step.done !== true && performance.now() < end) step = reading.next()
  }
  const state: SourceState = {
    ...step.value,
    status: "live",
    description: StrangerText.read(description),
    instructions: StrangerText.read(instructions)
  }
  return state
})

/** Whether a reader sees no difference. */
const isSame = (a: SourceState, b: SourceState): boolean =>
  a.status === b.status &&
  a.error?.message === b.error?.message &&
  a.description === b.description &&
  a.instructions === b.instructions &&
  isSameList(a.quarantined, b.quarantined, (x, y) => x.name === y.name && x.reason === y.reason) &&
  isSameList(a.tools, b.tools, isSameTool)

const isSameList = <A>(a: ReadonlyArray<A>, b: ReadonlyArray<A>, same: (x: A, y: A) => boolean): boolean => {
  if (a === b) return true
  if (a.length !== b.length) return false
  const others = b[Symbol.iterator]()
  return a.every((each) => {
    const other = others.next()
    return other.done !== true && same(each, other.value)
  })
}

/** Whether two tools say the same of themselves, beside their descriptions and schemas. */
export const isSaidAlike = (a: ListedTool, b: ListedTool): boolean =>
  a.name === b.name &&
  a.alwaysLoad === b.alwaysLoad &&
  a.hints.readOnly === b.hints.readOnly &&
  a.hints.destructive === b.hints.destructive &&
  a.hints.idempotent === b.hints.idempotent &&
  a.hints.openWorld === b.hints.openWorld

const isSameTool = (a: ListedTool, b: ListedTool): boolean =>
  isSaidAlike(a, b) && a.description === b.description && Buffer.compare(a.schema, b.schema) === 0
