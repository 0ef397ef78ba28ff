import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import * as HostProcesses from "../src/internal/HostProcesses.ts"
import * as ProcessTree from "../src/ProcessTree.ts"

// It goes from one program to the next without end. On the way it shows no environment, a few times in a hundred looks.
const restless = (mark: string): ChildProcess =>
  spawn("/bin/sh", ["-c", 'exec /bin/sh -c "$0" "$0"', 'exec /bin/sh -c "$0" "$0"'], {
    env: { [ProcessTree.variable]: mark },
    stdio: "ignore"
  })

describe.skipIf(!ProcessTree.isSupported)("a process between two programs", () => {
  it("is found by its mark, or known to be missing", async () => {
    const mark = randomUUID()
    const child = restless(mark)
    const looks = Array.from({ length: 3_000 }, () => HostProcesses.marked(mark))
    child.kill("SIGKILL")
    await once(child, "close")
    const wrong = looks.filter(({ found, isSure }) => isSure && !found.includes(child.pid ?? 0)).length
    assert.strictEqual(wrong, 0, `${wrong} of ${looks.length} looks are sure that nobody has the mark`)
  }, 60_000)

  it.live(
    "ends with its tree",
    () =>
      Effect.gen(function* () {
        for (let round = 0; round < 60; round++) {
          const mark = randomUUID()
          const child = restless(mark)
          const closed = once(child, "close")
          yield* ProcessTree.end({ mark }, { signal: "SIGKILL", grace: 0 })
          const outlived = child.pid !== undefined && HostProcesses.startOf(child.pid) !== undefined
          child.kill("SIGKILL")
          yield* Effect.promise(() => closed)
          assert.isFalse(outlived, `The process of round ${round} outlived its tree`)
        }
      }),
    60_000
  )
})
