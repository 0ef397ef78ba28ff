/**
 * One connection of the `ssh` program, over which all commands of a sandbox run.
 *
 * Its first session is the **watch**: a script there that reads our input to its end, and ends every process of the sandbox
 * then. So they end when this process dies, however it dies, and when the connection is lost.
 *
 * The words of a command never stand in an argument list, here or there: the far shell reads them from its input, before
 * the input of the command.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Spawner from "effect/process/ChildProcessSpawner"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import type * as Cause from "effect/Cause"
import { randomUUID } from "node:crypto"
import { tmpdir } from "node:os"
import { SandboxError } from "../Sandbox.ts"
import * as HeldFolder from "./HeldFolder.ts"
import * as InsideTree from "./InsideTree.ts"
import * as ShellLine from "./ShellLine.ts"

/** How the machine is reached. */
export interface Options {
  /** Name or address, or an alias of `config`. */
  readonly host: string
  readonly user?: string
  readonly port?: number
  /** The file of the private key. Left out: what `ssh` finds by itself, an agent included. */
  readonly identity?: string
  /** The file that names the machine's keys. Left out: the user's own. A machine that is not named in it is refused. */
  readonly knownHosts?: string
  /** The configuration of `ssh`. Left out: the user's own. */
  readonly config?: string
  /** The folder there that workspaces lie in, absolute. Default: `.millwright/sandboxes` in the home there. */
  readonly directory?: string
  /** The program. Default: `/usr/bin/ssh`. */
  readonly ssh?: string
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

const bare = `exec /bin/sh -c 'IFS= read -r h && eval "$h"'`
const clean = `exec env -i /bin/sh -c 'IFS= read -r h && eval "$h"'`

const watching = `${InsideTree.looking}
folder=$1 mark=$2
trap "" HUP PIPE TERM
[ "$folder" ] || folder=$HOME/.millwright/sandboxes
[ -r /proc/self/environ ] || { echo "millwright: no /proc" >&2; exit 3; }
command -v git > /dev/null || { echo "millwright: no git" >&2; exit 4; }
umask 077
mkdir -p -- "$folder" && cd -P -- "$folder" || exit 5
rm -f -- "255-$mark"*
printf "%s\\0" "$PWD" "$PATH" "$HOME" "\${USER:-$(id -un)}" "\${LANG:-C.UTF-8}" end
exec > /dev/null 2>&1
cat
end KILL 0
`

/** In milliseconds. */
const patience = 30_000

const failed = (reason: SandboxError["reason"], host: string, why: string) =>
  new SandboxError({ reason, message: `The machine ${host} can not be used over ssh: ${why}` })

/** What `ssh` complains about, as an error of a sandbox. It speaks English only. */
const refusal = (host: string, said: string, code: number | undefined) => {
  const text = said.trim().slice(-2_000)
  if (/millwright: no \/proc/.test(said))
    return failed("Unavailable", host, "it has no /proc. Take one that runs Linux.")
  if (/millwright: no git/.test(said)) return failed("Unavailable", host, "there is no git. Install git there.")
  if (code === 5) return failed("Unavailable", host, `its folder can not be made: ${text}. Give another folder.`)
  if (/host key verification failed|remote host identification has changed|no .* host key is known/i.test(said)) {
    const mend = "Add the machine's key to the file of known hosts, when you know that it is the right one."
    return failed("Unauthorized", host, `its key is not the one that is known. ${mend} ssh says: ${text}`)
  }
  if (/permission denied|too many authentication failures|no supported authentication/i.test(said)) {
    return failed(
      "Unauthorized",
      host,
      `it does not let us in. Give the user and the key that it knows. ssh says: ${text}`
    )
  }
  return failed("ProviderFailed", host, `it can not be reached. ssh says: ${text || `nothing, and ended with ${code}`}`)
}

const lost = (host: string) =>
  PlatformError.systemError({
    _tag: "BadResource",
    module: "ChildProcess",
    method: "exitCode",
    description: `The connection to ${host} was lost while a command ran. What it did until then is done; open the sandbox again`
  })

/** Connects, until the scope closes. Processes there whose mark begins with `mark` end then. */
export const make = Effect.fnUntraced(function* (options: Options, mark: string) {
  const host = yield* Spawner.ChildProcessSpawner
  const fs = yield* FileSystem.FileSystem
  const program = options.ssh ?? "/usr/bin/ssh"
  // The path of a socket has 107 characters at most, and ssh adds some.
  const temporary = tmpdir().length > 50 ? "/tmp" : tmpdir()
  const folder = yield* Effect.mapError(
    Effect.andThen(HeldFolder.sweep(temporary), HeldFolder.make(fs, { directory: temporary, kind: "" })),
    (cause) =>
      new SandboxError({
        reason: "SetupFailed",
        message: `No folder can be made in ${temporary}: ${cause.message}.`,
        cause
      })
  )
  const settings = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RequestTTY=no",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ControlPersist=no",
    "LogLevel=ERROR",
    ...(options.knownHosts === undefined
      ? []
      : [`UserKnownHostsFile="${options.knownHosts}"`, "GlobalKnownHostsFile=/dev/null"]),
    ...(options.identity === undefined ? [] : ["IdentitiesOnly=yes"])
  ]
  const args = [
    ...(options.config === undefined ? [] : ["-F", options.config]),
    ...settings.flatMap((setting) => ["-o", setting]),
    ...(options.port === undefined ? [] : ["-p", String(options.port)]),
    ...(options.user === undefined ? [] : ["-l", options.user]),
    ...(options.identity === undefined ? [] : ["-i", options.identity]),
    "-S",
    `${folder}/c`
  ]
  const { HOME, PATH, SSH_AUTH_SOCK, USER } = process.env
  const environment = { HOME, PATH, USER, SSH_AUTH_SOCK, LC_ALL: "C" }
  const ssh = (more: ReadonlyArray<string>, command: ChildProcess.CommandOptions) =>
    host.spawn(ChildProcess.make(program, [...args, ...more], { ...command, env: environment, extendEnv: false }))

  const line = `${ShellLine.start}set -- ${ShellLine.words([options.directory ?? "", mark])}; eval ${ShellLine.quote(watching)}\n`
  const watch = yield* ssh(["-M", "--", options.host, bare], {
    stdin: Stream.concat(Stream.make(encode(line)), Stream.never),
    forceKillAfter: 1_000
  }).pipe(
    Effect.mapError(
      (cause) =>
        new SandboxError({
          reason: cause.reason._tag === "NotFound" ? "Unavailable" : "SetupFailed",
          message: `${program} can not be started: ${cause.message}. Install it (Debian: openssh-client), or give its path.`,
          cause
        })
    )
  )
  let said = ""
  yield* watch.stderr.pipe(
    Stream.decodeText,
    Stream.runForEach((text) => Effect.sync(() => (said = `${said}${text}`.slice(-4_000)))),
    Effect.ignore,
    Effect.forkScoped
  )
  const answer = yield* watch.stdout.pipe(
    Stream.decodeText,
    Stream.scan(
      () => "",
      (all, text) => `${all}${text}`
    ),
    Stream.filter((all) => all.endsWith("\0end\0")),
    Stream.runHead,
    Effect.mapError((cause) => failed("ProviderFailed", options.host, `${cause.message}.`)),
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () => Effect.fail(failed("ProviderFailed", options.host, `it did not answer for ${patience} ms.`))
    })
  )
  if (answer._tag === "None") {
    const code = yield* Effect.option(watch.exitCode)
    // What it said last may still be on its way.
    yield* Effect.sleep(50)
    return yield* refusal(options.host, said, code._tag === "Some" ? code.value : undefined)
  }
  const [directory = "", path = "", home = "", user = "", lang = ""] = answer.value.split("\0")
  if (/[\r\n]/.test(directory)) {
    return yield* failed(
      "Unavailable",
      options.host,
      `the real path of its folder, ${JSON.stringify(directory)}, has a line break.`
    )
  }

  const raw = (
    text: string,
    input: Stream.Stream<Uint8Array, PlatformError.PlatformError>,
    rest: ChildProcess.CommandOptions
  ) =>
    ssh(["-o", "ControlMaster=no", "--", options.host, clean], {
      ...rest,
      stdin: Stream.concat(Stream.make(encode(`${ShellLine.start}${text}\n`)), input)
    })

  const spawn: InsideTree.Spawn = Effect.fnUntraced(function* (command) {
    const { additionalFds, cwd, env = {}, stdin = "pipe", ...rest } = command.options
    const source = typeof stdin === "object" && "stream" in stdin ? stdin.stream : stdin
    if (additionalFds !== undefined || source === "inherit" || source === "overlapped") {
      return yield* Effect.fail(
        PlatformError.badArgument({
          module: "ChildProcess",
          method: "spawn",
          description: "Over ssh a command has three streams, and its input is a stream, a pipe or nothing"
        })
      )
    }
    // ssh ends with 255 when it fails, and so may a command: that one leaves a file.
    const proof = `${directory}/255-${mark}${randomUUID()}`
    const variables = Object.entries(env).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${ShellLine.quote(plain(value))}`]
    )
    const text = [
      cwd === undefined ? "" : `cd -- ${ShellLine.quote(cwd)} || exit 126;`,
      variables.length === 0 ? "" : `export ${variables.join(" ")};`,
      `${ShellLine.words([command.command, ...command.args.map(plain)])};`,
      `c=$?; [ "$c" != 255 ] || : > ${ShellLine.quote(proof)}; exit "$c"`
    ].join(" ")
    const queue = yield* Queue.bounded<Uint8Array, Cause.Done>(16)
    const input = source === "ignore" ? Stream.empty : source === "pipe" ? Stream.fromQueue(queue) : source
    const handle = yield* raw(text, input, rest)
    const isProven = Effect.scoped(
      Effect.gen(function* () {
        const asked = yield* raw(`rm -- ${ShellLine.quote(proof)}`, Stream.empty, {
          stdout: "ignore",
          stderr: "ignore"
        })
        return (yield* asked.exitCode) === 0
      })
    )
    const exitCode = yield* Effect.cached(
      Effect.gen(function* () {
        const code = yield* handle.exitCode
        if (code === 255 && !(yield* Effect.orElseSucceed(isProven, () => false))) return yield* lost(options.host)
        return code
      })
    )
    return Spawner.makeHandle({
      ...handle,
      exitCode,
      stdin: Sink.forEach((chunk: Uint8Array) =>
        // Who writes to a command that has ended is not kept waiting.
        Effect.raceFirst(Queue.offer(queue, chunk), Effect.ignore(handle.exitCode))
      ).pipe(Sink.mapEffect(() => Effect.asVoid(Queue.end(queue))))
    })
  })

  return {
    directory,
    minimum: { PATH: path, HOME: home, LANG: lang, TMPDIR: "/tmp", TERM: "dumb", USER: user },
    spawn,
    /** Carries one connection to a port there. */
    carry: (port: number, input: Stream.Stream<Uint8Array, PlatformError.PlatformError>) =>
      ssh(["-o", "ControlMaster=no", "-W", `127.0.0.1:${port}`, "--", options.host], { stdin: input, stderr: "ignore" })
  }
})

const plain = (value: string | Redacted.Redacted<string>): string =>
  Redacted.isRedacted(value) ? Redacted.value(value) : value
