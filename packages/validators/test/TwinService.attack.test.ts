import { connect, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Notes from "./NotesTwin.ts"

const seed = { tokens: { "notes-full-token": { name: "ada", scopes: ["write"] } }, notes: ["first"], hooks: [] }

/** Sends bytes, and answers with all that came back before the other side hung up. */
const sent = (url: string, bytes: string) =>
  Effect.promise(
    () =>
      new Promise<string>((resolve) => {
        let text = ""
        const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(bytes))
        socket.on("data", (chunk) => (text += chunk.toString()))
        socket.on("error", () => {})
        socket.once("close", () => resolve(text))
      })
  )

const authorized = "host: a\r\nauthorization: Bearer notes-full-token\r\n"

describe("a twin at which bytes are thrown", () => {
  it.live("takes no request that hides in another one", () =>
    Effect.gen(function* () {
      const twin = yield* Notes.service.start(seed)
      const hidden = `DELETE /notes/1 HTTP/1.1\r\n${authorized}\r\n`
      const both = `POST /notes HTTP/1.1\r\n${authorized}content-type: application/json\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`
      const twice = `POST /notes HTTP/1.1\r\n${authorized}content-length: 0\r\ncontent-length: ${hidden.length}\r\n\r\n${hidden}`
      const before = (yield* twin.snapshot).digest
      for (const bytes of [both, twice]) assert.match(yield* sent(twin.url, bytes), /^HTTP\/1\.1 400 /)
      assert.strictEqual((yield* twin.snapshot).digest, before)
      assert.lengthOf(
        (yield* twin.journal).filter(({ method }) => method === "DELETE"),
        0
      )
    }).pipe(Effect.scoped)
  )

  it.live("answers what is sent without waiting in the order in which it was sent", () =>
    Effect.gen(function* () {
      const twin = yield* Notes.service.start(seed)
      const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\n${authorized}${more}\r\n`
      const said = yield* sent(twin.url, get("/notes/1") + get("/nowhere") + get("/notes", "connection: close\r\n"))
      assert.deepStrictEqual(
        [...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
        ["200", "501", "200"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("holds no more than 1,000 connections, and answers again when they are gone", () =>
    Effect.gen(function* () {
      const twin = yield* Notes.service.start(seed)
      const sockets: Array<Socket> = []
      const refused = yield* Effect.promise(
        () =>
          new Promise<boolean>((resolve) => {
            for (let count = 0; count < 1_001; count++) {
              const socket = connect(Number(new URL(twin.url).port), "127.0.0.1")
              socket.on("error", () => resolve(true))
              socket.once("close", () => resolve(true))
              sockets.push(socket)
            }
          })
      )
      assert.isTrue(refused)
      yield* Effect.promise(() =>
        Promise.all(
          sockets.map(
            (socket) =>
              new Promise<void>((resolve) => {
                if (socket.closed) return resolve()
                socket.once("close", () => resolve())
                socket.destroy()
              })
          )
        )
      )
      const status = yield* Effect.tryPromise(() =>
        fetch(`${twin.url}/notes`, { headers: { authorization: "Bearer notes-full-token" } }).then((r) => r.status)
      ).pipe(Effect.retry({ times: 200 }))
      assert.strictEqual(status, 200)
    }).pipe(Effect.scoped)
  )
})
