/**
 * Cells that are containers: one for each sandbox, whose first process waits for the end of an input that this process
 * holds, and each command a process that the engine starts in it.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type * as Isolated from "../Isolated.ts"
import * as ProcessTree from "../ProcessTree.ts"
import { type Address, SandboxError } from "../Sandbox.ts"
import type { SandboxSpec } from "../SandboxSpec.ts"
import * as ContainerEngine from "./ContainerEngine.ts"
import * as EngineSeccomp from "./EngineSeccomp.ts"
import * as HeldFolder from "./HeldFolder.ts"
import * as HostProcesses from "./HostProcesses.ts"
import * as NetworkDoor from "./NetworkDoor.ts"
import * as ShellLine from "./ShellLine.ts"

/** How cells are made. */
export interface Options extends ContainerEngine.Options {
  /** The image of sandboxes whose spec names none. */
  readonly image?: string
  /** Whether an image that is not there is fetched. Default: false. */
  readonly pull?: boolean
  /** How much commands can write to `/tmp` and their home, each, in bytes of memory. Default: 1 GiB. */
  readonly scratch?: number
}

const home = "/home/agent"
/** Where the container sees what we tell it. */
const told = "/run/millwright"
const label = "millwright=sandbox"

/** Begins the names of this process's containers: it tells the process from all that ever were here, as far as it can see them. */
const owner = (): string => {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  const space = readlinkSync("/proc/self/ns/pid").replace(/\D/g, "")
  return ["millwright", boot, space, process.pid, HostProcesses.startOf(process.pid)].join(".")
}

/** Removes containers and folders whose owner has died. */
export const sweep = Effect.fnUntraced(function* ({ ask }: ContainerEngine.Engine) {
  const { stdout } = yield* ask(["ps", "-a", "--filter", `label=${label}`, "--format", "{{.Names}}"])
  const [, boot, space] = owner().split(".")
  for (const name of stdout.split("\n")) {
    const [, itsBoot, itsSpace, pid, started] = name.split(".")
    // Processes of another space can not be seen from here.
    if (pid === undefined || itsSpace !== space) continue
    if (itsBoot === boot && HostProcesses.startOf(Number(pid)) === started) continue
    yield* ask(["rm", "-f", "-t", "0", name])
  }
  yield* HeldFolder.sweep(tmpdir())
})

/** What of a sandbox's folder the container sees, and the filter of system calls, which it does not. */
const seen = "seen"
const filter = "seccomp.json"

const failed = (message: string, cause?: unknown) => new SandboxError({ reason: "SetupFailed", message, cause })

/** Makes sure of the image, and answers with the PATH that it sets. */
const imageOf = Effect.fnUntraced(function* (
  { ask, program }: ContainerEngine.Engine,
  { image: usual, pull }: Options,
  spec: SandboxSpec
) {
  const image = spec.image ?? usual
  if (image === undefined) {
    return yield* new SandboxError({
      reason: "BadSpec",
      message: "No image is named. Give `image` in the spec or in the options of the sandbox."
    })
  }
  if (image.startsWith("-")) {
    return yield* new SandboxError({ reason: "BadSpec", message: `${JSON.stringify(image)} is no name of an image.` })
  }
  const inspect = ask(["image", "inspect", "--format", "{{json .Config}}", image])
  let found = yield* inspect
  if (found.code !== 0 && pull === true) {
    const { code, stderr } = yield* ask(["pull", "-q", image])
    if (code !== 0) {
      return yield* new SandboxError({
        reason: "NoSuchSource",
        message: `The image ${image} is not there, and can not be fetched: ${stderr.slice(-1_000)}`
      })
    }
    found = yield* inspect
  }
  if (found.code !== 0) {
    return yield* new SandboxError({
      reason: "NoSuchSource",
      message: `The image ${image} is not there: ${found.stderr.slice(-1_000)}. Build or import it, fetch it with \`${program} pull ${image}\`, or make the sandbox with \`layerWith({ pull: true })\`.`
    })
  }
  const path = /"PATH=([^"\\]*)"/.exec(found.stdout)?.[1]
  return { image, path: path ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" }
})

