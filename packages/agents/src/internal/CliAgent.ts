/**
 * A **CLI agent**: the program of a coding agent that is talked to in JSON messages, one a line, over its standard input and
 * output. It is started by the `ChildProcessSpawner` of the context, so in a sandbox it is inside, and it does not outlive
 * the call: not its process group, and on Linux nothing either that it started in a group of its own.
 *
 * It sees little of the environment around it, and its key comes over its input: in no argument, no environment and no file.
 */
import * as Redaction from "@millwright/core/Redaction"
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import * as Harness from "../Harness.ts"
import * as JsonLines from "./JsonLines.ts"

/** What is started. */
export interface Program {
  /** What people call it. */
  readonly name: string
  /** How it is installed, as a sentence. */
  readonly install: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  /** What it sees beside {@link inherited}. Nothing of it is secret. */
  readonly env: Readonly<Record<string, string>>
  /** More variables that it may see, by their names. */
  readonly inherit: ReadonlyArray<string>
  /** It reads it from the file descriptor {@link keyDescriptor}. */
  readonly key: Redacted.Redacted<string> | undefined
  /** It reads its key from this variable of its environment instead, which its tools see too. */
  readonly keyVariable?: string | undefined
  /** What is taken out of what it says on its standard error. */
  readonly secrets: ReadonlyArray<Redacted.Redacted<string>>
  readonly limits: Limits
}

/** What a program may keep us waiting for, in milliseconds, and say, in bytes. */
export interface Limits {
  /** Without a word. Tools of the agent run in this time. */
  readonly silence: number
  readonly line: number
  /** All that it may say in one run. */
  readonly output: number
}

/** How a running program is talked to. */
export interface Talk {
  readonly say: (message: unknown) => Effect.Effect<void>
  /** Nothing more will be said: a program without work ends by that, or is ended soon after. */
  readonly close: Effect.Effect<void>
}

/** How a program ended. */
export interface End {
  /** `undefined`: it was ended by a signal, or it closed its output and did not end. */
  readonly code: number | undefined
  /** How many messages it said. */
  readonly heard: number
  /** The last of its standard error, without secrets. */
  readonly errors: string
}

/** Where the program finds its key. */
export const keyDescriptor = 3

/** What a program sees of the environment that its place has: how to find programs, to reach others, and to write text. */
export const inherited: ReadonlyArray<string> = [
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
  ...["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"],
  // By this a sandbox finds what runs in it.
  "MILLWRIGHT_SANDBOX"
]

/** How long after SIGTERM the process group is killed. */
const grace = "2 seconds"

/** How long a program may take to end when it closed its output. */
const farewell = "2 seconds"

/** How long it may take to end when nothing more is said to it: it writes its conversation down. */
const parting = "10 seconds"

/** How long what holds the output of a program that is gone is listened to while it speaks: so many times {@link pause}. */
const rounds = 30
const pause = "300 millis"

/** How much of the standard error is kept, in bytes: more than is shown, since a secret may be cut at its beginning. */
const keptErrors = 16 * 1024

/** The code with which the start says that there is no such program. */
const missing = 127

/** The code with which it says that the environment can not be cleared. */
const unclear = 121

const variable = "MILLWRIGHT_AGENT"

/** The line in which a program says that it does not know what it is told. */
const tooOld = /^.*(?:unknown option|unexpected argument|unrecognized subcommand|unknown configuration field).*$/im

/**
 * Runs a program to its end. `hear` takes what it says, one message after the other; when it fails, the program is ended. A
 * line that is no JSON object is left out, and so is one that is too long.
 */
