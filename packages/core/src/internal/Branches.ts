/** Parts of a line that run side by side, and when they are enough. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as Durable from "../Durable.ts"
import * as Journal from "../Journal.ts"
import * as Run from "../Run.ts"
import { LineError } from "./LineError.ts"

/** Branches by name. */
export type Branches = Readonly<Record<string, Effect.Effect<unknown, unknown, unknown>>>

/**
 * When branches are enough:
 * - `all` (default): when every one has a result. If some failed, the first of them by its place is the error, after all
 *   have ended: an agent's work in flight is never thrown away for the failure of another.
 * - `settled`: when every one has ended, well or not.
 * - `first`: when one has a result. The others are stopped.
 * - a number: when so many have a result. The others are stopped.
 */
export type Join = "all" | "settled" | "first" | number

/** What branches give under a join policy. */
export type Joined<B extends Branches, J extends Join> = J extends "all"
  ? { readonly [K in keyof B]: Effect.Success<B[K]> }
  : J extends "settled"
    ? { readonly [K in keyof B]: Result.Result<Effect.Success<B[K]>, Effect.Error<B[K]>> }
    : J extends "first"
      ? { readonly [K in keyof B]: { readonly branch: K; readonly value: Effect.Success<B[K]> } }[keyof B]
      : { readonly [K in keyof B]?: Effect.Success<B[K]> }

/**
 * Runs branches side by side. The steps of each have keys of their own, so branches may use the same names. Which ones
 * were enough is a fact: a replay takes the same way, whatever is faster then.
 */
export const parallel = <const B extends Branches, J extends Join = "all">(
  name: string,
  branches: B,
  options?: { readonly join?: J; readonly concurrency?: number }
): Effect.Effect<
  Joined<B, J>,
  J extends "settled" ? never : Effect.Error<B[keyof B]>,
  Effect.Services<B[keyof B]> | Journal.Journal
> =>
  Effect.gen(function* () {
    const standing = Option.getOrUndefined(yield* Run.betweenStages)
    const join: Join = options?.join ?? "all"
    const part = standing === undefined ? undefined : { run: standing, key: standing.next(name) }
    const enough = part === undefined ? undefined : (yield* Effect.orDie(part.run.life.past)).joined.get(part.key)
    const names = enough ?? Object.keys(branches)
    if (part !== undefined && enough !== undefined) yield* retrace(branches, enough, part)
    const exits = yield* race(
      names.map((branch) => {
        const effect = branches[branch] ?? Effect.die(branchGone(part, branch))
        return [
          branch,
          part === undefined
            ? effect
            : Effect.provideService(effect, Run.Run, Run.branch(part.run, `${part.key}/${branch}`))
        ]
      }),
      { wanted: countOf(join, names.length), concurrency: options?.concurrency ?? names.length, part }
    )
    return yield* conclude(exits, join)
  }) as never // the types of the branches are spelt out in the signature

const branchGone = (part: Part | undefined, branch: string) =>
  new LineError({
    reason: "CodeChanged",
    message:
      `The code of the line ${part?.run.line} has no branch "${branch}" in "${part?.key}" any more, whose result the run ` +
      `"${part?.run.id}" went on with. Put the branch back, or go back with rewind to before its first stage.`
  })

/** Comes once more by what stopped branches finished, one after another: it has to be undone when the line fails. */
const retrace = (branches: Branches, enough: ReadonlyArray<string>, { key, run }: Part) =>
  Effect.gen(function* () {
    const { finished } = yield* Effect.orDie(run.life.past)
    for (const [name, effect] of Object.entries(branches)) {
      const branch = `${key}/${name}`
      const retraced = new Set([...finished].filter((stage) => stage.startsWith(`${branch}/`)))
      if (enough.includes(name) || retraced.size === 0) continue
      for (const stage of retraced) run.retraced?.delete(stage)
      const stopped = Effect.provideService(effect, Run.Run, { ...Run.branch(run, branch), retraced })
      yield* Fiber.await(yield* Effect.forkChild(stopped))
    }
  })

const countOf = (join: Join, all: number): number =>
  join === "all" || join === "settled" ? Infinity : Math.min(join === "first" ? 1 : Math.max(0, join), all)

type Exits = ReadonlyMap<string, Exit.Exit<unknown, unknown>>

interface Racing {
  /** So many results stop the others. */
  readonly wanted: number
  readonly concurrency: number
  readonly part: Part | undefined
}

