/** Tries a case on a fixture: as the control, without anything in between, or in a sandbox. */
import * as Sandbox from "@millwright/sandbox/Sandbox"
import type { SandboxSpec } from "@millwright/sandbox/SandboxSpec"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { type ChildProcess as Child, spawn, spawnSync } from "node:child_process"
import { appendFileSync } from "node:fs"
import { resolve } from "node:path"
import type { Call, Case } from "./Case.ts"
import type { Fixture } from "./Fixture.ts"

/** What became of an attack. */
export type Outcome =
  | { readonly _tag: "Held" | "Escaped" }
  /** It was not tried: what it needs is not there, or the adapter says that it can not do this. */
  | { readonly _tag: "Skipped" | "Unsupported"; readonly why: string }
  /** The sandbox did not open, or could not start the command. */
  | { readonly _tag: "Broken"; readonly why: string }

/** How long an attack may take, in milliseconds, and a script of the host's. */
const patience = 8_000

/** The exit code that says that a program is missing inside. */
const missing = 97

/** What an attack says when it begins: one that never did proves nothing. */
const begun = "the attack begins"

/** What bounds every attack, so that the machine survives, and finds out what is missing. */
const guarded = ({ command = ":", needs = [] }: Case): string =>
  [
    "ulimit -c 0; ulimit -t 20; ulimit -f 1000000",
    ...needs.map((name) => `command -v ${name} > /dev/null 2>&1 || { echo "${name} is not there"; exit ${missing}; }`),
    `echo ${begun}`,
    command
  ].join("\n")

type Variables = Readonly<Record<string, string>>

/** Runs a script of the host's to its end, and tells whether it ended with 0. */
const host = (script: string | undefined, cwd: string, env: Variables): boolean =>
  script === undefined ||
  spawnSync("sh", ["-c", script], {
    cwd,
    env: { ...process.env, ...env },
    stdio: "ignore",
    timeout: patience,
    killSignal: "SIGKILL"
  }).status === 0

const judge = (one: Case, cwd: string, env: Variables): Outcome => {
  const isEscaped = host(one.check, cwd, env)
  host(one.clean, cwd, env)
  return { _tag: isEscaped ? "Escaped" : "Held" }
}

// -- the control ------------------------------------------------------------------------------------------------------

interface Ended {
  readonly code: number | null
  readonly output: string
}

const ended = (child: Child): Promise<Ended> =>
  new Promise((done) => {
    let output = ""
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text))
    const timer = setTimeout(() => child.kill("SIGKILL"), patience)
    child.on("exit", (code) => {
      clearTimeout(timer)
      // A daemon may hold the output open.
      setTimeout(() => done({ code, output }), 20)
    })
  })

/** Tries it as a plain process of the host, in the folder itself or in a worktree. */
export const control = async (one: Case, fixture: Fixture): Promise<Outcome> => {
  const { neighbour, repository, secret, variables } = fixture
  const base = { ...variables, REPOSITORY: repository, NEIGHBOUR: neighbour }
  host(one.before, repository, { ...base, ...secret, WS: repository })
  const workspace = one.workspace === "Checkout" ? `${repository}-tree` : repository
  if (one.workspace === "Checkout")
    spawnSync("git", ["-C", repository, "worktree", "add", "-q", "-b", "work", workspace])
  const env = { ...base, WS: workspace }
  const all = { ...env, ...secret }
  host(one.setup, workspace, all)
  const plain = (script: string, cwd: string) =>
    spawn("sh", ["-c", script], { cwd, env: { ...process.env, ...all }, stdio: ["ignore", "pipe", "ignore"] })
  const other = one.neighbour === undefined ? undefined : plain(one.neighbour, neighbour)
  if (other !== undefined) {
    await new Promise((ready) => other.once("exit", ready).stdout.once("data", ready))
  }
  const child = plain(guarded(one), workspace)
  const attack = ended(child)
  if (one.calls !== undefined) {
    if (one.times === undefined) await attack
    await Effect.runPromise(perform(one, all, await hostFiles(workspace)))
  }
  const { code, output } = await attack
  other?.kill("SIGKILL")
  if (code === missing) return { _tag: "Skipped", why: output.trim() }
  host(one.careless, workspace, all)
  return judge(one, workspace, all)
}