export const run = <E, R>(
  program: Program,
  {
    begin,
    hear
  }: {
    readonly begin: (talk: Talk) => Effect.Effect<void, E, R>
    readonly hear: (message: JsonLines.Message) => Effect.Effect<void, E, R>
  }
): Effect.Effect<End, E | Harness.HarnessError, R | ChildProcessSpawner> =>
  Effect.scoped(
    Effect.gen(function* () {
      const mark = randomUUID()
      // Registered first, so done last: what is left then is in no group that the spawner knows.
      yield* Effect.addFinalizer(() => sweep(mark))
      const { handle, talk } = yield* start(program, mark)
      let errors = Buffer.alloc(0)
      yield* Stream.runForEach(handle.stderr, (chunk) =>
        Effect.sync(() => {
          errors = Buffer.from(Buffer.concat([errors, chunk]).subarray(-keptErrors))
        })
      ).pipe(Effect.ignore, Effect.forkScoped)

      const lines = JsonLines.make(program.limits.line)
      let bytes = 0
      let heard = 0
      let isHearing = false
      const output = handle.stdout.pipe(
        // One that is gone was not asked to speak.
        Stream.catch(() => Stream.empty),
        Stream.timeoutOrElse({
          duration: program.limits.silence,
          orElse: () => Stream.fail(broken(program, silent(program.limits)))
        }),
        Stream.runForEach((chunk): Effect.Effect<void, E | Harness.HarnessError, R> => {
          bytes += chunk.length
          if (bytes > program.limits.output) return Effect.fail(broken(program, endless(program.limits)))
          const messages = lines.push(chunk)
          heard += messages.length
          isHearing = true
          return Effect.andThen(
            Effect.forEach(messages, hear, { discard: true }),
            Effect.sync(() => void (isHearing = false))
          )
        })
      )
      const closed = yield* Deferred.make<void>()
      yield* begin({ ...talk, close: Effect.andThen(talk.close, Effect.asVoid(Deferred.succeed(closed, undefined))) })
      const exit = Effect.matchEffect(handle.exitCode, {
        onFailure: () => Effect.succeed(undefined),
        onSuccess: (code) => Effect.succeed<number | undefined>(code)
      })
      const reading = yield* Effect.forkScoped(output)
      // What it started may hold the output open when it is gone: wait while something of it still comes.
      const quiet = Effect.gen(function* () {
        let round = 0
        for (let seen = -1; isHearing || (seen !== bytes && round++ < rounds);) {
          seen = bytes
          yield* Effect.sleep(pause)
        }
      })
      yield* Fiber.join(reading).pipe(
        Effect.raceFirst(Effect.andThen(exit, quiet)),
        Effect.raceFirst(Effect.andThen(Deferred.await(closed), Effect.sleep(parting)))
      )
      const code = yield* Effect.timeoutOrElse(exit, { duration: farewell, orElse: () => Effect.succeed(undefined) })
      const said = Redaction.scrub(errors.toString("utf8"), program.secrets).trim()
      if (heard === 0 && code === unclear) return yield* broken(program, uncleared)
      if (heard === 0 && (code === missing || tooOld.test(said))) return yield* absent(program, said)
      return { code, heard, errors: said }
    })
  )

const start = Effect.fnUntraced(function* (
  program: Program,
  mark: string
): Effect.fn.Return<
  { readonly handle: Handle; readonly talk: Talk },
  Harness.HarnessError,
  Scope.Scope | ChildProcessSpawner
> {
  const spawner = yield* ChildProcessSpawner
  const input = yield* Queue.make<Uint8Array, Cause.Done>()
  const command = ChildProcess.make("sh", ["-c", script(program, mark), "sh", program.command, ...program.args], {
    forceKillAfter: grace
  })
  const handle = yield* Effect.mapError(spawner.spawn(command), (error) => unstartable(program, error))
  yield* Effect.forkScoped(Effect.ignore(Stream.run(Stream.fromQueue(input), handle.stdin)))
  const write = (text: string) => Effect.sync(() => void Queue.offerUnsafe(input, Buffer.from(`${text}\n`)))
  if (program.key !== undefined) yield* write(Redacted.value(program.key).trim())
  const talk: Talk = {
    say: (message) => write(JSON.stringify(message)),
    close: Effect.asVoid(Queue.end(input))
  }
  return { handle, talk }
})