/** A field of what the engine reads as a line of comma separated values. */
const field = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
const bind = (source: string, target: string, isReadOnly: boolean): ReadonlyArray<string> => [
  "--mount",
  ["type=bind", `source=${source}`, `target=${target}`, ...(isReadOnly ? ["readonly"] : [])].map(field).join(",")
]

// Its first process waits, and takes in who lost a parent. With its end the kernel ends all others.
const first = "echo ready; cat > /dev/null; :"

// The words of the environment are read from a file that is gone when the command was ended before it began.
const begin = '. "$1" || exit 126; shift; exec "$@"'

const argumentsOf = (
  engine: ContainerEngine.Engine,
  { scratch = 1024 ** 3 }: Options,
  {
    entry: { network, spec, workspace },
    folder,
    name
  }: { readonly entry: Isolated.Entry; readonly folder: string; readonly name: string }
): ReadonlyArray<string> => {
  const { limits = {}, mounts = [] } = spec
  const files = ContainerEngine.hardLimit("Max open files", 65_536)
  const processes = ContainerEngine.hardLimit("Max processes", ContainerEngine.mostProcesses())
  const temporary = (target: string) => ["--tmpfs", `${target}:rw,exec,nosuid,nodev,size=${scratch},mode=1777`]
  const directories = [workspace.directory, ...Object.values(workspace.directories)]
  const gits = directories.map((directory) => join(directory, ".git")).filter((git) => existsSync(git))
  return [
    "--interactive",
    "--rm",
    "--pull",
    "never",
    "--name",
    name,
    "--label",
    label,
    "--hostname",
    "sandbox",
    "--network",
    network === "own" ? "none" : "host",
    "--cap-drop",
    "all",
    "--security-opt",
    "no-new-privileges",
    "--security-opt",
    `seccomp=${join(folder, filter)}`,
    "--read-only",
    "--ulimit",
    `nofile=${files}:${files}`,
    "--ulimit",
    `nproc=${processes}:${processes}`,
    "--ulimit",
    "core=0:0",
    "--shm-size",
    "64m",
    // In a container of a user that is not root, root is that user.
    ...(engine.isRootless ? [] : ["--user", `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`]),
    ...(limits.cpus === undefined ? [] : ["--cpus", String(limits.cpus)]),
    ...(limits.memory === undefined ? [] : ["--memory", String(limits.memory), "--memory-swap", String(limits.memory)]),
    ...(limits.processes === undefined ? [] : ["--pids-limit", String(limits.processes)]),
    ...temporary("/tmp"),
    ...temporary(home),
    ...bind(join(folder, seen), told, true),
    ...workspace.readable.flatMap((path) => bind(path, path, true)),
    ...directories.flatMap((path) => bind(path, path, false)),
    ...mounts.flatMap(({ access, source, target = source }) => bind(source, target, access === "Read")),
    // Bound on itself, it can not be moved away with what is guarded in it.
    ...gits.flatMap((git) => bind(git, git, false)),
    ...workspace.protect.flatMap((path) => bind(path, path, true)),
    "--workdir",
    workspace.directory,
    "--entrypoint",
    "/bin/sh"
  ]
}

