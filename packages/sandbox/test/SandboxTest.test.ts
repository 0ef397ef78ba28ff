/** Adapters that are wrong on purpose: the suite has to say so. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Spawner from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import * as WorktreeSandbox from "../src/adapters/WorktreeSandbox.ts"
import * as CleanSpawner from "../src/CleanSpawner.ts"
import * as ProcessTree from "../src/ProcessTree.ts"
import * as Sandbox from "../src/Sandbox.ts"
import type { Companion, SandboxSpec } from "../src/SandboxSpec.ts"
import * as SandboxTest from "../src/testing/SandboxTest.ts"

interface Right {
  readonly sandbox: Sandbox.Sandbox["Service"]
  readonly host: Context.Context<Sandbox.Services>
}
type Spoil = (right: Right, spec: SandboxSpec) => ReturnType<Sandbox.Primitive["open"]>

/** The spec with changes of its checkout. */
const changed = (spec: SandboxSpec, changes: Partial<Companion>): SandboxSpec => ({
  ...spec,
  workspace: spec.workspace._tag === "Checkout" ? { ...spec.workspace, ...changes } : spec.workspace
})

/** The worktree sandbox with something spoilt in what it opens. */
const spoilt = (open: Spoil) =>
  Layer.effect(
    Sandbox.Sandbox,
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const host = yield* Effect.context<Sandbox.Services>()
      return Sandbox.make({ ...sandbox, open: (spec) => open({ sandbox, host }, spec) })
    })
  ).pipe(Layer.provide(WorktreeSandbox.layer), Layer.provide(NodeServices.layer))

type Spawn = Spawner.ChildProcessSpawner["Service"]["spawn"]

/** Spoils the spawner: `spawn` gets the right one, the host's, and where the workspace is. */
const spoiltSpawner = (spawn: (right: Spawn, host: Spawn, directory: string) => Spawn) =>
  spoilt(({ host, sandbox }, spec) =>
    Effect.map(sandbox.open(spec), ({ directory, services }) => {
      const right = Context.get(services, Spawner.ChildProcessSpawner)
      const outside = Context.get(host, Spawner.ChildProcessSpawner)
      const wrong = Spawner.make(spawn(right.spawn, outside.spawn, directory))
      return { directory, services: Context.add(services, Spawner.ChildProcessSpawner, wrong) }
    })
  )

const each = (
  command: ChildProcess.Command,
  change: (options: ChildProcess.CommandOptions) => ChildProcess.CommandOptions
): ChildProcess.Command =>
  command._tag === "PipedCommand"
    ? ChildProcess.pipeTo(each(command.left, change), each(command.right, change), command.options)
    : ChildProcess.make(command.command, command.args, change(command.options))

/** What `ChildProcess.prefix` does: the commands on the right stay as they are. */
const leftmost = (command: ChildProcess.Command, directory: string): ChildProcess.Command =>
  command._tag === "PipedCommand"
    ? ChildProcess.pipeTo(leftmost(command.left, directory), command.right, command.options)
    : ChildProcess.make(command.command, command.args, {
        ...command.options,
        cwd: directory,
        env: CleanSpawner.minimumEnvironment(process.env),
        extendEnv: false
      })

/** Finds what the adapter that leaves processes behind has left behind. */
const litter = randomUUID()

