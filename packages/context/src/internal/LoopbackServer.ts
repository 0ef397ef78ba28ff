/** MCP over streamable HTTP on 127.0.0.1: a session for each client, and a token at the door. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Predicate from "effect/Predicate"
import * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as LoopbackDoor from "./LoopbackDoor.ts"

/** What is served, and to whom. */
export interface Options extends LoopbackDoor.Place {
  /** Makes what answers one client. It says when the client has a session, and when it wants none any more. */
  readonly open: (session: {
    readonly begun: (id: string) => Promise<void>
    readonly ended: (id: string) => Promise<void>
  }) => Effect.Effect<Handler, never, Scope.Scope>
}

/** Answers requests. Its promise is done when the answer is. */
export type Handler = (request: Http.IncomingMessage, response: Http.ServerResponse) => Promise<void>

/** Sessions that are open at once. A client whose session was closed for another begins a new one. */
const mostSessions = 64

interface Session {
  readonly handle: Handler
  readonly close: () => Promise<void>
}

/** Starts it, and gives its address. It ends with the scope. */
export const start = Effect.fnUntraced(function* ({
  open,
  ...place
}: Options): Effect.fn.Return<string, Error, Scope.Scope> {
  const outer = yield* Effect.scope
  const run = yield* FiberSet.makeRuntimePromise()
  // The one that was not used for longest is the first.
  const sessions = new Map<string, Session>()

  const begin = Effect.gen(function* () {
    const scope = yield* Scope.fork(outer)
    const close = () => run(Scope.close(scope, Exit.void))
    let isBegun = false
    const begun = async (id: string) => {
      isBegun = true
      sessions.set(id, session)
      const [oldest] = sessions.size > mostSessions ? sessions : []
      if (oldest === undefined) return
      sessions.delete(oldest[0])
      await oldest[1].close()
    }
    const ended = (id: string) => {
      sessions.delete(id)
      return close()
    }
    const handle = yield* Scope.provide(open({ begun, ended }), scope)
    const session: Session = { handle, close }
    return { session, isBegun: () => isBegun }
  })

  const serve = async (request: Http.IncomingMessage, response: Http.ServerResponse): Promise<void> => {
    const refused = LoopbackDoor.refusal(request, { ...place, port: portOf(server) })
    if (refused !== undefined) return refuse(response, refused)
    const id = request.headers["mcp-session-id"]
    if (Predicate.isString(id)) {
      const known = sessions.get(id)
      if (known === undefined) return refuse(response, { status: 404, message: "There is no such session any more." })
      sessions.delete(id)
      sessions.set(id, known)
      return known.handle(request, response)
    }
    const { isBegun, session } = await run(begin)
    await session.handle(request, response)
    if (!isBegun()) await session.close()
  }

  const server = Http.createServer((request, response) => {
    serve(request, response).catch(() => {
      if (response.headersSent) response.destroy()
      else refuse(response, { status: 500, message: "The tool server failed." })
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void, Error>((resume) => {
      server.once("error", (error) => resume(Effect.fail(error)))
      // A port that is none is thrown, and one that is taken is told.
      try {
        server.listen(place.port, "127.0.0.1", () => resume(Effect.void))
      } catch (thrown) {
        resume(Effect.fail(thrown instanceof Error ? thrown : new Error(String(thrown))))
      }
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  return `http://127.0.0.1:${portOf(server)}${place.path}`
})

const portOf = (server: Http.Server): number => {
  const address = server.address()
  return address === null || Predicate.isString(address) ? 0 : address.port
}

const refuse = (
  response: Http.ServerResponse,
  refusal: { readonly status: number; readonly message: string }
): void => {
  const { message, status } = refusal
  response.writeHead(status, {
    "content-type": "application/json",
    connection: "close",
    ...(status === 401 ? { "www-authenticate": "Bearer" } : {})
  })
  response.end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32_000, message } }))
}