/** The join, by its key among the steps of its run. */
interface Part {
  readonly run: Run.Run["Service"]
  readonly key: string
}

const race = (
  branches: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown, unknown>]>,
  { concurrency, part, wanted }: Racing
) =>
  Effect.gen(function* () {
    const exits = new Map<string, Exit.Exit<unknown, unknown>>()
    const isEnough = yield* Deferred.make<void>()
    const permits = yield* Semaphore.make(Math.max(1, concurrency))
    const results = () => [...exits].filter(([, exit]) => Exit.isSuccess(exit)).map(([name]) => name)
    const fibers = new Map<string, Fiber.Fiber<void>>()
    for (const [name, effect] of branches) {
      // A branch that waits for its turn does not work yet.
      const working = Effect.suspend(() => {
        part?.run.life.work()
        return Effect.ensuring(
          effect,
          Effect.sync(() => part?.run.life.rest())
        )
      })
      const done = Effect.onExit(permits.withPermit(working), (exit) => {
        exits.set(name, exit)
        return results().length >= wanted ? Deferred.succeed(isEnough, undefined) : Effect.void
      })
      fibers.set(name, yield* Effect.forkChild(Effect.ignoreCause(done), { startImmediately: true }))
    }
    const all = Effect.forEach(fibers.values(), Fiber.await, { concurrency: "unbounded", discard: true })
    const enough = wanted === 0 ? Effect.void : Effect.raceFirst(Effect.asVoid(all), Deferred.await(isEnough))
    part?.run.life.rest()
    yield* Effect.ensuring(
      enough,
      Effect.sync(() => part?.run.life.work())
    )
    const ready = results()
    if (wanted !== Infinity && ready.length >= wanted) {
      // By place, and no more than were wanted: a replay knows of those alone.
      const enough = branches.flatMap(([name]) => (ready.includes(name) ? [name] : [])).slice(0, wanted)
      const open = [...(part?.run.life.open ?? [])]
      // Before it is written down: a gate that is just being opened is a fact by then, and is closed with the others.
      yield* Fiber.interruptAll(fibers.values())
      if (part !== undefined) yield* record(part, enough, open)
      return new Map(enough.map((name) => [name, exits.get(name) ?? Exit.void]))
    }
    if ([...exits.values()].some(isStopped)) {
      // A branch waits for something that is not there yet; all the others have done what they can.
      return yield* part === undefined || part.run.retraced !== undefined
        ? Effect.interrupt
        : Effect.provideContext(Durable.suspend, part.run.execution)
    }
    // By place: a replay may come to them in another order.
    return new Map(branches.flatMap(([name]) => [[name, exits.get(name) ?? Exit.interrupt()] as const]))
  })

const isStopped = (exit: Exit.Exit<unknown, unknown>) => Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)

/** Writes down which branches were enough. `open` are the stages that the run was in when the others were stopped. */
const record = ({ key, run }: Part, enough: ReadonlyArray<string>, open: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const past = yield* run.life.past
    const isOther = (step: string) => Run.isOther({ key, enough }, step)
    const dropped = open.filter(isOther)
    const gates = [...new Set([...past.gates, ...run.life.gates])].filter((id) => isOther(id.slice(run.id.length + 1)))
    const once = yield* Run.key(run, `${key}/joined`)
    yield* Effect.orDie(Journal.record({ _tag: "BranchesJoined", key, enough: [...enough], dropped, gates }, once))
    // One of the others may have stopped to wait, which is no longer what the run does.
    const instance = yield* Effect.provideContext(Durable.WorkflowEngine.WorkflowInstance, run.execution)
    instance.suspended = false
  }).pipe(Effect.orDie)

const conclude = (exits: Exits, join: Join): Effect.Effect<unknown, unknown> => {
  if (join === "settled") {
    return Effect.gen(function* () {
      const results: Record<string, Result.Result<unknown, unknown>> = {}
      for (const [name, exit] of exits) results[name] = yield* Effect.result(exit)
      return results
    })
  }
  const successes = [...exits].filter(([, exit]) => Exit.isSuccess(exit))
  const isEnough = successes.length >= Math.min(countOf(join, exits.size), exits.size)
  return Effect.gen(function* () {
    const values: Record<string, unknown> = {}
    for (const [name, exit] of isEnough ? successes : exits) {
      const value = yield* exit
      if (join === "first") return { branch: name, value }
      values[name] = value
    }
    return values
  })
}
