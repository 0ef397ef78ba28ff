/** The host's side of the relay: asks a machine that can only run texts, again when an answer was lost. See `RelayScript`. */
import * as Effect from "effect/Effect"
import * as ProcessTree from "../ProcessTree.ts"
import { SandboxError } from "../Sandbox.ts"
import { footer, header, script } from "./RelayScript.ts"

/** What a provider lets be done with one of its machines. An error tells whether trying again can help. */
export interface Shell {
  /** Runs a text with a POSIX shell, and answers with what it printed when it ends with 0. A text has 64 KiB at most. */
  readonly run: (text: string) => Effect.Effect<string, SandboxError>
  /** Writes a file whose folder is there. */
  readonly write: (path: string, bytes: Uint8Array) => Effect.Effect<void, SandboxError>
  /** Waits as long as the machine is halted. */
  readonly ready: Effect.Effect<void>
}

/** How the machine is asked. */
export interface Options {
  readonly shell: Shell
  /** The relay's own folder there, absolute. */
  readonly base: string
  /** How long one answer may take, in milliseconds. Default: 30,000. */
  readonly patience?: number | undefined
  /** How often a call is made before it has failed. Default: 4. */
  readonly attempts?: number | undefined
}

/** What the relay knows of a command, since the host last asked. */
export interface Answer {
  readonly pid: number
  /** None while it runs. */
  readonly exit: number | undefined
  readonly isLost: boolean
  readonly out: Part
  readonly err: Part
}

/** What one output of a command wrote. */
export interface Part {
  readonly bytes: Uint8Array
  readonly segments: number
  readonly isEnded: boolean
}

/** A relay that is installed. */
export interface Relay {
  readonly base: string
  /** What the provider's shell gives commands of these variables: `PATH`, `HOME`, `LANG`, `TMPDIR`, `TERM`, `USER`. */
  readonly minimum: Readonly<Record<string, string>>
  /** Calls the relay; `input` is what it reads. Every call may be repeated. */
  readonly call: (args: ReadonlyArray<string>, input?: Uint8Array) => Effect.Effect<string, SandboxError>
  /** Calls it for what it knows of a command. */
  readonly ask: (args: ReadonlyArray<string>) => Effect.Effect<Answer, SandboxError>
  readonly write: Shell["write"]
}

/** A word of a shell text. */
export const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

// What a provider's shell takes in one argument, with room for what it puts around it.
const longest = 60_000
// In the order in which the script tells them.
const variables = ["PATH", "HOME", "LANG", "TMPDIR", "TERM", "USER"]

/** Installs the relay, and removes what one of a process that was killed has left. */
export const make = Effect.fnUntraced(function* ({
  attempts = 4,
  base,
  patience = 30_000,
  shell
}: Options): Effect.fn.Return<Relay, SandboxError> {
  const late = Effect.andThen(
    ProcessTree.pause(patience),
    Effect.fail(
      new SandboxError({
        reason: "ProviderFailed",
        message: `The provider did not answer in ${patience} ms. Look at its status page, or give it more time with \`patience\`.`
      })
    )
  )
  const again = <A>(effect: Effect.Effect<A, SandboxError>, left = attempts - 1): Effect.Effect<A, SandboxError> =>
    Effect.catch(Effect.andThen(shell.ready, Effect.raceFirst(effect, late)), (error) =>
      left > 0 && error.isRetryable
        ? Effect.andThen(
            ProcessTree.pause(Math.min(error.retryAfter ?? 100 * 4 ** (attempts - 1 - left), 10_000)),
            again(effect, left - 1)
          )
        : Effect.fail(error)
    )
  const file = `${base}/relay`
  const install = `umask 077 && mkdir -p ${quote(base)} && printf %s ${quote(script)} > ${quote(`${file}.part`)} &&
mv ${quote(`${file}.part`)} ${quote(file)} && sh ${quote(file)} ${quote(base)} reset`
  const told = yield* again(
    Effect.flatMap(shell.run(install), (text) => Effect.as(word(text), text.trimEnd().split("\n").slice(0, -1)))
  )
  const values = told.slice(-variables.length)
  const minimum = Object.fromEntries(
    variables.map((name, index) => [name, Buffer.from(values[index] ?? "", "base64").toString()])
  )

  let texts = 0
  const once = (args: ReadonlyArray<string>, input?: Uint8Array): Effect.Effect<string, SandboxError> => {
    const words = ["sh", file, base, ...args].map(quote).join(" ")
    const text = input === undefined ? words : `printf %s ${Buffer.from(input).toString("base64")} | ${words}`
    if (text.length < longest) return shell.run(text)
    const path = `${base}/text${++texts}`
    return Effect.andThen(
      shell.write(path, Buffer.from(text)),
      shell.run(`sh ${quote(path)}; code=$?; rm -f ${quote(path)}; exit $code`)
    )
  }
  return {
    base,
    minimum,
    call: (args, input) => again(Effect.flatMap(once(args, input), word)),
    ask: (args) => again(Effect.flatMap(once(args), read)),
    write: (path, bytes) => again(shell.write(path, bytes))
  }
})

const cutOff = (text: string) =>
  Effect.fail(
    new SandboxError({
      reason: "ProviderFailed",
      message: `The provider cut off an answer of ${text.length} characters. Nothing of the command's output is lost; ask again.`
    })
  )

// Some providers tell of a call that was cut off as of one that wrote nothing.
const word = (text: string): Effect.Effect<string, SandboxError> => {
  const last = text.trimEnd().split("\n").at(-1) ?? ""
  return ["ok", "busy", "gone"].includes(last) ? Effect.succeed(last) : cutOff(text)
}

// One that is not whole is a failure that can be repeated.
const read = (text: string): Effect.Effect<Answer, SandboxError> => {
  const lines = text.trimEnd().split("\n")
  const start = lines.findIndex((line) => line.startsWith(`${header} `))
  const middle = lines.indexOf("-", start)
  if (start === -1 || middle === -1 || lines.at(-1) !== footer) {
    return cutOff(text)
  }
  const [, pid = "0", exit = "-", outCount, outEnded, errCount, errEnded] = (lines[start] ?? "").split(" ")
  const decode = (part: ReadonlyArray<string>) => new Uint8Array(Buffer.from(part.join(""), "base64"))
  return Effect.succeed({
    pid: Number(pid),
    exit: /^\d+$/.test(exit) ? Number(exit) : undefined,
    isLost: exit === "lost",
    out: { bytes: decode(lines.slice(start + 1, middle)), segments: Number(outCount), isEnded: outEnded === "1" },
    err: { bytes: decode(lines.slice(middle + 1, -1)), segments: Number(errCount), isEnded: errEnded === "1" }
  })
}