const hostFiles = async (workspace: string) => {
  const { layer } = await import("@effect/platform-node/NodeFileSystem")
  const files = await Effect.runPromise(Effect.provide(FileSystem.FileSystem, layer))
  return { files, resolve: (path: string) => resolve(workspace, path), loot: `${workspace}/loot` }
}

// -- in a sandbox -----------------------------------------------------------------------------------------------------

/** Tries it in a sandbox. */
export const inSandbox = (one: Case, fixture: Fixture): Effect.Effect<Outcome, never, Sandbox.Sandbox> =>
  Effect.gen(function* () {
    const { neighbour, repository, secret, variables } = fixture
    const sandbox = yield* Sandbox.Sandbox
    const { workspaces } = sandbox.supports
    const kind = one.workspace ?? (workspaces.includes("Folder") ? "Folder" : "Checkout")
    if (!workspaces.includes(kind)) return { _tag: "Unsupported", why: `a workspace ${kind}` } as const
    const specOf = (id: string, folder: string): SandboxSpec => ({
      id: `escape-${variables["TOKEN"]}-${id}`,
      workspace:
        kind === "Folder"
          ? { _tag: "Folder", path: folder }
          : { _tag: "Checkout", repository: folder, base: "HEAD", branch: "work" },
      ...one.spec
    })
    const base = { ...variables, REPOSITORY: repository }
    host(one.before, repository, { ...base, ...secret, WS: repository })

    let all: Variables = { ...base, ...secret }
    let cwd = repository
    let skipped: string | undefined
    let said = ""
    const trying = Effect.scoped(
      Effect.gen(function* () {
        const other = one.neighbour === undefined ? undefined : yield* sandbox.open(specOf("other", neighbour))
        const opened = yield* sandbox.open(specOf("own", repository))
        const env = { ...base, WS: opened.directory, NEIGHBOUR: other?.directory ?? neighbour }
        all = { ...env, ...secret }
        cwd = opened.directory
        host(one.setup, cwd, all)
        if (other !== undefined && one.neighbour !== undefined) {
          const handle = yield* shell(other, one.neighbour, { ...env, CANARY: secret["CANARY"] ?? "" })
          yield* Effect.timeoutOption(Stream.runHead(handle.stdout), patience)
        }
        const attack = Effect.scoped(
          Effect.gen(function* () {
            const handle = yield* shell(opened, guarded(one), env)
            const output = yield* Effect.forkScoped(
              Stream.runForEach(Stream.decodeText(handle.stdout), (text) => Effect.sync(() => (said += text)))
            )
            const code = yield* Effect.orElseSucceed(handle.exitCode, () => -1)
            // It may have ended before it was read from. A daemon may hold the output open.
            if (!said.includes(begun)) yield* Effect.ignore(Effect.timeoutOption(Fiber.join(output), 1_000))
            if (code === missing) skipped = said.trim()
          })
        ).pipe(Effect.timeoutOption(patience))
        if (one.calls === undefined) return yield* attack
        const files = Context.get(opened.services, FileSystem.FileSystem)
        const path = Context.get(opened.services, Path.Path)
        const own = { files, resolve: (file: string) => path.normalize(file), loot: `${cwd}/loot` }
        if (one.times === undefined) yield* attack
        const fiber = yield* Effect.forkScoped(one.times === undefined ? Effect.void : attack)
        yield* perform(one, all, own)
        yield* Fiber.interrupt(fiber)
      })
    )
    const why = yield* Effect.matchCause(
      one.isReopened === true
        ? Effect.andThen(
            trying,
            Effect.scoped(Effect.flatMap(sandbox.open(specOf("own", repository)), () => Effect.void))
          )
        : trying,
      { onSuccess: () => undefined, onFailure: (cause) => cause }
    )
    if (why !== undefined) {
      const [failure] = why.reasons.flatMap((reason) => (reason._tag === "Fail" ? [reason.error] : []))
      host(one.clean, cwd, all)
      return failure instanceof Sandbox.SandboxError && failure.reason === "Unsupported"
        ? ({ _tag: "Unsupported", why: failure.message } as const)
        : ({ _tag: "Broken", why: String(failure ?? why) } as const)
    }
    if (skipped !== undefined) return { _tag: "Skipped", why: skipped } as const
    if (!said.includes(begun)) {
      host(one.clean, cwd, all)
      return { _tag: "Broken", why: `The attack did not begin; it said ${JSON.stringify(said)}` } as const
    }
    const outcome = judge(one, cwd, all)
    for (const [id, folder] of [
      ["own", repository],
      ["other", neighbour]
    ] as const) {
      yield* Effect.ignore(sandbox.discard(specOf(id, folder)))
    }
    return outcome
  }).pipe(Effect.withSpan(one.id))

