/**
 * The command validator: runs the command of each assertion that has one, in the workspace, one after the other. Exit 0 is
 * a pass; the output is the evidence, by digest, with its end as an excerpt.
 *
 * - Standard output and standard error come through one pipe, so that their order is kept. There is no input.
 * - An exit code other than 0, and an end by a signal, is a `fail`. A command that could not be started, or that took too
 *   long, is an `error`; what it printed until then is kept.
 * - Everything that a command started ends with it. Memory stays the same however much it prints.
 * - What could steer a terminal or hide text is taken out of what people read; the digest and the size are those of the
 *   exact bytes.
 */
import * as Digest from "@millwright/core/Digest"
import * as Validator from "@millwright/core/Validator"
import type * as Verdict from "@millwright/core/Verdict"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { stripVTControlCharacters } from "node:util"
import * as KeptEvidence from "../internal/KeptEvidence.ts"

/** How commands are run. */
export interface Options {
  /** The longest that one command may take. Default 10 minutes; a command that takes longer is an `error`. */
  readonly timeout?: Duration.Input
  /** Where outputs of up to 10 MB are kept. Left out: the verdict has their digests, and a stamp can not be given. */
  readonly store?: KeptEvidence.Store
}

/** The part of the output that a verdict carries, in bytes. */
const excerptBytes = 8_000

/** The largest output that is kept, in bytes. */
const keptBytes = 10_000_000

// The kernel takes at most 128 KiB in one argument.
const longestCommand = 100_000

/** Judges the assertions that have a command. The others are `blocked` here: a person or a review has to speak to them. */
export const make = (options: Options = {}): Validator.Validator<ChildProcessSpawner> =>
  Validator.make({
    name: "commands",
    findings: Effect.fnUntraced(function* ({ contract }) {
      const timeout = Duration.fromInputUnsafe(options.timeout ?? Duration.minutes(10))
      const commands = contract.assertions.flatMap(({ check, id }) =>
        check?._tag === "Command" ? [{ id, run: check.run }] : []
      )
      return yield* Effect.forEach(commands, ({ id, run }) => judge(id, { run, timeout, store: options.store }))
    })
  })

interface Judged {
  readonly status: Verdict.Status
  /** What follows the command in the reason. */
  readonly said: string
}

interface Asked {
  readonly run: string
  readonly timeout: Duration.Duration
  readonly store: KeptEvidence.Store | undefined
}

const judge = (
  assertion: string,
  { run, store, timeout }: Asked
): Effect.Effect<Verdict.Finding, never, ChildProcessSpawner> =>
  Effect.gen(function* () {
    const output = collector(store === undefined ? 0 : keptBytes)
    const finding = ({ said, status }: Judged): Verdict.Finding => ({
      assertion,
      status,
      reason: `\`${named(run)}\` ${said}`,
      evidence: [output.evidence(named(run))]
    })
    if (run.includes("\0") || Buffer.byteLength(run) > longestCommand) {
      const limit = `at most ${longestCommand} bytes and no NUL`
      return finding({
        status: "error",
        said: `is no command: it may have ${limit}. Put it into a script of the repository`
      })
    }
    return yield* execute(run, output).pipe(
      Effect.timeoutOption(timeout),
      Effect.map(
        Option.getOrElse((): Judged => ({
          status: "error",
          said: `did not end within ${Duration.format(timeout)}, and was stopped. Make it faster, or allow it more time`
        }))
      ),
      Effect.catch((error) => Effect.succeed<Judged>({ status: "error", said: `could not be run: ${notRun(error)}` })),
      Effect.map(finding),
      Effect.flatMap((judged) => KeptEvidence.keep({ finding: judged, contents: output.whole() }, store))
    )
  })

const notRun = (error: PlatformError.PlatformError): string =>
  error.reason._tag === "NotFound"
    ? "there is no program `bash`, or the workspace is gone. Install bash where commands run, and look whether the workspace is there"
    : error.message

// One pipe for both outputs; `--`, so that a command that begins with a hyphen is no option of bash.
const wrapper = 'exec bash -c -- "$1" bash 2>&1'

