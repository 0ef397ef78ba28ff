/**
 * Starts commands over a relay: a command is complete when it comes here, with an absolute `cwd` and its whole environment.
 * It is let go of when the scope closes, and ended by whoever started it.
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as PlatformError from "effect/PlatformError"
import type * as ChildProcess from "effect/process/ChildProcess"
import * as Spawner from "effect/process/ChildProcessSpawner"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import * as ProcessTree from "../ProcessTree.ts"
import type { SandboxError } from "../Sandbox.ts"
import type { Answer, Part, Relay } from "./Relay.ts"

/** Starts one command. */
export type Spawn = (
  command: ChildProcess.StandardCommand
) => Effect.Effect<Spawner.ChildProcessHandle, PlatformError.PlatformError, Scope.Scope>

type Failing<A> = Effect.Effect<A, PlatformError.PlatformError>

/** How many answers wait for their reader before no more is asked for; each holds half a megabyte at most. */
const ahead = 2
/** Of input, what goes into the text of a call, and what is written as one file. */
const inline = 32 * 1024
const whole = 4 * 1024 * 1024
/** How long a call waits for something to tell, in turns of the script: about 0.2, 8 and 0.2 seconds. */
const turns = { first: "8", usual: "100", held: "10" }

/** Starts commands as long as the scope. */
export const make = Effect.fnUntraced(function* (relay: Relay): Effect.fn.Return<Spawn, never, Scope.Scope> {
  // What is left of a command is removed together with that of others, and not at the price of a call of its own.
  const finished: Array<string> = []
  const sweep = Effect.suspend(() => {
    const ids = finished.splice(0)
    return ids.length === 0 ? Effect.void : Effect.ignore(relay.call(["drop", ...ids]))
  })
  yield* Effect.addFinalizer(() => sweep)

  return Effect.fnUntraced(function* (command) {
    const { argv, cwd, env, input } = yield* complete(command)
    const id = randomUUID()
    const out = yield* output
    const err = yield* output
    const exit = yield* Deferred.make<Spawner.ExitCode, PlatformError.PlatformError>()
    let isOver = false
    // Also when starting was cancelled: a call that is still on its way then finds that it came too late.
    yield* Effect.addFinalizer(() =>
      isOver ? Effect.sync(() => void finished.push(id)) : Effect.ignore(relay.call(["drop", id]))
    )
    if (finished.length >= 32) yield* sweep

    const kinds = [input !== undefined, !isIgnored(command.options.stdout), !isIgnored(command.options.stderr)]
    const start = [id, turns.first, ...kinds.map((is) => (is ? "pipe" : "ignore")), "env", "-i", ...env]
    let answer = yield* relay
      .ask(["start", ...start, "/bin/sh", "-c", enter, `${relay.base}/${id}`, cwd, ...argv])
      .pipe(Effect.mapError(broke("spawn")))
    while (answer.pid === 0 && answer.exit === undefined && !answer.isLost) {
      answer = yield* Effect.mapError(relay.ask(["pull", id, "0", "0", "0", "0", "0", "5"]), broke("spawn"))
    }

    const next = Effect.suspend(() => {
      const wants = [out, err].map(({ isEnded, queue }) => !isEnded && Queue.sizeUnsafe(queue) < ahead)
      const isHeld = [out, err].some(({ isEnded }, index) => !isEnded && wants[index] === false)
      const knowsExit = Deferred.isDoneUnsafe(exit)
      // Nobody reads what was told last, and there is nothing else to ask for.
      if (knowsExit && !wants.includes(true)) return Effect.as(ProcessTree.pause(20), undefined)
      const flags = [...wants, knowsExit].map((flag) => (flag ? "1" : "0"))
      const has = [String(out.segments), String(err.segments)]
      return relay.ask(["pull", id, ...has, ...flags, isHeld ? turns.held : turns.usual])
    })
    const follow = Effect.gen(function* () {
      for (let told: Answer | undefined = answer; !isOver; told = yield* Effect.mapError(next, broke("read"))) {
        if (told === undefined) continue
        if (told.isLost) return yield* lost
        yield* take(out, told.out)
        yield* take(err, told.err)
        if (told.exit !== undefined) yield* Deferred.succeed(exit, Spawner.ExitCode(told.exit))
        isOver = out.isEnded && err.isEnded && Deferred.isDoneUnsafe(exit)
      }
    })
    const failed = (error: PlatformError.PlatformError) =>
      Effect.all([Queue.fail(out.queue, error), Queue.fail(err.queue, error), Deferred.fail(exit, error)], {
        discard: true
      })
    yield* Effect.forkScoped(Effect.catch(follow, failed))

    const stdin = inputSink(relay, id, input?.endOnDone ?? true)
    const fed = input?.stream && Stream.run(input.stream, stdin)
    const outputs = [
      drain(Stream.fromQueue(out.queue), plain(command.options.stdout), process.stdout),
      drain(Stream.fromQueue(err.queue), plain(command.options.stderr), process.stderr)
    ]
    for (const work of [fed, ...outputs]) {
      // Without its input, the command may wait for ever; so nobody waits for it.
      if (work !== undefined) yield* Effect.forkScoped(Effect.catch(work, failed))
    }
    return Spawner.makeHandle({
      pid: Spawner.ProcessId(answer.pid),
      exitCode: Deferred.await(exit),
      isRunning: Effect.map(Deferred.isDone(exit), (isDone) => !isDone),
      kill: () => Effect.ignore(relay.call(["drop", id])),
      stdin,
      stdout: Stream.fromQueue(out.queue),
      stderr: Stream.fromQueue(err.queue),
      all: Stream.merge(Stream.fromQueue(out.queue), Stream.fromQueue(err.queue)),
      getInputFd: () => Sink.drain,
      getOutputFd: () => Stream.empty,
      // Nothing of this process waits for one on another machine.
      unref: Effect.succeed(Effect.void)
    })
  })
})

