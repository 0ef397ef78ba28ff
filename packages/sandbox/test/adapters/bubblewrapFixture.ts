/** What the sandbox over bubblewrap is tried with. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as BubblewrapSandbox from "../../src/adapters/BubblewrapSandbox.ts"
import type * as Sandbox from "../../src/Sandbox.ts"
import type { SandboxSpec } from "../../src/SandboxSpec.ts"
import { requires } from "../Requires.ts"

/** The sandbox on the services of Node. */
export const layer = Layer.provide(BubblewrapSandbox.layer, NodeServices.layer)

/** Why there is none on this machine. */
const lacking = await Effect.runPromise(
  Effect.match(Effect.scoped(Layer.build(layer)), { onFailure: ({ message }) => message, onSuccess: () => undefined })
)

/** Registers tests that need a sandbox, or says why they are skipped. */
export const suite = (name: string, tests: () => void): void =>
  requires("bwrap", lacking, () => {
    describe(name, () => {
      tests()
    })
  })

/** A folder that is gone when the scope closes. */
export const folder = (parent = tmpdir()) =>
  Effect.acquireRelease(
    Effect.sync(() => fs.realpathSync(fs.mkdtempSync(join(parent, "bubblewrap-test-")))),
    (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  )

/** A test with a folder and in it an empty `workspace`. */
export const test = (
  name: string,
  run: (place: {
    readonly root: string
    readonly workspace: string
  }) => Effect.Effect<unknown, unknown, Sandbox.Sandbox | Scope.Scope>,
  parent?: string
) =>
  it.live(
    name,
    () =>
      Effect.gen(function* () {
        const root = yield* folder(parent)
        const workspace = join(root, "workspace")
        fs.mkdirSync(workspace)
        yield* run({ root, workspace })
      }).pipe(Effect.scoped, Effect.provide(layer)),
    60_000
  )

/** A sandbox over a folder. */
export const spec = (path: string, changes: Partial<SandboxSpec> = {}): SandboxSpec => ({
  id: "test",
  workspace: { _tag: "Folder", path },
  ...changes
})

/** Processes of the machine with a text in their arguments. */
export const running = (text: string): ReadonlyArray<string> =>
  fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(text)
      } catch {
        return false
      }
    })

/** A number that is in no other process's arguments. */
export const token = () => String(100_000 + Math.floor(Math.random() * 1e9))

/** Waits until it holds. */
export const poll = (condition: () => boolean) =>
  Effect.callback<void>((resume) => {
    const timer = setInterval(() => condition() && resume(Effect.void), 5)
    return Effect.sync(() => clearInterval(timer))
  }).pipe(Effect.timeout(10_000))

/** The host of its own. */
export const program = fileURLToPath(new URL("bubblewrapHost.ts", import.meta.url))

/** Whether this process is root. */
export const isRoot = process.getuid?.() === 0
