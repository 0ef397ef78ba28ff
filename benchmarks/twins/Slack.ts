/** The twin of Slack: what it is compared with, and what a factory does with it. */
import * as SlackTwin from "@millwright/validators/adapters/SlackTwin"
import type * as TwinLab from "@millwright/validators/testing/TwinLab"
import * as Effect from "effect/Effect"
import * as Documented from "./Documented.ts"
import type * as Service from "./Service.ts"

const token = "token-of-the-bench"

const headers = { authorization: `Bearer ${token}` }

const scopes = [
  ...["chat:write", "channels:read", "channels:history", "channels:join", "reactions:write", "users:read"],
  "users:read.email"
]

const start = SlackTwin.service.start({
  tokens: { [token]: { name: "factory", scopes } },
  users: [
    { name: "factory", isBot: true },
    { name: "ada", realName: "Ada", email: "ada@example.com" }
  ],
  channels: [
    {
      name: "general",
      topic: "All",
      messages: ["ada", "factory", "ada"].map((user) => ({ user, text: "Hello" }))
    },
    { name: "random" },
    { name: "old", isArchived: true }
  ]
})

const general = "C00000001"

const method = (name: string, body: unknown): TwinLab.Ask => ({
  method: "POST",
  path: `/api/${name}`,
  body
})

const go = (ask: Service.Ask, name: string, body: unknown) =>
  Documented.json(ask, method(name, body), ({ ok }) => ok === true)

/** A run that is told in a thread. */
const scenario = Effect.fnUntraced(function* (ask: Service.Ask) {
  yield* go(ask, "auth.test", {})
  const { channels } = yield* go(ask, "conversations.list", { exclude_archived: true })
  const channel = channels[0].id
  const { ts } = yield* go(ask, "chat.postMessage", { channel, text: "Run 1 begins" })
  for (const text of ["built", "tested", "reviewed"]) {
    yield* go(ask, "chat.postMessage", { channel, text, thread_ts: ts })
  }
  yield* go(ask, "chat.update", { channel, ts, text: "Run 1 is done" })
  yield* go(ask, "reactions.add", { channel, timestamp: ts, name: "white_check_mark" })
  yield* go(ask, "conversations.replies", { channel, ts })
  yield* go(ask, "conversations.history", { channel, limit: 10 })
})

/** Slack. */
export const service: Service.Service = {
  name: "slack",
  start,
  headers,
  write: (n) => method("chat.postMessage", { channel: general, text: `Message ${n}` }),
  scenario,
  compared: [
    Documented.comparison({
      file: "slack.json",
      start,
      headers,
      prepare: Effect.fnUntraced(function* (ask) {
        const thread = "1767225600.000001"
        for (let n = 0; n < 4; n++) {
          yield* go(ask, "chat.postMessage", { channel: general, text: "island", thread_ts: thread })
        }
        return {
          C012AB3CD: general,
          C024BE91L: general,
          C061EG9SL: general,
          "1401383885.000061": "1767225600.000002",
          "1482960137.003543": thread,
          W012A3CDE: "U00000002"
        }
      })
    })
  ]
}
