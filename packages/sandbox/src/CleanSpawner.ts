/**
 * A `ChildProcessSpawner` whose commands run in a workspace, with an environment of their own, and do not outlive their
 * scope. Every command of a pipeline is treated. An adapter that isolates says in `wrap` what the host runs for a command,
 * and in `end` how what runs inside is ended.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as FileSystem from "effect/FileSystem"
import * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Spawner from "effect/process/ChildProcessSpawner"
import * as Scope from "effect/Scope"
import { homedir, tmpdir, userInfo } from "node:os"
import * as AskedLine from "./internal/AskedLine.ts"
import * as HostProcesses from "./internal/HostProcesses.ts"
import * as ProcessTree from "./ProcessTree.ts"
import type { SandboxSpec } from "./SandboxSpec.ts"

/** What a clean spawner is made of. */
export interface Options {
  readonly host: Spawner.ChildProcessSpawner["Service"]
  /** The file system of the workspace: it decides which `cwd` is inside. */
  readonly fileSystem: Pick<FileSystem.FileSystem, "realPath">
  readonly directory: string
  /** The fixed minimum. Left out: that of the host. */
  readonly minimum?: Readonly<Record<string, string>>
  /** What commands see beside the fixed minimum. A function is asked for each command. */
  readonly env: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>)
  /** Marks every process that is started; see `ProcessTree`. */
  readonly mark: string
  /** How long a command may run, in milliseconds. The `exitCode` of one that was ended then fails with `TimedOut`. */
  readonly wall?: number | undefined
  /**
   * The command of the host that runs a command inside. What it gets is complete: `cwd` is a real path, `env` the whole
   * environment. Left out: the command itself.
   */
  readonly wrap?: (
    command: ChildProcess.StandardCommand
  ) => Effect.Effect<ChildProcess.StandardCommand, PlatformError.PlatformError>
  /** Ends what a command started, first with the signal, after `grace` milliseconds for good. Left out: `ProcessTree.end`. */
  readonly end?: typeof ProcessTree.end
}

/** The fixed minimum: what a command sees of the host's environment, and defaults where the host has nothing. */
export const minimumEnvironment = (host: Readonly<Record<string, string | undefined>>): Record<string, string> => ({
  PATH: host.PATH ?? "/usr/local/bin:/usr/bin:/bin",
  HOME: host.HOME ?? homedir(),
  LANG: host.LANG ?? "C.UTF-8",
  TMPDIR: host.TMPDIR ?? tmpdir(),
  TERM: host.TERM ?? "dumb",
  USER: host.USER ?? userName()
})

/** The variables of the host that a spec lets in, as far as they are set. */
export const inheritedEnvironment = ({
  inherit = []
}: Pick<SandboxSpec, "inherit">): Readonly<Record<string, string>> =>
  Object.fromEntries(
    inherit.flatMap((variable) => {
      const value = process.env[variable]
      return value === undefined ? [] : [[variable, value]]
    })
  )

const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    // A container may run under a user id that has no name.
    return "nobody"
  }
}

