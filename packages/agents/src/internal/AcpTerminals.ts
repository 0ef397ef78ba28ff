/** The commands that an agent runs through us: started with the spawner of the call, inside of the workspace, and gone with the run. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import type * as Harness from "../Harness.ts"
import * as Output from "../tools/Output.ts"
import * as Target from "../tools/Target.ts"
import * as ToolFailure from "../tools/ToolFailure.ts"
import * as AcpRefusal from "./AcpRefusal.ts"

type Asked<A> = Effect.Effect<A, AcpRefusal.Refusal, Harness.Workplace>
interface Named {
  readonly terminalId: string
}

/** A command that is to be run. */
export interface Command {
  readonly command: string
  readonly args?: ReadonlyArray<string>
  readonly env?: ReadonlyArray<{ readonly name: string; readonly value: string }>
  readonly cwd?: string | null
  /** How much of its output is kept, in bytes. */
  readonly outputByteLimit?: number | null
}

/** How a command ended. */
export type Ended = { readonly exitCode: number } | { readonly signal: string }

/** The end of what a command said, and how it ended, where it has. */
export interface Said {
  readonly output: string
  readonly truncated: boolean
  readonly exitStatus?: Ended
}

/** What is answered to an agent. */
export interface AcpTerminals {
  readonly create: (request: Command) => Asked<Named>
  readonly output: (request: Named) => Asked<Said>
  readonly wait: (request: Named) => Asked<Ended>
  readonly kill: (request: Named) => Asked<Record<string, never>>
  readonly release: (request: Named) => Asked<Record<string, never>>
}

interface Terminal {
  readonly scope: Scope.Closeable
  readonly output: Output.Collector
  readonly kept: number
  readonly ended: Fiber.Fiber<Ended>
}

/** How many are open at once. */
const most = 32

/** How much of the output is kept at most, in bytes: the end of it. */
const mostOutput = 1024 * 1024

/** Opens none at first. They end with the scope. */
export const make = Effect.fnUntraced(function* (): Effect.fn.Return<AcpTerminals, never, Scope.Scope> {
  const around = yield* Effect.scope
  const open = new Map<string, Terminal>()

  const named = ({ terminalId }: Named): Effect.Effect<Terminal, AcpRefusal.Refusal> => {
    const terminal = open.get(terminalId)
    return terminal === undefined
      ? Effect.fail({ code: AcpRefusal.notFound, message: "There is no terminal of this name, or it was released." })
      : Effect.succeed(terminal)
  }

  const start = Effect.fnUntraced(function* (request: Command, scope: Scope.Closeable) {
    const cwd = yield* Target.inside(request.cwd ?? ".")
    const kept = Math.min(request.outputByteLimit ?? mostOutput, mostOutput)
    const spawner = yield* ChildProcessSpawner
    const handle = yield* spawner
      .spawn(
        ChildProcess.make(
          "sh",
          ["-c", `cd -- "$1" && shift && ${become(request)} 2>&1`, "sh", cwd, ...words(request)],
          {
            stdin: "ignore",
            forceKillAfter: "2 seconds",
            env: Object.fromEntries((request.env ?? []).map(({ name, value }) => [name, value])),
            extendEnv: true
          }
        )
      )
      .pipe(Effect.mapError(ToolFailure.fromPlatform("sh")))
    const output = Output.collector({ head: 0, tail: kept })
    const reading = yield* Effect.forkIn(
      Effect.ignore(Stream.runForEach(handle.stdout, (chunk) => Effect.sync(() => output.push(chunk)))),
      scope
    )
    const ended = yield* handle.exitCode.pipe(
      Effect.tap(() => Effect.timeoutOption(Fiber.await(reading), "1 second")),
      Effect.match({
        onFailure: (error): Ended => ({
          signal: /SIG[A-Z0-9]+/.exec(String(error.cause))?.[0] ?? "SIGKILL"
        }),
        onSuccess: (exitCode): Ended => ({ exitCode })
      }),
      Effect.forkIn(around)
    )
    return { scope, output, kept, ended }
  })

  const kill = ({ ended, scope }: Terminal) =>
    Effect.andThen(Scope.close(scope, Exit.void), Effect.asVoid(Fiber.await(ended)))

  return {
    create: Effect.fnUntraced(function* (request) {
      if (open.size >= most) {
        return yield* Effect.fail({ code: AcpRefusal.invalid, message: `There are ${most} terminals. Release one.` })
      }
      const scope = yield* Scope.fork(around)
      const terminalId = randomUUID()
      const terminal = yield* start(request, scope).pipe(
        Effect.provideService(Scope.Scope, scope),
        Effect.mapError(AcpRefusal.ofTool),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
      open.set(terminalId, terminal)
      return { terminalId }
    }),
    output: Effect.fnUntraced(function* (request) {
      const { ended, kept, output } = yield* named(request)
      const exit = ended.pollUnsafe()
      const { head, tail } = output.said()
      return {
        output: `${head}${tail}`,
        truncated: output.total() > kept,
        ...(exit !== undefined && Exit.isSuccess(exit) && { exitStatus: exit.value })
      }
    }),
    wait: (request) => Effect.flatMap(named(request), ({ ended }) => Fiber.join(ended)),
    kill: (request) => Effect.as(Effect.flatMap(named(request), kill), {}),
    release: Effect.fnUntraced(function* (request) {
      const terminal = yield* named(request)
      open.delete(request.terminalId)
      yield* kill(terminal)
      return {}
    })
  }
})

/** Some agents give a whole line for a shell, and no arguments. */
const become = ({ args, command }: Command): string =>
  (args ?? []).length === 0 && /\s/.test(command) ? 'exec sh -c "$1"' : 'exec "$@"'

const words = ({ args, command }: Command): ReadonlyArray<string> => [command, ...(args ?? [])]
