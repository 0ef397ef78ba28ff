/** The signals with which this process is asked to end. */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"

const asked = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** One of them. */
export type Signal = (typeof asked)[number]

/** The signals that come from now on. */
export interface Signals {
  /** The first that comes, or came. */
  readonly first: Effect.Effect<Signal>
  /** Does this for each until the scope closes. */
  readonly each: (work: (signal: Signal) => Effect.Effect<void>) => Effect.Effect<void, never, Scope.Scope>
}

/** Listens. A signal ends this process no longer by itself. */
export const listen = (): Signals => {
  const came: Array<Signal> = []
  const listeners = new Set<(signal: Signal) => void>()
  for (const signal of asked) {
    process.on(signal, () => {
      came.push(signal)
      for (const listener of listeners) listener(signal)
    })
  }
  const listening = (listener: (signal: Signal) => void): (() => void) => {
    for (const signal of came) listener(signal)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  return {
    first: Effect.callback((resume) => {
      const stop = listening((signal) => resume(Effect.succeed(signal)))
      return Effect.sync(stop)
    }),
    each: (work) =>
      Effect.gen(function* () {
        const scope = yield* Scope.Scope
        const fork = Effect.runForkWith(yield* Effect.context<never>())
        const stop = listening((signal) => void fork(work(signal)))
        yield* Scope.addFinalizer(scope, Effect.sync(stop))
      })
  }
}
