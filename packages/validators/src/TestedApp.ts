/**
 * What is tested, as it runs: an address that is there, a program for a terminal, or a command that is started for it, in a
 * sandbox of its own, with the source that it is made of. The tester gets its address and nothing else.
 */
import * as Fault from "@millwright/core/Fault"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import type { SandboxSpec } from "@millwright/sandbox/SandboxSpec"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Answers from "./internal/Answers.ts"
import * as LogTail from "./internal/LogTail.ts"
import type * as Surface from "./Surface.ts"

/** The app can not be tested. */
export class AppError extends Fault.Class<AppError>()("AppError", {
  /** It did not answer in its time. */
  NeverListened: true,
  /** It ended before it answered. */
  Ended: false,
  /** Its sandbox or its command can not be started. */
  NotStarted: false,
  /** It can not be brought to its beginning. */
  ResetFailed: true
}) {}

/** An app that runs. */
export interface Running {
  readonly app: Surface.App
  /**
   * Brings it to its beginning, before each assertion: then assertions are tested one after the other. `null`: all that it keeps of a user
   * is in that user's session, so several can test at once.
   */
  readonly reset: Effect.Effect<void, AppError> | null
}

/** What is tested. */
export interface TestedApp<R = never> {
  /** Makes it run and waits until it answers; it ends with the scope. */
  readonly start: Effect.Effect<Running, AppError, R | Scope.Scope>
  /** The end of what it printed, for people. */
  readonly log: Effect.Effect<string>
}

/** How to come to the beginning. */
export interface Beginning {
  /** Resets what the app keeps: a call of its own for that, the reset of its twins. Left out: it keeps nothing. */
  readonly reset?: Effect.Effect<void, unknown>
}

const resetting = (reset: Effect.Effect<void, unknown>): Effect.Effect<void, AppError> =>
  Effect.mapError(
    reset,
    (cause) =>
      new AppError({
        reason: "ResetFailed",
        message: `The app could not be reset: ${Fault.record(cause).message}. Mend the reset, or have it started anew for each assertion.`,
        cause
      })
  )

const defaultWithin = Duration.minutes(1)

/** An app that is there. It is waited for until it answers, a minute at most. */
export const at = (
  app: Surface.App,
  { reset, within = defaultWithin }: Beginning & { readonly within?: Duration.Input } = {}
): TestedApp => ({
  start: Effect.as(awaited(app.address, { within, log: Effect.succeed("") }), {
    app,
    reset: reset === undefined ? null : resetting(reset)
  }),
  log: Effect.succeed("")
})

/** A program for a terminal: each session starts it. */
export const program = (address: string, { reset }: Beginning = {}): TestedApp => ({
  start: Effect.succeed({ app: { address }, reset: reset === undefined ? null : resetting(reset) }),
  log: Effect.succeed("")
})

/** How an app is started. */
export interface Command {
  /** The sandbox that it runs in, with its source. */
  readonly spec: SandboxSpec
  /** One line of a shell. It has to listen on the port that the variable `port` holds. */
  readonly run: string
  /** Default: `PORT`. */
  readonly port?: string
  /** Where it answers, below its origin. Default: `/`. */
  readonly path?: string
  /** The origins that it may ask beside its own, such as those of its twins. */
  readonly origins?: ReadonlyArray<string>
  /** How long it may take until it answers. Default: a minute. */
  readonly within?: Duration.Input
  /** How it comes to its beginning: it is started anew (the default), reset, or has nothing to reset (`null`). */
  readonly reset?: "Restart" | Effect.Effect<void, unknown> | null
}

/** An app that a command starts in a sandbox. */
export const command = (options: Command): TestedApp<Sandbox.Sandbox> => {
  const { path = "/", port = "PORT", reset = "Restart", run, spec, within = defaultWithin } = options
  const log = LogTail.make()
  return {
    log: log.text,
    start: Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { host, services } = yield* Effect.mapError(
        sandbox.open({ ...spec, ports: { [port]: null, ...spec.ports } }),
        notStarted
      )
      const spawner = Context.get(services, ChildProcessSpawner)
      // Where the network is the host's, there is nothing to make reachable.
      const url =
        sandbox.supports.ports || sandbox.supports.isolation !== "none"
          ? Effect.map(host.expose(port), ({ url }) => url)
          : Effect.map(
              spawner.string(ChildProcess.make("printenv", [port])),
              (number) => `http://127.0.0.1:${number.trim()}`
            )
      const address = new URL(path, yield* Effect.mapError(url, notStarted)).href
      const launched = launch({ run, log, spawner })
      const begin = Effect.gen(function* () {
        const ended = yield* launched
        yield* Effect.raceFirst(awaited(address, { within, log: log.text }), ended)
      })
      const outer = yield* Effect.scope
      let current = yield* Scope.fork(outer)
      yield* Scope.provide(begin, current)
      const restart = Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          yield* Scope.close(current, Exit.void)
          current = yield* Scope.fork(outer)
          yield* restore(Scope.provide(begin, current))
        })
      )
      const app = { address, ...(options.origins && { origins: options.origins }) }
      return { app, reset: reset === null ? null : reset === "Restart" ? restart : resetting(reset) }
    })
  }
}

const notStarted = (cause: { readonly message: string }): AppError =>
  new AppError({ reason: "NotStarted", message: `The app could not be started: ${cause.message}`, cause })

interface Launched {
  readonly run: string
  readonly log: LogTail.LogTail
  readonly spawner: ChildProcessSpawner["Service"]
}

/** Starts the command. What it answers with never succeeds, and fails when the command has ended. */
const launch = Effect.fnUntraced(function* ({ log, run, spawner }: Launched) {
  const started = ChildProcess.make("sh", ["-c", 'exec 2>&1; eval "$1"', "sh", run], { stdin: "ignore" })
  const handle = yield* Effect.mapError(spawner.spawn(started), notStarted)
  const reading = Stream.runForEach(handle.stdout, (chunk) => Effect.sync(() => log.add(chunk)))
  yield* Effect.forkScoped(Effect.ignore(reading))
  const how = Effect.match(handle.exitCode, {
    onFailure: ({ message }) => message,
    onSuccess: (code) => `exit ${code}`
  })
  return Effect.flatMap(how, (told) =>
    Effect.flatMap(
      log.text,
      (text) =>
        new AppError({
          reason: "Ended",
          message: `The app ended before it answered (${told}): ${run}. ${LogTail.told(text)}`
        })
    )
  )
})

const awaited = (
  address: string,
  { log, within }: { readonly within: Duration.Input; readonly log: Effect.Effect<string> }
): Effect.Effect<void, AppError> =>
  Effect.timeoutOrElse(Answers.until(address), {
    duration: within,
    orElse: () =>
      Effect.flatMap(
        log,
        (text) =>
          new AppError({
            reason: "NeverListened",
            message:
              `Nothing answered at ${address} within ${Duration.format(Duration.fromInputUnsafe(within))}. ` +
              `Look whether the app listens there, on that port. ${LogTail.told(text)}`
          })
      )
  })