/** Starts a container and waits until it runs. It ends with the scope, and with this process. */
const start = Effect.fnUntraced(function* (
  host: ChildProcessSpawner["Service"],
  engine: ContainerEngine.Engine,
  {
    args,
    folder,
    image,
    name,
    runtime
  }: {
    readonly args: ReadonlyArray<string>
    readonly folder: string
    readonly image: string
    readonly name: string
    readonly runtime: ReadonlyArray<string>
  }
) {
  const over = yield* Deferred.make<void>()
  // Its input never ends before the scope does.
  const input = Stream.concat(Stream.make(new Uint8Array(0)), Stream.drain(Stream.fromEffect(Deferred.await(over))))
  const words = engine.isPodman ? [...runtime, "run"] : ["run", ...runtime]
  const client = yield* host
    .spawn(
      ChildProcess.make(engine.program, [...words, ...args, image, "-c", first], {
        // podman leaves a file where it was started when memory runs out.
        cwd: folder,
        env: engine.environment,
        extendEnv: false,
        stdin: input,
        forceKillAfter: 2_000
      })
    )
    .pipe(
      Effect.mapError((cause) =>
        ContainerEngine.unavailable(`${engine.program} can not be run: ${cause.message}`, cause)
      )
    )
  let isOver = false
  yield* Effect.forkScoped(
    Effect.ensuring(
      Effect.exit(client.exitCode),
      Effect.sync(() => (isOver = true))
    )
  )
  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      yield* Deferred.succeed(over, undefined)
      const deadline = performance.now() + 5_000
      while (!isOver && performance.now() < deadline) yield* ProcessTree.pause(5)
      if (!isOver) yield* Effect.ignore(engine.ask(["rm", "-f", "-t", "0", name]))
    })
  )
  let said = ""
  yield* Effect.forkScoped(
    Effect.ignore(
      Stream.runForEach(Stream.decodeText(client.stderr), (text) =>
        Effect.sync(() => (said = `${said}${text}`.slice(-2_000)))
      )
    )
  )
  const line = yield* Effect.option(Stream.runHead(Stream.splitLines(Stream.decodeText(client.stdout))))
  if (line._tag === "None" || line.value._tag === "None" || line.value.value !== "ready") {
    yield* ProcessTree.pause(20)
    return yield* failed(
      `The container of ${image} could not be started: ${said.trim()}. Try \`${engine.program} run --rm ${image} true\`.`
    )
  }
  const { stdout } = yield* engine.ask(["inspect", "--format", "{{.State.Pid}}", name])
  return { name, pid: Number(stdout), hasEnded: () => isOver }
})

const addressOf = (port: number): Address => ({ host: "127.0.0.1", port, url: `http://127.0.0.1:${port}` })

const refused = (description: string) =>
  PlatformError.systemError({ _tag: "BadResource", module: "ChildProcess", method: "spawn", description })

const plain = (value: string | Redacted.Redacted<string>): string =>
  Redacted.isRedacted(value) ? Redacted.value(value) : value

