/** A runner of the cluster. Says when it is one, and then runs lines until it is ended. */
import * as Effect from "effect/Effect"
import * as Factory from "./Factory.ts"
import * as Fleet from "./Fleet.ts"

export const main = ({ port, url }: { readonly url: string; readonly port: number }): Promise<never> =>
  Effect.runPromise(
    Effect.andThen(
      Effect.sync(() => Factory.say({ ready: true })),
      Effect.never
    ).pipe(Effect.provide(Fleet.runner(url, port)))
  )
