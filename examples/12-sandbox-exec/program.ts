/** Does what the command line asks for, and ends this process. */
import * as NodeChildProcessSpawner from "@effect/platform-node/NodeChildProcessSpawner"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import { SecretBroker } from "@millwright/sandbox/SecretBroker"
import type { SandboxSpec } from "@millwright/sandbox/SandboxSpec"
import type { Supports } from "@millwright/sandbox/Supports"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as PlatformError from "effect/PlatformError"
import * as Redacted from "effect/Redacted"
import * as Adapters from "./adapters.ts"
import * as Arguments from "./arguments.ts"
import * as Capture from "./capture.ts"
import * as Ending from "./ending.ts"
import * as Execute from "./execute.ts"
import * as Listing from "./listing.ts"
import * as Signals from "./signals.ts"
import * as Specification from "./specification.ts"

/** The services of this machine. What adapters log goes where it is no output of the command. */
const host = NodeChildProcessSpawner.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(NodeFileSystem.layer, NodePath.layer)),
  Layer.merge(Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]))
)

/** The values of secrets are in this process's environment, under names that the command line gives. */
const broker = (secrets: Readonly<Record<string, string>>): Layer.Layer<SecretBroker> =>
  Layer.succeed(SecretBroker, {
    get: (handle) => {
      const variable = Object.hasOwn(secrets, handle) ? secrets[handle] : undefined
      const value = variable === undefined ? undefined : process.env[variable]
      if (value !== undefined) return Effect.succeed(Redacted.make(value))
      const message =
        variable === undefined
          ? `The spec names a secret ${handle}. Say with --secret ${handle}=NAME in which variable it is.`
          : `The variable ${variable}, which shall hold the secret ${handle}, is not set.`
      return Effect.fail(new Sandbox.SandboxError({ reason: "BadSpec", message }))
    }
  })

const load = (adapter: string) => Effect.tryPromise({ try: () => Adapters.load(adapter), catch: (error) => error })

/** A signal came before the command was run. */
class Stopped extends Error {
  readonly signal: Signals.Signal
  constructor(signal: Signals.Signal) {
    super()
    this.signal = signal
  }
}

/** As the kernel has it: there is no file of that name. */
const nameless = Effect.fail(
  PlatformError.systemError({
    _tag: "NotFound",
    module: "ChildProcess",
    method: "spawn",
    description: "its name is empty"
  })
)

/** What `--json` prints. */
interface Report {
  adapter: string
  supports: Supports | null
  id: string | null
  directory: string | null
  stays: boolean
  exit: Ending.Ending | null
  stdout: string
  stderr: string
  base64: { stdout?: string; stderr?: string }
  bytes: { stdout: number; stderr: number }
  truncated: { stdout: boolean; stderr: boolean }
  limit: number
  duration: number | null
  error?: { reason: string; message: string }
}

