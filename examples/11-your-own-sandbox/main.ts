/**
 * A sandbox of your own, over a provider with an HTTP API: the adapter is `sandbox.ts`, the provider `machines.ts`, and
 * `test/` proves the adapter with the suite that every adapter passes.
 *
 *     pnpm example 11
 *
 * It makes a small repository, opens a sandbox on a branch of it, changes and commits a file there, and looks that the commit is
 * on the branch of the repository. Exit codes: 0 it did what it shall, 1 it did not.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as SandboxSpec from "@millwright/sandbox/SandboxSpec"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Redacted from "effect/Redacted"
import * as Machines from "./machines.ts"
import * as MachineSandbox from "./sandbox.ts"

const git = (directory: string, ...args: ReadonlyArray<string>) =>
  Effect.flatMap(ChildProcessSpawner, (spawner) => spawner.string(ChildProcess.make("git", ["-C", directory, ...args])))

const person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"]

/** A repository with one commit. */
const repository = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const directory = yield* files.makeTempDirectoryScoped({ prefix: "millwright-own-sandbox-" })
  yield* git(directory, "init", "-q", "-b", "main")
  yield* files.writeFileString(`${directory}/greeting.txt`, "Hello\n")
  yield* git(directory, "add", "-A")
  yield* git(directory, ...person, "commit", "-q", "-m", "Greet")
  return directory
})

/** Work as a role would do it: it knows no more of the sandbox than Effect's services. */
const work = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const spawner = yield* ChildProcessSpawner
  yield* files.writeFileString("greeting.txt", "Hello, world\n")
  const commit = ChildProcess.make("git", [...person, "commit", "-q", "-a", "-m", "Greet the world"])
  yield* spawner.exitCode(commit)
  return yield* spawner.string(ChildProcess.make("sh", ["-c", "pwd; git log --format=%s"]))
})

const program = Effect.gen(function* () {
  const key = "key-of-the-example"
  const service = yield* Machines.start(key)
  const root = yield* repository
  const spec = SandboxSpec.checkout({ id: "greet-1", repository: root, base: "main", branch: "change/greet-1" })
  yield* Effect.gen(function* () {
    const said = yield* Effect.provide(work, Sandbox.layer(spec), { local: true })
    yield* Console.log(`On the machine:\n${said}`)
    const brought = yield* git(root, "show", "change/greet-1:greeting.txt")
    yield* Console.log(`On the branch change/greet-1 of the repository:\n${brought}`)
    if (brought !== "Hello, world\n") return yield* Effect.die(new Error("The commit is not on the branch."))
    const { discard } = yield* Sandbox.Sandbox
    yield* discard(spec)
    if (service.count() !== 0) return yield* Effect.die(new Error("A machine was left behind."))
    yield* Console.log("The machine is gone, and the branch stays.")
  }).pipe(Effect.provide(MachineSandbox.layer({ url: service.url, key: Redacted.make(key) })))
}).pipe(Effect.scoped)

NodeRuntime.runMain(Effect.provide(program, NodeServices.layer))
