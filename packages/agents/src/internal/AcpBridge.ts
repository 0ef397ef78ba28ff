/**
 * A way for the agent to MCP servers of ours that needs no network and no program of ours where it works: to the agent a server is
 * a program that it starts, a shell of a few lines, which carries the messages through named pipes in the folder of the run. On
 * the other end of them is a program of the same spawner, whose input and output are ours. So it works in any sandbox.
 */
import * as BoundedLines from "@millwright/context/BoundedLines"
import type * as ToolServer from "@millwright/context/ToolServer"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Harness from "../Harness.ts"
import * as JsonLines from "./JsonLines.ts"

/** Serves one client of a server. */
export type Serve = (
  send: (message: unknown) => Effect.Effect<void>
) => Effect.Effect<ToolServer.Connection, never, Scope.Scope>

/** A server as a program that an agent starts. */
export interface Server {
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: ReadonlyArray<never>
}

/** Servers that an agent can start. */
export interface AcpBridge {
  readonly servers: ReadonlyArray<Server>
  /** Whether the agent has started any of them. */
  readonly isUsed: () => boolean
}

/** How often an agent may start a server. */
const mostClients = 32

/** The longest name of one, in bytes. Whoever is in the agent's place can write what it likes in the place of a name. */
const longestName = 200

/** The longest message, in bytes. */
const longest = 16 * 1024 * 1024

/** What the agent starts: it makes two pipes, says where they are, and carries what comes. */
const near = [
  'at=$(mktemp -d "$1/XXXXXXXX") && mkfifo "$at/in" "$at/out" || exit 1',
  'cat "$at/in" & reader=$!',
  'printf "%s %s\\n" "$2" "${at##*/}" > "$1/calls" || exit 1',
  'cat > "$at/out"',
  'kill "$reader" 2>/dev/null; wait'
].join("\n")

/** What we start: the list of those who come, which has no end, and the other ends of the pipes of each of them. */
const list = 'umask 077 && mkfifo "$1/calls" && echo ready && exec cat <> "$1/calls"'
const fromClient = 'exec cat "$1/out"'
const toClient = 'exec cat > "$1/in"'

/** Waits for clients until the scope closes. */
export const make = Effect.fnUntraced(function* (
  serve: Readonly<Record<string, Serve>>
): Effect.fn.Return<AcpBridge, Harness.HarnessError, Harness.Workplace | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* Effect.acquireRelease(
    Effect.mapError(fs.makeTempDirectory({ prefix: "millwright-acp-" }), unusable),
    (folder) => Effect.ignore(fs.remove(folder, { recursive: true, force: true }))
  )
  let come = 0
  const listening = yield* program(list, folder)
  const lines = yield* Stream.toQueue(names(listening.stdout), { capacity: mostClients })
  const first = yield* Effect.option(Queue.take(lines))
  if (first._tag === "None" || first.value !== "ready")
    return yield* unusable({ message: "named pipes can not be made in it" })

  yield* Queue.take(lines).pipe(
    Effect.flatMap((line) => {
      const [, server = "", at] = /^([a-z-]+) ([A-Za-z0-9]+)$/.exec(line) ?? []
      const client = Object.hasOwn(serve, server) ? serve[server] : undefined
      if (client === undefined || at === undefined || come >= mostClients) return Effect.void
      come++
      return Effect.asVoid(Effect.forkScoped(Effect.scoped(carry(`${folder}/${at}`, client))))
    }),
    Effect.forever,
    Effect.ignore,
    Effect.forkScoped
  )

  return {
    servers: Object.keys(serve).map((name) => ({
      name,
      command: "sh",
      args: ["-c", near, "sh", folder, name],
      env: []
    })),
    isUsed: () => come > 0
  }
})

/** The lines of a stream of bytes, each a short one: a longer one costs no memory. */
const names = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<string, E, R> =>
  Stream.suspend(() => {
    let found: Array<string> = []
    const take = BoundedLines.make({ maxBytes: longestName, line: (line) => found.push(line), tooLong: () => {} })
    return Stream.flattenIterable(
      Stream.map(bytes, (chunk) => {
        found = []
        take(chunk)
        return found
      })
    )
  })

/** Carries the messages of one client until it goes. */
const carry = Effect.fnUntraced(
  function* (at: string, serve: Serve) {
    const input = yield* Queue.make<Uint8Array, Cause.Done>()
    const { stdin } = yield* program(toClient, at)
    const { stdout } = yield* program(fromClient, at)
    yield* Effect.forkScoped(Effect.ignore(Stream.run(Stream.fromQueue(input), stdin)))
    const { receive } = yield* serve((message) =>
      Effect.sync(() => void Queue.offerUnsafe(input, Buffer.from(`${JSON.stringify(message)}\n`)))
    )
    const lines = JsonLines.make(longest)
    yield* Stream.runForEach(stdout, (chunk) => Effect.forEach(lines.push(chunk), receive, { discard: true }))
  },
  (effect) => Effect.ignore(effect)
)

const program = Effect.fnUntraced(function* (script: string, at: string) {
  const spawner = yield* ChildProcessSpawner
  return yield* Effect.mapError(
    spawner.spawn(ChildProcess.make("sh", ["-c", script, "sh", at], { stderr: "ignore", forceKillAfter: "2 seconds" })),
    unusable
  )
})

const unusable = ({ message }: { readonly message: string }) =>
  new Harness.HarnessError({
    reason: "Broken",
    message: `The folder through which an ACP agent reaches its tools can not be used: ${message}. See that the agent's place has room for temporary files, and \`sh\`, \`cat\`, \`mktemp\` and \`mkfifo\`.`
  })
