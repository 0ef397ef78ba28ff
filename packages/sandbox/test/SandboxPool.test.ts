import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import * as WorktreeSandbox from "../src/adapters/WorktreeSandbox.ts"
import * as Sandbox from "../src/Sandbox.ts"
import * as SandboxPool from "../src/SandboxPool.ts"
import type { SandboxSpec } from "../src/SandboxSpec.ts"
import * as Supports from "../src/Supports.ts"
import * as Fixture from "../src/testing/Fixture.ts"

/** An adapter without processes that keeps a book, takes its time, and fails on demand. */
const book = () => {
  const open = new Map<string, "open">()
  const used: Array<string> = []
  const discarded: Array<string> = []
  let opened = 0
  let fail: Sandbox.SandboxError["reason"] | undefined
  let attempts = 0
  const sandbox = Sandbox.make({
    name: "book",
    supports: { ...Supports.none, workspaces: ["Empty", "Folder"] },
    open: Effect.fnUntraced(function* ({ id }) {
      attempts++
      yield* Effect.sleep(10)
      if (fail !== undefined)
        return yield* new Sandbox.SandboxError({ reason: fail, message: `It fails with ${fail}.` })
      if (open.has(id)) return yield* new Sandbox.SandboxError({ reason: "Busy", message: `${id} is open already.` })
      used.push(id)
      opened++
      yield* Effect.acquireRelease(
        Effect.sync(() => open.set(id, "open")),
        () => Effect.sync(() => open.delete(id))
      )
      return { directory: `/${id}`, services: Context.empty() as Context.Context<never> as Sandbox.Opened["services"] }
    }),
    discard: ({ id }) =>
      open.has(id)
        ? Effect.fail(new Sandbox.SandboxError({ reason: "Busy", message: `${id} is open.` }))
        : Effect.sync(() => void discarded.push(id))
  })
  return {
    sandbox,
    open,
    used,
    discarded,
    opened: () => opened,
    attempts: () => attempts,
    fail: (reason: typeof fail) => void (fail = reason)
  }
}

const spec = (index: number): SandboxSpec => ({ id: `pool-${index}`, workspace: { _tag: "Empty" } })
const settle = TestClock.adjust(10)

