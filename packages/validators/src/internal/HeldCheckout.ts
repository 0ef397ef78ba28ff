/** A checkout that is opened when it is first asked for, and can be exchanged for a new one. */
import type * as Validator from "@millwright/core/Validator"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Checkout from "../Checkout.ts"

/** One at a time. */
export interface Held {
  readonly get: Effect.Effect<Checkout.Checkout, Validator.ValidatorError | Checkout.NotPrepared>
  /** What is not as the commit has it; nothing where none is open. */
  readonly changed: Effect.Effect<ReadonlyArray<string>, Validator.ValidatorError>
  /** Closes the one that is open: the next that is asked for is new. */
  readonly renew: Effect.Effect<void>
}

/** Holds it as long as the scope. One that could not be prepared is not tried again: it would not be another time. */
export const make = Effect.fnUntraced(function* (options: Checkout.Options) {
  const services = yield* Effect.context<Checkout.Services>()
  const scope = yield* Effect.scope
  let open: { readonly checkout: Checkout.Checkout; readonly scope: Scope.Closeable } | undefined
  let unprepared: Checkout.NotPrepared | undefined

  // Whoever asks while it is opened waits for the same.
  const turn = yield* Semaphore.make(1)
  const get = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      if (open !== undefined) return open.checkout
      if (unprepared !== undefined) return yield* unprepared
      const own = yield* Scope.fork(scope)
      const checkout = yield* restore(Scope.provide(Checkout.open(options), own)).pipe(
        Effect.onError((cause) => Scope.close(own, Exit.failCause(cause))),
        Effect.tapError((error) =>
          Effect.sync(() => (error._tag === "NotPrepared" ? void (unprepared = error) : undefined))
        )
      )
      open = { checkout, scope: own }
      return checkout
    })
  ).pipe(Semaphore.withPermit(turn), Effect.provide(services))

  const held: Held = {
    get,
    changed: Effect.suspend(() => open?.checkout.changed ?? Effect.succeed([])),
    renew: Effect.suspend(() => {
      const closing = open?.scope
      open = undefined
      return closing === undefined ? Effect.void : Scope.close(closing, Exit.void)
    })
  }
  return held
})
