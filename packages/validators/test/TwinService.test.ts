import { createHmac } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TwinLab from "../src/testing/TwinLab.ts"
import * as TwinTest from "../src/testing/TwinTest.ts"
import * as Notes from "./NotesTwin.ts"

const tokens = {
  "notes-full-token": { name: "ada", scopes: ["write"] },
  "notes-weak-token": { name: "bo", scopes: ["read"] }
}

const seed = { tokens, notes: ["first", "second"], hooks: [] }

const layer = TwinLab.layer({
  service: Notes.service,
  seed,
  other: { ...seed, notes: ["another"] },
  token: "notes-full-token",
  weakToken: "notes-weak-token",
  read: { method: "GET", path: "/notes" },
  write: (n) => ({ method: "POST", path: "/notes", body: { text: `note ${n}` } }),
  missing: { method: "DELETE", path: "/notes/1" },
  edit: {
    write: (text) => ({ method: "PUT", path: "/notes/1", body: { text } }),
    read: { method: "GET", path: "/notes/1" },
    text: (body) => JSON.parse(body).text
  },
  webhooks: {
    seed: (url, secret) => ({ ...seed, hooks: [{ url, secret }] }),
    isSigned: ({ body, headers }, secret) =>
      headers["x-signature"] === createHmac("sha256", secret).update(body).digest("hex")
  }
})

TwinTest.suite("a twin made with TwinService", layer)

describe("webhooks that fail", () => {
  it.live("are sent again after the waits of the service, by the twin's clock", () =>
    Effect.gen(function* () {
      const receiver = yield* TwinLab.receiver
      const hooks = [{ url: receiver.url, secret: "a secret of this test" }]
      const twin = yield* Notes.service.start({ ...seed, hooks })
      yield* twin.webhooks.allow(receiver.url)
      yield* receiver.fail(2)
      const headers = { authorization: "Bearer notes-full-token" }
      yield* TwinLab.send(twin.url, { method: "POST", path: "/notes", body: { text: "x" }, headers })
      const outcomes = Effect.map(twin.webhooks.deliveries, (all) =>
        all.map(({ attempts, outcome }) => [outcome, ...attempts.map(({ status }) => status ?? 0)].join(" "))
      )
      const seen = []
      for (const millis of [0, 999, 1, 59_999, 1]) {
        yield* twin.clock.advance(millis)
        seen.push(...(yield* outcomes))
      }
      assert.deepStrictEqual(seen, [
        "waiting 500",
        "waiting 500",
        "waiting 500 500",
        "waiting 500 500",
        "delivered 500 500 204"
      ])
    })
  )

  it.live("to nobody who listens are failures, and hold nothing up", () =>
    Effect.gen(function* () {
      const gone = yield* Effect.scoped(TwinLab.receiver)
      const receiver = yield* TwinLab.receiver
      const hooks = [gone, receiver].map(({ url }) => ({ url, secret: "a secret of this test" }))
      const twin = yield* Notes.service.start({ ...seed, hooks })
      for (const { url } of hooks) yield* twin.webhooks.allow(url)
      const headers = { authorization: "Bearer notes-full-token" }
      yield* TwinLab.send(twin.url, { method: "POST", path: "/notes", body: { text: "x" }, headers })
      yield* receiver.first(1)
      yield* twin.clock.advance(10_000_000)
      const [lost, delivered] = yield* twin.webhooks.deliveries
      assert.deepStrictEqual([lost?.outcome, lost?.attempts.length], ["failed", 3])
      assert.strictEqual(delivered?.outcome, "delivered")
    })
  )
})
