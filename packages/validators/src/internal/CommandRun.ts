/**
 * One command, as a validator runs it: with bash, both outputs through one pipe, no input, a bound on its time, and what it
 * printed as evidence. Everything that it started ends with it.
 */
import * as Digest from "@millwright/core/Digest"
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
import * as KeptEvidence from "./KeptEvidence.ts"
import * as PlainText from "./PlainText.ts"

/** What is run, and how much of it there may be. */
export interface Options {
  /** For bash. */
  readonly run: string
  readonly timeout: Duration.Duration
  /** The most that it may print, in bytes; a command that prints more is stopped. Default: any amount. */
  readonly most?: number
  /** What it prints on its standard output is kept whole up to so many bytes. Default: none of it is. */
  readonly keep?: number
  /** Keeps standard error apart, so that it is not in the middle of what was kept. Default: one pipe for both. */
  readonly apart?: boolean
}

/** How it ended. */
export type Ending =
  | { readonly _tag: "Exited"; readonly code: number }
  | { readonly _tag: "Signalled"; readonly signal: string }
  | { readonly _tag: "TimedOut" | "TooMuch" | "NotStarted" }

/** A command that has ended. */
export interface Ran {
  readonly ending: Ending
  /** What follows the command in a reason. */
  readonly said: string
  /** Exit 0 is a pass, another code or a signal a fail; all else an `error`. */
  readonly status: Verdict.Status
  readonly evidence: Verdict.Evidence
  /** What it printed on its standard output, where that was to be kept and is not more. */
  readonly content: Uint8Array | undefined
  /** All that it printed, which the evidence is of; none where it is more than 8 MiB. */
  readonly output: Uint8Array | undefined
}

/** The part of the output that a verdict carries, in bytes. */
const excerptBytes = 8_000

/** The output that is held as a whole, in bytes. */
const wholeBytes = 8 * 1024 ** 2

// The kernel takes at most 128 KiB in one argument.
const longestCommand = 100_000

interface Judged {
  readonly ending: Ending
  readonly said: string
}

/** Runs a command to its end. It never fails: what goes wrong is how it ended. */
export const run = ({
  apart = false,
  keep = 0,
  most = Infinity,
  run,
  timeout
}: Options): Effect.Effect<Ran, never, ChildProcessSpawner> =>
  Effect.gen(function* () {
    const output = collector(keep)
    const ran = ({ ending, said }: Judged): Ran => ({
      ending,
      said,
      status: statusOf(ending),
      evidence: output.evidence(PlainText.line(run)),
      content: output.content(),
      output: output.whole()
    })
    if (run.includes("\0") || Buffer.byteLength(run) > longestCommand) {
      const limit = `at most ${longestCommand} bytes and no NUL`
      const said = `is no command: it may have ${limit}. Put it into a script of the repository`
      return ran({ ending: { _tag: "NotStarted" }, said })
    }
    return yield* execute({ run, output, most, apart }).pipe(
      Effect.timeoutOption(timeout),
      Effect.map(
        Option.getOrElse((): Judged => ({
          ending: { _tag: "TimedOut" },
          said: `did not end within ${Duration.format(timeout)}, and was stopped. Make it faster, or allow it more time`
        }))
      ),
      Effect.catch((error) =>
        Effect.succeed<Judged>({ ending: { _tag: "NotStarted" }, said: `could not be run: ${notRun(error)}` })
      ),
      Effect.map(ran)
    )
  })

/** The finding about an assertion that a command decides. What it printed is kept in the `EvidenceStore` that there is. */
export const judge = ({
  id,
  ...options
}: Options & { readonly id: string }): Effect.Effect<Verdict.Finding, never, ChildProcessSpawner> =>
  Effect.flatMap(run(options), ({ evidence, output, said, status }) =>
    KeptEvidence.keep({
      finding: { assertion: id, status, reason: `\`${PlainText.line(options.run)}\` ${said}`, evidence: [evidence] },
      contents: output === undefined ? [] : [output]
    })
  )

const statusOf = (ending: Ending): Verdict.Status => {
  if (ending._tag === "Signalled") return "fail"
  if (ending._tag !== "Exited") return "error"
  return ending.code === 0 ? "pass" : "fail"
}

const notRun = (error: PlatformError.PlatformError): string =>
  error.reason._tag === "NotFound"
    ? "there is no program `bash`, or the workspace is gone. Install bash where commands run, and look whether the workspace is there"
    : error.message

