/** What helpers of a cell that say nothing make of an opening. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Holder from "../src/internal/Holder.ts"
import * as NetworkDoor from "../src/internal/NetworkDoor.ts"
import * as Room from "../src/internal/Room.ts"
import type { SandboxError } from "../src/Sandbox.ts"

/** A program that says nothing and does not end, whatever it is started with. */
const silent = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = fs.mkdtempSync(join(tmpdir(), "patience-"))
    const program = join(folder, "silent")
    fs.writeFileSync(program, "#!/bin/sh\nexec sleep 300\n", { mode: 0o755 })
    return { folder, program }
  }),
  ({ folder }) => Effect.sync(() => fs.rmSync(folder, { recursive: true }))
)

const givesUp = (
  starting: (program: string) => Effect.Effect<unknown, SandboxError, Scope.Scope | ChildProcessSpawner>
) =>
  Effect.gen(function* () {
    const { program } = yield* silent
    const fiber = yield* Effect.forkChild(Effect.flip(Effect.scoped(starting(program))), { startImmediately: true })
    // It is started by then: nothing is asked of the clock before.
    while (fiber.pollUnsafe() === undefined) {
      yield* TestClock.adjust("10 seconds")
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
    const error = yield* Fiber.join(fiber)
    assert.strictEqual(error.reason, "SetupFailed")
    assert.include(error.message, "10000 ms")
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

describe("a helper that says nothing is given up after ten seconds:", () => {
  it.effect("the one that listens", () => givesUp((program) => NetworkDoor.listen([program], 62_128)))
  it.effect("the one that connects", () => givesUp((program) => NetworkDoor.expose([program], 8_080)))
  it.effect("the holder", () =>
    givesUp((program) =>
      Effect.gen(function* () {
        const programs = { bwrap: program, nsenter: program, unshare: program, prlimit: program }
        const room = Room.bare(Room.toolchain(process.execPath))
        const host = yield* ChildProcessSpawner
        yield* Holder.start(host, { programs, room, overlays: [], network: "own", scratch: 1e6, leaks: [] })
      })
    )
  )
})
