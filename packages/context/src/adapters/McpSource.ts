/**
 * An MCP server as a tool source, on the client of `@modelcontextprotocol/sdk`: a program over stdio, or streamable HTTP.
 *
 * The client's own parsing of lists and results is not used: it refuses a whole list for one odd tool. What a server asks of
 * its client (sampling, roots, elicitation) is refused.
 */
import * as Redaction from "@millwright/core/Redaction"
import { Client } from "@modelcontextprotocol/sdk/client"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import { serializeMessage } from "@modelcontextprotocol/sdk/shared/stdio.js"
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import {
  type JSONRPCMessage,
  JSONRPCMessageSchema,
  type Progress,
  ResultSchema,
  ToolListChangedNotificationSchema
} from "@modelcontextprotocol/sdk/types.js"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as PlatformError from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as PubSub from "effect/PubSub"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as BoundedFetch from "../internal/BoundedFetch.ts"
import * as BoundedLines from "../BoundedLines.ts"
import * as McpAnswer from "../internal/McpAnswer.ts"
import * as McpFailure from "../internal/McpFailure.ts"
import * as ServerProcess from "../internal/ServerProcess.ts"
import * as StrangerText from "../internal/StrangerText.ts"
import * as ToolListing from "../ToolListing.ts"
import { type Listed, type ToolSource, ToolSourceError } from "../ToolSource.ts"

/** A program that speaks MCP over its standard input and output. */
export interface StdioOptions {
  readonly name: string
  readonly command: string
  readonly args?: ReadonlyArray<string | Redacted.Redacted<string>>
  /** What it sees beside the fixed minimum. */
  readonly env?: Readonly<Record<string, string | Redacted.Redacted<string>>>
  readonly cwd?: string | undefined
  /**
   * The fixed minimum. Left out: {@link minimumEnvironment} of this process. With the spawner of a sandbox give `{}`: a
   * sandbox has a minimum of its own.
   */
  readonly minimum?: Readonly<Record<string, string>>
}

/** A server that speaks MCP over streamable HTTP, and nothing older. */
export interface HttpOptions {
  readonly name: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string | Redacted.Redacted<string>>>
}

/** The largest message of a server that is taken, in bytes. */
export const maxMessageBytes = 32 * 1024 * 1024

/** The most pages that a list may have. */
export const maxPages = 500

/** What a program needs to run, and no key: these variables of an environment, as far as they are set. */
export const minimumEnvironment = (
  host: Readonly<Record<string, string | undefined>>
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    needed.flatMap((variable) => {
      const value = host[variable]
      return value === undefined ? [] : [[variable, value]]
    })
  )

const needed = [
  "PATH",
  "HOME",
  "LANG",
  "LC_ALL",
  "TMPDIR",
  "TERM",
  "USER",
  // Whom the machine trusts: paths, and no key. Without them `npx` hangs where a network has its own authority.
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "SystemRoot",
  "APPDATA",
  "TEMP",
  "USERPROFILE"
]

/** A program as a source. It is started when it is first asked, and again when it is asked after it ended. */
export const stdio = Effect.fnUntraced(function* (options: StdioOptions) {
  const spawner = yield* ChildProcessSpawner
  const { args = [], command, cwd, env = {}, minimum = minimumEnvironment(process.env), name } = options
  const named = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, plain(value)]))
  const hidden = [...Redaction.fromEnvironment(named), ...[...args, ...Object.values(env)].filter(isRedacted)]
  const open = Effect.gen(function* () {
    const channel = new Channel()
    const server = yield* ServerProcess.start({
      command,
      args,
      env: { ...minimum, ...env },
      cwd,
      output: BoundedLines.make({ maxBytes: maxMessageBytes, line: channel.take, tooLong: channel.leave })
    })
    channel.write = server.send
    let how = ""
    yield* Effect.forkScoped(
      Effect.map(server.ended, (said) => {
        how = ` Its program ${said}.`
        channel.onclose?.()
      })
    )
    const detail = () => {
      // Scrubbed before it is cut: half a secret is not known as one.
      const last = Redaction.scrub(server.said().trim() || channel.noise, hidden).slice(-keptErrors)
      return last === "" ? how : `${how} It wrote: ${StrangerText.line(last, keptErrors)}`
    }
    return { transport: channel, detail, farewell: Effect.void }
  }).pipe(Effect.provideService(ChildProcessSpawner, spawner))
  return yield* source({ name, hidden, open, where: StrangerText.line(command) })
})

