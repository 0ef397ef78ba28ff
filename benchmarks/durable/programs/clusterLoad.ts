/** Starts lines from a client and awaits them: the same load and answer as the peers' programs. */
import * as Line from "@millwright/core/Line"
import * as Effect from "effect/Effect"
import * as Factory from "./Factory.ts"
import * as Fleet from "./Fleet.ts"

interface Load {
  readonly lines: number
  readonly stages: number
  readonly concurrency: number
}

interface Request extends Load {
  readonly url: string
  readonly warm: { readonly lines: number; readonly stages: number }
}

export const main = async ({ url, warm, ...load }: Request): Promise<void> => {
  const pass = (name: string, { concurrency, lines, stages }: Load) =>
    Factory.each(lines, concurrency, (number) =>
      Effect.gen(function* () {
        const item = Factory.item(`${name}-${number}`)
        const status = yield* Line.settled(yield* Fleet.Steps.start({ item, stages, millis: 0 }))
        if (status._tag !== "Finished" || status.result !== (stages * (stages - 1)) / 2) {
          return yield* Effect.die(new Error(`A line of ${stages} stages is ${JSON.stringify(status)}`))
        }
      })
    )
  const program = Effect.gen(function* () {
    yield* pass("warm", { ...warm, concurrency: warm.lines })
    const start = performance.now()
    yield* pass("line", load)
    Factory.say({ ms: performance.now() - start })
  })
  await Effect.runPromise(Effect.provide(program, Fleet.client(url)))
}
