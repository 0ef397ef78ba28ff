/** How a command, or an attempt to run one, ended. */
import * as Cause from "effect/Cause"
import * as Fault from "@millwright/core/Fault"
import * as PlatformError from "effect/PlatformError"
import { constants } from "node:os"

/** A command ended by itself, or a signal ended it, or it ran longer than the spec allows. */
export type Ending = { readonly code: number } | { readonly signal: string } | { readonly timedOut: true }

/** What kept a command from being run to its end. */
export interface Failure {
  readonly reason: string
  readonly message: string
  readonly code: 125 | 126 | 127
}

const numberOf = (signal: string): number => new Map<string, number>(Object.entries(constants.signals)).get(signal) ?? 0

/** The exit code that stands for an ending, as in a shell. */
export const codeOf = (ending: Ending): number => {
  if ("code" in ending) return ending.code
  return "signal" in ending ? 128 + numberOf(ending.signal) : 124
}

/** What ended a command, as far as the error of its exit code says so: the host's spawner names a signal nowhere else. */
export const endingIn = (error: PlatformError.PlatformError): Ending | undefined => {
  if (error.reason._tag === "TimedOut" && error.reason.method === "exitCode") return { timedOut: true }
  const cause = "cause" in error.reason && error.reason.cause instanceof Error ? error.reason.cause.message : ""
  const [, signal] = /receipt of signal: '(SIG[A-Z0-9]+)'/.exec(cause) ?? []
  return signal === undefined ? undefined : { signal }
}

/** What a cause means to the caller. `program` is the command that was asked for. */
export const failure = (cause: Cause.Cause<unknown>, program: string): Failure => {
  const error = Cause.squash(cause)
  if (error instanceof PlatformError.PlatformError) {
    const { _tag } = error.reason
    if (_tag === "NotFound")
      return { reason: _tag, message: `There is no command ${program || '""'}: ${error.message}`, code: 127 }
    if (_tag === "PermissionDenied") {
      return { reason: _tag, message: `The command ${program} can not be run: ${error.message}`, code: 126 }
    }
    return { reason: _tag, message: error.message, code: 125 }
  }
  const reason = typeof error === "object" && error !== null && "reason" in error ? String(error.reason) : "Misuse"
  return { reason, message: Fault.record(error).message, code: 125 }
}
