import { assert, describe, it } from "@effect/vitest"
import { ErrorCode, WebClient } from "@slack/web-api"
import * as Effect from "effect/Effect"
import { createHmac, timingSafeEqual } from "node:crypto"
import * as SlackTwin from "../../src/adapters/SlackTwin.ts"
import * as TwinFault from "../../src/TwinFault.ts"
import * as TwinLab from "../../src/testing/TwinLab.ts"
import * as TwinTest from "../../src/testing/TwinTest.ts"

const scopes = [
  ...["chat:write", "channels:read", "channels:history", "channels:join", "reactions:write", "users:read"],
  ...["groups:read", "groups:history", "users:read.email"]
]

const tokens = {
  "token-of-the-bot": { name: "factory", scopes },
  "token-of-a-reader": { name: "eve", scopes: ["channels:read", "channels:history"] }
}

const seed: SlackTwin.Seed = {
  tokens,
  users: [
    { name: "factory", isBot: true, realName: "Factory" },
    { name: "ada", email: "ada@example.com" }
  ],
  channels: [
    { name: "general", messages: [{ user: "factory", text: "first" }] },
    { name: "quiet", members: ["ada"] },
    { name: "secret", members: ["ada"], isPrivate: true },
    { name: "old", isArchived: true }
  ]
}

const general = "C00000001"

const says = (name: string) => (reply: TwinLab.Reply) =>
  reply.status === 200 && JSON.parse(reply.body).ok === false && JSON.parse(reply.body).error === name

const call = (name: string, body: unknown): TwinLab.Ask => ({ method: "POST", path: `/api/${name}`, body })

const first = "1767225600.000001"

TwinTest.suite(
  "the twin of Slack",
  TwinLab.layer({
    service: SlackTwin.service,
    seed,
    other: { ...seed, channels: [{ name: "general", messages: [{ user: "factory", text: "another" }] }] },
    token: "token-of-the-bot",
    weakToken: "token-of-a-reader",
    read: { method: "GET", path: `/api/conversations.history?channel=${general}` },
    write: (n) => call("chat.postMessage", { channel: general, text: `Message ${n}` }),
    missing: call("views.open", { trigger_id: "x", view: {} }),
    edit: {
      write: (text) => call("chat.update", { channel: general, ts: first, text }),
      read: { method: "GET", path: `/api/conversations.replies?channel=${general}&ts=${first}` },
      text: (body) => JSON.parse(body).messages[0].text
    },
    refuses: {
      unauthorized: (reply) => says("invalid_auth")(reply) || says("not_authed")(reply),
      forbidden: says("missing_scope"),
      invalidJson: says("invalid_json"),
      contentType: says("invalid_post_type")
    },
    webhooks: {
      seed: (url, secret) => ({ ...seed, events: [{ url, secret, types: ["message.channels"] }] }),
      isSigned: ({ body, headers }, secret) => {
        const time = headers["x-slack-request-timestamp"]
        const given = Buffer.from(headers["x-slack-signature"] ?? "")
        const right = Buffer.from(`v0=${createHmac("sha256", secret).update(`v0:${time}:${body}`).digest("hex")}`)
        return given.length === right.length && timingSafeEqual(given, right)
      }
    }
  })
)

const lab = Effect.fnUntraced(function* (from: SlackTwin.Seed = seed) {
  const twin = yield* SlackTwin.service.start(from)
  const as = (token: keyof typeof tokens, name: string, body: unknown) =>
    Effect.map(
      TwinLab.send(twin.url, { ...call(name, body), headers: { authorization: `Bearer ${token}` } }),
      (reply) => ({ ...reply, json: JSON.parse(reply.body) })
    )
  const bot = (name: string, body: unknown) => as("token-of-the-bot", name, body)
  return { twin, as, bot }
})

