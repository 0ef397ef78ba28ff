/** HTTP servers on loopback for a test, gone with its scope. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** Listens until the scope closes; answers with its origin. */
export const listening = (listener: RequestListener): Effect.Effect<string, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(listener)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  )

/** The body of a request. */
export const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString("utf8")
}

/** Answers with JSON. */
export const json = (response: ServerResponse, status: number, value: unknown): void => {
  // An answer that names its second is another one in the next.
  response.sendDate = false
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
}

/** An address of loopback where nobody listens. */
export const nobody = Effect.scoped(listening(() => {}))
