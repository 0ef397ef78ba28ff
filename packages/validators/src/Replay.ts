/**
 * **Replay** does the steps of recordings again, without a planner and without a model, and says where what came of them was
 * another. A recording that disagrees is named: the app is not the same, or it is not always the same.
 *
 * What was recorded may come from outside. {@link open} refuses what is no recording of this contract, what leads out of the app,
 * and what says another status than its own steps.
 */
import * as Contract from "@millwright/core/Contract"
import * as Fault from "@millwright/core/Fault"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Leaving from "./internal/Leaving.ts"
import * as Scenario from "./internal/Scenario.ts"
import type { Next, Planner } from "./Planner.ts"
import * as Recording from "./Recording.ts"
import * as Step from "./Step.ts"
import type { AppError, Running } from "./TestedApp.ts"
import * as UserTesting from "./UserTesting.ts"

/** A recording can not be replayed. */
export class ReplayError extends Fault.Class<ReplayError>()("ReplayError", {
  /** It is no recording, or too large to be one. */
  NotARecording: false,
  /** It was made against another contract, or of an assertion that this one has not. */
  OtherContract: false,
  /** Its parts contradict each other: somebody changed it. */
  Altered: false,
  /** A step leads out of the app. */
  OutOfApp: false
}) {}

/** What the same step, or the whole, came to instead. */
export const Difference = Schema.TaggedUnion({
  /** Another thing came of a step. `at` counts from 0. */
  Came: { at: Schema.Natural, recorded: Recording.Came, now: Recording.Came },
  /** It ended before its last step: the app is gone, or the surface broke. */
  Shorter: { recorded: Schema.Natural, now: Schema.Natural },
  /** All came the same, and still the judgement is another. */
  Status: {},
  /** It could not be tried: the app did not start, or could not be reset. */
  NotTried: { why: Schema.String }
})
/** What the same step, or the whole, came to instead. */
export type Difference = typeof Difference.Type

/** What a replay came to. */
export interface Replayed {
  readonly assertion: string
  readonly recorded: Recording.Recording["status"]
  /** `undefined`: it could not be tried. */
  readonly now: Recording.Recording["status"] | undefined
  /** How many steps showed something else than they did. That alone is no disagreement: clocks and ids change. */
  readonly otherSights: number
  /** `undefined`: it agrees. */
  readonly difference: Difference | undefined
}

/** What all replays came to. */
export interface Report {
  readonly replayed: ReadonlyArray<Replayed>
  readonly agreed: number
  readonly disagreed: number
}

const largest = 8 * 1024 * 1024

const refuse = (reason: ReplayError["reason"], why: string) =>
  Result.fail(new ReplayError({ reason, message: `The recording can not be replayed: ${why}. Record it again.` }))

const decode = Schema.decodeUnknownResult(Schema.toCodecJson(Recording.Recording), { onExcessProperty: "error" })

/** How many steps something has that may be a recording, before each of them is looked at. */
const lengthOf = (json: unknown): number =>
  typeof json === "object" && json !== null && "taken" in json && Array.isArray(json.taken) ? json.taken.length : 0

const parsed = (content: string): Result.Result<unknown, unknown> =>
  Result.try({ try: () => JSON.parse(content) as unknown, catch: (cause) => cause })

/** What a recording has to be of. */
export interface Of {
  readonly contract: Contract.Contract
  /** The app's and those that it may ask, where steps name them in full. Default: none. */
  readonly origins?: ReadonlyArray<string>
}

/** Reads a recording that was kept, and looks whether it is one of this contract and of nothing but its app. */
export const open = (content: Uint8Array | string, of: Of): Result.Result<Recording.Recording, ReplayError> => {
  if (content.length > largest) return refuse("NotARecording", `it has more than ${largest} bytes`)
  const json = parsed(typeof content === "string" ? content : Buffer.from(content).toString("utf8"))
  if (Result.isFailure(json)) return refuse("NotARecording", "it is no JSON")
  const length = lengthOf(json.success)
  if (length > Recording.mostSteps)
    return refuse("NotARecording", `it has ${length} steps, and ${Recording.mostSteps} at most are done`)
  const decoded = decode(json.success)
  if (Result.isFailure(decoded)) return refuse("NotARecording", decoded.failure.message.slice(0, 500))
  return fitting(decoded.success, of)
}

const fitting = (
  recording: Recording.Recording,
  { contract, origins = [] }: Of
): Result.Result<Recording.Recording, ReplayError> => {
  const { assertion: id, kind, status, taken } = recording
  const assertion = contract.assertions.find((each) => each.id === id)
  if (recording.contract !== contract.digest || !Contract.isIntact(contract) || assertion === undefined) {
    return refuse("OtherContract", `it is of ${id} in a contract that is not this one`)
  }
  if (assertion.kind !== kind)
    return refuse("Altered", `${id} is met at ${assertion.kind ?? "nothing"}, and it at ${kind}`)
  const judged = Recording.judge(recording)
  if (judged.status !== status) return refuse("Altered", `it says ${status}, and its steps come to ${judged.status}`)
  for (const [at, { came, step }] of taken.entries()) {
    // One that was refused for it was tried, and is refused again.
    if (!Step.kindsOf(step).includes(kind) && came._tag !== "Refused")
      return refuse("Altered", `step ${at} is none of ${kind}`)
    if (Leaving.leaves(step, origins) && came._tag !== "Refused")
      return refuse("OutOfApp", `step ${at} leads out of the app`)
    if (came._tag !== "Refused" && (step._tag === "Act") === (came._tag === "Held"))
      return refuse("Altered", `step ${at} can not have come to ${came._tag}`)
  }
  return Result.succeed(recording)
}