describe("bad input to the twin of Slack", () => {
  it.live("each refusal has Slack's name, and changes nothing", () =>
    Effect.gen(function* () {
      const { bot, twin } = yield* lab()
      const before = (yield* twin.snapshot).digest
      const said = yield* bot("auth.test", {})
      assert.strictEqual(said.json.user, "factory")
      for (const [name, body, error] of [
        ["chat.postMessage", { channel: general }, "no_text"],
        ["chat.postMessage", { channel: general, text: "  " }, "no_text"],
        ["chat.postMessage", { channel: general, text: "x".repeat(40_001) }, "msg_too_long"],
        ["chat.postMessage", { channel: general, blocks: "[" }, "invalid_blocks_format"],
        ["chat.postMessage", { channel: general, text: "x", thread_ts: "1.1" }, "thread_not_found"],
        ["chat.postMessage", { channel: "C99999999", text: "x" }, "channel_not_found"],
        ["chat.postMessage", { channel: "constructor", text: "x" }, "channel_not_found"],
        ["chat.postMessage", { channel: "#secret", text: "x" }, "channel_not_found"],
        ["chat.postMessage", { channel: "#quiet", text: "x" }, "not_in_channel"],
        ["chat.postMessage", { channel: "#old", text: "x" }, "is_archived"],
        ["chat.postMessage", [], "json_not_object"],
        ["chat.postMessage", 7, "json_not_object"],
        ["chat.update", { channel: general, ts: "1.1", text: "x" }, "message_not_found"],
        ["chat.delete", { channel: general, ts: "1.1" }, "message_not_found"],
        ["conversations.list", { limit: 0 }, "invalid_limit"],
        ["conversations.list", { cursor: "nothing" }, "invalid_cursor"],
        ["conversations.list", { types: "planet" }, "invalid_types"],
        ["conversations.history", { channel: general, oldest: "x" }, "invalid_ts_oldest"],
        ["conversations.replies", { channel: general, ts: "1.1" }, "thread_not_found"],
        ["reactions.add", { channel: general, timestamp: first, name: "no such" }, "invalid_name"],
        ["users.info", { user: "U99999999" }, "user_not_found"],
        ["users.lookupByEmail", {}, "users_not_found"]
      ] as const) {
        const reply = yield* bot(name, body)
        assert.deepStrictEqual([reply.status, reply.json], [200, { ok: false, error }], `${name} ${error}`)
      }
      assert.strictEqual((yield* twin.snapshot).digest, before)
    })
  )

  it.live("an argument that the twin does not have is 501 by name", () =>
    Effect.gen(function* () {
      const { bot } = yield* lab()
      const reply = yield* bot("chat.postMessage", { channel: general, text: "x", reply_broadcast: true })
      assert.strictEqual(reply.status, 501)
      assert.include(reply.json.message, '"reply_broadcast" of chat.postMessage')
    })
  )

  it.live("a scope that is missing is named with those that are there", () =>
    Effect.gen(function* () {
      const { as } = yield* lab()
      const reply = yield* as("token-of-a-reader", "chat.postMessage", { channel: general, text: "x" })
      const provided = "channels:read,channels:history"
      assert.deepStrictEqual(reply.json, { ok: false, error: "missing_scope", needed: "chat:write", provided })
      assert.strictEqual(reply.headers["x-oauth-scopes"], provided)
      const other = yield* as("token-of-a-reader", "conversations.list", { types: "public_channel,private_channel" })
      assert.strictEqual(other.json.needed, "groups:read")
    })
  )

  it.live("pages through a channel from the newest to the oldest, each once, and past 10,000 at once", () =>
    Effect.gen(function* () {
      const messages = Array.from({ length: 1_200 }, (_, n) => ({ user: "factory", text: `m${n}` }))
      const { bot } = yield* lab({ ...seed, channels: [{ name: "general", messages }] })
      const texts: Array<string> = []
      let cursor: string | undefined
      let pages = 0
      do {
        const { json } = yield* bot("conversations.history", { channel: general, limit: 10_000, cursor })
        texts.push(...json.messages.map(({ text }: { text: string }) => text))
        assert.strictEqual(json.has_more, json.response_metadata !== undefined)
        cursor = json.response_metadata?.next_cursor
        pages++
      } while (cursor !== undefined && pages < 10)
      assert.strictEqual(pages, 2)
      assert.deepStrictEqual(texts, messages.map(({ text }) => text).toReversed())
    })
  )
})

describe("the twin of Slack for its own client", () => {
  it.live("posts, answers in a thread, edits, reacts, reads back and deletes", () =>
    Effect.gen(function* () {
      const { twin } = yield* lab()
      const client = new WebClient("token-of-the-bot", {
        slackApiUrl: `${twin.url}/api/`,
        retryConfig: { retries: 0 },
        rejectRateLimitedCalls: true
      })
      const go = <A>(f: () => Promise<A>) => Effect.promise(f)
      const me = yield* go(() => client.auth.test())
      assert.strictEqual(me.bot_id, "B00000001")
      const list = yield* go(() => client.conversations.list({ exclude_archived: true, limit: 1 }))
      assert.deepStrictEqual(
        list.channels?.map(({ name }) => name),
        ["general"]
      )
      const rest = yield* go(() =>
        client.conversations.list({ exclude_archived: true, cursor: list.response_metadata?.next_cursor ?? "" })
      )
      assert.deepStrictEqual(
        rest.channels?.map(({ name }) => name),
        ["quiet"]
      )
      yield* go(() => client.conversations.join({ channel: "C00000002" }))
      const channel = "C00000002"
      const section = { type: "section" as const, text: { type: "mrkdwn" as const, text: "*Run 1*" } }
      const posted = yield* go(() => client.chat.postMessage({ channel, text: "Run 1", blocks: [section] }))
      const ts = posted.ts ?? ""
      assert.deepStrictEqual(posted.message?.blocks?.[0]?.type, "section")
      yield* go(() => client.chat.postMessage({ channel, text: "It passed", thread_ts: ts }))
      yield* go(() => client.chat.update({ channel, ts, text: "Run 1: done" }))
      yield* go(() => client.reactions.add({ channel, timestamp: ts, name: "tada" }))
      const replies = yield* go(() => client.conversations.replies({ channel, ts }))
      assert.deepStrictEqual(
        replies.messages?.map(({ text }) => text),
        ["Run 1: done", "It passed"]
      )
      const [top] = (yield* go(() => client.conversations.history({ channel }))).messages ?? []
      assert.deepStrictEqual([top?.reply_count, top?.reactions?.[0]?.name, top?.edited?.user], [1, "tada", me.user_id])
      const person = yield* go(() => client.users.lookupByEmail({ email: "ADA@example.com" }))
      assert.strictEqual(person.user?.name, "ada")
      yield* go(() => client.chat.delete({ channel, ts }))
      const twice = yield* Effect.flip(
        Effect.tryPromise(() => client.reactions.add({ channel, timestamp: ts, name: "x" }))
      )
      assert.include(String(twice.cause), "message_not_found")
      yield* twin.faults([TwinFault.answer({ _tag: "Refuse", status: 429, retryAfter: 7 })])
      const limited = yield* Effect.flip(
        Effect.tryPromise({
          try: () => client.auth.test(),
          catch: (cause) => cause as { code: string; retryAfter: number }
        })
      )
      assert.deepStrictEqual([limited.code, limited.retryAfter], [ErrorCode.RateLimitedError, 7])
    })
  )
})
