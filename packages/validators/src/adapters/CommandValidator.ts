/**
 * The command validator: runs the command of each assertion that has one, in the workspace. Exit 0 is a pass; the
 * output is the evidence, by digest, with its end as an excerpt.
 */
import * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import * as Validator from "@millwright/core/Validator"
import type * as Verdict from "@millwright/core/Verdict"
import { createHash } from "node:crypto"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"

/** How commands are run. */
export interface Options {
  /** The longest that one command may take. Default 10 minutes; a command that takes longer is an `error`. */
  readonly timeout?: Duration.Input
}

/** The part of the output that a verdict carries, in bytes. */
const excerptBytes = 8_000

/** Judges the assertions that have a command. The others are `blocked` here: a person or a review has to speak to them. */
export const make = (options: Options = {}): Validator.Validator<ChildProcessSpawner> =>
  Validator.make({
    name: "commands",
    findings: Effect.fnUntraced(function*({ contract }) {
      if (!Contract.isIntact(contract)) {
        return yield* new Validator.ValidatorError({
          reason: "ContractAltered",
          message: `The contract of ${contract.item} was changed after it was frozen: its digest does not cover it. ` +
            `Judge against the frozen contract, or have a human amend it.`
        })
      }
      const timeout = Duration.fromInputUnsafe(options.timeout ?? Duration.minutes(10))
      const commands = contract.assertions.flatMap(({ check, id }) => check === undefined ? [] : [{ id, run: check.run }])
      return yield* Effect.forEach(commands, ({ id, run }) => judge(id, { run, timeout }))
    })
  })

const judge = (
  assertion: string,
  { run, timeout }: { readonly run: string; readonly timeout: Duration.Duration }
): Effect.Effect<Verdict.Finding, never, ChildProcessSpawner> =>
  Effect.gen(function*() {
    const spawner = yield* ChildProcessSpawner
    const output = collector()
    const status = yield* Effect.scoped(Effect.gen(function*() {
      const handle = yield* spawner.spawn(ChildProcess.make("bash", ["-c", run], { stdin: "ignore" }))
      yield* Stream.runForEach(handle.all, (chunk) => Effect.sync(() => output.add(chunk)))
      return yield* handle.exitCode
    })).pipe(
      Effect.timeoutOption(timeout),
      Effect.map(Option.match({
        onNone: () => ({ status: "error" as const, reason: `\`${run}\` did not end within ${Duration.format(timeout)}` }),
        onSome: (code) => ({ status: code === 0 ? "pass" as const : "fail" as const, reason: `\`${run}\` exited with ${code}` })
      })),
      Effect.catch((error) =>
        Effect.succeed({ status: "error" as const, reason: `\`${run}\` could not be run: ${error.message}` }))
    )
    return { assertion, ...status, evidence: [output.evidence(run)] }
  })

/** Takes any amount of output and keeps its digest, its size and its end. */
const collector = () => {
  const hash = createHash("sha256")
  let bytes = 0
  let tail = Buffer.alloc(0)
  return {
    add: (chunk: Uint8Array) => {
      hash.update(chunk)
      bytes += chunk.byteLength
      tail = Buffer.concat([tail, chunk]).subarray(-excerptBytes)
    },
    evidence: (run: string): Verdict.Evidence => {
      const text = tail.toString("utf8")
      return {
        kind: "command",
        summary: run,
        digest: Digest.Digest.make(hash.digest("hex")),
        bytes,
        excerpt: bytes > excerptBytes ? `… ${bytes - excerptBytes} bytes before …\n${text}` : text
      }
    }
  }
}