// `--`, so that a command that begins with a hyphen is no option of bash. One pipe for both outputs keeps their order.
const wrapper = 'exec bash -c -- "$1" bash'

const execute = ({
  apart,
  most,
  output,
  run
}: {
  readonly run: string
  readonly output: Collector
  readonly most: number
  readonly apart: boolean
}): Effect.Effect<Judged, PlatformError.PlatformError, ChildProcessSpawner> =>
  Effect.gen(function* () {
    const spawner = yield* ChildProcessSpawner
    const command = ChildProcess.make("bash", ["-c", apart ? wrapper : `${wrapper} 2>&1`, "bash", run], {
      stdin: "ignore",
      forceKillAfter: "2 seconds"
    })
    const handle = yield* spawner.spawn(command)
    const read = (stream: typeof handle.stdout, add: Collector["add"]) =>
      Stream.runForEachWhile(stream, (chunk) =>
        Effect.sync(() => {
          add(chunk)
          return output.bytes() <= most
        })
      )
    const over = (one: Fiber.Fiber<void, PlatformError.PlatformError>) =>
      Effect.flatMap(Fiber.join(one), () => (output.bytes() > most ? Effect.void : Effect.never))
    const reading = yield* Effect.forkScoped(read(handle.stdout, output.add))
    const complaints = apart ? yield* Effect.forkScoped(read(handle.stderr, output.complain)) : reading
    const tooMuch = Effect.flatMap(Effect.raceFirst(over(reading), over(complaints)), () =>
      Effect.succeed(printed(most))
    )
    const judged = yield* Effect.raceFirst(Effect.catch(Effect.map(handle.exitCode, exited), signalled), tooMuch)
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

const printed = (most: number): Judged => ({
  ending: { _tag: "TooMuch" },
  said: `printed more than ${most} bytes, and was stopped. Let it print less, or allow it more`
})

const exited = (code: number): Judged => ({
  ending: { _tag: "Exited", code },
  said: `exited with ${code}${code === 127 ? ", as when a program is not found" : ""}`
})

const signalled = (error: PlatformError.PlatformError): Effect.Effect<Judged, PlatformError.PlatformError> => {
  const signal = /SIG[A-Z0-9]+/.exec(`${error.message} ${String(error.cause)}`)?.[0]
  return signal === undefined
    ? Effect.fail(error)
    : Effect.succeed({ ending: { _tag: "Signalled", signal }, said: `was ended by ${signal}` })
}

interface Collector {
  readonly add: (chunk: Uint8Array) => void
  /** As `add`, for what is not kept. */
  readonly complain: (chunk: Uint8Array) => void
  readonly bytes: () => number
  readonly evidence: (summary: string) => Verdict.Evidence
  /** What was added, unless it is more than was to be kept. */
  readonly content: () => Uint8Array | undefined
  /** All of it, unless it is more than is held. */
  readonly whole: () => Uint8Array | undefined
}

/** Holds up to so many bytes, and nothing of more. */
const holder = (most: number) => {
  const chunks: Array<Uint8Array> = []
  let bytes = 0
  return {
    add: (chunk: Uint8Array) => {
      bytes += chunk.byteLength
      if (bytes <= most) chunks.push(chunk)
      else chunks.length = 0
    },
    all: () => (bytes <= most ? Buffer.concat(chunks) : undefined)
  }
}

/** Takes any amount of output and keeps its digest, its size and its end. */
const collector = (keep: number): Collector => {
  const hash = createHash("sha256")
  const [kept, whole] = [holder(keep), holder(wholeBytes)]
  let bytes = 0
  let tail = Buffer.alloc(0)
  const complain = (chunk: Uint8Array) => {
    hash.update(chunk)
    whole.add(chunk)
    bytes += chunk.byteLength
    // The longer of the two is cut first, so that no chunk is copied as a whole.
    tail = Buffer.concat([tail, chunk.subarray(Math.max(0, chunk.byteLength - excerptBytes))]).subarray(-excerptBytes)
  }
  return {
    add: (chunk) => {
      complain(chunk)
      kept.add(chunk)
    },
    complain,
    bytes: () => bytes,
    content: kept.all,
    whole: whole.all,
    evidence: (summary) => {
      const isCut = bytes > excerptBytes
      const text = PlainText.harmless(decode(tail, isCut))
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
