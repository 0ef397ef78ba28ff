import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Spawner from "effect/process/ChildProcessSpawner"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Phases from "../src/Phases.ts"
import type { Phase } from "../src/SandboxSpec.ts"
import * as Fixture from "../src/testing/Fixture.ts"

interface Ran {
  readonly folder: string
  readonly warnings: Array<string>
  /** Runs phases in the folder. */
  readonly run: (
    phases: { readonly setup?: ReadonlyArray<Phase>; readonly start?: ReadonlyArray<Phase> },
    isNew?: boolean
  ) => ReturnType<typeof Phases.run>
  /** What the phases have noted down, and where `finish` was. */
  readonly log: () => string
}

const note = (name: string, rest = ""): Phase => ({ name, run: `echo ${name} >> log\n${rest}` })

const test = <E>(name: string, body: (ran: Ran) => Effect.Effect<void, E>) =>
  it.live(name, () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "phases-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      )
      const host = yield* Spawner.ChildProcessSpawner
      const spawner = Spawner.make((command) =>
        host.spawn(
          command._tag === "StandardCommand"
            ? ChildProcess.make(command.command, command.args, { ...command.options, cwd: folder })
            : command
        )
      )
      const warnings: Array<string> = []
      const finish = Effect.orDie(spawner.exitCode(ChildProcess.make("sh", ["-c", "echo finish >> log"])))
      const logger = Logger.make(({ message }) => void warnings.push(String(message)))
      yield* body({
        folder,
        warnings,
        run: (phases, isNew = true) =>
          Effect.provide(Phases.run(phases, { spawner, isNew, finish: Effect.asVoid(finish) }), Logger.layer([logger])),
        log: () => readFileSync(join(folder, "log"), "utf8").trim().replaceAll("\n", " ")
      })
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

test("set-up runs once, before the workspace is finished, and start at each opening after it", ({ log, run }) =>
  Effect.gen(function* () {
    const phases = { setup: [note("a"), note("b")], start: [note("c")] }
    yield* run(phases)
    yield* run(phases, false)
    assert.strictEqual(log(), "a b finish c finish c")
  }))

test("the first fatal one that fails ends it, with its name, its code and what it wrote last", ({ log, run }) =>
  Effect.gen(function* () {
    const loud = note("loud", "head -c 100000 /dev/zero | tr '\\0' x; echo the end; exit 7")
    const error = yield* Effect.flip(run({ setup: [note("a"), loud, note("never")], start: [note("never")] }))
    assert.strictEqual(error.reason, "SetupFailed")
    for (const part of ["loud", "7", "the end"]) assert.include(error.message, part)
    assert.isBelow(error.message.length, 3_000, "the message should not hold all that it wrote")
    assert.strictEqual(log(), "a loud", "nothing should run after it, and the workspace should not be finished")
  }))

test("one that is not fatal is told and passed over", ({ log, run, warnings }) =>
  Effect.gen(function* () {
    yield* run({ setup: [{ ...note("a", "false; echo not reached >> log"), fatal: false }, note("b")] })
    assert.strictEqual(log(), "a b finish")
    assert.include(warnings.join(), "The phase a failed")
  }))

test("one that takes too long is ended, and what it wrote is told", ({ log, run }) =>
  Effect.gen(function* () {
    const slow: Phase = { ...note("slow", "echo so far; sleep 86399"), timeout: 300 }
    const error = yield* Effect.flip(run({ setup: [slow] }))
    assert.include(error.message, "300 ms")
    assert.include(error.message, "so far")
    const silent = yield* Effect.flip(run({ setup: [{ name: "silent", run: "sleep 86399", timeout: 50 }] }))
    assert.include(silent.message, "It wrote nothing.")
    yield* run({ setup: [{ ...slow, fatal: false }, note("b")] })
    assert.strictEqual(log(), "slow slow b finish")
  }))

test("a finish that fails fails it, before anything starts", ({ folder, run }) =>
  Effect.gen(function* () {
    const spawner = yield* Spawner.ChildProcessSpawner
    const finish = Effect.fail(yield* Effect.flip(run({ setup: [note("a", "exit 1")] })))
    const start = [{ name: "b", run: `touch '${folder}/b'` }]
    yield* Fixture.refused(Phases.run({ start }, { spawner, isNew: true, finish }), "SetupFailed")
    assert.isFalse(existsSync(join(folder, "b")), "nothing should start in a workspace that is not finished")
  }).pipe(Effect.provide(NodeServices.layer)))