const execute = (
  run: string,
  output: Collector
): Effect.Effect<Judged, PlatformError.PlatformError, ChildProcessSpawner> =>
  Effect.gen(function* () {
    const spawner = yield* ChildProcessSpawner
    const command = ChildProcess.make("bash", ["-c", wrapper, "bash", run], {
      stdin: "ignore",
      forceKillAfter: "2 seconds"
    })
    const handle = yield* spawner.spawn(command)
    const reading = yield* Effect.forkScoped(
      Stream.runForEach(handle.stdout, (chunk) => Effect.sync(() => output.add(chunk)))
    )
    const judged = yield* Effect.catch(Effect.map(handle.exitCode, exited), signalled)
    yield* Effect.raceFirst(Fiber.join(reading), quiet(output))
    return judged
  }).pipe(Effect.scoped)

/** Completes once nothing was printed for a while: what a command left in the background may hold the output open. */
const quiet = Effect.fnUntraced(function* (output: Collector) {
  let seen = -1
  while (seen !== output.bytes()) {
    seen = output.bytes()
    yield* Effect.sleep("500 millis")
  }
})

const exited = (code: number): Judged => ({
  status: code === 0 ? "pass" : "fail",
  said: `exited with ${code}${code === 127 ? ", as when a program is not found" : ""}`
})

const signalled = (error: PlatformError.PlatformError): Effect.Effect<Judged, PlatformError.PlatformError> => {
  const signal = /SIG[A-Z0-9]+/.exec(`${error.message} ${String(error.cause)}`)?.[0]
  return signal === undefined ? Effect.fail(error) : Effect.succeed({ status: "fail", said: `was ended by ${signal}` })
}

interface Collector {
  readonly add: (chunk: Uint8Array) => void
  readonly bytes: () => number
  /** All of it, where it is no more than is kept; otherwise nothing. */
  readonly whole: () => ReadonlyArray<Uint8Array>
  readonly evidence: (summary: string) => Verdict.Evidence
}

/** Takes any amount of output and keeps its digest, its size and its end; the whole where it has at most so many bytes. */
const collector = (most: number): Collector => {
  let whole: Array<Uint8Array> = []
  const hash = createHash("sha256")
  let bytes = 0
  let tail = Buffer.alloc(0)
  return {
    add: (chunk) => {
      hash.update(chunk)
      bytes += chunk.byteLength
      if (bytes <= most) whole.push(chunk)
      else whole = []
      // The longer of the two is cut first, so that no chunk is copied as a whole.
      tail = Buffer.concat([tail, chunk.subarray(Math.max(0, chunk.byteLength - excerptBytes))]).subarray(-excerptBytes)
    },
    bytes: () => bytes,
    whole: () => (bytes <= most ? [Buffer.concat(whole)] : []),
    evidence: (summary) => {
      const isCut = bytes > excerptBytes
      const text = harmless(decode(tail, isCut))
      return {
        kind: "command",
        summary,
        digest: Digest.Digest.make(hash.digest("hex")),
        bytes,
        excerpt: isCut ? `… ${bytes - tail.byteLength} bytes before …\n${text}` : text
      }
    }
  }
}

/** Bytes as UTF-8. The rest of a character that was cut through is left out; what else is not UTF-8 is marked. */
const decode = (bytes: Uint8Array, isCut: boolean): string => {
  let start = 0
  while (isCut && start < 3 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start))
}

// Controls but tab and line feed, what reorders a line, lone surrogates, other line ends, and invisible tag characters.
const steering = /(?![\t\n])[\p{Cc}\p{Bidi_Control}\p{Cs}\p{Zl}\p{Zp}\u{e0000}-\u{e007f}]+/gu

/** Takes out what could steer a terminal or hide text. */
const harmless = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/\r+\n?/g, "\n")
    .replaceAll(steering, "\ufffd")

/** A command as it is shown to people: one line, bounded. */
const named = (run: string): string => {
  const line = [...harmless(run).replaceAll(/\s+/g, " ").trim()]
  return line.length > 300 ? `${line.slice(0, 300).join("")}…` : line.join("")
}
