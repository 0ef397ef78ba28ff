/** What the promises of a sandbox are tried on: a real repository in a temporary folder, and commands to run in it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Sandbox from "../Sandbox.ts"
import type { Companion, SandboxSpec } from "../SandboxSpec.ts"

/** A promise of the port: it holds when the effect succeeds. */
export interface Claim {
  readonly name: string
  readonly holds: Effect.Effect<void, unknown, Sandbox.Sandbox>
  /** Why nothing else may run in the process meanwhile: what it measures is the process, or how long something takes. */
  readonly alone?: string
}

/** A promise of the port, under the words that a report shows. */
export const claim = (name: string, holds: Claim["holds"], alone?: string): Claim => ({
  name,
  holds,
  ...(alone !== undefined && { alone })
})

/** Fails with a message that says what went wrong. */
export const expect = (condition: boolean, otherwise: string): Effect.Effect<void> =>
  condition ? Effect.void : Effect.die(new Error(otherwise))

/** What a claim asks for, other than usual. */
export type Changes = Partial<Omit<SandboxSpec, "workspace"> & Companion>

/** A repository with two commits and, beside it, a folder that no path may lead to. */
export interface Repository {
  readonly repository: string
  readonly outside: string
  /** The full ids of the commits, the first one first. */
  readonly commits: readonly [first: string, second: string]
  /** A checkout of the repository, with changes of the checkout and of the rest of the spec. */
  readonly spec: (changes?: Changes) => SandboxSpec
  /** Runs git in the repository, on the host. */
  readonly git: (...args: ReadonlyArray<string>) => string
}

const identity = {
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.invalid",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.invalid"
}

const temporary = (name: string) => realpathSync(mkdtempSync(join(tmpdir(), name)))
const remove = (folder: string) => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })

// The environment is the process's: whoever is tried at the same time has the same user.
let users = 0
let user: { readonly folder: string; readonly before: string | undefined } | undefined

const enter = () => {
  const before = process.env.XDG_STATE_HOME
  // Who has named a folder of temporary files keeps it.
  if (users++ > 0 || before?.startsWith(realpathSync(tmpdir())) === true) return
  user = { folder: temporary("sandbox-test-user-"), before }
  process.env.XDG_STATE_HOME = user.folder
}

const leave = () => {
  if (--users > 0 || user === undefined) return
  if (user.before === undefined) delete process.env.XDG_STATE_HOME
  else process.env.XDG_STATE_HOME = user.before
  remove(user.folder)
  user = undefined
}

/** Makes a repository that is gone when the scope closes, with what is kept for its user. */
export const repository = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      enter()
      return temporary("sandbox-test-")
    }),
    (folder) =>
      Effect.sync(() => {
        leave()
        remove(folder)
      })
  ),
  (folder): Repository => {
    const repository = join(folder, "repository")
    const outside = join(folder, "outside")
    mkdirSync(join(repository, "sub"), { recursive: true })
    mkdirSync(outside)
    writeFileSync(join(outside, "secret.txt"), "outside\n")
    const { HOME, PATH } = process.env
    const git = (...args: ReadonlyArray<string>) =>
      execFileSync("git", args, {
        cwd: repository,
        encoding: "utf8",
        env: { HOME, PATH, ...identity },
        stdio: "pipe"
      }).trim()
    git("init", "-q", "-b", "main")
    const commit = (text: string) => {
      writeFileSync(join(repository, "file.txt"), text)
      git("add", "-A")
      git("commit", "-q", "-m", text)
      return git("rev-parse", "HEAD")
    }
    writeFileSync(join(repository, ".gitignore"), "ignored/\n")
    writeFileSync(join(repository, "sub", "inner.txt"), "inner\n")
    const commits = [commit("one"), commit("two")] as const
    const spec = ({ base, branch, deliver, fresh, from, repository: root, ...changes }: Changes = {}): SandboxSpec => ({
      id: "work-1",
      ...changes,
      workspace: {
        _tag: "Checkout",
        repository: root ?? repository,
        base: base ?? "main",
        branch: branch ?? "change/work-1",
        ...(fresh === undefined ? {} : { fresh }),
        ...(from === undefined ? {} : { from }),
        ...(deliver === undefined ? {} : { deliver })
      },
      env: { ...identity, ...changes.env }
    })
    return { repository, outside, commits, spec, git }
  }
)

/** Opens a sandbox for as long as an effect runs in it. */
export const inside = <A, E, R>(
  spec: SandboxSpec,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | Sandbox.SandboxError, Sandbox.Sandbox | Exclude<R, Sandbox.Services>> =>
  Effect.provide(effect, Sandbox.layer(spec), { local: true })

/** A shell script as a command. It may take 20 s of processor time and write files of 512 MiB at most. */
export const script = (text: string, options: ChildProcess.CommandOptions = {}): ChildProcess.StandardCommand =>
  ChildProcess.make("sh", ["-c", `ulimit -t 20; ulimit -f 1048576; ${text}`], options)

/** The standard output of a shell script, trimmed. */
export const output = (text: string, options: ChildProcess.CommandOptions = {}) =>
  Effect.map(
    Effect.flatMap(ChildProcessSpawner, (spawner) => spawner.string(script(text, options))),
    (text) => text.trim()
  )

/** The exit code of a shell script. */
export const exitCode = (text: string) =>
  Effect.flatMap(ChildProcessSpawner, (spawner) => spawner.exitCode(script(text)))

/** Expects a sandbox error with a reason, and a message that tells more than the reason. */
export const refused = <A, R>(
  effect: Effect.Effect<A, Sandbox.SandboxError, R>,
  reason: Sandbox.SandboxError["reason"]
): Effect.Effect<void, never, R> =>
  Effect.matchEffect(effect, {
    onFailure: (error) =>
      expect(
        error.reason === reason && error.message.length > 20,
        `It should fail with ${reason} and a message that helps, but failed with ${error.reason}: ${error.message}`
      ),
    onSuccess: () => expect(false, `It should fail with ${reason}, but did not fail`)
  })

/** Expects `PermissionDenied`. */
export const denied = <A, E, R>(doing: string, effect: Effect.Effect<A, E, R>): Effect.Effect<void, never, R> =>
  Effect.flatMap(Effect.exit(effect), (exit) =>
    expect(
      Exit.isFailure(exit) && String(exit.cause).includes("PermissionDenied"),
      `${doing} should fail with PermissionDenied, but ${Exit.isSuccess(exit) ? "did not fail" : `failed with ${exit.cause}`}`
    )
  )

/** The first line that a command writes, while it goes on running until the scope closes. */
export const firstLine = Effect.fnUntraced(function* (command: ChildProcess.Command) {
  const spawner = yield* ChildProcessSpawner
  const handle = yield* spawner.spawn(command)
  const line = yield* handle.stdout.pipe(Stream.decodeText, Stream.splitLines, Stream.runHead)
  return { handle, line: line._tag === "Some" ? line.value : "" }
})

/** Writes a file in the workspace. */
export const write = (path: string, text: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.writeFileString(path, text))

/** Reads a file of the workspace. */
export const read = (path: string) => Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readFileString(path))