describe("a pool", () => {
  it.effect("keeps as many ready as it was told, gives each out once, and fills up behind", () =>
    Effect.gen(function* () {
      const { open, sandbox, used } = book()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const pool = yield* SandboxPool.make({ size: 3, concurrency: 3, spec })
          yield* settle
          assert.deepInclude(yield* pool.stats, { ready: 3, opening: 0, taken: 0 })
          const { directory } = yield* Effect.scoped(
            Effect.gen(function* () {
              const taken = yield* pool.take
              assert.deepInclude(yield* pool.stats, { ready: 2, taken: 1 })
              yield* settle
              assert.deepInclude(yield* pool.stats, { ready: 3, taken: 1 }, "it should have been filled up")
              return taken
            })
          )
          assert.isFalse(open.has(directory.slice(1)), "it should be closed with the scope of its user")
          assert.deepInclude(yield* pool.stats, { ready: 3, taken: 0 })
          assert.strictEqual(new Set(used).size, used.length, "none should be used twice")
        })
      ).pipe(Effect.provideService(Sandbox.Sandbox, sandbox))
      assert.strictEqual(open.size, 0, "all should be closed with the pool")
    })
  )

  it.effect("that is empty opens one at once, or lets wait, in the order in which they came", () =>
    Effect.gen(function* () {
      const { sandbox } = book()
      for (const whenEmpty of ["Open", "Wait"] as const) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const pool = yield* SandboxPool.make({
              size: 1,
              concurrency: 1,
              spec: (n) => spec(n + (whenEmpty === "Open" ? 0 : 100)),
              whenEmpty
            })
            const all = yield* Effect.forEach([0, 1, 2], () => Effect.forkScoped(pool.take))
            yield* settle
            if (whenEmpty === "Open") {
              const taken = yield* Effect.forEach(all, (fiber) => Fiber.join(fiber))
              assert.strictEqual(new Set(taken.map(({ directory }) => directory)).size, 3)
              return
            }
            assert.deepInclude(yield* pool.stats, { taken: 1, waiting: 2 })
            yield* Fiber.interrupt(all[1] ?? assert.fail())
            assert.deepInclude(yield* pool.stats, { waiting: 1 })
            yield* settle
            yield* Fiber.join(all[2] ?? assert.fail())
            yield* settle
            assert.deepInclude(yield* pool.stats, { ready: 1, taken: 2, waiting: 0 })
          })
        ).pipe(Effect.provideService(Sandbox.Sandbox, sandbox))
      }
    })
  )

  it.effect("does not spin when the provider fails, says why, and goes on when it does not", () =>
    Effect.gen(function* () {
      const { attempts, fail, sandbox } = book()
      fail("ProviderFailed")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const pool = yield* SandboxPool.make({ size: 2, concurrency: 1, spec })
          yield* TestClock.adjust("1 hour")
          assert.isBelow(attempts(), 75, "in an hour, once a minute in the end")
          const { failure, failures, ready } = yield* pool.stats
          assert.strictEqual(ready, 0)
          assert.strictEqual(failure?.reason, "ProviderFailed")
          assert.isAbove(failures, 50)
          const taking = yield* Effect.forkChild(Effect.exit(Effect.scoped(pool.take)))
          yield* settle
          assert.isTrue(Exit.isFailure(yield* Fiber.join(taking)), "whoever opens one at once is told")
          fail(undefined)
          yield* TestClock.adjust("2 minutes")
          assert.deepInclude(yield* pool.stats, { ready: 2, failures: 0, failure: undefined })
        })
      ).pipe(Effect.provideService(Sandbox.Sandbox, sandbox))
    })
  )

  it.effect("passes over ids that another process has, without waiting", () =>
    Effect.gen(function* () {
      const { open, sandbox } = book()
      for (let index = 0; index < 20; index++) open.set(`pool-${index}`, "open")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const pool = yield* SandboxPool.make({ size: 2, spec })
          yield* settle
          assert.deepInclude(yield* pool.stats, { ready: 2, failures: 0 })
        })
      ).pipe(Effect.provideService(Sandbox.Sandbox, sandbox))
      assert.strictEqual(open.size, 20)
    })
  )

  it.effect("closes what is taken and refuses what comes when it is closed, and takes no folder", () =>
    Effect.gen(function* () {
      const { open, sandbox } = book()
      const scope = yield* Scope.make()
      const pool = yield* SandboxPool.make({ size: 2, spec }).pipe(
        Scope.provide(scope),
        Effect.provideService(Sandbox.Sandbox, sandbox)
      )
      yield* settle
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* pool.take
          yield* Scope.close(scope, Exit.void)
          assert.strictEqual(open.size, 0)
          assert.strictEqual((yield* Effect.flip(pool.take)).reason, "Closed")
        })
      )
      const refused = (options: SandboxPool.Options) =>
        Effect.scoped(Effect.flatMap(SandboxPool.make(options), ({ take }) => take)).pipe(
          Effect.flip,
          Effect.provideService(Sandbox.Sandbox, sandbox)
        )
      for (const size of [0, -1, 1.5, Number.NaN]) {
        assert.strictEqual((yield* refused({ size, spec })).reason, "BadSpec")
      }
      const folder = refused({ size: 1, spec: () => ({ id: "x", workspace: { _tag: "Folder", path: "/tmp" } }) })
      assert.strictEqual((yield* folder).reason, "BadSpec")
    })
  )

  const steps = Schema.Array(
    Schema.Struct({
      act: Schema.Literals(["take", "release", "interrupt", "fail", "mend", "wait"]),
      which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
      after: Schema.Literals([0, 3, 10, 700])
    })
  ).check(Schema.isMaxLength(40))

  it.effect.prop(
    "whatever happens when: none is used by two or twice, and nothing is left",
    [steps, Schema.Literals(["Open", "Wait"]), Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }))],
    ([steps, whenEmpty, size]) =>
      Effect.gen(function* () {
        const { discarded, fail, open, sandbox, used } = book()
        const inUse = new Map<string, number>()
        yield* Effect.scoped(
          Effect.gen(function* () {
            const pool = yield* SandboxPool.make({ size, spec, whenEmpty })
            const users: Array<{ readonly fiber: Fiber.Fiber<unknown, unknown>; readonly scope: Scope.Closeable }> = []
            for (const { act, after, which } of steps) {
              const user = users[which % Math.max(1, users.length)]
              if (act === "take") {
                const scope = yield* Scope.make()
                const use = Effect.gen(function* () {
                  const { directory } = yield* pool.take
                  inUse.set(directory, (inUse.get(directory) ?? 0) + 1)
                  assert.isTrue(open.has(directory.slice(1)), `${directory} should be open when it is given out`)
                })
                users.push({ scope, fiber: yield* Effect.forkChild(Scope.provide(use, scope)) })
              } else if (act === "interrupt" && user !== undefined) yield* Fiber.interrupt(user.fiber)
              else if (act === "release" && user !== undefined) {
                yield* Fiber.interrupt(user.fiber)
                yield* Scope.close(user.scope, Exit.void)
              } else if (act === "fail") fail("ProviderFailed")
              else if (act === "mend") fail(undefined)
              yield* TestClock.adjust(after)
              const { ready } = yield* pool.stats
              assert.isAtMost(ready, size)
            }
            fail(undefined)
            yield* TestClock.adjust("5 minutes")
            assert.deepInclude(
              yield* pool.stats,
              { ready: size, opening: 0, waiting: 0 },
              "in the end it should be full"
            )
            for (const { fiber, scope } of users) {
              yield* Fiber.interrupt(fiber)
              yield* Scope.close(scope, Exit.void)
            }
            assert.deepInclude(yield* pool.stats, { ready: size, taken: 0 })
            assert.strictEqual(open.size, size, "only what is ready should be open")
          })
        ).pipe(Effect.provideService(Sandbox.Sandbox, sandbox))
        assert.strictEqual(open.size, 0)
        assert.isTrue(
          [...inUse.values()].every((count) => count === 1),
          "each should be given out once"
        )
        assert.strictEqual(new Set(used).size, used.length)
        for (const id of used)
          assert.isAtLeast(discarded.filter((one) => one === id).length, 2, `${id} before and after`)
      }),
    60_000
  )

  it.live(
    "of worktrees leaves no workspace, and the commits on their branches",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const fixture = yield* Fixture.repository
          yield* Effect.scoped(
            Effect.gen(function* () {
              const pool = yield* SandboxPool.make({
                size: 2,
                spec: (index) => fixture.spec({ id: `warm-${index}`, branch: `warm/${index}` })
              })
              yield* Effect.scoped(
                Effect.gen(function* () {
                  const { services } = yield* pool.take
                  yield* Effect.provideContext(Fixture.output("git commit -q --allow-empty -m done"), services)
                })
              )
            })
          )
          assert.deepStrictEqual(readdirSync(join(fixture.repository, ".millwright", "worktrees")), [])
          assert.strictEqual(fixture.git("worktree", "list").split("\n").length, 1)
          const subjects = fixture.git("log", "--branches=warm/*", "--format=%s", "-1")
          assert.strictEqual(subjects, "done")
          assert.isTrue(existsSync(fixture.repository))
        })
      ).pipe(Effect.provide(Layer.provide(WorktreeSandbox.layer, NodeServices.layer))),
    60_000
  )
})
