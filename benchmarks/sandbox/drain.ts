/** Reads the output of a command, and prints how fast it came and what it took of memory. */
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Own from "./Own.ts"

interface Request {
  /** In a sandbox, as a plain process, or as one without Effect either. */
  readonly kind: "bubblewrap" | "none" | "node"
  readonly workspace: string
  readonly bytes: number
}

const { bytes, kind, workspace }: Request = JSON.parse(process.argv[2] ?? "{}")

await Own.using("bubblewrap", (sandbox, host) =>
  Effect.scoped(
    Effect.gen(function* () {
      const opened = yield* sandbox.open({ id: "bench-output", workspace: { _tag: "Folder", path: workspace } })
      const spawner = kind !== "bubblewrap" ? host : Own.spawnerOf(opened)
      yield* Own.command(spawner)
      const idle = process.memoryUsage.rss()
      let peak = idle
      let count = 0
      const take = (chunk: Uint8Array): void => {
        count += chunk.length
        peak = Math.max(peak, process.memoryUsage.rss())
      }
      const start = performance.now()
      const args = ["-c", String(bytes), "/dev/zero"]
      if (kind === "node") {
        const child = spawn("head", args, { stdio: ["ignore", "pipe", "pipe"] })
        child.stdout.on("data", take)
        yield* Effect.promise(() => once(child, "close"))
      } else {
        const handle = yield* spawner.spawn(ChildProcess.make("head", args, { stdin: "ignore" }))
        yield* Stream.runForEach(handle.stdout, (chunk) => Effect.sync(() => take(chunk)))
      }
      const seconds = (performance.now() - start) / 1000
      if (count !== bytes) return yield* Effect.fail(new Error(`${count} bytes of ${bytes} came`))
      console.log(JSON.stringify({ speed: bytes / 1e6 / seconds, grown: (peak - idle) / 1e6 }))
    })
  )
)
process.exit(0)
