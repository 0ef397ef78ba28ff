/** The processes of the demonstration, as children. They are killed when the scope closes, however it closes. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("main.ts", import.meta.url))

/** A child that said that it is ready. */
export interface Child {
  readonly pid: number
  /** Ends it as a power cut would. */
  readonly kill: Effect.Effect<void>
  readonly exit: Effect.Effect<number>
}

/** Starts this example's program with a command, and waits for the line that says it is ready. */
export const start = (url: Redacted.Redacted, args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.promise(async (): Promise<Child> => {
      const child = spawn(process.execPath, [main, ...args], {
        env: { ...process.env, DATABASE_URL: Redacted.value(url) },
        // The channel tells a child when this process is gone, however it ended.
        stdio: ["ignore", "pipe", "inherit", "ipc"]
      })
      const exit = once(child, "exit").then(([code]) => Number(code ?? 1))
      const ready = new Promise<boolean>((resolve) => {
        child.stdout?.on("data", (chunk) => String(chunk).includes("READY") && resolve(true))
      })
      const isReady = await Promise.race([ready, exit.then(() => false)])
      if (!isReady) throw new Error(`\`${args.join(" ")}\` ended with ${await exit} before it was ready`)
      return {
        pid: child.pid ?? 0,
        kill: Effect.promise(async () => {
          if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL")
          await exit
        }),
        exit: Effect.promise(() => exit)
      }
    }),
    ({ kill }) => kill
  )
