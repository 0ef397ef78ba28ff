/** Runs hooks in order: each within its time, each with what the one before it made, and the first veto wins. */
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Tainted from "@millwright/core/Tainted"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Hook from "../Hook.ts"
import * as Deadline from "../loop/Deadline.ts"
import * as Untrusted from "../Untrusted.ts"

/** A hook as far as it has to be known to be run. */
type Named = Pick<Hook.Hook<never, unknown>, "name" | "time">

/** What every hook needs around it. */
export type Needs = Journal.Journal | Hook.Workplace

/** What a chain of hooks came to: something, or a veto. */
export type Came<A> =
  | { readonly _tag: "On"; readonly value: A }
  | { readonly _tag: "Vetoed"; readonly hook: string; readonly reason: string | Tainted.Tainted }

/** What is to be done at one point. */
export interface Chain<H, A, B> {
  readonly point: Exclude<Hook.Point, "end">
  readonly role: string
  /** Asks a hook; `undefined`: it has nothing to say here. */
  readonly ask: (hook: H) => ((value: A) => Effect.Effect<Hook.Answer<B>, unknown, Hook.Workplace>) | undefined
  /** Takes what it made. On failure why it can not be taken. */
  readonly take: (value: A, made: B) => Effect.Effect<A, string>
  /** What is digested of what it made, as JSON. Default: what it made. */
  readonly told?: (value: A) => Effect.Effect<unknown, string>
  /** The call of a tool that it is about. */
  readonly call?: string
}

/** Runs the hooks of a point. */
export const chain = <H extends Named, A, B>(
  hooks: ReadonlyArray<H>,
  first: A,
  { ask, call, point, role, take, told }: Chain<H, A, B>
): Effect.Effect<Came<A>, Hook.HookError | Journal.JournalError, Needs> =>
  Effect.gen(function* () {
    let value = first
    for (const hook of hooks) {
      const asked = ask(hook)
      if (asked === undefined) continue
      const at = { point, role, hook }
      const given = value
      const answered = yield* timed(at, () => asked(given))
      const answer = yield* Effect.try({
        try: () => read(answered),
        catch: () => failed(at, "Failed", "answered what can not be looked at")
      })
      const acted = (did: "veto" | "transform", what: unknown) =>
        Journal.record({
          _tag: "HookActed",
          hook: hook.name,
          point,
          did,
          digest: Digest.ofJson(plain(what)),
          ...(call !== undefined && { call })
        })
      if (answer?._tag === "Veto") {
        yield* acted("veto", answer.reason)
        return { _tag: "Vetoed", hook: hook.name, reason: answer.reason }
      }
      if (answer?._tag === "Transform") {
        const { to } = answer
        const made = yield* Effect.suspend(() => take(given, to)).pipe(
          Effect.flatMap((made) => Effect.map(told?.(made) ?? Effect.succeed<unknown>(to), (told) => ({ made, told }))),
          Effect.catchDefect(() => Effect.fail("it can not be looked at")),
          Effect.mapError((why) => failed(at, "BadTransform", `made what can not be taken: ${why}`))
        )
        value = made.made
        yield* acted("transform", made.told)
      } else if (answer === undefined) {
        return yield* failed(at, "Failed", "answered what is no answer; give Hook.pass, Hook.veto or Hook.transform")
      }
    }
    return { _tag: "On", value }
  })

/** Where a hook is run. */
export interface At {
  readonly point: Hook.Point
  readonly role: string
  readonly hook: Named
}

/** Runs a hook within its time. What it throws is its failure. */
export const timed = <A>(
  at: At,
  run: () => Effect.Effect<A, unknown, Hook.Workplace>
): Effect.Effect<A, Hook.HookError, Hook.Workplace> =>
  Effect.gen(function* () {
    const time = Duration.fromInput(at.hook.time ?? "30 seconds")
    if (Option.isNone(time) || !Duration.isFinite(time.value)) {
      return yield* failed(at, "Failed", "has a time that is no duration, or has no end")
    }
    const end = yield* Deadline.within(Effect.orDie(Effect.suspend(run)), Duration.toMillis(time.value))
    if (end._tag === "Done") return end.value
    if (end._tag === "Late") {
      const left = end.isLeft ? ", and goes on: it does not stop when it is told to" : ""
      return yield* failed(at, "TimedOut", `took longer than ${Duration.format(time.value)}${left}`)
    }
    return yield* failed(at, "Failed", `failed: ${saidBy(end.cause).slice(0, 1_000)}`)
  })

const saidBy = (cause: Cause.Cause<never>): string => {
  try {
    return Fault.record(Cause.squash(cause)).message
  } catch {
    return "what it threw can not be looked at"
  }
}

const failed = ({ hook, point, role }: At, reason: Hook.HookError["reason"], what: string): Hook.HookError =>
  new Hook.HookError({
    reason,
    message: `The hook ${Untrusted.word(hook.name)} of the role ${Untrusted.word(role)}, at its point ${point}, ${what}. Mend it, or leave it out.`
  })

/** What a hook says, looked at once: it may come from a program without types. `undefined`: that is no answer. */
const read = <B>(answer: Hook.Answer<B>): Hook.Answer<B> | undefined => {
  if (!Predicate.isObject(answer)) return undefined
  if (answer._tag === "Pass") return Hook.pass
  if (answer._tag === "Transform") return Predicate.hasProperty(answer, "to") ? Hook.transform(answer.to) : undefined
  if (answer._tag !== "Veto") return undefined
  const { reason } = answer
  return Predicate.isString(reason) || reason instanceof Tainted.Tainted ? Hook.veto(reason) : undefined
}

/** A text for an agent. From outside, it is data. */
export const shown = (text: string | Tainted.Tainted): string =>
  Predicate.isString(text) ? text : Untrusted.block(text)

/** What is digested: a tainted text by its content. */
const plain = (what: unknown): unknown =>
  what instanceof Tainted.Tainted ? Tainted.digest(what) : Array.isArray(what) ? what.map(plain) : what
