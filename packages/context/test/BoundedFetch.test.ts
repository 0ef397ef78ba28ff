import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Http from "node:http"
import * as BoundedFetch from "../src/internal/BoundedFetch.ts"

/** A server on the loopback interface, and the headers that it got. */
const served = (answer: (request: Http.IncomingMessage, response: Http.ServerResponse) => void) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<{ server: Http.Server; url: string; got: Array<Http.IncomingHttpHeaders> }>((resolve) => {
          const got: Array<Http.IncomingHttpHeaders> = []
          const server = Http.createServer((request, response) => {
            got.push(request.headers)
            answer(request, response)
          }).listen(0, "127.0.0.1", () => {
            const address = server.address()
            const port = typeof address === "object" && address !== null ? address.port : 0
            resolve({ server, got, url: `http://127.0.0.1:${port}` })
          })
        })
    ),
    ({ server }) =>
      Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            server.close(() => resolve())
            server.closeAllConnections()
          })
      )
  )

const fetching = BoundedFetch.make({ maxBytes: 1_000, tooLarge: () => {}, ended: () => {} })
const asked = { method: "POST", body: "asked", headers: { "x-api-key": "not for others" } }

describe("a request to a server", () => {
  it.live("is not sent on to another, with the keys that are in its headers", () =>
    Effect.gen(function* () {
      const other = yield* served((_, response) => response.end("{}"))
      for (const status of [301, 302, 307, 308]) {
        const sly = yield* served((_, response) => response.writeHead(status, { location: `${other.url}/mcp` }).end())
        const error = yield* Effect.flip(Effect.tryPromise(() => fetching(sly.url, asked)))
        assert.include(String(error.cause), `sends requests on to ${other.url}`)
      }
      assert.isEmpty(other.got, "Another server should not even hear of it")
    }).pipe(Effect.scoped)
  )

  it.live("is sent on within the server, as it is, and not for ever", () =>
    Effect.gen(function* () {
      const server = yield* served((request, response) => {
        if (request.url === "/mcp/") return void request.pipe(response)
        response.writeHead(307, { location: request.url === "/mcp" ? "/mcp/" : (request.url ?? "") }).end()
      })
      const response = yield* Effect.promise(() => fetching(`${server.url}/mcp`, asked))
      assert.strictEqual(yield* Effect.promise(() => response.text()), "asked")
      assert.strictEqual(server.got.at(-1)?.["x-api-key"], "not for others")
      yield* Effect.flip(Effect.tryPromise(() => fetching(`${server.url}/round`, asked)))
    }).pipe(Effect.scoped)
  )
})
