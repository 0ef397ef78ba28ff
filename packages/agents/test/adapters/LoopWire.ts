/** A provider that says anything at all, in both protocols, and holds what it is sent against the rules of the API. */
import { assert } from "@effect/vitest"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as Lab from "./LoopLab.ts"

export interface Call {
  readonly id?: string | undefined
  readonly name: string
  /** The arguments as they are written, JSON or not. */
  readonly json: string
}

export interface Said {
  readonly text?: string
  readonly calls?: ReadonlyArray<Call>
  /** Default: what fits. */
  readonly stop?: "stop" | "length"
  readonly usage?: unknown
  readonly model?: string
}

type Event = Readonly<Record<string, unknown>>

/** The events of an answer. */
export const events = (protocol: Lab.Protocol, said: Said): ReadonlyArray<Event> =>
  protocol === "anthropic" ? anthropic(said) : openai(said)

const anthropic = ({ calls = [], model = "m", stop, text, ...said }: Said): ReadonlyArray<Event> => {
  const usage = "usage" in said ? said.usage : { input_tokens: 5, output_tokens: 5 }
  const blocks = [
    ...(text === undefined ? [] : [{ open: { type: "text", text: "" }, delta: { type: "text_delta", text } }]),
    ...calls.map(({ id, json, name }) => ({
      open: { type: "tool_use", id, name, input: {} },
      delta: { type: "input_json_delta", partial_json: json }
    }))
  ]
  const reason = stop === "length" ? "max_tokens" : calls.length > 0 ? "tool_use" : "end_turn"
  return [
    { type: "message_start", message: { id: "a", model, usage } },
    ...blocks.flatMap(({ delta, open }, index) => [
      { type: "content_block_start", index, content_block: open },
      { type: "content_block_delta", index, delta },
      { type: "content_block_stop", index }
    ]),
    { type: "message_delta", delta: { stop_reason: reason }, usage },
    { type: "message_stop" }
  ]
}

const openai = ({ calls = [], model = "m", stop, text, ...said }: Said): ReadonlyArray<Event> => {
  const usage = "usage" in said ? said.usage : { prompt_tokens: 5, completion_tokens: 5 }
  const delta = (delta: object, finish_reason: string | null = null) => ({
    id: "c",
    model,
    choices: [{ index: 0, delta, finish_reason }]
  })
  return [
    ...(text === undefined ? [] : [delta({ content: text })]),
    ...calls.map(({ id, json, name }, index) =>
      delta({ tool_calls: [{ index, id, function: { name, arguments: json } }] })
    ),
    delta({}, stop ?? (calls.length > 0 ? "tool_calls" : "stop")),
    { id: "c", model, choices: [], usage }
  ]
}

export const sse = (events: ReadonlyArray<Event>): string =>
  events.map((event) => `${"type" in event ? `event: ${event.type}\n` : ""}data: ${JSON.stringify(event)}\n\n`).join("")

/** What is said to one request: an answer, its events, or whatever is done to the response. */
export type Answer = Said | ReadonlyArray<Event> | ((response: Http.ServerResponse) => void)

export const stream = (response: Http.ServerResponse): Http.ServerResponse =>
  response.writeHead(200, { "content-type": "text/event-stream" })

/** A call of the outcome tool, and a call of any other. */
export const outcome = (note = "ok", id = "the-outcome"): Call => ({
  id,
  name: "outcome",
  json: JSON.stringify({ outcome: { _tag: "Done", note } })
})
export const calling = (name: string, args: object, id: string): Call => ({ id, name, json: JSON.stringify(args) })

/** The loop before a provider that gives these answers, and the outcome when there are no more. */
export const start = Effect.fnUntraced(function* (
  protocol: Lab.Protocol,
  answers: ReadonlyArray<Answer>,
  around?: Lab.Around
) {
  const bodies: Array<ReturnType<typeof JSON.parse>> = []
  const problems: Array<string> = []
  const server = yield* Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const server = Http.createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request
          .on("data", (chunk: Buffer) => chunks.push(chunk))
          .on("end", () => {
            const body = JSON.parse(Buffer.concat(chunks).toString())
            const betas = String(request.headers["anthropic-beta"] ?? "").split(",")
            const problem = ProviderTwin.refusal(protocol, body, betas)
            if (problem !== undefined) problems.push(`request ${bodies.length + 1}: ${problem}`)
            const answer = answers[bodies.push(body) - 1] ?? { calls: [outcome("ok", `end-${bodies.length}`)] }
            if (typeof answer === "function") return answer(response)
            const said = Array.isArray(answer) ? (answer as ReadonlyArray<Event>) : events(protocol, answer as Said)
            stream(response).end(sse(said) + (protocol === "openai" ? "data: [DONE]\n\n" : ""))
          })
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const lab = yield* Lab.at(protocol, url, around)
  return {
    ...lab,
    bodies,
    url,
    results: (index: number) => resultsOf(bodies[index]),
    /** Every request is one that the API takes, and begins with the whole one before it. */
    check: Effect.sync(() => {
      assert.deepStrictEqual(problems, [], "the API does not take the conversation any more")
      let before: ReadonlyArray<string> = []
      for (const [at, body] of bodies.entries()) {
        const said = Lab.blocksOf(body).map((block) => JSON.stringify(block))
        assert.deepStrictEqual(said.slice(0, before.length), before, `request ${at + 1} rewrites what was said before`)
        before = said
      }
    })
  }
})

/** The results of tools that a request ends with. */
const resultsOf = (body: unknown): ReadonlyArray<string> => {
  const blocks = Lab.blocksOf(body)
  return blocks
    .slice(blocks.findLastIndex(({ role }) => role === "assistant") + 1)
    .flatMap(({ block, role }) =>
      role === "tool" || block.type === "tool_result"
        ? [typeof block.content === "string" ? block.content : JSON.stringify(block.content)]
        : []
    )
}