/** Says which process it is, goes to its folder, and becomes the command. */
const enter = 'echo $$ > "$0/pid"; cd -- "$1" || exit 126; shift; unset OLDPWD; exec "$@"'

interface Output {
  readonly queue: Queue.Queue<Uint8Array, PlatformError.PlatformError | Cause.Done>
  segments: number
  isEnded: boolean
}

const output = Effect.map(Queue.unbounded<Uint8Array, PlatformError.PlatformError | Cause.Done>(), (queue): Output => ({
  queue,
  segments: 0,
  isEnded: false
}))

const take = Effect.fnUntraced(function* (into: Output, part: Part) {
  if (part.bytes.length > 0) yield* Queue.offer(into.queue, part.bytes)
  into.segments += part.segments
  if (!part.isEnded || into.isEnded) return
  into.isEnded = true
  yield* Queue.end(into.queue)
})

/** Brings input to a command, part by part, as fast as it reads. */
const inputSink = (relay: Relay, id: string, endOnDone: boolean): Spawner.ChildProcessHandle["stdin"] => {
  let parts = 0
  let isGone = false
  const one = Effect.fnUntraced(
    function* (part: Uint8Array) {
      const number = String(++parts)
      const isSmall = part.length <= inline
      const file = isSmall ? "" : `${relay.base}/${id}.${number}`
      if (!isSmall) yield* relay.write(file, part)
      let said = yield* relay.call(["push", id, number, file], isSmall ? part : undefined)
      // What it has not read yet is there, so nothing is sent again.
      while (said === "busy") said = yield* relay.call(["push", id, number, file], new Uint8Array())
      isGone = said === "gone"
    },
    Effect.mapError(broke("write"))
  )
  const push = Effect.fnUntraced(function* (chunks: ReadonlyArray<Uint8Array>) {
    const bytes = Buffer.concat([...chunks])
    for (let at = 0; at < bytes.length && !isGone; at += whole) yield* one(bytes.subarray(at, at + whole))
  })
  const finish = Effect.suspend((): Failing<void> =>
    isGone ? Effect.void : Effect.asVoid(Effect.mapError(relay.call(["push", id, "end", ""]), broke("write")))
  )
  return Sink.mapEffect(Sink.forEachArray(push), () => (endOnDone ? finish : Effect.void))
}

const fault = (method: string, description: string, cause?: unknown) =>
  PlatformError.systemError({ _tag: "Unknown", module: "ChildProcess", method, description, cause })

function broke(method: string) {
  return (error: SandboxError) => fault(method, error.message, error)
}

const lost = Effect.fail(
  fault(
    "read",
    "The machine does not know the command any more: it was restarted, or its temporary files were removed. Run it again."
  )
)

const refused = (description: string) =>
  Effect.fail(PlatformError.badArgument({ module: "ChildProcess", method: "spawn", description }))

const unwrap = (value: string | Redacted.Redacted<string>): string =>
  Redacted.isRedacted(value) ? Redacted.value(value) : value

/** What the relay is told of a command. */
const complete = Effect.fnUntraced(function* ({ args, command, options }: ChildProcess.StandardCommand) {
  const { additionalFds = {}, cwd = "/", shell = false } = options
  if (Object.keys(additionalFds).length > 0) {
    return yield* refused("A command on another machine has its input and two outputs, and no other descriptors")
  }
  const words = [command, ...args.map(unwrap)]
  const argv = shell === false ? words : [shell === true ? "/bin/sh" : shell, "-c", words.join(" ")]
  const env = Object.entries(options.env ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${unwrap(value)}`]
  )
  if ([cwd, ...argv, ...env].some((word) => word.includes("\0"))) {
    return yield* refused("The command, its folder or its environment contains a NUL character")
  }
  return { argv, cwd, env, input: inputOf(options.stdin) }
})

interface Input {
  readonly stream: Stream.Stream<Uint8Array, PlatformError.PlatformError> | undefined
  readonly endOnDone: boolean
}

// The input of this process is none of another machine's.
const inputOf = (stdin: ChildProcess.CommandOptions["stdin"] = "pipe"): Input | undefined => {
  if (stdin === "ignore" || stdin === "inherit") return undefined
  if (typeof stdin === "string") return { stream: undefined, endOnDone: true }
  if (Stream.isStream(stdin)) return { stream: stdin, endOnDone: true }
  const inner = inputOf(stdin.stream)
  return inner && { ...inner, endOnDone: stdin.endOnDone ?? true }
}

type Asked = ChildProcess.CommandOptions["stdout"]

const plain = (asked: Asked): ChildProcess.CommandOutput | undefined =>
  asked === undefined || typeof asked === "string" || Sink.isSink(asked) ? asked : asked.stream

const isIgnored = (asked: Asked): boolean => plain(asked) === "ignore"

/** Where the command sends its output by itself. */
const drain = (
  stream: Stream.Stream<Uint8Array, PlatformError.PlatformError>,
  to: ChildProcess.CommandOutput | undefined,
  own: NodeJS.WriteStream
): Failing<unknown> | undefined =>
  Sink.isSink(to)
    ? Stream.run(stream, to)
    : to === "inherit"
      ? Stream.runForEach(stream, (bytes) => Effect.sync(() => own.write(bytes)))
      : undefined
