/** The program that runs containers, podman's or docker's: what it is asked, and what it answers. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import { isAbsolute } from "node:path"
import * as Access from "./Access.ts"
import { SandboxError } from "../Sandbox.ts"

/** Which program, and with what. */
export interface Options {
  /** Absolute path of podman or docker. Default: where the system has podman, or else docker; a PATH is never asked. */
  readonly engine?: string
  /** The program or the name of what starts containers: `runc`, `crun`, `runsc`. Default: the engine's own, or else `runc`. */
  readonly runtime?: string
}

/** An engine that is there. */
export interface Engine {
  readonly program: string
  readonly isPodman: boolean
  /** Whether containers are of a user that is not root. */
  readonly isRootless: boolean
  /** What of the resources its control groups hold. */
  readonly limits: ReadonlyArray<"cpus" | "memory" | "processes">
  /** Whether containers can be halted. */
  readonly canPause: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Runs the program, and answers whatever its exit code is. Texts are trimmed. */
  readonly ask: (
    args: ReadonlyArray<string>
  ) => Effect.Effect<{ readonly code: number; readonly stdout: string; readonly stderr: string }, SandboxError>
}

const places = [
  "/usr/bin/podman",
  "/usr/local/bin/podman",
  "/opt/homebrew/bin/podman",
  "/usr/bin/docker",
  "/usr/local/bin/docker"
]
const variables = [
  "HOME",
  "USER",
  "XDG_RUNTIME_DIR",
  "XDG_CONFIG_HOME",
  "XDG_DATA_HOME",
  "DBUS_SESSION_BUS_ADDRESS",
  "DOCKER_HOST",
  "CONTAINER_HOST"
]

/** An error that says what the machine lacks. */
export const unavailable = (what: string, cause?: unknown): SandboxError =>
  new SandboxError({ reason: "Unavailable", message: `The container sandbox can not be used here: ${what}.`, cause })

const patience = 120_000

/** Finds the engine, and what it can. */
export const make = Effect.fnUntraced(function* (
  host: ChildProcessSpawner["Service"],
  { engine }: Options
): Effect.fn.Return<Engine, SandboxError> {
  if (engine !== undefined && !(isAbsolute(engine) && Access.isProgram(engine))) {
    return yield* unavailable(
      `${JSON.stringify(engine)} is no absolute path of a program. Give that of podman or docker`
    )
  }
  const program = engine ?? places.find(Access.isProgram)
  if (program === undefined) {
    return yield* unavailable(
      `there is neither podman nor docker in ${places.join(", ")}. Install podman (apt-get install podman)`
    )
  }
  const environment: Record<string, string | undefined> = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LC_ALL: "C"
  }
  for (const variable of variables)
    if (process.env[variable] !== undefined) environment[variable] = process.env[variable]

  const ask: Engine["ask"] = (args) =>
    Effect.scoped(
      Effect.gen(function* () {
        const handle = yield* host.spawn(
          ChildProcess.make(program, args, {
            env: environment,
            extendEnv: false,
            stdin: "ignore",
            forceKillAfter: 1_000
          })
        )
        const text = (stream: typeof handle.stdout) => Stream.mkString(Stream.decodeText(stream))
        const stderr = yield* Effect.forkScoped(text(handle.stderr))
        const stdout = yield* text(handle.stdout)
        return { code: yield* handle.exitCode, stdout: stdout.trim(), stderr: (yield* Fiber.join(stderr)).trim() }
      })
    ).pipe(
      Effect.mapError((cause) => unavailable(`${program} can not be run: ${cause.message}`, cause)),
      Effect.interruptible,
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => Effect.fail(unavailable(`${program} did not answer to \`${args[0]}\` for ${patience} ms`))
      })
    )

  const said = yield* ask(["info", "--format", "{{json .}}"])
  const info = json(said.stdout)
  if (said.code !== 0 || info === undefined) {
    return yield* unavailable(`\`${program} info\` says: ${said.stderr.slice(0, 1_000) || said.stdout.slice(0, 1_000)}`)
  }
  // podman tells of its host; docker's daemon tells of itself.
  const ofHost = property(info, "host")
  const isPodman = ofHost !== undefined
  const controllers = property(ofHost, "cgroupControllers")
  const has = (podman: string, docker: string) =>
    isPodman ? Array.isArray(controllers) && controllers.includes(podman) : property(info, docker) === true
  return {
    program,
    isPodman,
    isRootless: isPodman && property(property(ofHost, "security"), "rootless") === true,
    limits: [
      ...(has("cpu", "CpuCfsQuota") ? (["cpus"] as const) : []),
      ...(has("memory", "MemoryLimit") ? (["memory"] as const) : []),
      ...(has("pids", "PidsLimit") ? (["processes"] as const) : [])
    ],
    // Control groups of the second kind freeze without a controller.
    canPause: isPodman ? has("freezer", "") || property(ofHost, "cgroupVersion") === "v2" : true,
    environment,
    ask
  }
})

const json = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A property of what may be an object. */
export const property = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined

/** No engine starts with more than the kernel has numbers for processes and threads; and some of them are for the host. */
export const mostProcesses = (): number => {
  try {
    return Math.min(30_000, Math.floor(0.9 * Number(readFileSync("/proc/sys/kernel/pid_max", "utf8"))))
  } catch {
    return 30_000
  }
}

/** The hard limit of this process, which a container can not go beyond without rights that we may not have. */
export const hardLimit = (name: "Max open files" | "Max processes", otherwise: number): number => {
  try {
    const line = readFileSync("/proc/self/limits", "utf8")
      .split("\n")
      .find((line) => line.startsWith(name))
    const found = Number(line?.slice(name.length).trim().split(/\s+/)[1])
    return Number.isFinite(found) ? Math.min(found, otherwise) : otherwise
  } catch {
    return otherwise
  }
}
