import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Stream from "effect/Stream"
import { existsSync, readFileSync } from "node:fs"
import * as Truncation from "../src/tools/Truncation.ts"
import { call, Services, workspace } from "./ToolsWorkplace.ts"

/** Whether a process still runs. One that ended and that nobody has asked after yet (a zombie) does not. */
const isAlive = (pid: number): boolean => {
  const status = `/proc/${pid}/stat`
  try {
    process.kill(pid, 0)
    return !existsSync(status) || !/\) Z /.test(readFileSync(status, "latin1"))
  } catch {
    return false
  }
}

describe("bash", () => {
  it.live("keeps the order of output and errors, and states the exit code", () =>
    Effect.gen(function* () {
      const directory = yield* workspace({})
      const mixed = yield* call("bash", { script: "for i in 1 2 3; do echo out$i; echo err$i >&2; done; pwd; exit 3" })
      assert.isTrue(mixed.ok, "a script that fails is an answer")
      assert.strictEqual(mixed.text, `out1\nerr1\nout2\nerr2\nout3\nerr3\n${directory}\n[exit code 3]`)
      assert.strictEqual((yield* call("bash", { script: "true" })).text, "[no output]\n[exit code 0]")
      assert.include((yield* call("bash", { script: "kill -9 $$" })).text, "SIGKILL")
      assert.include((yield* call("bash", { script: "if" })).text, "syntax error")
      assert.strictEqual(
        (yield* call("bash", { script: 'cat; echo "$0 $#"' })).text,
        "bash 0\n[exit code 0]",
        "there is no input to wait for"
      )
    }).pipe(Effect.provide(Services))
  )

  it.live("takes every script for one script", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const script = "printf '%s' \"it's \\\"$HOME\\\" \\`x\\`\" | tr -d '\\n'\n# a comment; exit 1"
      const { text } = yield* call("bash", { script })
      assert.include(text, "[exit code 0]", text)
      assert.include(
        (yield* call("bash", { script: "-c 'echo hi'" })).text,
        "127",
        "a script that begins with a dash is no option"
      )
      assert.strictEqual((yield* call("bash", { script: "echo \0" })).reason, "BadInput")
      assert.strictEqual((yield* call("bash", { script: `: ${"x".repeat(100_000)}` })).reason, "TooLarge")
    }).pipe(Effect.provide(Services))
  )

  it.live("takes escapes out and shows what hides", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const script = "printf '\\033[31mred\\033[0m \\033]0;title\\007 a\\bb 10%%\\r20%%\\r\\n\\342\\200\\256x\\0y\\n'"
      assert.strictEqual(
        (yield* call("bash", { script })).text,
        "red  a\\u{8}b 10%\n20%\n\\u{202e}x\\u{0}y\n[exit code 0]"
      )
    }).pipe(Effect.provide(Services))
  )

  it.live(
    "holds 300 MB of output in constant memory, and says what is missing",
    () =>
      Effect.gen(function* () {
        yield* workspace({})
        const before = process.memoryUsage.rss()
        let most = before
        const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5)
        const { text } = yield* call("bash", {
          script: "echo start; head -c 300000000 /dev/zero | tr '\\0' x; echo; echo end"
        }).pipe(Effect.ensuring(Effect.sync(() => clearInterval(watch))))
        assert.isAtMost(Buffer.byteLength(text), Truncation.defaults.bash.bytes)
        assert.match(text, /^start\nx+\n\[… 299971011 bytes left out …\]\nx+\nend\n\[exit code 0\]$/)
        assert.isBelow(most - before, 150_000_000, "the output was held in memory")
      }).pipe(Effect.provide(Services)),
    60_000
  )

  it.live("is bounded when every byte has to be shown as six", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const { text } = yield* call("bash", { script: "head -c 1000000 /dev/zero" })
      assert.isAtMost(Buffer.byteLength(text), Truncation.defaults.bash.bytes)
    }).pipe(Effect.provide(Services))
  )

  it.live("ends a script at its time-out with what it printed, and leaves nothing behind", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const started = Date.now()
      const { reason, text } = yield* call("bash", {
        script: "trap '' TERM; sleep 300 & echo $! > child; echo $$ > leader; echo partial; while :; do sleep 1; done",
        timeout: 2
      })
      assert.strictEqual(reason, "TimedOut")
      assert.match(text, /^partial\n\[stopped after 2 s/)
      assert.isBelow(Date.now() - started, 10_000, "it was not ended at its time-out")
      for (const file of ["child", "leader"]) {
        const pid = Number(readFileSync(file, "utf8"))
        assert.isFalse(isAlive(pid), `the ${file} is still there`)
      }
    }).pipe(Effect.provide(Services))
  )

  it.live("ends a script that prints without end", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const { reason, text } = yield* call("bash", { script: "yes", timeout: 0.5 })
      assert.strictEqual(reason, "TimedOut")
      assert.isAtMost(Buffer.byteLength(text), Truncation.defaults.bash.bytes)
    }).pipe(Effect.provide(Services))
  )

  it.live("does not wait for a process in the background, and takes it along", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const started = Date.now()
      const { text } = yield* call("bash", { script: "sleep 300 & echo $! > child; echo done" })
      assert.strictEqual(text, "done\n[exit code 0]")
      assert.isBelow(Date.now() - started, 10_000, "it waited for the process in the background")
      assert.isFalse(isAlive(Number(readFileSync("child", "utf8"))), "the process in the background is still there")
    }).pipe(Effect.provide(Services))
  )

  it.live("is gone when the call is interrupted", () =>
    Effect.gen(function* () {
      yield* workspace({ child: "" })
      const fs = yield* FileSystem.FileSystem
      const ready = yield* Effect.forkChild(
        fs.watch(".").pipe(
          Stream.filter(() => existsSync("child") && readFileSync("child", "utf8").endsWith("\n")),
          Stream.take(1),
          Stream.runDrain
        )
      )
      const running = yield* Effect.forkChild(
        call("bash", { script: "for i in $(seq 300); do echo $$ > child; sleep 0.2; done" })
      )
      yield* Fiber.join(ready)
      const pid = Number(readFileSync("child", "utf8"))
      assert.isTrue(isAlive(pid), "it has to run before it is interrupted")
      yield* Fiber.interrupt(running)
      assert.isFalse(isAlive(pid), "it outlived the call")
    }).pipe(Effect.provide(Services))
  )
})