/** A server in the network as a source. */
export const http = Effect.fnUntraced(function* ({ headers = {}, name, url }: HttpOptions) {
  const address = URL.parse(url)
  const isAddress = address !== null && /^https?:$/.test(address.protocol)
  const open = Effect.gen(function* () {
    if (!isAddress) return yield* Effect.fail(new Error("Its address is no URL of http or https"))
    const sent = Object.entries(headers).map(([key, value]) => [key, plain(value)])
    const transport = new StreamableHTTPClientTransport(address, {
      requestInit: { headers: Object.fromEntries(sent) },
      fetch: BoundedFetch.make({
        maxBytes: maxMessageBytes,
        tooLarge: (body) => refuse(body, McpFailure.codes.tooLarge),
        // The client first reads what came before this; to what was answered, an answer is ignored.
        ended: (body) => void setTimeout(() => refuse(body, McpFailure.codes.broken), farewellTime).unref()
      })
    })
    const refuse = (body: unknown, code: number) => {
      const asked = typeof body === "string" ? messageIn(body) : undefined
      if (asked !== undefined && "id" in asked && asked.id !== undefined) transport.onmessage?.(refusal(asked.id, code))
    }
    const farewell = Effect.tryPromise(() => transport.terminateSession()).pipe(
      Effect.timeoutOption(farewellTime),
      Effect.ignore
    )
    return { transport, detail: () => "", farewell }
  })
  const hidden = Object.values(headers).map((value) => (isRedacted(value) ? value : Redacted.make(value)))
  return yield* source({ name, hidden, open, where: isAddress ? `${address.origin}${address.pathname}` : "no address" })
})

/** How much of the standard error of a program is said in a message, in characters. */
const keptErrors = 1_000

/** How long a server is given to take note of our going, in milliseconds. */
const farewellTime = 1_000

/** Whoever uses a source says how long it waits; the client's own limit would be a second one. */
const forever = 2 ** 31 - 1

const plain = (value: string | Redacted.Redacted<string>): string => (isRedacted(value) ? Redacted.value(value) : value)

const isRedacted = (value: string | Redacted.Redacted<string>): value is Redacted.Redacted<string> =>
  Redacted.isRedacted(value)

const refusal = (id: string | number, code: number): JSONRPCMessage => ({
  jsonrpc: "2.0",
  id,
  error: { code, message: "not whole" }
})

