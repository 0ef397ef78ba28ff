/** The server of a twin: HTTP on 127.0.0.1, and the faults of a connection. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as Twin from "../Twin.ts"
import * as TwinMachine from "./TwinMachine.ts"

/** How many connections are open at once. What comes beyond is hung up on. */
const mostConnections = 1_000

/** How long a client may take to send its headers, and all of it, in milliseconds of the machine's clock. */
const patience = { headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 1_000 }

/** Starts to listen, and answers where. Stops with the scope. */
export const listen = (
  definition: { readonly name: string; readonly maxBody?: number },
  { machine, port = 0 }: { readonly machine: Served; readonly port: number | undefined }
): Effect.Effect<string, Twin.TwinError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Http.Server, Twin.TwinError>((resume) => {
      const limit = definition.maxBody ?? TwinMachine.maxBody
      const server = Http.createServer(patience, (request, response) => {
        // A client that hangs up while it sends is answered nothing.
        serve({ request, response, limit, machine }).catch(() => response.destroy())
      })
      server.maxConnections = mostConnections
      server.once("error", (cause) => resume(Effect.fail(notListening(definition.name, { port, cause }))))
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        machine.stop()
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      const url = `http://127.0.0.1:${Predicate.isObject(address) ? address.port : 0}`
      machine.at(url)
      return url
    })
  )

const notListening = (name: string, { cause, port }: { readonly port: number; readonly cause: Error }) =>
  new Twin.TwinError({
    reason: "NotListening",
    message: `The twin of ${name} can not listen on 127.0.0.1${port === 0 ? "" : `:${port}`}: ${cause.message}. Take another port, or none.`,
    cause
  })

/** What is served. */
export interface Served {
  readonly ask: (raw: TwinMachine.Raw) => TwinMachine.Sent | Promise<TwinMachine.Sent>
  /** Says where the server listens. */
  readonly at: (url: string) => void
  /** Gives up what is being sent. */
  readonly stop: () => void
}

interface Serving {
  readonly request: Http.IncomingMessage
  readonly response: Http.ServerResponse
  readonly limit: number
  readonly machine: Served
}

const serve = async ({ limit, machine, request, response }: Serving): Promise<void> => {
  const body = await read(request, limit)
  // Not by `URL`: it would make another path of `//` and `..`.
  const [path = "/", ...search] = (request.url ?? "/").split("?")
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : (value ?? "")
    ])
  )
  const { answer, fault } = await machine.ask({
    method: request.method ?? "GET",
    path,
    search: search.length === 0 ? "" : `?${search.join("?")}`,
    headers,
    body
  })
  if (fault?._tag === "Timeout") return
  if (fault?._tag === "Cut" && fault.where === "before") return void response.destroy()
  if (fault?._tag === "Slow") await pause(response, fault.millis)
  const bytes = Buffer.from(answer.body)
  const hasBody = answer.status !== 204 && answer.status !== 304
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(hasBody ? { "content-length": bytes.byteLength } : {}),
    // What may be left of a body that is too large is not read.
    ...(body === undefined ? { connection: "close" } : {})
  })
  if (fault?._tag === "Cut")
    return void response.write(bytes.subarray(0, bytes.byteLength / 2), () => response.destroy())
  response.end(request.method === "HEAD" || !hasBody ? undefined : bytes)
}

/** Waits, or until the client has hung up. */
const pause = (response: Http.ServerResponse, millis: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, millis)
    response.once("close", () => {
      clearTimeout(timer)
      resolve()
    })
  })

/** The body as a text; `undefined` where it has more bytes than the limit. */
const read = (request: Http.IncomingMessage, limit: number): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const chunks: Array<Buffer> = []
    let bytes = 0
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes <= limit) chunks.push(chunk)
      // Most clients read an answer only after they have sent all.
      else if (bytes > limit * 16) {
        request.pause()
        resolve(undefined)
      }
    })
    request.once("end", () => resolve(bytes > limit ? undefined : Buffer.concat(chunks).toString("utf8")))
    request.once("error", reject)
  })
