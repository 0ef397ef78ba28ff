/** The hooks at the calls of tools: before one, and before its answer is shown. */
import type * as Journal from "@millwright/core/Journal"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Harness from "../Harness.ts"
import type * as Hook from "../Hook.ts"
import * as HookRun from "../internal/HookRun.ts"
import * as Truncation from "../tools/Truncation.ts"
import type * as ModelTurn from "./ModelTurn.ts"

/** The hooks of an agent, and whose calls they look at. */
export interface Hooking {
  readonly role: string
  readonly hooks: NonNullable<Harness.Request["hooks"]>
}

/** What a call is of, and the same call with other arguments. */
export interface Target {
  readonly id: string
  readonly arguments: unknown
  readonly with: (given: unknown) => ModelTurn.ToolCall
}

/** A call that is to be made, or what the agent reads in its place. */
export interface Asked {
  readonly call: ModelTurn.ToolCall
  readonly target: Target | undefined
  readonly refusal?: string
}

type Failure = Hook.HookError | Journal.JournalError

/** What was called and what is said of it, as the loop has it. */
interface Said {
  readonly ok: boolean
  readonly text: string
  readonly isData: boolean
}

/** The hooks of a request, where it has some that look at tools. */
export const of = ({ hooks, role }: Harness.Request): Hooking | undefined =>
  hooks === undefined || hooks.length === 0 ? undefined : { role, hooks }

/** Whether a call is made, and with which arguments. One without a target is nobody's tool, and is answered as such. */
export const before = (
  { hooks, role }: Hooking,
  call: ModelTurn.ToolCall,
  target: Target | undefined
): Effect.Effect<Asked, Failure, HookRun.Needs> =>
  Effect.gen(function* () {
    if (target === undefined) return { call, target }
    const came = yield* HookRun.chain(hooks, target.arguments, {
      point: "beforeTool",
      role,
      call: call.id,
      ask: (hook) => {
        const ask = hook.beforeTool?.bind(hook)
        return ask && ((given) => ask({ role, tool: target.id, arguments: structuredClone(given) }))
      },
      take: (_, made: unknown) =>
        Schema.is(Schema.Json)(made) ? Effect.succeed<unknown>(made) : Effect.fail("arguments have to be JSON")
    })
    if (came._tag === "Vetoed") {
      return { call, target, refusal: `Not run: the hook ${came.hook} refuses it. ${HookRun.shown(came.reason)}` }
    }
    const { value } = came
    return value === target.arguments
      ? { call, target }
      : { call: target.with(value), target: { ...target, arguments: value } }
  })

/** What the agent is shown of an answer. What a hook makes of one is data. */
export const after = <A extends Said>(
  { hooks, role }: Hooking,
  { call, target }: Asked,
  said: A
): Effect.Effect<A & { readonly isChanged: boolean }, Failure, HookRun.Needs> =>
  Effect.gen(function* () {
    if (target === undefined) return { ...said, isChanged: false }
    const { id: tool, arguments: given } = target
    const first = { ...said, isChanged: false }
    const came = yield* HookRun.chain(hooks, first, {
      point: "afterTool",
      role,
      call: call.id,
      ask: (hook) => {
        const ask = hook.afterTool?.bind(hook)
        return (
          ask &&
          (({ ok, text }) =>
            ask({ role, tool, arguments: structuredClone(given), ok, text: Tainted.of(`the tool ${tool}`, text) }))
        )
      },
      take: (value, made: string | Tainted.Tainted) => {
        const isTainted = made instanceof Tainted.Tainted
        if (!isTainted && !Predicate.isString(made)) return Effect.fail("what is shown has to be text")
        const text = Truncation.text("index", isTainted ? Tainted.reveal(made, "data-block") : made)
        return Effect.map(Effect.provideService(text, Truncation.Sink, undefined), (text) => ({
          ...value,
          text,
          // It may hold what stood in a data block before, so it is one, whoever wrote it.
          isData: true,
          isChanged: true
        }))
      }
    })
    if (came._tag === "On") return came.value
    // It has run: all that is left to refuse is that it is shown.
    return {
      ...first,
      ok: false,
      text: `It ran, and the hook ${came.hook} does not show what it said. ${HookRun.shown(came.reason)}`,
      isData: false,
      isChanged: true
    }
  })