type Handle = Effect.Success<ReturnType<ChildProcessSpawner["Service"]["spawn"]>>

/** Takes everything out of the environment that is not let in, and the key from the input, and becomes the program. */
const script = ({ env, inherit, key, keyVariable }: Program, mark: string): string =>
  [
    `command -v "$1" >/dev/null 2>&1 || exit ${missing}`,
    `names=$(env | sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p') && [ -n "$names" ] || exit ${unclear}`,
    "for name in $names; do",
    `case $name in ${[...inherited, ...inherit].map(quoted).join("|")}) ;; *) unset "$name" 2>/dev/null || :;; esac`,
    "done",
    ...(key === undefined ? [] : ["IFS= read -r key || exit 1"]),
    ...(key === undefined || keyVariable !== undefined
      ? []
      : [`exec ${keyDescriptor}<<END`, "$key", "END", "unset key"]),
    ...Object.entries({ ...env, [variable]: mark }).map(([name, value]) => `export ${name}=${quoted(value)}`),
    ...(key === undefined || keyVariable === undefined ? [] : [`export ${keyVariable}="$key"`, "unset key"]),
    // Some shells hand on what they have no name for.
    "odd=$(env | sed -n '/^[A-Za-z_][A-Za-z0-9_]*=/d;s/^\\([^=][^=]*\\)=.*/\\1/p')",
    'if [ -n "$odd" ]; then',
    `set -f; IFS='\n'; set -- sh -c 'exec "$@"' sh "$@"`,
    'for name in $odd; do set -- -u "$name" "$@"; done',
    'set -- env "$@"',
    "fi",
    'exec "$@"'
  ].join("\n")

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** Ends what carries the mark of a run in its environment. Where there is no `/proc`, a process of another group is left. */
const sweep = Effect.fnUntraced(function* (mark: string) {
  const spawner = yield* ChildProcessSpawner
  const script = [
    "for round in 1 2 3 4 5 6 7 8 9; do",
    `found=$(grep -lsF "${variable}=$1" /proc/[0-9]*/environ)`,
    '[ -n "$found" ] || exit 0',
    'for file in $found; do pid=${file#/proc/}; kill -KILL "${pid%/environ}" 2>/dev/null; done',
    "done"
  ].join("\n")
  const command = ChildProcess.make("sh", ["-c", script, "sh", mark], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    forceKillAfter: grace
  })
  yield* Effect.ignore(Effect.scoped(Effect.flatMap(spawner.spawn(command), ({ exitCode }) => exitCode)))
})

/** The program broke, or is not what it was taken for. */
export const broken = ({ name }: Pick<Program, "name">, what: string): Harness.HarnessError =>
  new Harness.HarnessError({ reason: "Broken", message: `${name} ${what}` })

const uncleared =
  "was not started, since it would see all variables of the place where the agent works: to clear them takes `env` and `sed`. Install them there."

const silent = ({ silence }: Limits): string =>
  `has said nothing for ${Math.round(silence / 1_000)} s, and was ended. If its tools take longer than that, give it more silence.`

const endless = ({ output }: Limits): string =>
  `has said more than ${output} bytes, and was ended. Give it a smaller task, or let it say more.`

const absent = ({ command, install, name }: Program, said: string): Harness.HarnessError =>
  new Harness.HarnessError({
    reason: "NotInstalled",
    message: !tooOld.test(said)
      ? `${name} is not installed where the agent works: there is no ${command} on its PATH. ${install}`
      : `${name}, as it is installed where the agent works, is too old: ${(tooOld.exec(said)?.[0] ?? said).slice(0, 200)}. ${install}`
  })

const unstartable = (program: Program, error: PlatformError.PlatformError): Harness.HarnessError =>
  error.reason._tag === "NotFound"
    ? absent(program, "")
    : broken(program, `could not be started: ${error.message}. See that programs can be started where the agent works.`)
