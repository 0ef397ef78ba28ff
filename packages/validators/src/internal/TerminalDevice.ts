/** A program at a pseudo terminal: on the host, or in a sandbox. */
import * as ProcessTree from "@millwright/sandbox/ProcessTree"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { SurfaceError } from "../Surface.ts"

/** What is started. */
export interface Program {
  /** One line of a shell: the program, and its first arguments. */
  readonly line: string
  readonly args: ReadonlyArray<string>
  /** The folder that the line knows as `APP`. */
  readonly directory: string
  readonly columns: number
  readonly rows: number
  /** Takes output; the program is halted until `drawn` is called, where it printed much. */
  readonly output: (bytes: Uint8Array, drawn: () => void) => void
  readonly exited: (how: Exited) => void
}

/** How a program ended. */
export interface Exited {
  /** As a shell tells it: 128 and the number of a signal where one ended it. */
  readonly code: number
}

/** A program that runs. */
export interface Device {
  readonly send: (text: string) => void
  /** `undefined` where the size can not be changed while the program runs. */
  readonly resize: ((columns: number, rows: number) => void) | undefined
}

/** How many bytes may wait to be drawn before the program is halted, and where it goes on. */
const high = 1_000_000
const low = 200_000

/** How long a program has after it was hung up, in milliseconds. */
const grace = 300

const variable = "MILLWRIGHT_TERMINAL"

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** The number of the sequence by which the shell tells whether the program is there, before it becomes it. */
export const signal = 7877

const tell = (what: "ready" | "missing"): string => `printf '\\033]${signal};${what}\\007'`

/** What the shell does: it goes to a home of the session's own and becomes the program, with what `$@` holds behind its arguments. */
const script = (home: string, line: string): string =>
  [
    `HOME=${home}; export HOME`,
    "unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME",
    'mkdir -p "$HOME" && cd "$HOME" || exit 1',
    `set -- ${line} "$@"`,
    `command -v "$1" > /dev/null || { ${tell("missing")}; exit 127; }`,
    tell("ready"),
    'exec "$@"'
  ].join("; ")

/** A program at a pseudo terminal of the host, as `@lydell/node-pty` has it. */
interface Child {
  readonly pid: number
  write(data: string): void
  resize(columns: number, rows: number): void
  pause(): void
  resume(): void
  /** Bytes, where no encoding was asked for. */
  onData(listener: (data: string) => void): { dispose(): void }
  onExit(listener: (how: { exitCode: number; signal?: number }) => void): { dispose(): void }
}

/** The module that makes pseudo terminals of the host. */
export interface Pty {
  readonly spawn: (
    file: string,
    args: Array<string>,
    options: { cols: number; rows: number; cwd: string; env: Record<string, string>; encoding: null; name: string }
  ) => Child
}

/** Where a program of the host is started. */
export interface Host {
  readonly pty: Pty
  /** The home of the session. */
  readonly home: string
}

/** Starts a program on the host. Everything that it started ends with the scope, also what left its session. */
export const onHost = ({ home, pty }: Host, program: Program): Effect.Effect<Device, SurfaceError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.try({
        try: () => spawned({ pty, home }, program),
        catch: (cause) =>
          new SurfaceError({
            reason: "Crashed",
            message: `No pseudo terminal could be made: ${String(cause)}. Look at the limits of this process.`,
            cause
          })
      }),
      ({ child, isOver, mark, stop }) =>
        Effect.gen(function* () {
          stop()
          // The number of one that has ended may be another's by now.
          const group = isOver() ? undefined : child.pid
          yield* ProcessTree.end({ mark, group }, { signal: "SIGHUP", grace })
          if (group !== undefined && !ProcessTree.isSupported)
            yield* Effect.ignore(Effect.try(() => process.kill(-group, "SIGKILL")))
        })
    ),
    ({ child }): Device => ({
      send: (text) => child.write(text),
      resize: (columns, rows) => child.resize(columns, rows)
    })
  )

const spawned = ({ home, pty }: Host, program: Program) => {
  const mark = randomUUID()
  const { PATH = "/usr/local/bin:/usr/bin:/bin", LANG = "C.UTF-8" } = process.env
  const child = pty.spawn("/bin/sh", ["-c", script(quoted(home), program.line), "sh", ...program.args], {
    cols: program.columns,
    rows: program.rows,
    cwd: home,
    name: "xterm-256color",
    encoding: null,
    env: { PATH, LANG, [variable]: mark, APP: program.directory }
  })
  let waiting = 0
  let isPaused = false
  let isStopped = false
  const output = child.onData((data) => {
    const bytes = Buffer.from(data)
    waiting += bytes.byteLength
    if (waiting > high && !isPaused) {
      isPaused = true
      child.pause()
    }
    program.output(bytes, () => {
      waiting -= bytes.byteLength
      if (!isPaused || waiting > low || isStopped) return
      isPaused = false
      child.resume()
    })
  })
  let isOver = false
  child.onExit(({ exitCode, signal }) => {
    isOver = true
    if (!isStopped) program.exited({ code: signal ? 128 + signal : exitCode })
  })
  const stop = () => {
    isStopped = true
    output.dispose()
  }
  return { child, mark, stop, isOver: () => isOver }
}

/** Where a program of a sandbox is started. */
export interface Sandbox {
  readonly spawner: ChildProcessSpawner["Service"]
  /** The home of the session, as a word of a shell. */
  readonly home: string
}

/** Starts a program in a sandbox: `script` of util-linux makes the terminal there. Its size is what it was at the start. */
export const inSandbox = (
  { home, spawner }: Sandbox,
  program: Program
): Effect.Effect<Device, SurfaceError, Scope.Scope> =>
  Effect.gen(function* () {
    const input = yield* Queue.unbounded<string>()
    const { args, columns, directory, line, rows } = program
    const inner = [
      `stty cols ${columns} rows ${rows}`,
      `APP=${quoted(directory)}; export APP`,
      `set -- ${args.map(quoted).join(" ")}`,
      script(home, line)
    ].join("; ")
    const command = ChildProcess.make("script", ["-qfec", inner, "/dev/null"], {
      stdin: Stream.encodeText(Stream.fromQueue(input)),
      env: { TERM: "xterm-256color", SHELL: "/bin/sh" },
      extendEnv: true
    })
    const handle = yield* Effect.mapError(
      spawner.spawn(command),
      (cause) =>
        new SurfaceError({
          reason: "Unavailable",
          message: `No terminal could be made in the sandbox: ${cause.message}. It needs \`script\` of util-linux and \`stty\`.`,
          cause
        })
    )
    const drawing = Stream.runForEach(handle.stdout, (chunk) =>
      Effect.callback<void>((resume) => program.output(chunk, () => resume(Effect.void)))
    )
    const reading = yield* Effect.forkScoped(Effect.ignore(drawing))
    const ended = Effect.match(handle.exitCode, { onFailure: () => 1, onSuccess: Number })
    yield* Effect.forkScoped(
      Effect.flatMap(ended, (code) =>
        Effect.andThen(
          Effect.timeoutOption(Fiber.await(reading), grace),
          Effect.sync(() => program.exited({ code }))
        )
      )
    )
    return { send: (text: string) => void Queue.offerUnsafe(input, text), resize: undefined }
  })
