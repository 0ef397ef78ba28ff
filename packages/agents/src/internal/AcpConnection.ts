/** The connection with an agent that speaks the Agent Client Protocol: who asked what, and what is answered. */
import { client, methods, RequestError } from "@agentclientprotocol/sdk/unstable"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Harness from "../Harness.ts"
import type * as AcpConversation from "./AcpConversation.ts"
import type * as AcpFiles from "./AcpFiles.ts"
import type { Refusal } from "./AcpRefusal.ts"
import type * as AcpTerminals from "./AcpTerminals.ts"
import type * as CliAgent from "./CliAgent.ts"
import type * as JsonLines from "./JsonLines.ts"

/** What the agent may ask of us. What is not there is not announced, and refused. */
export interface Offers {
  readonly permission: AcpConversation.AcpConversation["permission"]
  readonly files: AcpFiles.AcpFiles
  readonly terminals: AcpTerminals.AcpTerminals | undefined
}

/** An open connection. */
export interface AcpConnection {
  readonly open: (talk: CliAgent.Talk) => Effect.Effect<void>
  /** Takes a message of the agent's. One that answers nothing is left out. */
  readonly hear: (message: JsonLines.Message) => Effect.Effect<void>
  /** Asks the agent, and waits for its answer. */
  readonly ask: <S extends Schema.Codec<unknown, unknown>>(
    schema: S,
    method: string,
    params: object
  ) => Effect.Effect<S["Type"], Refusal>
  /** Tells the agent something that has no answer. */
  readonly tell: (method: string, params: object) => Effect.Effect<void, Refusal>
  /** What the agent is told that it may ask for. */
  readonly capabilities: object
}

/** Opens one. It closes with the scope, and so does what the agent asked for. */
export const make = Effect.fnUntraced(function* ({ files, permission, terminals }: Offers) {
  const run = yield* FiberSet.makeRuntimePromise<Harness.Workplace>()
  const answered = <A>(effect: Effect.Effect<A, Refusal, Harness.Workplace>): Promise<A> =>
    run(Effect.mapError(effect, ({ code, message }) => new RequestError(code, message)))

  const app = client({ name: "millwright" }).onRequest(methods.client.session.requestPermission, ({ params }) =>
    answered(permission(params))
  )
  const { read, write } = files
  if (read !== undefined) app.onRequest(methods.client.fs.readTextFile, ({ params }) => answered(read(params)))
  if (write !== undefined) app.onRequest(methods.client.fs.writeTextFile, ({ params }) => answered(write(params)))
  if (terminals !== undefined) {
    app
      .onRequest(methods.client.terminal.create, ({ params }) => answered(terminals.create(params)))
      .onRequest(methods.client.terminal.output, ({ params }) => answered(terminals.output(params)))
      .onRequest(methods.client.terminal.waitForExit, ({ params }) => answered(terminals.wait(params)))
      .onRequest(methods.client.terminal.kill, ({ params }) => answered(terminals.kill(params)))
      .onRequest(methods.client.terminal.release, ({ params }) => answered(terminals.release(params)))
  }

  const waiting = new Set<unknown>()
  let incoming: ReadableStreamDefaultController | undefined
  let say: CliAgent.Talk["say"] = () => Effect.void
  const connection = app.connect({
    readable: new ReadableStream({ start: (controller) => void (incoming = controller) }),
    writable: new WritableStream({
      write: (message) => {
        if ("method" in message && "id" in message) waiting.add(message.id)
        return Effect.runPromise(say(message))
      }
    })
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => connection.close()))

  const self: AcpConnection = {
    capabilities: {
      fs: { readTextFile: read !== undefined, writeTextFile: write !== undefined },
      terminal: terminals !== undefined
    },
    open: (talk) => Effect.sync(() => void (say = talk.say)),
    hear: (message) =>
      Effect.sync(() => {
        // The library writes on our standard error about what it does not know.
        const isOurs = Predicate.isString(message.method) ? message.jsonrpc === "2.0" : waiting.delete(message.id)
        if (isOurs && !connection.signal.aborted) incoming?.enqueue(message)
      }),
    ask: (schema, method, params) =>
      Effect.flatMap(
        Effect.tryPromise({ try: () => connection.agent.request<unknown>(method, params), catch: refusal }),
        (answer): Effect.Effect<(typeof schema)["Type"], Refusal> =>
          Effect.mapError(Schema.decodeUnknownEffect(schema)(answer), ({ message }) => ({
            code: 0,
            message: `its answer is none: ${message}`
          }))
      ),
    tell: (method, params) => Effect.tryPromise({ try: () => connection.agent.notify(method, params), catch: refusal })
  }
  return self
})

const refusal = (error: unknown): Refusal =>
  error instanceof RequestError
    ? { code: error.code, message: [error.message, ...details(error.data)].join(": ") }
    : { code: 0, message: error instanceof Error ? error.message : String(error) }

const details = (data: unknown): ReadonlyArray<string> => {
  if (Predicate.isNullish(data)) return []
  const said = Predicate.hasProperty(data, "details") ? data.details : data
  return [Predicate.isString(said) ? said : JSON.stringify(said)]
}
