/** How a program ends: with 0, with 2 for bad input, with 1 for anything else, and with one paragraph that says why. */
import * as Fault from "@millwright/core/Fault"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"

/** Sets the exit code and says what went wrong. `isBadInput` tells the person's mistake from the machine's. */
export const explain =
  (isBadInput: (fault: Fault.Fault) => boolean) =>
  (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
    Effect.sync(() => {
      if (Cause.hasInterruptsOnly(cause)) return void (process.exitCode = interrupted)
      const error = Cause.squash(cause)
      const isWrong = CliError.isCliError(error) || (Fault.isFault(error) && isBadInput(error))
      process.exitCode = isWrong ? 2 : 1
      // The command line has said already what it does not understand.
      if (!CliError.isCliError(error)) console.error(Fault.record(error).message)
    })

let interrupted = 130

/** From here on, Ctrl-C is the way in which the program ends and no accident. */
export const byInterrupt: Effect.Effect<void> = Effect.sync(() => void (interrupted = 0))

/** The exit code of a program whose errors were explained. */
export const teardown: Runtime.Teardown = (exit, onExit) =>
  Runtime.defaultTeardown(exit, (code) => onExit(code === 130 ? interrupted : code))

/** Ends quietly when nobody reads any more, as in `… | head -1`. Without it, the write that finds out would be a crash. */
export const endWithReader = (): void => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0)
    throw error
  })
}
