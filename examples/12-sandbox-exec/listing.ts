/** The adapters, what each supports, and whether it can be used here. */
import * as Sandbox from "@millwright/sandbox/Sandbox"
import type { Supports } from "@millwright/sandbox/Supports"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import * as Adapters from "./adapters.ts"

/** An adapter as it is listed. */
export interface Listed {
  readonly adapter: string
  readonly isAvailable: boolean
  /** Why it can not be used. */
  readonly why: string | undefined
  readonly supports: Supports | undefined
}

/** Looks at adapters. Those of this machine that work in an empty folder are opened once. */
export const of = (adapters: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Listed>, never, Sandbox.Services> =>
  Effect.forEach(adapters, look)

const look = Effect.fnUntraced(function* (adapter: string) {
  let supports: Supports | undefined
  const tried = Effect.gen(function* () {
    const layer = yield* Effect.tryPromise({ try: () => Adapters.load(adapter), catch: (error) => error })
    const sandbox = Context.get(yield* Layer.build(layer), Sandbox.Sandbox)
    supports = sandbox.supports
    if (supports.isolation === "remote" || !supports.workspaces.includes("Empty")) return
    const spec = { id: `list-${randomUUID()}`, workspace: { _tag: "Empty" } } as const
    yield* Effect.andThen(Effect.scoped(sandbox.open(spec)), sandbox.discard(spec))
  })
  const why = yield* Effect.match(Effect.scoped(tried), {
    onSuccess: () => undefined,
    onFailure: (error) => (error instanceof Error ? error.message : String(error))
  })
  return { adapter, isAvailable: why === undefined, why, supports }
})

/** The list for people. */
export const text = (listed: ReadonlyArray<Listed>): string =>
  listed
    .map(({ adapter, supports, why }) => `${adapter}: ${why ?? "can be used here"}\n${described(supports)}`)
    .join("")

const described = (supports: Supports | undefined): string =>
  supports === undefined
    ? ""
    : Object.entries(supports)
        .map(([name, value]) => `    ${name}: ${Array.isArray(value) ? value.join(", ") || "none" : String(value)}\n`)
        .join("")
