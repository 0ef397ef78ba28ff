/** What hostile commands can make this process, and the disk of the host, take. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import { join } from "node:path"
import * as Sandbox from "../../src/Sandbox.ts"
import type { SandboxSpec } from "../../src/SandboxSpec.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import { spec, suite, test } from "./bubblewrapFixture.ts"

suite("a lock file that the rules of a registry hang on", () => {
  const registry = { hosts: ["registry.invalid"], lockFileOnly: true } as const

  test("and that can not be read fails the opening, however it can not", ({ workspace }) =>
    Effect.gen(function* () {
      const lock = join(workspace, "pnpm-lock.yaml")
      const { open } = yield* Sandbox.Sandbox
      const opening = (lockFileOnly: boolean) =>
        Effect.scoped(open(spec(workspace, { registry: { ...registry, lockFileOnly } })))
      const ways = {
        "too large": () => fs.truncateSync(lock, 2 ** 40),
        "a folder": () => fs.mkdirSync(lock),
        "a link that leads out": () => fs.symlinkSync("/etc/passwd", lock)
      }
      for (const [way, make] of Object.entries(ways)) {
        fs.rmSync(lock, { recursive: true, force: true })
        if (way === "too large") fs.writeFileSync(lock, "")
        make()
        const before = process.memoryUsage().rss
        yield* Fixture.refused(opening(true), "BadSpec")
        assert.isBelow(process.memoryUsage().rss - before, 400_000_000, `${way}: it should not be read whole`)
        yield* opening(false)
      }
      fs.rmSync(lock)
      fs.writeFileSync(join(workspace, "package-lock.json"), `{ "lockfileVersion": 3, "packages": {} }`)
      yield* opening(true)
    }))
})

suite("what commands have used up", () => {
  const held = (name: "memory" | "processes") =>
    Effect.map(Sandbox.Sandbox, ({ supports }) => supports.limits.includes(name))
  const commit = Fixture.output(
    "echo work > work.txt && git add -A && git commit -q -m work && git log --format=%s | head -1"
  )

  /** Opens a checkout, commits, does something, and expects that the host can still do its part. */
  const afterwards = <E>(
    limits: NonNullable<SandboxSpec["limits"]>,
    body: Effect.Effect<void, E, Sandbox.Services | Scope.Scope>
  ) =>
    Effect.gen(function* () {
      const fixture = yield* Fixture.repository
      const { open } = yield* Sandbox.Sandbox
      const { host, services } = yield* open(fixture.spec({ limits }))
      yield* Effect.provideContext(Effect.andThen(commit, body), services)
      const { commit: copied } = yield* host.snapshot
      yield* host.deliver
      assert.strictEqual(fixture.git("log", "-1", "--format=%H %s", "change/work-1"), `${copied} work`)
    })

  const memories = {
    "/tmp":
      "dd if=/dev/zero of=/tmp/x bs=64k count=4000 2>/dev/null; dd if=/dev/zero of=/dev/shm/x bs=64k count=4000 2>/dev/null",
    "empty files": `perl -e 'for (1..1000000) { open(F, ">", "/tmp/f$_") or last; close F }'`,
    "shared memory":
      "perl -e 'use IPC::SysV qw(IPC_PRIVATE IPC_CREAT); for (1..9) { $id = shmget(IPC_PRIVATE, 1e7, IPC_CREAT | 0600); shmwrite($id, q(x) x 1e7, 0, 1e7) }'"
  }
  for (const [name, script] of Object.entries(memories)) {
    test(`of memory, with ${name}, holds back neither the next command nor the host`, () =>
      Effect.gen(function* () {
        if (!(yield* held("memory"))) return
        yield* afterwards(
          { memory: 100_000_000 },
          Effect.gen(function* () {
            yield* Fixture.exitCode(script)
            // As much as is left, whatever was written.
            const next = yield* Fixture.output(`perl -e '$x = "x" x 10000000; print "ok"'; git status --short`)
            assert.strictEqual(next, "ok")
          })
        )
      }))
  }

  test("of processes does not hold back the host", () =>
    Effect.gen(function* () {
      if (!(yield* held("processes"))) return
      yield* afterwards(
        { processes: 40 },
        Effect.gen(function* () {
          const { line } = yield* Fixture.firstLine(
            Fixture.script(
              "(i=0; while [ $i -lt 200 ] && sleep 60 & do i=$((i + 1)); done) 2>/dev/null; echo ready; exec sleep 60"
            )
          )
          assert.strictEqual(line, "ready")
        })
      )
    }))
})

suite("an error of a command", () => {
  test("tells what was asked for, and not what runs it", ({ workspace }) =>
    Fixture.inside(
      spec(workspace, { limits: { processes: 100 } }),
      Effect.gen(function* () {
        const { handle } = yield* Fixture.firstLine(Fixture.script(`echo here; sleep 60; : ${"x".repeat(1_000)}`))
        process.kill(handle.pid, "SIGKILL")
        const { message } = yield* Effect.flip(handle.exitCode)
        assert.include(message, "echo here; sleep 60")
        assert.notMatch(message, /nsenter|bwrap|cgroup|limits/)
        assert.isBelow(message.length, 500)
      })
    ))
})
