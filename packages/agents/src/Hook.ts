/**
 * A **hook**: an effect of the house that is run at a named point of a role, and may say no or change what goes on.
 *
 * - Hooks run in order, those of the role first and the outermost last, so whoever stands outside has the last word. The first veto
 *   wins; each sees what the one before it made.
 * - None can widen what a role may do: what it changes is decoded and checked after it, as if the agent had written it.
 * - One that fails, throws, hangs or answers what is no answer ends the role with a {@link HookError} that names it. It is code in
 *   this process all the same: one that never gives the thread back can not be stopped.
 *
 * ```ts
 * import * as Hook from "@millwright/agents/Hook"
 * import * as Effect from "effect/Effect"
 *
 * const noForce = Hook.make("no-force", {
 *   beforeTool: ({ arguments: given, tool }) =>
 *     Effect.succeed(
 *       tool === "bash" && JSON.stringify(given).includes("push --force")
 *         ? Hook.veto("Nothing is pushed by force here. Make a commit on top.")
 *         : Hook.pass
 *     )
 * })
 * ```
 */
import * as Fault from "@millwright/core/Fault"
import type { Tainted } from "@millwright/core/Tainted"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Grant from "./Grant.ts"

/** A hook ended a role. `message` names it and its point. */
export class HookError extends Fault.Class<HookError>()("HookError", {
  /** It refused what the role was asked for, or its outcome more often than an agent is asked again. */
  Vetoed: false,
  /** It failed, threw, or answered what is no answer. */
  Failed: false,
  /** It took longer than it may. */
  TimedOut: false,
  /** What it made can not stand in the place of what was there. */
  BadTransform: false
}) {}

/** Where a hook is run. */
export type Point = "request" | "beforeTool" | "afterTool" | "outcome" | "end"

/** What a hook says. Text that is tainted reaches an agent as data. */
export type Answer<A> =
  | { readonly _tag: "Pass" }
  | { readonly _tag: "Veto"; readonly reason: string | Tainted }
  | { readonly _tag: "Transform"; readonly to: A }

/** It goes on as it is. */
export const pass: Answer<never> = { _tag: "Pass" }

/** It does not go on. Whoever asked reads the reason: at a tool and at the outcome, the agent. */
export const veto = (reason: string | Tainted): Answer<never> => ({ _tag: "Veto", reason })

/** It goes on with this in its place. */
export const transform = <A>(to: A): Answer<A> => ({ _tag: "Transform", to })

/** Texts for the end of a prompt: of the house as they are, from outside in a data block each. */
export type Addition = ReadonlyArray<string | Tainted>

/** A role is about to be asked. `role` is its name; of a sub-agent, here and below, the way to it, `Implement/scout`. */
export interface Asking {
  readonly role: string
  readonly grants: ReadonlyArray<Grant.Grant>
  /** What it is to be asked, with what other hooks have added. */
  readonly prompt: string
}

/** An agent asks for a tool that it has. */
export interface Calling {
  readonly role: string
  /** Its name; of the tool index its id, `server/name`, by whichever way it is called. */
  readonly tool: string
  /** As the model wrote them, not yet decoded. A copy. */
  readonly arguments: unknown
}

/** A tool has answered. */
export interface Called extends Calling {
  readonly ok: boolean
  /** What the agent is to be shown of it. */
  readonly text: Tainted
}

/** An agent has given an outcome that fits its schema. */
export interface Given<Outcome> {
  readonly role: string
  readonly outcome: Outcome
}

/** How a role ended. */
export interface Ended {
  readonly role: string
  /** Why there is no outcome; `undefined` where there is one. */
  readonly fault: Fault.Recorded | undefined
  readonly outcome: unknown
}

/** What a hook may use: the workplace of the role. */
export type Workplace = ChildProcessSpawner | FileSystem.FileSystem | Path.Path

type At<A, B> = (at: A) => Effect.Effect<Answer<B>, unknown, Workplace>

/** The points of a tool call, which a harness has to know of. */
export interface AtTools {
  /** Before a call. The agent reads why not; other arguments are decoded again, and the tool stays the same. */
  readonly beforeTool?: At<Calling, unknown>
  /** After a call: what the agent is shown, as data. A veto shows it the reason in the place of what the tool said. */
  readonly afterTool?: At<Called, string | Tainted>
}

/** What a hook does at which point. It takes outcomes of the type `Taken` and makes others of the type `Made`. */
export interface Points<in Taken = unknown, out Made = never> extends AtTools {
  /** How long it may take, each time. Default: 30 seconds. */
  readonly time?: Duration.Input
  /** Before a role is asked. May only add to its prompt; a veto is a {@link HookError}. */
  readonly request?: At<Asking, Addition>
  /** After an agent gave its outcome. It is told why not, and goes on, {@link mostVetoes} times; another outcome is decoded again. */
  readonly outcome?: At<Given<Taken>, Made>
  /** At the end, whatever it is. It looks on. */
  readonly end?: (ended: Ended) => Effect.Effect<void, unknown, Workplace>
}

/** What is run at the points of a role. */
export interface Hook<in Taken = unknown, out Made = never> extends Points<Taken, Made> {
  /** For facts and errors. */
  readonly name: string
}

/** Makes a hook. */
export const make = <Taken = unknown, Made = never>(name: string, points: Points<Taken, Made>): Hook<Taken, Made> => ({
  ...points,
  name
})

/** How often the hooks of a role refuse its outcome before it ends with `Vetoed`. */
export const mostVetoes = 3

/** A hook for every role: what it makes of an outcome has to fit that role's schema, which is looked at. */
export type Anywhere = Hook<unknown, unknown>

/** The hooks around roles, the innermost first. */
export const Around = Context.Reference<ReadonlyArray<Anywhere>>("@millwright/agents/Hook/Around", {
  defaultValue: () => []
})

/** Puts hooks around every role that runs within. Those around it have the last word. */
export const around =
  (...hooks: ReadonlyArray<Anywhere>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Around, (outer) => Effect.provideService(effect, Around, [...hooks, ...outer]))

/** Those that have a say at the calls of tools. */
export const atTools = (hooks: ReadonlyArray<AtTools>): boolean =>
  hooks.some(({ afterTool, beforeTool }) => afterTool !== undefined || beforeTool !== undefined)