const run = Effect.fnUntraced(function* (asked: Arguments.Run) {
  const signals = Signals.listen()
  const captured = { stdout: Capture.make(asked.limit), stderr: Capture.make(asked.limit) }
  const out = (name: "stdout" | "stderr"): Execute.Out =>
    asked.json ? (chunk) => Effect.sync(() => captured[name].add(chunk)) : Execute.to(process[name])
  let supports: Supports | null = null
  let used: { readonly id: string; readonly directory: string; stays: boolean } | undefined

  const untilStopped = <A, E, R>(work: Effect.Effect<A, E, R>) =>
    Effect.raceFirst(
      work,
      Effect.flatMap(signals.first, (signal) => Effect.fail(new Stopped(signal)))
    )
  const whole = Effect.gen(function* () {
    if (asked.command[0] === "") return yield* nameless
    const adapter = yield* load(asked.adapter)
    const context = yield* untilStopped(Layer.build(Layer.provide(adapter, broker(asked.secrets))))
    const sandbox = Context.get(context, Sandbox.Sandbox)
    supports = sandbox.supports
    const { isDiscarded, spec } = yield* Specification.of(asked, sandbox.supports)
    const ended = yield* Effect.gen(function* () {
      const opened = yield* untilStopped(sandbox.open(spec))
      used = { id: spec.id, directory: opened.directory, stays: true }
      return yield* Execute.run(asked.command, opened, { signals, stdout: out("stdout"), stderr: out("stderr") })
    }).pipe(Effect.scoped, Effect.ensuring(Effect.suspend(() => settle(sandbox, spec, isDiscarded))))
    if ("timedOut" in ended.ending) yield* complain(`ended after ${spec.limits?.wall} ms (limits.wall)`)
    return ended
  })
  /** Removes the workspace that was used, or says where it stays. A folder of the user stays without a word. */
  const settle = (sandbox: Sandbox.Sandbox["Service"], spec: SandboxSpec, isDiscarded: boolean) => {
    if (used === undefined) return Effect.void
    const workspace = used
    const stays = `the workspace ${workspace.id} stays, in ${workspace.directory}`
    if (!isDiscarded) {
      return spec.workspace._tag === "Folder" ? Effect.void : complain(`${stays}; --discard removes it`)
    }
    return Effect.matchEffect(sandbox.discard(spec), {
      onSuccess: () => Effect.sync(() => (workspace.stays = spec.workspace._tag === "Folder")),
      onFailure: (error) => complain(`${stays}: it could not be removed. ${error.message}`)
    })
  }

  const { duration, ending, failure } = yield* Effect.matchCause(Effect.scoped(whole), {
    onSuccess: (ended) => ({ ...ended, failure: undefined }),
    onFailure: (cause) => {
      const error = Cause.squash(cause)
      if (error instanceof Stopped) return { ending: { signal: error.signal }, duration: null, failure: undefined }
      return { ending: null, duration: null, failure: Ending.failure(cause, asked.command[0]) }
    }
  })
  if (failure !== undefined) yield* complain(failure.message)
  if (asked.json) {
    const stdout = captured.stdout.end()
    const stderr = captured.stderr.end()
    const report: Report = {
      adapter: asked.adapter,
      supports,
      id: used?.id ?? null,
      directory: used?.directory ?? null,
      stays: used?.stays ?? false,
      exit: ending,
      stdout: stdout.text,
      stderr: stderr.text,
      base64: {
        ...(stdout.base64 !== undefined && { stdout: stdout.base64 }),
        ...(stderr.base64 !== undefined && { stderr: stderr.base64 })
      },
      bytes: { stdout: stdout.bytes, stderr: stderr.bytes },
      truncated: { stdout: stdout.isTruncated, stderr: stderr.isTruncated },
      limit: asked.limit,
      duration,
      ...(failure && { error: { reason: failure.reason, message: failure.message } })
    }
    yield* print(`${JSON.stringify(report)}\n`)
  }
  return ending === null ? (failure?.code ?? 125) : Ending.codeOf(ending)
})

const list = ({ adapter, json }: Arguments.List) =>
  Effect.gen(function* () {
    // One that is not there is no line of the list.
    if (adapter !== undefined && !Adapters.isName(adapter)) yield* load(adapter)
    const listed = yield* Listing.of(adapter === undefined ? Adapters.names : [adapter])
    yield* print(json ? `${JSON.stringify(listed)}\n` : Listing.text(listed))
    return 0
  })

const print = (text: string) => Effect.ignore(Execute.to(process.stdout)(Buffer.from(text)))
const complain = (text: string) => Effect.ignore(Execute.to(process.stderr)(Buffer.from(`sandbox-exec: ${text}\n`)))

const dispatch = (args: ReadonlyArray<string>): Effect.Effect<number, never, Sandbox.Services> =>
  Effect.gen(function* () {
    const asked = yield* Effect.try({ try: () => Arguments.parse(args), catch: (error) => error })
    switch (asked._tag) {
      case "Help":
        return yield* Effect.as(print(Arguments.help), 0)
      case "List":
        return yield* list(asked)
      case "Run":
        return yield* run(asked)
    }
  }).pipe(Effect.catchCause((cause) => Effect.as(complain(Ending.failure(cause, "").message), 125)))

/** Does it, and ends this process with the exit code. */
export const main = async (args: ReadonlyArray<string>): Promise<void> => {
  // Whoever reads may be gone; what writes is told.
  process.stdout.on("error", () => undefined)
  process.stderr.on("error", () => undefined)
  process.exit(await Effect.runPromise(Effect.provide(dispatch(args), host)))
}
