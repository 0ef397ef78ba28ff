/** The line of a command as its caller asked for it, in place of what runs on the host for it: errors are read by callers. */
import * as Effect from "effect/Effect"
import * as PlatformError from "effect/PlatformError"
import type * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessHandle } from "effect/process/ChildProcessSpawner"
import * as CommandLine from "effect/process/CommandLine"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"

/** How much of a line an error tells, in characters. */
const told = 300

const whole = (command: ChildProcess.Command): string =>
  command._tag === "PipedCommand"
    ? `${whole(command.left)} | ${whole(command.right)}`
    : CommandLine.display([command.command, ...command.args])

/** The line, cut. */
export const of = (command: ChildProcess.Command): string => {
  const line = whole(command)
  return line.length > told ? `${line.slice(0, told)}…` : line
}

/** An error of a command that tells this line. */
export const inError =
  (line: () => string) =>
  (error: PlatformError.PlatformError): PlatformError.PlatformError => {
    const { reason } = error
    if (reason._tag === "BadArgument" || reason.module !== "ChildProcess" || reason.pathOrDescriptor === undefined) {
      return error
    }
    const { _tag, cause, description, method, module, syscall } = reason
    return PlatformError.systemError({ _tag, module, method, description, syscall, pathOrDescriptor: line(), cause })
  }

/** A handle whose errors tell this line. */
export const inHandle = (handle: ChildProcessHandle, line: () => string): ChildProcessHandle => {
  const told = inError(line)
  return {
    ...handle,
    exitCode: Effect.mapError(handle.exitCode, told),
    isRunning: Effect.mapError(handle.isRunning, told),
    kill: (how) => Effect.mapError(handle.kill(how), told),
    stdin: Sink.mapError(handle.stdin, told),
    stdout: Stream.mapError(handle.stdout, told),
    stderr: Stream.mapError(handle.stderr, told),
    all: Stream.mapError(handle.all, told)
  }
}
