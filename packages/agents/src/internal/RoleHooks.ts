/** The hooks of a role that need nothing of its harness: at its request, at its outcome, and at its end. */
import * as Fault from "@millwright/core/Fault"
import type * as Journal from "@millwright/core/Journal"
import * as Tainted from "@millwright/core/Tainted"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Harness from "../Harness.ts"
import * as Hook from "../Hook.ts"
import * as HookRun from "./HookRun.ts"

/** Whose hooks they are, and what the role answers in. */
export interface RoleHooks<A> {
  readonly role: string
  /** Those of the role, and then those around it. */
  readonly hooks: ReadonlyArray<Hook.Hook<A, unknown>>
  readonly outcome: Schema.Codec<A, unknown>
}

type Failure = Hook.HookError | Journal.JournalError

/** The request with what hooks add to its prompt, and with those of them that its harness has to know of. */
export const asking = <A>(
  { hooks, role }: RoleHooks<A>,
  request: Harness.Request
): Effect.Effect<Harness.Request, Failure, HookRun.Needs> =>
  Effect.gen(function* () {
    const { grants } = request
    const came = yield* HookRun.chain(hooks, request.prompt, {
      point: "request",
      role,
      ask: (hook) => {
        const ask = hook.request?.bind(hook)
        return ask && ((prompt) => ask({ role, grants: [...grants], prompt }))
      },
      take: (prompt, added: Hook.Addition) =>
        Array.isArray(added) && added.every((text) => Predicate.isString(text) || text instanceof Tainted.Tainted)
          ? Effect.succeed([prompt, ...added.map(HookRun.shown)].join("\n\n"))
          : Effect.fail("it has to be a list of texts for the end of the prompt")
    })
    const ofTools = hooks.filter((hook) => Hook.atTools([hook]))
    if (came._tag === "On") {
      return { ...request, prompt: came.value, ...(ofTools.length > 0 && { hooks: ofTools }) }
    }
    return yield* new Hook.HookError({
      reason: "Vetoed",
      message: `The hook ${came.hook} refuses to let the role ${role} begin: ${said(came.reason)}`
    })
  })

/** Text from outside is named in an error, and not quoted. */
const said = (reason: string | Tainted.Tainted): string => `${reason}`.slice(0, 2_000)

/** Outcomes as JSON, and from there as ones of their own. */
const copying = <A>(outcome: Schema.Codec<A, unknown>) => {
  const unfit = (error: Schema.SchemaError) =>
    `it does not fit the outcome of the role: ${error.message.slice(0, 1_000)}`
  const decode = Schema.decodeUnknownEffect(outcome)
  const write = Schema.encodeUnknownEffect(outcome)
  return {
    encode: (value: unknown) => Effect.mapError(write(value), unfit),
    copy: (value: unknown) => Effect.mapError(Effect.flatMap(write(value), decode), unfit)
  }
}

/** What hooks make of an outcome that fits, or why it is not taken, for the agent. */
export const judged = <A>(
  { hooks, outcome, role }: RoleHooks<A>,
  given: A
): Effect.Effect<
  | { readonly _tag: "Taken"; readonly value: A }
  | { readonly _tag: "Refused"; readonly hook: string; readonly why: string },
  Failure,
  HookRun.Needs
> =>
  Effect.gen(function* () {
    if (!hooks.some((hook) => hook.outcome !== undefined)) return { _tag: "Taken", value: given }
    const { copy, encode } = copying(outcome)
    const came = yield* HookRun.chain(hooks, given, {
      point: "outcome",
      role,
      // Each gets one of its own, so that nothing is changed but by what it answers.
      ask: (hook) => {
        const ask = hook.outcome?.bind(hook)
        return ask && ((value) => Effect.flatMap(copy(value), (outcome) => ask({ role, outcome })))
      },
      take: (_, made: unknown) => copy(made),
      told: encode
    })
    return came._tag === "On"
      ? { _tag: "Taken", value: came.value }
      : { _tag: "Refused", hook: came.hook, why: HookRun.shown(came.reason) }
  })

/** What an agent is told of an outcome that is not taken. */
export const goingOn = (why: string): string =>
  `Your outcome was not taken:\n\n${why}\n\nGo on with the task, and call the outcome tool again when that is mended.`

/** The outcome was refused as often as it may be. */
export const exhausted = (role: string, hook: string): Hook.HookError =>
  new Hook.HookError({
    reason: "Vetoed",
    message:
      `The hook ${hook} refused the outcome of the role ${role} ${Hook.mostVetoes + 1} times. ` +
      `Say in its skill what an outcome has to be, give it a larger tier, or look at what the hook asks for.`
  })

/** Shows hooks how it ended. One that fails takes an outcome away, and never the place of an error that was there before. */
export const observed =
  <A>({ hooks, outcome, role }: RoleHooks<A>) =>
  <E, R>(run: Effect.Effect<A, E, R>): Effect.Effect<A, E | Hook.HookError, R | Hook.Workplace> => {
    const looking = hooks.filter((hook) => hook.end !== undefined)
    if (looking.length === 0) return run
    return Effect.onExit(run, (exit) => {
      const fault = Exit.isSuccess(exit) ? undefined : Fault.record(Cause.squash(exit.cause))
      // Each gets one of its own: it looks on.
      const given = Exit.isSuccess(exit) ? copying(outcome).copy(exit.value) : Effect.undefined
      return Effect.gen(function* () {
        const looks = yield* Effect.forEach(looking, (hook) =>
          Effect.result(
            HookRun.timed({ point: "end", role, hook }, () =>
              Effect.flatMap(given, (outcome) => hook.end?.({ role, fault, outcome }) ?? Effect.void)
            )
          )
        )
        const [first, ...others] = looks.filter(Result.isFailure).map(({ failure }) => failure)
        const isThrown = first !== undefined && Exit.isSuccess(exit)
        for (const { message } of isThrown || first === undefined ? others : [first, ...others]) {
          yield* Effect.logWarning(message)
        }
        if (isThrown) return yield* first
      })
    })
  }
