/** The twin of the APIs of models. Nobody has recorded answers of a provider for it here. */
import * as ModelTwin from "@millwright/validators/testing/ModelTwin"
import * as Twin from "@millwright/validators/Twin"
import * as Effect from "effect/Effect"
import type * as Service from "./Service.ts"

const apiKey = "key-of-the-bench"

const tools = [{ name: "look", input_schema: { type: "object" } }]

const turns = [{ text: "I look.", calls: [{ tool: "look", arguments: { at: 1 } }] }, { text: "Done." }]

const hello = { role: "user", content: "Hi" }

/** A conversation of two turns with a tool between them. */
const scenario = Effect.fnUntraced(function* (send: Service.Ask) {
  const go = Effect.fnUntraced(function* (messages: ReadonlyArray<unknown>) {
    const reply = yield* send({
      method: "POST",
      path: "/v1/messages",
      body: { model: "m", max_tokens: 100, messages, tools }
    })
    if (reply.status === 200) return JSON.parse(reply.body).content
    return yield* new Twin.TwinError({
      reason: "Invalid",
      message: `It answers ${reply.status} ${reply.body.slice(0, 200)}`
    })
  })
  const content = yield* go([hello])
  const result = { type: "tool_result", tool_use_id: content[1].id, content: "nothing" }
  yield* go([hello, { role: "assistant", content }, { role: "user", content: [result] }])
})

/** The APIs of models. */
export const service: Service.Service = {
  name: "model",
  start: ModelTwin.start({ apiKey, script: { conversations: [{ turns }] } }),
  headers: { "x-api-key": apiKey, "anthropic-version": "2023-06-01" },
  write: () => ({
    method: "POST",
    path: "/v1/messages",
    body: { model: "m", max_tokens: 100, messages: [hello], tools }
  }),
  scenario,
  compared: []
}
