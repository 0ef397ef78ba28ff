/** What the host may do with an open sandbox, as `Sandbox.make` derives it, on an adapter that does nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Sandbox from "../src/Sandbox.ts"
import * as SandboxSpec from "../src/SandboxSpec.ts"
import * as Supports from "../src/Supports.ts"

const asked = SandboxSpec.checkout({ id: "work-1", repository: "/repository", base: "main", branch: "change/1" })

/** Opens a sandbox whose host can do no more than what is given. */
const open = (host: Partial<Sandbox.Infrastructure>) =>
  Sandbox.make({
    name: "nothing",
    supports: { ...Supports.none, workspaces: ["Checkout"] },
    // Nobody asks it for a service.
    open: () =>
      Effect.succeed({ directory: "/", services: Context.empty() as Context.Context<Sandbox.Services>, host }),
    discard: () => Effect.void
  }).open(asked)

const failed = new Sandbox.SandboxError({ reason: "SetupFailed", message: "The folder could not be removed." })
const reason = (effect: Effect.Effect<unknown, Sandbox.SandboxError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

describe("destroy", () => {
  it.effect("is tried again when it failed, and when it was cancelled; done, it is done once", () =>
    Effect.scoped(
      Effect.gen(function* () {
        let count = 0
        const isBegun = yield* Deferred.make<void>()
        const { host } = yield* open({
          destroy: Effect.suspend(() => {
            count++
            if (count === 1) return Effect.fail(failed)
            return count === 2 ? Effect.andThen(Deferred.succeed(isBegun, undefined), Effect.never) : Effect.void
          })
        })
        assert.strictEqual(yield* reason(host.destroy), "SetupFailed")
        assert.strictEqual(yield* reason(host.deliver), "Closed", "what is half removed is not worked on")
        const cancelled = yield* Effect.forkChild(host.destroy)
        yield* Deferred.await(isBegun)
        yield* Fiber.interrupt(cancelled)
        yield* Effect.all([host.destroy, host.destroy], { concurrency: "unbounded" })
        yield* host.destroy
        assert.strictEqual(count, 3)
      })
    )
  )

  it.effect("ends what else is under way, and the end of the sandbox waits for it", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const isBegun = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const isRemoving = yield* Deferred.make<void>()
      const host = yield* Effect.scoped(
        Effect.gen(function* () {
          const { host } = yield* open({
            deliver: Effect.andThen(Deferred.succeed(isBegun, undefined), Effect.never),
            destroy: Effect.gen(function* () {
              yield* Deferred.succeed(isRemoving, undefined)
              yield* Deferred.await(go)
              told.push("removed")
            })
          })
          const delivering = yield* Effect.forkDetach(Effect.exit(host.deliver))
          yield* Deferred.await(isBegun)
          yield* Effect.forkDetach(host.destroy)
          assert.isTrue(Exit.isFailure(yield* Fiber.join(delivering)))
          yield* Deferred.await(isRemoving)
          yield* Effect.forkDetach(Deferred.succeed(go, undefined))
          return host
        })
      )
      told.push("closed")
      assert.deepStrictEqual(told, ["removed", "closed"])
      yield* host.destroy
      assert.strictEqual(yield* reason(host.deliver), "Closed")
    })
  )

  it.effect("that the adapter has not leaves the sandbox as it is, and is Closed when that is", () =>
    Effect.gen(function* () {
      const host = yield* Effect.scoped(
        Effect.gen(function* () {
          const { host } = yield* open({})
          assert.strictEqual(yield* reason(host.destroy), "Unsupported")
          yield* host.deliver
          return host
        })
      )
      assert.strictEqual(yield* reason(host.destroy), "Closed")
    })
  )
})
