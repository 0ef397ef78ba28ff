/**
 * A process that holds one instance of `@anthropic-ai/sandbox-runtime`. The package keeps its state in variables of its
 * module, so two sandboxes need two processes; and what it protects depends on the folder that it runs in, so each has an empty
 * one. It is asked over Node's IPC, and ends when this process does.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
// Effect's ChildProcess has no IPC.
import { spawn } from "node:child_process"
import { SandboxError } from "../Sandbox.ts"

/** As much of the package's configuration as is used here. */
export interface Config {
  readonly network: {
    readonly allowedDomains: ReadonlyArray<string>
    readonly deniedDomains: ReadonlyArray<string>
    readonly strictAllowlist: boolean
  }
  readonly filesystem: {
    readonly denyRead: ReadonlyArray<string>
    readonly allowRead: ReadonlyArray<string>
    readonly allowWrite: ReadonlyArray<string>
    readonly denyWrite: ReadonlyArray<string>
  }
  readonly bwrapPath: string
  readonly socatPath: string
}

/** The process. */
export interface Helper {
  /** What a shell runs for a text of its own, inside. */
  readonly wrap: (text: string) => Effect.Effect<string, SandboxError>
  readonly update: (config: Config) => Effect.Effect<void, SandboxError>
}

const program = `
const { SandboxManager } = await import(process.argv[1])
let count = 0
const calls = {
  start: async (config) => void (await SandboxManager.initialize(config)),
  update: async (config) => void SandboxManager.updateConfig(config),
  // It would put the text into the name of the proxy's user, and so into the environment.
  wrap: (text) => SandboxManager.wrapWithSandbox(text, "/bin/sh", undefined, undefined, { commandId: "c" + ++count, commandText: "c" })
}
process.on("message", async ({ id, call, value }) => {
  try {
    process.send({ id, value: await calls[call](value) })
  } catch (error) {
    process.send({ id, failed: String(error?.message ?? error) })
  }
})
// Also when it was killed: what it made outside is taken back.
process.on("disconnect", () => SandboxManager.reset().catch(() => {}).finally(() => process.exit()))
`

/** Starts it, in an empty folder. `package` is the address of the module. */
export const make = Effect.fnUntraced(function* (options: {
  readonly module: string
  readonly folder: string
  readonly config: Config
}): Effect.fn.Return<Helper, SandboxError, Scope.Scope> {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--input-type=module", "-e", program, options.module], {
        cwd: options.folder,
        env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: options.folder, TMPDIR: options.folder },
        stdio: ["ignore", "ignore", "ignore", "ipc"]
      })
    ),
    (child) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        if (child.connected) child.disconnect()
        const late = setTimeout(() => child.kill("SIGKILL"), 2_000)
        return Effect.sync(() => clearTimeout(late))
      })
  )
  const waiting = new Map<number, (answer: Effect.Effect<unknown, SandboxError>) => void>()
  const failed = (why: string) =>
    Effect.fail(
      new SandboxError({
        reason: "SetupFailed",
        message: `sandbox-runtime failed: ${why}. Its documentation says what it needs.`
      })
    )
  child.on("message", (answer: { readonly id: number; readonly value?: unknown; readonly failed?: string }) => {
    waiting.get(answer.id)?.(answer.failed === undefined ? Effect.succeed(answer.value) : failed(answer.failed))
  })
  child.on("error", () => {})
  child.on("exit", () => {
    for (const resume of waiting.values()) resume(failed("its process ended"))
  })
  let calls = 0
  const ask = (call: string, value: unknown): Effect.Effect<unknown, SandboxError> =>
    Effect.callback((resume) => {
      const id = ++calls
      const done = (answer: Effect.Effect<unknown, SandboxError>) => {
        waiting.delete(id)
        resume(answer)
      }
      waiting.set(id, done)
      if (!child.connected) return done(failed("its process ended"))
      child.send({ id, call, value }, (error) => error !== null && done(failed(error.message)))
    })
  yield* ask("start", options.config)
  return {
    wrap: (text) => Effect.map(ask("wrap", text), String),
    update: (config) => Effect.asVoid(ask("update", config))
  }
})
