/**
 * The command validator: runs the command of each assertion that has one, in the workspace, one after the other. Exit 0 is
 * a pass; the output is the evidence, by digest, with its end as an excerpt.
 *
 * - Standard output and standard error come through one pipe, so that their order is kept. There is no input.
 * - An exit code other than 0, and an end by a signal, is a `fail`. A command that could not be started, or that took too
 *   long, is an `error`; what it printed until then is kept.
 * - Everything that a command started ends with it. Memory stays the same however much it prints.
 * - What could steer a terminal or hide text is taken out of what people read; the digest and the size are those of the
 *   exact bytes. Where there is an `EvidenceStore`, outputs of up to 10 MB are kept there.
 */
import * as Validator from "@millwright/core/Validator"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as CommandRun from "../internal/CommandRun.ts"

/** How commands are run. */
export interface Options {
  /** The longest that one command may take. Default 10 minutes; a command that takes longer is an `error`. */
  readonly timeout?: Duration.Input
}

/** Judges the assertions that have a command. The others are `blocked` here: a person or a review has to speak to them. */
export const make = (options: Options = {}): Validator.Validator<ChildProcessSpawner> =>
  Validator.make({
    name: "commands",
    findings: Effect.fnUntraced(function* ({ contract }) {
      const timeout = Duration.fromInputUnsafe(options.timeout ?? Duration.minutes(10))
      const commands = contract.assertions.flatMap(({ check, id }) =>
        check?._tag === "Command" ? [{ id, run: check.run }] : []
      )
      return yield* Effect.forEach(commands, (command) => CommandRun.judge({ ...command, timeout }))
    })
  })
