import { assert, describe, it } from "@effect/vitest"
import * as Prompt from "effect/ai/Prompt"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import type * as Model from "../../src/Model.ts"
import * as AnthropicModel from "../../src/adapters/AnthropicModel.ts"
import * as OpenAiModel from "../../src/adapters/OpenAiModel.ts"

/** A server that keeps what it is sent and refuses it. */
const listening = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly bodies: Array<string>; readonly close: () => void }>((resume) => {
    const bodies: Array<string> = []
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request
        .on("data", (chunk: Buffer) => chunks.push(chunk))
        .once("end", () => {
          bodies.push(Buffer.concat(chunks).toString())
          response.writeHead(400, { "content-type": "application/json" }).end("{}")
        })
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(
        Effect.succeed({
          url: `http://127.0.0.1:${port}`,
          bodies,
          close: () => {
            server.close()
            server.closeAllConnections()
          }
        })
      )
    })
  }),
  ({ close }) => Effect.sync(close)
)

const apiKey = Redacted.make("loopback-key")
const models = {
  openai: (url: string) => OpenAiModel.make({ apiKey, model: "m", baseUrl: `${url}/v1` }),
  "anthropic with system messages": (url: string) =>
    AnthropicModel.make({ apiKey, model: "m", baseUrl: url, systemMessages: true }),
  "anthropic without": (url: string) => AnthropicModel.make({ apiKey, model: "m", baseUrl: url, systemMessages: false })
}

const ask = (model: Model.Model, content: ReadonlyArray<Prompt.Message>) =>
  Effect.ignore(Stream.runDrain(model.languageModel.streamText({ prompt: Prompt.fromMessages(content) })))

/** Messages of every kind, and some that come to nothing. The letter ü is two bytes, so that lengths are counted in bytes. */
const kinds = ["user", "result", "answer", "call", "both", "note", "silent answer", "silent user"] as const
type Kind = (typeof kinds)[number]

const messageOf = (kind: Kind, at: number): Prompt.Message => {
  const text = Prompt.makePart("text", { text: `ü ${at}` })
  const call = Prompt.makePart("tool-call", { id: `call-${at}`, name: "note", params: { at }, providerExecuted: false })
  const result = Prompt.toolResultPart({
    id: `call-${at - 1}`,
    name: "note",
    isFailure: at % 3 === 0,
    result: `ü ${at}`,
    options: {},
    providerExecuted: false
  })
  switch (kind) {
    case "user":
      return Prompt.makeMessage("user", { content: [text] })
    case "silent user":
      return Prompt.makeMessage("user", { content: [Prompt.makePart("text", { text: " " })] })
    case "result":
      return Prompt.toolMessage({ content: [result] })
    case "answer":
      return Prompt.makeMessage("assistant", { content: [text] })
    case "silent answer":
      return Prompt.makeMessage("assistant", { content: [Prompt.makePart("text", { text: "" })] })
    case "call":
      return Prompt.makeMessage("assistant", { content: [call] })
    case "both":
      return Prompt.makeMessage("assistant", { content: [text, call] })
    case "note":
      return Prompt.systemMessage({ content: `Note ${at}` })
  }
}

const system = Prompt.systemMessage({ content: "You are tried out." })
const conversation = (drawn: ReadonlyArray<Kind>, from: ReadonlyArray<Prompt.Message>) => [
  ...from,
  ...drawn.map((kind, at) => messageOf(kind, from.length + at))
]

const Kinds = Schema.Array(Schema.Literals(kinds)).check(Schema.isMaxLength(8))

describe("the bytes of a conversation", () => {
  for (const [name, make] of Object.entries(models)) {
    it.live.prop(
      `${name}: a conversation that grows is sent as one that is new, and so is one that leaves it`,
      [Kinds, Kinds, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))],
      ([drawn, other, fork]) =>
        Effect.gen(function* () {
          const { bodies, url } = yield* listening
          const growing = yield* make(url)
          const whole = conversation(drawn, [system, messageOf("user", 1)])
          const left = conversation(other, whole.slice(0, 2 + fork))
          const steps = [whole, left].flatMap((all) =>
            all.slice(1).flatMap((_, at) => (at % 2 === 0 || at + 2 === all.length ? [all.slice(0, at + 2)] : []))
          )
          // Back and forth between the two, as conversations do that run side by side.
          for (const step of [...steps, whole, left]) {
            yield* ask(growing, step)
            yield* ask(yield* make(url), step)
            const [grown, fresh] = bodies.splice(0)
            assert.isDefined(fresh, "nothing was sent")
            assert.strictEqual(grown, fresh, "what was kept is not what would be written anew")
          }
        }).pipe(Effect.scoped),
      { arbitrary: { runs: 12 } }
    )
  }
})