const messageIn = (text: string): JSONRPCMessage | undefined => {
  try {
    return JSONRPCMessageSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** Messages as lines. What is none, a program wrote for people. */
class Channel implements Transport {
  onclose?: () => void
  onmessage?: (message: JSONRPCMessage) => void
  write: (text: string) => void = () => {}
  /** The last line that is no message. */
  noise = ""

  readonly start = () => Promise.resolve()

  readonly send = (message: JSONRPCMessage) => Promise.resolve(this.write(serializeMessage(message)))

  readonly close = () => Promise.resolve(this.onclose?.())

  readonly take = (line: string) => {
    const message = messageIn(line)
    if (message === undefined) this.noise = line.slice(0, 4 * keptErrors)
    else this.onmessage?.(message)
  }

  /** A message that is too long has its number at one of its ends, or nobody knows whose it is. */
  readonly leave = (start: string, end: string) => {
    const id = /^\{"jsonrpc":"2\.0","id":(\d+),/.exec(start)?.[1] ?? /"jsonrpc":"2\.0","id":(\d+)\}$/.exec(end)?.[1]
    if (id === undefined) this.onclose?.()
    else this.onmessage?.(refusal(Number(id), McpFailure.codes.tooLarge))
  }
}

/** How a server is reached. */
interface Way {
  readonly name: string
  readonly where: string
  readonly hidden: ReadonlyArray<Redacted.Redacted<string>>
  readonly open: Effect.Effect<Opened, unknown, Scope.Scope>
}

interface Opened {
  readonly transport: Transport
  /** What there is to say about a failure, beside the failure. */
  readonly detail: () => string
  /** Done before the connection is closed. */
  readonly farewell: Effect.Effect<void>
}

interface Connection extends Opened {
  readonly client: Client
  readonly scope: Scope.Closeable
  isOpen: boolean
  /** How many wait for something from it. */
  waiting: number
}

const source = Effect.fnUntraced(function* (way: Way): Effect.fn.Return<ToolSource, never, Scope.Scope> {
  const outer = yield* Effect.scope
  const secrets = [...(yield* Redaction.Secrets), ...way.hidden]
  const changes = yield* PubSub.sliding<void>(1)
  const turn = Semaphore.makeUnsafe(1)
  let current: Connection | undefined
  const forgotten = new WeakSet<ToolSourceError>()

  const error = (reason: ToolSourceError["reason"], what: string, mend: string) =>
    new ToolSourceError({
      reason,
      message: Redaction.scrub(`MCP server ${way.name} (${way.where}): ${reason}. ${what} ${mend}`, secrets)
    })

  const failed = (
    thrown: unknown,
    { mend = McpFailure.read(thrown).mend, reason }: { reason: ToolSourceError["reason"]; mend?: string },
    detail = ""
  ) => {
    const said = StrangerText.line(Redaction.scrub(McpFailure.messageOf(thrown), secrets), 400)
    return error(reason, `${said}${/[.!?]$/.test(said) ? "" : "."}${detail}`, mend)
  }

  const connect = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(outer)
      const opening = Effect.gen(function* () {
        const opened = yield* Effect.mapError(way.open, (thrown) => {
          const mayPass = thrown instanceof PlatformError.PlatformError && !isMissing.has(thrown.reason._tag)
          const apart = /\s/.test(way.where) ? " Arguments are no part of the command: give them apart." : ""
          const mend = `Look at what the source is configured with, and that it is installed.${apart}`
          return error(mayPass ? "Disconnected" : "NotConfigured", `${McpFailure.messageOf(thrown)}.`, mend)
        })
        const client = new Client({ name: "millwright", version: "1" }, { capabilities: {} })
        const connection: Connection = { ...opened, client, scope, isOpen: true, waiting: 0 }
        client.onclose = () => {
          connection.isOpen = false
        }
        client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
          PubSub.publishUnsafe(changes, undefined)
        })
        const close = Effect.ignore(Effect.tryPromise(() => client.close()))
        yield* Effect.addFinalizer(() => Effect.andThen(opened.farewell, close))
        yield* Effect.tryPromise({
          try: (signal) => client.connect(opened.transport, { signal, timeout: forever }),
          catch: (thrown) => {
            const { isForgotten, reason } = McpFailure.read(thrown)
            // Who was never known can not be forgotten.
            return isForgotten
              ? failed(thrown, { reason: "NotConfigured", mend: mendAddress }, opened.detail())
              : failed(thrown, { reason }, opened.detail())
          }
        }).pipe(Effect.onInterrupt(() => abandoned(opened)))
        return connection
      })
      current = yield* restore(Scope.provide(opening, scope)).pipe(
        Effect.onExit((exit) => (Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void))
      )
      return current
    })
  )

  /** Who gives up waiting has no error to put the server's words in. */
  const abandoned = (opened: Opened) => {
    const detail = opened.detail()
    const said = `MCP server ${way.name} has not said hello yet, and is not waited for.${detail}`
    return detail === "" ? Effect.void : Effect.logWarning(Redaction.scrub(said, secrets))
  }

  /** Closes one that is replaced, when nobody waits for it any more: others may still get their answers. */
  const close = (connection: Connection) =>
    connection === current || connection.waiting > 0 ? Effect.void : Scope.close(connection.scope, Exit.void)

  /** The open connection, or a new one. Who comes while one is made waits for it. */
  const connected = (isForCall: boolean) =>
    turn.withPermits(1)(
      Effect.gen(function* () {
        if (current?.isOpen === true) return current
        const before = current
        current = undefined
        if (before !== undefined) yield* close(before)
        const connection = yield* connect
        // A new process may have other tools. Who lists finds out without being told.
        if (before !== undefined && isForCall) yield* PubSub.publish(changes, undefined)
        return connection
      })
    )

  const request = (connection: Connection, asked: Asked) => {
    let come = ""
    const onprogress = ({ message, progress, total }: Progress) => {
      const words = message === undefined ? "" : ` (${StrangerText.line(message)})`
      come = ` It had come to ${progress}${total === undefined ? "" : ` of ${total}`}${words}.`
    }
    const answer = Effect.tryPromise({
      try: (signal) => {
        const how = asked.method === "tools/call" ? { onprogress } : {}
        return connection.client.request(asked, ResultSchema, { ...how, signal, timeout: forever })
      },
      catch: (thrown) => {
        const { isBroken, isForgotten, reason } = McpFailure.read(thrown)
        if (isBroken) connection.isOpen = false
        const error = failed(thrown, { reason }, isBroken ? `${come}${connection.detail()}` : "")
        if (isForgotten) forgotten.add(error)
        return error
      }
    })
    return Effect.acquireUseRelease(
      Effect.sync(() => connection.waiting++),
      () => answer,
      () => {
        connection.waiting--
        return close(connection)
      }
    )
  }

  /** A server that was started again knows no session: it has done nothing, and is asked once more. */
  const remembered = <A>(effect: Effect.Effect<A, ToolSourceError>) =>
    Effect.catchIf(
      effect,
      (error) => forgotten.has(error),
      () => effect
    )

  const list = Effect.gen(function* () {
    const connection = yield* connected(false)
    const { client } = connection
    const about = client.getServerVersion()
    const tools: Array<unknown> = []
    const cursors = new Set<string>()
    let ttl: number | undefined
    while (client.getServerCapabilities()?.tools !== undefined) {
      const cursor = [...cursors].at(-1)
      const page = yield* request(connection, { method: "tools/list", params: cursor === undefined ? {} : { cursor } })
      if (!Array.isArray(page.tools)) {
        return yield* error("Protocol", "Its list of tools is no list.", "Mend the server.")
      }
      for (const each of page.tools) tools.push(each)
      if (Predicate.isNumber(page.ttlMs)) ttl = Math.min(ttl ?? page.ttlMs, page.ttlMs)
      const { nextCursor } = page
      if (!Predicate.isString(nextCursor) || nextCursor === "" || tools.length > ToolListing.maxTools) break
      if (cursors.has(nextCursor) || cursors.size === maxPages) {
        const what = cursors.has(nextCursor) ? "gives one cursor twice" : `has more than ${maxPages} pages`
        return yield* error("Protocol", `Its list of tools ${what}.`, "Mend how the server gives pages.")
      }
      cursors.add(nextCursor)
    }
    const listed: Listed = {
      tools,
      description: [about?.title, about?.description].filter(Predicate.isString).join(": "),
      instructions: client.getInstructions(),
      ttl
    }
    return listed
  })

  const call = Effect.fnUntraced(function* (name: string, args: Readonly<Record<string, unknown>>) {
    const asked: Asked = { method: "tools/call", params: { name, arguments: { ...args } } }
    const answer = McpAnswer.read(yield* request(yield* connected(true), asked))
    if (answer !== undefined) return answer
    return yield* error("Protocol", `What it answers to ${StrangerText.line(name)} is no result.`, "Mend the server.")
  })

  return {
    name: way.name,
    kind: "tool",
    list: remembered(list),
    call: (name, args) => remembered(call(name, args)),
    changes: Stream.fromPubSub(changes)
  }
})

const mendAddress = "Check the address, to the end of its path: the server takes no client there."

const isMissing: ReadonlySet<string> = new Set(["NotFound", "PermissionDenied", "BadArgument"])

type Asked = Parameters<Client["request"]>[0]