const shell = (opened: Sandbox.Opened, script: string, env: Variables) =>
  Context.get(opened.services, ChildProcessSpawner).spawn(
    ChildProcess.make("sh", ["-c", script], { env, stdin: "ignore", stderr: "ignore", forceKillAfter: 100 })
  )

// -- the file system --------------------------------------------------------------------------------------------------

interface Files {
  readonly files: FileSystem.FileSystem
  readonly resolve: (path: string) => string
  /** Where the host puts what a call answers with. */
  readonly loot: string
}

/** Makes the calls of a case. One that fails has been refused. */
const perform = ({ calls = [], times = 1 }: Case, variables: Variables, own: Files): Effect.Effect<void> =>
  Effect.forEach(
    Array.from({ length: times }, () => calls).flat(),
    (call) =>
      Effect.ignore(
        Effect.flatMap(answer(call, variables, own), (found) =>
          Effect.sync(() => appendFileSync(own.loot, `${found}\n`))
        )
      ).pipe(Effect.timeoutOption(2_000)),
    { discard: true }
  )

const answer = ({ method, words }: Call, variables: Variables, { files, resolve }: Files) => {
  const word = (at: number) => (words[at] ?? "").replace(/\$([A-Z]+)/g, (_, name: string) => variables[name] ?? "")
  const first = resolve(word(0))
  const second = () => resolve(word(1))
  switch (method) {
    case "readFileString":
      return files.readFileString(first)
    case "readDirectory":
      return Effect.map(files.readDirectory(first), (names) => names.join())
    case "readLink":
      return files.readLink(first)
    case "stat":
      return Effect.map(files.stat(first), (info) => String(info.size))
    case "exists":
      return Effect.map(files.exists(first), String)
    case "stream":
      return Stream.mkString(Stream.decodeText(files.stream(first)))
    case "sink":
      return Effect.as(Stream.run(Stream.make(Buffer.from(word(1))), files.sink(first)), "")
    case "writeFileString":
      return Effect.as(files.writeFileString(first, word(1)), "")
    case "copyFile":
      return Effect.as(files.copyFile(first, second()), "")
    case "copy":
      return Effect.as(files.copy(first, second(), { overwrite: true }), "")
    case "rename":
      return Effect.as(files.rename(first, second()), "")
    case "symlink":
      return Effect.as(files.symlink(word(0), second()), "")
    case "link":
      return Effect.as(files.link(first, second()), "")
    case "remove":
      return Effect.as(files.remove(first, { recursive: true }), "")
    case "makeDirectory":
      return Effect.as(files.makeDirectory(first, { recursive: true }), "")
    case "makeTempDirectory":
      return files.makeTempDirectory({ directory: first })
    case "chmod":
      return Effect.as(files.chmod(first, 0o777), "")
    case "utimes":
      return Effect.as(files.utimes(first, 1, 1), "")
    case "truncate":
      return Effect.as(files.truncate(first, 0), "")
  }
}
