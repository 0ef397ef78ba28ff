/** Other files in a checkout, for as long as an effect. */
import * as Validator from "@millwright/core/Validator"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as Checkout from "../Checkout.ts"

/** What stands at a path: its bytes, or nothing. */
export type Files = ReadonlyMap<string, Uint8Array | undefined>

const write = (files: Files) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    for (const [name, bytes] of files) {
      if (bytes === undefined) yield* fs.remove(name, { force: true })
      else {
        yield* fs.makeDirectory(path.dirname(name), { recursive: true })
        yield* fs.writeFile(name, bytes)
      }
    }
  })

/** Lays files over a checkout, and puts back what stood there, also when it is interrupted. */
export const within =
  (checkout: Checkout.Checkout, options: { readonly files: Files; readonly before: Files }) =>
  <A, E, R>(use: Effect.Effect<A, E, R>): Effect.Effect<A, E | Validator.ValidatorError, R> => {
    const laid = (files: Files) =>
      write(files).pipe(
        Effect.provide(checkout.services),
        Effect.mapError(
          (cause) =>
            new Validator.ValidatorError({
              reason: "SubjectUnavailable",
              message: `The checkout of ${checkout.commit.slice(0, 12)} can not be written: ${cause.message}`,
              cause
            })
        )
      )
    return Effect.acquireUseRelease(
      // A half of them is taken back as well.
      Effect.onError(laid(options.files), () => Effect.ignore(laid(options.before))),
      () => use,
      () => Effect.ignore(laid(options.before))
    )
  }
