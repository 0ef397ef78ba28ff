import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { createServer } from "node:net"
import * as Ports from "../src/Ports.ts"

/** All of them look at the same numbers in the same order. */
const take = (count: number) =>
  Effect.map(
    Ports.take({ ports: Object.fromEntries(Array.from({ length: count }, (_, index) => [`PORT_${index}`, null])) }),
    (ports) => Object.values(ports)
  ).pipe(Random.withSeed("ports"))

it.live("a port is one sandbox's alone as long as its scope, and passed over when somebody listens on it", () =>
  Effect.gen(function* () {
    const [first] = yield* Effect.scoped(
      Effect.gen(function* () {
        const all = yield* Effect.forEach([1, 2, 3], () => take(5))
        assert.strictEqual(new Set(all.flat()).size, 15, `15 ports should be 15 numbers: ${all.join()}`)
        return all.flat().toSorted((a, b) => a - b)
      })
    )
    const again = yield* Effect.scoped(take(1))
    assert.deepStrictEqual(again, [first], "it should have been given back")
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* Effect.acquireRelease(
          Effect.callback<ReturnType<typeof createServer>>((done) => {
            const server = createServer()
            server.listen(first, "127.0.0.1", () => done(Effect.succeed(server)))
          }),
          (server) => Effect.sync(() => server.close())
        )
        assert.notDeepEqual(yield* take(1), [first], "somebody listens on it")
      })
    )
  })
)
