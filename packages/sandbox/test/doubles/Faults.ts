/** What every remote adapter does when its provider fails, tried on its double. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import * as Sandbox from "../../src/Sandbox.ts"
import { randomUUID } from "node:crypto"
import type { SandboxSpec } from "../../src/SandboxSpec.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import type { Double } from "./Double.ts"

/** How an adapter is tried. */
export interface Options {
  readonly name: string
  readonly double: Double
  readonly key: string
  /** The adapter with a key, and with the patience of an answer in milliseconds. */
  readonly layer: (key: string, patience: number) => Layer.Layer<Sandbox.Sandbox, Sandbox.SandboxError>
  /** Parts of the requests that make a machine, look for it, and run a command on it. */
  readonly requests: { readonly create: string; readonly find: string; readonly run: string }
}

const empty = (): SandboxSpec => ({ id: `f-${randomUUID()}`, workspace: { _tag: "Empty" } })
const open = (spec: SandboxSpec = empty()) => Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.open(spec))

/** Registers the tests. */
export const suite = ({ double, key, layer, name, requests }: Options): void => {
  const test = <E>(
    what: string,
    body: Effect.Effect<void, E, Sandbox.Sandbox>,
    { patience = 20_000, with: other = key }: { readonly patience?: number; readonly with?: string } = {}
  ) =>
    it.live(what, () => body.pipe(Effect.provide(layer(other, patience)), Effect.ensuring(double.faults([]))), 60_000)
  const failsWith = (reason: Sandbox.SandboxError["reason"], spec?: SandboxSpec) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(open(spec)))
      assert.strictEqual(error.reason, reason, error.message)
      assert.notInclude(`${error.message} ${JSON.stringify(error)}`, key, "an error should not hold the key")
      return error
    })

  describe(`${name}: faults of the provider`, () => {
    test("a key that it does not know is Unauthorized, and is not told", failsWithKey(failsWith), {
      with: `${key.slice(0, -4)}0000`
    })

    for (const [what, how] of [
      ["429 with Retry-After", { status: 429, headers: { "retry-after": "0" } }],
      ["500", { status: 500 }]
    ] as const) {
      test(
        `${what}, again and again, is ProviderFailed, and may be tried again`,
        Effect.gen(function* () {
          yield* double.faults([{ on: requests.find, times: 1_000, how }])
          const error = yield* failsWith("ProviderFailed")
          assert.isTrue(error.isRetryable, "it should be retryable")
        })
      )
      test(
        `${what}, once, is not noticed`,
        Effect.gen(function* () {
          yield* double.faults([
            { on: requests.find, times: 1, how },
            { on: requests.run, times: 1, how }
          ])
          yield* Effect.scoped(open())
        })
      )
    }

    test(
      "a provider that does not answer is ProviderFailed after the patience",
      Effect.gen(function* () {
        yield* double.faults([{ on: requests.find, times: 1_000, how: "hang" }])
        yield* failsWith("ProviderFailed")
      }),
      { patience: 300 }
    )

    test(
      "a machine whose making was not answered is used, and is the only one",
      Effect.gen(function* () {
        const spec = empty()
        const before = (yield* double.machines).length
        yield* double.faults([{ on: requests.create, times: 1, how: "lose" }])
        yield* Effect.scoped(open(spec))
        yield* Effect.scoped(open(spec))
        assert.strictEqual((yield* double.machines).length, before + 1, "one machine should have been made")
        yield* Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.discard(spec))
        assert.strictEqual((yield* double.machines).length, before, "it should be gone when it is discarded")
      })
    )

    test(
      "an opening that fails leaves no machine",
      Effect.gen(function* () {
        const before = (yield* double.machines).length
        yield* double.faults([{ on: requests.run, times: 1_000, how: { status: 500 } }])
        yield* failsWith("ProviderFailed")
        assert.strictEqual((yield* double.machines).length, before, "the machine should be removed again")
      })
    )

    for (const how of ["drop", "cut", "lose"] as const) {
      test(
        `a connection that breaks (${how}) in the middle of a command loses nothing`,
        Effect.scoped(
          Effect.gen(function* () {
            const { services } = yield* open()
            const text = yield* Effect.gen(function* () {
              const spawner = yield* ChildProcessSpawner
              const handle = yield* spawner.spawn(
                Fixture.script("for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.1; done; cat", {
                  stdin: Stream.make(new TextEncoder().encode("input\n"))
                })
              )
              yield* double.faults([{ on: requests.run, times: 2, how }])
              const text = yield* Stream.mkString(Stream.decodeText(handle.stdout))
              assert.strictEqual(yield* handle.exitCode, 0)
              return text
            }).pipe(Effect.scoped, Effect.provideContext(services))
            const lines = [...Array.from({ length: 8 }, (_, index) => `line ${index + 1}`), "input", ""]
            assert.strictEqual(text, lines.join("\n"), "all output should arrive, and once")
          })
        )
      )
    }

    test(
      "a connection that stays broken fails the command with the reason, and is no exit code",
      Effect.scoped(
        Effect.gen(function* () {
          const { services } = yield* open()
          yield* Effect.gen(function* () {
            const spawner = yield* ChildProcessSpawner
            const handle = yield* spawner.spawn(Fixture.script("echo first; sleep 100"))
            yield* double.faults([{ on: requests.run, times: 1_000, how: "drop" }])
            const exit = yield* Effect.exit(handle.exitCode)
            assert.isTrue(Exit.isFailure(exit), "there should be no exit code")
            const [error] = Exit.isFailure(exit) ? Array.from(exit.cause.reasons, (reason) => Object(reason).error) : []
            assert.strictEqual(
              error?.reason?.cause?.reason,
              "ProviderFailed",
              "the error should say whose failure it is"
            )
            const output = yield* Effect.exit(Stream.runDrain(handle.stdout))
            assert.isTrue(Exit.isFailure(output), "the output should not look whole")
            yield* double.faults([])
          }).pipe(Effect.scoped, Effect.provideContext(services))
        })
      )
    )

    test(
      "closed, destroyed and discarded: each twice, and nothing is left",
      Effect.gen(function* () {
        const spec = empty()
        const sandbox = yield* Sandbox.Sandbox
        const before = (yield* double.machines).length
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { host } = yield* sandbox.open(spec)
            yield* host.destroy
            yield* host.destroy
          })
        )
        assert.strictEqual((yield* double.machines).length, before, "a destroyed machine should be gone")
        yield* sandbox.discard(spec)
        yield* sandbox.discard(spec)
      })
    )
  })
}

const failsWithKey = (failsWith: (reason: "Unauthorized") => Effect.Effect<unknown, unknown, Sandbox.Sandbox>) =>
  Effect.asVoid(failsWith("Unauthorized"))