/** How recordings are replayed. */
export interface Options<R = never> extends Pick<UserTesting.Options<R>, "apps" | "budget"> {}

/** Replays recordings, one after the other, each in a session of its own. */
export const run = Effect.fnUntraced(function* <R = never>(
  recordings: ReadonlyArray<Recording.Recording>,
  options: Options<R>
) {
  const groups = yield* Effect.forEach(options.apps, (tested) => {
    const own = recordings.filter(({ kind }) => kind === tested.surface.kind)
    return own.length === 0 ? Effect.succeed([]) : group(own, tested, options)
  })
  const kinds = options.apps.map(({ surface }) => surface.kind)
  const others = recordings
    .filter(({ kind }) => !kinds.includes(kind))
    .map((recording) => notTried(recording, `no surface for ${recording.kind} was given`))
  const replayed = [...groups.flat(), ...others]
  const disagreed = replayed.filter(({ difference }) => difference !== undefined).length
  return { replayed, agreed: replayed.length - disagreed, disagreed } satisfies Report
})

const notTried = ({ assertion, status }: Recording.Recording, why: string): Replayed => ({
  assertion,
  recorded: status,
  now: undefined,
  otherSights: 0,
  difference: { _tag: "NotTried", why }
})

const group = <R>(
  recordings: ReadonlyArray<Recording.Recording>,
  { app, surface }: UserTesting.Tested<R>,
  { budget }: Options<R>
) =>
  Effect.gen(function* () {
    const running = yield* app.start
    return yield* Effect.forEach(recordings, (recording) => one(recording, { running, surface, budget }))
  }).pipe(
    Effect.scoped,
    Effect.catch((error: AppError) => Effect.succeed(recordings.map((each) => notTried(each, error.message))))
  )

interface At extends Pick<UserTesting.Tested, "surface"> {
  readonly running: Running
  readonly budget: UserTesting.Budget | undefined
}

const one = (recording: Recording.Recording, { budget, running, surface }: At): Effect.Effect<Replayed> =>
  Effect.gen(function* () {
    const reset = running.reset ?? Effect.void
    const { assertion, kind } = recording
    yield* reset
    const course = yield* Scenario.run({
      surface,
      app: running.app,
      planner: planner(recording),
      brief: { assertion, kind, statement: assertion, address: running.app.address },
      reset,
      // The budget of the recording is what it used.
      budget: { ...UserTesting.budgetOf(budget), steps: recording.taken.length }
    })
    const { status } = Recording.judge(course)
    return {
      assertion,
      recorded: recording.status,
      now: status,
      otherSights: course.taken.filter(({ sight }, at) => sight !== recording.taken[at]?.sight).length,
      difference: difference(recording, { ...course, status })
    }
  }).pipe(Effect.catch(({ message }) => Effect.succeed(notTried(recording, message))))

/** Does the steps of a recording one after the other, and ends where it did; or where a step comes out otherwise, and all after it would too. */
const planner = ({ author, ending, taken }: Recording.Recording): Planner["Service"] => ({
  name: "replay",
  author,
  noSource: true,
  plan: () =>
    Effect.succeed((seen) => {
      const at = seen.taken.findIndex(({ came }, at) => essence(came) !== essence(taken[at]?.came))
      if (at >= 0) return Effect.succeed<Next>({ _tag: "Cannot", why: `step ${at} came out otherwise` })
      const next = taken[seen.taken.length]
      if (next !== undefined) return Effect.succeed<Next>({ _tag: "Do", steps: [next.step] })
      const why = "why" in ending ? ending.why : "the recording is at its end"
      return Effect.succeed<Next>(ending._tag === "Concluded" ? ending : { _tag: "Cannot", why })
    })
})

/** What of two results is compared: what was seen and said may change, with a clock, say. */
const essence = (came: Recording.Came | undefined): unknown =>
  came?._tag === "Held" ? came.holds : came?._tag === "Refused" ? came.reason : came?._tag

const difference = (
  recorded: Recording.Recording,
  now: Recording.Course & Pick<Recording.Recording, "status">
): Difference | undefined => {
  for (const [at, { came }] of recorded.taken.entries()) {
    const again = now.taken[at]?.came
    if (again === undefined) break
    if (essence(again) !== essence(came)) return { _tag: "Came", at, recorded: came, now: again }
  }
  if (now.taken.length !== recorded.taken.length) {
    return { _tag: "Shorter", recorded: recorded.taken.length, now: now.taken.length }
  }
  // That a planner broke is nothing of the app's, and is not to be had again without it.
  const isPlanners = recorded.ending._tag === "Broke" && recorded.ending.by === "planner"
  return recorded.status === now.status || isPlanners ? undefined : { _tag: "Status" }
}
