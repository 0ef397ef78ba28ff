/** The entry module of a plugin: what it exports, looked at before anything of it is used. Loading it runs its code here. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { pathToFileURL } from "node:url"
import * as Grant from "../Grant.ts"
import type * as Hook from "../Hook.ts"
import { PluginError } from "../PluginManifest.ts"
import type * as Role from "../Role.ts"

/** A role whose input and outcome nobody here knows. */
export type AnyRole = Role.Role<string, Schema.Constraint, Schema.Constraint>

/** What an entry module exports. */
export interface PluginEntry {
  readonly roles: ReadonlyArray<AnyRole>
  readonly hooks: ReadonlyArray<Hook.Anywhere>
}

/** Loads a module, within a time. One that never gives the thread back can not be stopped. */
export const load = Effect.fnUntraced(function* (
  plugin: string,
  file: string,
  time: Duration.Input
): Effect.fn.Return<PluginEntry, PluginError> {
  const bad = (what: string) =>
    new PluginError({
      reason: "BadEntry",
      message: `The entry module of the plugin ${plugin} can not be used: ${what}. Ask who wrote it, or go back to a version that works.`
    })
  const found: unknown = yield* Effect.tryPromise({
    try: () => import(pathToFileURL(file).href),
    catch: (error) => bad(`it failed (${saidBy(error)})`)
  }).pipe(
    Effect.timeoutOrElse({
      duration: time,
      orElse: () => Effect.fail(bad(`it was not there after ${Duration.format(Duration.fromInputUnsafe(time))}`))
    })
  )
  const roles = yield* listed(found, "roles", isRole)
  const hooks = yield* listed(found, "hooks", isHook)
  if (roles === undefined || hooks === undefined) {
    return yield* bad(
      "`roles` has to be a list of roles, and `hooks` one of hooks, each with a name of letters and digits"
    )
  }
  return { roles, hooks }
})

const saidBy = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ").slice(0, 500)

const listed = <A>(module: unknown, name: string, is: (value: unknown) => value is A) =>
  // What a module exports may be a getter of somebody else.
  Effect.sync((): ReadonlyArray<A> | undefined => {
    const value = Predicate.hasProperty(module, name) ? module[name] : []
    return Array.isArray(value) && value.every(is) ? [...value] : undefined
  }).pipe(Effect.catchDefect(() => Effect.undefined))

const isName = (value: unknown): boolean => Predicate.isString(value) && /^[A-Za-z][\w-]{0,63}$/.test(value)

const isRole = (value: unknown): value is AnyRole =>
  Predicate.hasProperty(value, "name") &&
  isName(value.name) &&
  Predicate.hasProperty(value, "run") &&
  Predicate.isFunction(value.run) &&
  Predicate.hasProperty(value, "outcome") &&
  Schema.isSchema(value.outcome) &&
  Predicate.hasProperty(value, "grants") &&
  Schema.is(Schema.Array(Grant.Grant))(value.grants)

const points = ["request", "beforeTool", "afterTool", "outcome", "end"]

const isHook = (value: unknown): value is Hook.Anywhere =>
  Predicate.isObject(value) &&
  Predicate.hasProperty(value, "name") &&
  isName(value.name) &&
  points.every((point) => {
    const run: unknown = Reflect.get(value, point)
    return run === undefined || Predicate.isFunction(run)
  })