/** Makes what enters cells. The runtime that works is found with the first one. */
export const make = (host: ChildProcessSpawner["Service"], engine: ContainerEngine.Engine, options: Options) => {
  let works: ReadonlyArray<string> | undefined
  const candidates: ReadonlyArray<ReadonlyArray<string>> =
    options.runtime !== undefined
      ? [["--runtime", options.runtime]]
      : [
          [],
          ...["/usr/bin/runc", "/usr/sbin/runc"]
            .filter((path) => engine.isPodman && existsSync(path))
            .map((path) => ["--runtime", path])
        ]

  const enter = Effect.fnUntraced(function* (
    entry: Isolated.Entry
  ): Effect.fn.Return<Isolated.Cell, SandboxError, Scope.Scope | FileSystem.FileSystem> {
    const fs = yield* FileSystem.FileSystem
    const { network, spec, workspace } = entry
    const { image, path } = yield* imageOf(engine, options, spec)
    const folder = yield* Effect.mapError(HeldFolder.make(fs, { directory: tmpdir(), kind: "cell-" }), (cause) =>
      failed(`No folder for the container can be made: ${cause.message}.`, cause)
    )
    yield* Effect.try({
      try: () => {
        mkdirSync(join(folder, seen), { mode: 0o700 })
        writeFileSync(join(folder, filter), EngineSeccomp.profile(), { mode: 0o600, flag: "wx" })
      },
      catch: (cause) => failed(`Nothing can be written to ${folder}: ${String(cause)}.`, cause)
    })
    const attempt = (runtime: ReadonlyArray<string>) => {
      const name = `${owner()}.${randomUUID()}`
      const args = argumentsOf(engine, options, { entry, folder, name })
      return Effect.tap(start(host, engine, { args, folder, image, name, runtime }), () =>
        Effect.sync(() => (works = runtime))
      )
    }
    const container = yield* works === undefined ? Effect.firstSuccessOf(candidates.map(attempt)) : attempt(works)
    const { name } = container
    const words = works ?? []
    const files = new Map<string, Array<string>>()
    const forget = (mark: string) => {
      for (const [known, paths] of files) {
        if (!known.includes(mark)) continue
        for (const path of paths) rmSync(path, { force: true })
        files.delete(known)
      }
    }
    const door: NetworkDoor.Prefix = [
      "/usr/bin/nsenter",
      "-t",
      String(container.pid),
      ...(engine.isRootless ? ["-U", "--preserve-credentials"] : []),
      "-n",
      "--"
    ]
    const run = (verb: string) =>
      Effect.flatMap(engine.ask([...(engine.isPodman ? words : []), verb, name]), ({ code, stderr }) =>
        code === 0 ? Effect.void : Effect.fail(failed(`\`${engine.program} ${verb}\` failed: ${stderr}`))
      )
    const cell: Isolated.Cell = {
      minimum: { PATH: path, HOME: home, LANG: "C.UTF-8", TMPDIR: "/tmp", TERM: "dumb", USER: "agent" },
      wrap: (command) =>
        Effect.suspend(() => {
          if (container.hasEnded())
            return Effect.fail(
              refused(`The container of ${workspace.directory} has ended: somebody killed it. Open the sandbox again.`)
            )
          const { additionalFds, cwd = workspace.directory, env = {}, ...rest } = command.options
          if (additionalFds !== undefined)
            return Effect.fail(refused("In a container a command has three streams, and no others"))
          const { [ProcessTree.variable]: mark = "", ...variables } = env
          const file = randomUUID()
          const exported = Object.entries(variables).flatMap(([key, value]) =>
            value === undefined ? [] : [`${key}=${ShellLine.quote(plain(value))}`]
          )
          // Who looks at a list of processes sees the mark, and no value of the environment.
          writeFileSync(
            join(folder, seen, file),
            `${ShellLine.start}unset HOSTNAME container; ${exported.length > 0 ? `export ${exported.join(" ")}; ` : ""}cd -- ${ShellLine.quote(cwd)}\n`,
            { mode: 0o600, flag: "wx" }
          )
          files.set(plain(mark), [...(files.get(plain(mark)) ?? []), join(folder, seen, file)])
          return Effect.succeed(
            ChildProcess.make(
              engine.program,
              [
                ...(engine.isPodman ? words : []),
                "exec",
                "--interactive",
                "--env",
                `${ProcessTree.variable}=${plain(mark)}`,
                name,
                "/bin/sh",
                "-c",
                begin,
                "sh",
                `${told}/${file}`,
                command.command,
                ...command.args
              ],
              { ...rest, cwd: "/", env: engine.environment, extendEnv: false }
            )
          )
        }),
      // The engine's own process is none of the command's: it ends when that has.
      end: ({ mark }, how) =>
        Effect.suspend(() => {
          forget(mark)
          return ProcessTree.end({ mark }, how)
        }),
      ...(engine.canPause ? { pause: run("pause"), resume: run("unpause") } : {}),
      ...(network === "own"
        ? { listen: (port) => NetworkDoor.listen(door, port), expose: (port) => NetworkDoor.expose(door, port) }
        : { expose: (port) => Effect.succeed(addressOf(port)) })
    }
    return cell
  })
  return enter
}