interface Wrong {
  readonly layer: Layer.Layer<Sandbox.Sandbox>
  /** The claims that have to fail. */
  readonly breaks: ReadonlyArray<RegExp>
  readonly leavesLitter?: boolean
}
const wrong: Record<string, Wrong> = {
  "inherits the environment of the host": {
    layer: spoiltSpawner(
      (right) => (command) =>
        right(each(command, (options) => ({ ...options, env: { ...process.env, ...options.env } })))
    ),
    breaks: [/sees the spec's variables/, /every side of a pipeline/]
  },
  "lets `extendEnv` through": {
    layer: spoiltSpawner(
      (right) => (command) =>
        right(
          each(command, ({ env, ...options }) => ({
            ...options,
            env: { ...(options.extendEnv === true ? process.env : {}), ...env }
          }))
        )
    ),
    breaks: [/sees the spec's variables/]
  },
  "wraps only the leftmost command of a pipeline": {
    layer: spoiltSpawner((_right, host, directory) => (command) => host(leftmost(command, directory))),
    breaks: [/every side of a pipeline/]
  },
  "runs commands where the host happens to be": {
    layer: spoiltSpawner(
      (_right, host) => (command) => host(each(command, (options) => ({ forceKillAfter: 500, ...options })))
    ),
    breaks: [/runs in the workspace/]
  },
  "hands output over when the command has ended": {
    layer: spoiltSpawner(
      (right) => (command) =>
        Effect.map(right(command), (handle) => {
          const all = Effect.map(Stream.runCollect(handle.stdout), Stream.fromIterable)
          return Spawner.makeHandle({ ...handle, stdout: Stream.unwrap(all) })
        })
    ),
    breaks: [/output streams/]
  },
  "says that it kills the tree and does not": {
    layer: spoiltSpawner(
      (_right, host, directory) => (command) =>
        host(
          each(command, (options) => ({
            forceKillAfter: 500,
            ...options,
            cwd: directory,
            env: { ...CleanSpawner.minimumEnvironment(process.env), ...options.env, LITTER: litter }
          }))
        )
    ),
    breaks: ProcessTree.isSupported ? [/killsTree.*in a session of its own$/, /forked twice/] : [],
    leavesLitter: true
  },
  "gives the file system of the host": {
    layer: spoilt(({ host, sandbox }, spec) =>
      Effect.map(sandbox.open(spec), ({ directory, services }) => {
        const fs = Context.get(host, FileSystem.FileSystem)
        const at = (path: string) => (path.startsWith("/") ? path : `${directory}/${path}`)
        const prefixed = FileSystem.make({
          ...fs,
          readFile: (path) => fs.readFile(at(path)),
          access: (path) => fs.access(at(path)),
          writeFile: (path, ...rest) =>
            path.includes("..") || path.startsWith("/") ? Effect.void : fs.writeFile(at(path), ...rest)
        })
        return { directory, services: Context.add(services, FileSystem.FileSystem, prefixed) }
      })
    ),
    breaks: [/path that leads out/, /symbolic link that leads out/]
  },
  "makes a new workspace every time": {
    layer: spoilt(({ sandbox }, spec) => {
      const id = randomUUID()
      return sandbox.open(changed({ ...spec, id }, { branch: id }))
    }),
    breaks: [/same id is the same workspace/, /fails with Busy, and works/]
  },
  "takes every opening for a fresh one": {
    layer: spoilt(({ sandbox }, spec) => sandbox.open(changed(spec, { fresh: true }))),
    breaks: [/same id is the same workspace/]
  },
  "never throws anything away": {
    layer: spoilt(({ sandbox }, spec) => sandbox.open(changed(spec, { fresh: false }))),
    breaks: [/`fresh` throws away/]
  },
  "says that it isolates and does not": {
    layer: Layer.effect(
      Sandbox.Sandbox,
      Effect.map(Sandbox.Sandbox, (right) => ({
        ...right,
        supports: { ...right.supports, isolation: "os" as const }
      }))
    ).pipe(Layer.provide(WorktreeSandbox.layer), Layer.provide(NodeServices.layer)),
    breaks: [/isolation is what/]
  }
}

describe("the suite fails on an adapter that", { concurrent: true }, () => {
  for (const [what, { breaks, layer, leavesLitter = false }] of Object.entries(wrong)) {
    it.live(
      what,
      () =>
        Effect.forEach(
          breaks,
          (name) =>
            Effect.gen(function* () {
              const found = SandboxTest.claims.filter((claim) => name.test(claim.name))
              assert.strictEqual(
                found.length,
                1,
                `${name} should name one claim, but names ${found.map(({ name }) => name).join()}`
              )
              for (const claim of found) {
                const exit = yield* Effect.exit(Effect.provide(claim.holds, layer))
                assert.isTrue(Exit.isFailure(exit), `"${claim.name}" should fail on an adapter that ${what}`)
              }
            }),
          { discard: true }
        ).pipe(
          Effect.ensuring(
            leavesLitter ? ProcessTree.end({ mark: litter }, { signal: "SIGKILL", grace: 0 }) : Effect.void
          )
        ),
      180_000
    )
  }
})

describe("an adapter that does not kill the tree, and says so,", { concurrent: true }, () => {
  const honest = Layer.effect(
    Sandbox.Sandbox,
    Effect.map(Sandbox.Sandbox, (right) => ({ ...right, supports: { ...right.supports, killsTree: false } }))
  ).pipe(Layer.provide(WorktreeSandbox.layer), Layer.provide(NodeServices.layer))
  for (const claim of SandboxTest.claims.filter(({ name }) => name.includes("killsTree"))) {
    it.live(`is tried on its process group: ${claim.name}`, () => Effect.provide(claim.holds, honest), 180_000)
  }
})