/** Spawns until the scope closes; then every process that was started is ended, and nothing can be started any more. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Spawner.ChildProcessSpawner["Service"], never, Scope.Scope> {
  const running = new Set<Spawner.ChildProcessHandle>()
  // Those that were started and have not ended yet, and how many there may be that are not in it.
  const entries = new Set<number>()
  let unknown = 0
  let count = 0
  let isClosed = false
  const minimum = options.minimum ?? minimumEnvironment(process.env)
  const environment = () => ({ ...minimum, ...(typeof options.env === "function" ? options.env() : options.env) })
  const { end = ProcessTree.end, wrap = Effect.succeed } = options
  // A factory inside of a sandbox keeps the outer mark, so that the outer one finds the processes of the inner one.
  const outer = process.env[ProcessTree.variable]

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isClosed = true
      const kill = (handle: Spawner.ChildProcessHandle) => Effect.ignore(handle.kill())
      return Effect.andThen(
        Effect.forEach([...running], kill, { concurrency: "unbounded", discard: true }),
        end(
          { mark: options.mark, entries: unknown === 0 ? [...entries] : undefined },
          { signal: "SIGTERM", grace: ProcessTree.defaultGrace }
        )
      )
    })
  )

  const treat = (
    command: ChildProcess.Command,
    mark: string
  ): Effect.Effect<ChildProcess.Command, PlatformError.PlatformError> =>
    Effect.gen(function* () {
      if (command._tag === "PipedCommand") {
        const left = yield* treat(command.left, mark)
        return ChildProcess.pipeTo(left, yield* treat(command.right, mark), command.options)
      }
      const { cwd, env, forceKillAfter } = command.options
      const complete = ChildProcess.make(command.command, command.args, {
        ...command.options,
        cwd: cwd === undefined ? options.directory : yield* options.fileSystem.realPath(cwd),
        env: {
          ...environment(),
          ...env,
          [ProcessTree.variable]: outer === undefined ? mark : `${outer} ${mark}`
        },
        extendEnv: false,
        detached: process.platform !== "win32",
        forceKillAfter:
          forceKillAfter === undefined
            ? ProcessTree.defaultGrace
            : Duration.min(Duration.fromInputUnsafe(forceKillAfter), Duration.millis(ProcessTree.maximumGrace))
      })
      return yield* wrap(complete)
    })

  return Spawner.make(
    Effect.fnUntraced(function* (command) {
      if (isClosed) {
        return yield* Effect.fail(
          PlatformError.systemError({
            _tag: "BadResource",
            module: "ChildProcess",
            method: "spawn",
            description: `The sandbox of ${options.directory} is closed. Spawn while it is open.`
          })
        )
      }
      const mark = `${options.mark}-${++count};`
      const ready = yield* treat(command, mark)
      const [signal, grace] = ending(ready)
      // The host's spawner gets a scope of its own, so that the tree is ended before that closes, while the parents live
      // from which children without a mark are found.
      const scope = yield* Scope.make()
      const tree: { mark: string; group?: number; entries?: ReadonlyArray<number> } = { mark }
      yield* Effect.addFinalizer((exit) =>
        Effect.andThen(end(tree, { signal, grace }), () => {
          for (const entry of tree.entries ?? []) if (HostProcesses.startOf(entry) === undefined) entries.delete(entry)
          return close(scope, exit)
        })
      )
      unknown++
      const line = () => AskedLine.of(command)
      const spawned = AskedLine.inHandle(
        yield* Effect.mapError(Scope.provide(options.host.spawn(ready), scope), AskedLine.inError(line)),
        line
      )
      tree.group = spawned.pid
      // Of a pipeline only the last is known.
      if (ready._tag === "StandardCommand") {
        unknown--
        tree.entries = [spawned.pid]
        entries.add(spawned.pid)
      }
      let isLate = false
      const handle = Spawner.makeHandle({
        ...spawned,
        // Whatever a command answers when it is ended: that it was cut short may not look like an exit of its own.
        exitCode: Effect.flatMap(Effect.exit(spawned.exitCode), (exit) => (isLate ? late(options, line()) : exit)),
        kill: (how) => {
          const asked = {
            killSignal: how?.killSignal ?? signal,
            forceKillAfter: how?.forceKillAfter ?? grace
          }
          if (options.end === undefined && !ProcessTree.isSupported) return spawned.kill(asked)
          return Effect.andThen(
            end(tree, { signal: asNode(asked.killSignal), grace: Duration.toMillis(asked.forceKillAfter) }),
            Effect.raceFirst(Effect.ignore(spawned.exitCode), ProcessTree.pause(ProcessTree.maximumGrace))
          )
        }
      })
      yield* Effect.acquireRelease(
        Effect.sync(() => running.add(handle)),
        () => Effect.sync(() => running.delete(handle))
      )
      if (options.wall !== undefined) {
        const stop = Effect.suspend(() => {
          isLate = true
          return Effect.ignore(handle.kill())
        })
        yield* ProcessTree.pause(options.wall).pipe(
          Effect.andThen(Effect.orElseSucceed(spawned.isRunning, () => false)),
          Effect.flatMap((isRunning) => (isRunning ? stop : Effect.void)),
          Effect.forkScoped
        )
      }
      return handle
    })
  )
})

const late = ({ directory, wall }: Options, line: string) =>
  Effect.fail(
    PlatformError.systemError({
      _tag: "TimedOut",
      module: "ChildProcess",
      method: "exitCode",
      pathOrDescriptor: line,
      description:
        `A command of the sandbox of ${directory} ran longer than \`limits.wall\` allows, ${wall} ms, and was ended. What it wrote until ` +
        `then is kept. Let it do less, or raise the limit.`
    })
  )

// The host's spawner waits up to 1.5 s for zombies of the group, which nobody reaps in many a container. Where the tree is
// known to have ended there is nothing to wait for.
const close = (scope: Scope.Closeable, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
  ProcessTree.isSupported ? Effect.asVoid(Effect.forkDetach(Scope.close(scope, exit))) : Scope.close(scope, exit)

// Effect's list of signals is that of all platforms; Node throws on one that this platform has not.
const asNode = (signal: ChildProcess.Signal): NodeJS.Signals => signal as NodeJS.Signals

const ending = (command: ChildProcess.Command): readonly [signal: NodeJS.Signals, grace: number] => {
  if (command._tag === "PipedCommand") return ending(command.right)
  const { forceKillAfter, killSignal } = command.options
  return [
    asNode(killSignal ?? "SIGTERM"),
    forceKillAfter === undefined ? ProcessTree.defaultGrace : Duration.toMillis(forceKillAfter)
  ]
}
