/**
 * The **provider twin**: a loopback server that answers as the APIs of Anthropic (messages) and OpenAI (chat completions and
 * responses) do, from a script that is data.
 * Tests and rehearsals use it in the place of a provider.
 *
 * `@copilotkit/aimock` makes the answers in each protocol. A front of our own before it chooses the turn, checks key, model and
 * context, refuses what the API refuses about a conversation and about tools that are loaded in the middle of it, counts tokens as a
 * provider with a prompt cache does, and breaks what it is told to break.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as Fault from "../Fault.ts"
import * as ChatBlocks from "../internal/ChatBlocks.ts"
import * as PrefixCache from "../internal/PrefixCache.ts"
import * as Rules from "../internal/ProviderRules.ts"
import * as Wire from "../internal/ProviderWire.ts"
import * as ResponsesBody from "../internal/ResponsesBody.ts"
import * as TranscriptRules from "../internal/TranscriptRules.ts"
import * as Usage from "../Usage.ts"

/** The twin can not be started. */
export class ProviderTwinError extends Fault.Class<ProviderTwinError>()("ProviderTwinError", {
  /** `@copilotkit/aimock` is not installed. */
  NotInstalled: false,
  /** No port on 127.0.0.1 can be had. */
  NotListening: true
}) {}

/** A tool call that the model makes. `raw` is sent as it stands, to play arguments that are no JSON. */
export const Call = Schema.Struct({
  tool: Schema.NonEmptyString,
  arguments: Schema.optionalKey(Schema.Json),
  raw: Schema.optionalKey(Schema.String)
})
/** A tool call that the model makes. */
export type Call = typeof Call.Type

/** One answer of the model. Without `usage`, tokens are counted from the request (four characters each). */
export const Turn = Schema.Struct({
  text: Schema.optionalKey(Schema.String),
  reasoning: Schema.optionalKey(Schema.String),
  calls: Schema.optionalKey(Schema.Array(Call)),
  usage: Schema.optionalKey(Usage.Usage)
})
/** One answer of the model. */
export type Turn = typeof Turn.Type

/**
 * The turns of one conversation: the answer is the turn at the number of assistant messages that the request holds.
 *
 * `role` is the `NAME` of a line `Role: NAME` in the system prompt; without it every role fits. `when.promptIncludes`
 * must stand in what the user said, so that a second attempt, whose prompt holds the failure, plays another
 * conversation.
 */
export const Conversation = Schema.Struct({
  role: Schema.optionalKey(Schema.NonEmptyString),
  when: Schema.optionalKey(Schema.Struct({ promptIncludes: Schema.NonEmptyString })),
  turns: Schema.Array(Turn)
})
/** The turns of one conversation. */
export type Conversation = typeof Conversation.Type

/** All conversations. The first that fits a request is played, so the ones with `when` stand first. */
export const Script = Schema.Struct({ conversations: Schema.Array(Conversation) })
/** All conversations. */
export type Script = typeof Script.Type

/** What goes wrong with one request, in the place of the scripted answer. */
export const Breakage = Schema.TaggedUnion({
  /** An error of the API. `retryAfter` is in seconds. */
  Refuse: {
    status: Schema.Int,
    message: Schema.optionalKey(Schema.String),
    retryAfter: Schema.optionalKey(Schema.Natural)
  },
  /** The connection closes without an answer. */
  Drop: {},
  /** After so many events of the answer: the connection is reset, ends as if all was said, or ends inside an event. */
  Cut: { after: Schema.Natural, how: Schema.Literals(["reset", "end", "inside"]) },
  /** After so many events nothing more comes, until the client hangs up. */
  Stall: { after: Schema.Natural },
  /** So many milliseconds pass before each event. */
  Slow: { delay: Schema.Natural }
})
/** What goes wrong with one request. */
export type Breakage = typeof Breakage.Type

/** A request that the twin got. Keys are not kept; `body` is the JSON as it was sent, `null` where there was none. */
export interface Recorded {
  readonly protocol: Wire.Protocol
  readonly path: string
  readonly body: Schema.Json
  /** The betas of the API that the client asked for. */
  readonly betas: ReadonlyArray<string>
  readonly role: string | undefined
  /** The index of the turn that was played. */
  readonly turn: number | undefined
  /** What the answer cost, as it said. */
  readonly usage: Usage.Usage | undefined
  /** `hung-up`: the client closed the connection before the answer was over. */
  readonly outcome: "open" | "answered" | "refused" | "broken" | "hung-up"
}

/** A running twin. */
export interface ProviderTwin {
  /** For a client of Anthropic. */
  readonly anthropicUrl: string
  /** For a client of OpenAI. */
  readonly openAiUrl: string
  /** The requests so far, in order of arrival. */
  readonly requests: Effect.Effect<ReadonlyArray<Recorded>>
  /** Plays another script from the next request on. */
  readonly play: (script: Script) => Effect.Effect<void>
  /**
   * Breaks the next requests, one each; with a role, only requests of that role. A question about models is broken too,
   * by `Refuse` as it says and by all others as by `Drop`.
   */
  readonly breakNext: (breakages: ReadonlyArray<Breakage>, role?: string) => Effect.Effect<void>
  /** Forgets requests, breakages and what its cache holds, and plays the script that it was started with. */
  readonly reset: Effect.Effect<void>
  /** Completes when a client has hung up before its answer was over. */
  readonly hungUp: Effect.Effect<void>
}

/** What the twin plays, and what it lets in. */
export interface Options {
  readonly script: Script
  /** The only key that is let in. Without it any key is. */
  readonly apiKey?: Redacted.Redacted<string> | undefined
  /** The only models that it knows. Without it any name is known. */
  readonly models?: ReadonlyArray<string> | undefined
  /** The context of its models, in tokens. Default 200,000. */
  readonly contextTokens?: number | undefined
  /**
   * What a mark of Anthropic's prompt cache counts when it looks back over 20 places: runs of calls or of results as
   * one, as the Claude API does, or each block. Default: runs.
   */
  readonly places?: "runs" | "blocks" | undefined
}

/** The longest request body that is read, in bytes. */
const maxBody = 32 * 1024 * 1024

/** Starts a twin on 127.0.0.1, at a port of its own. It stops with the scope. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<ProviderTwin, ProviderTwinError, Scope.Scope> {
  const state: State = {
    options,
    script: options.script,
    queue: [],
    requests: [],
    cache: new Set(),
    answers: new Map(),
    hungUp: yield* Deferred.make<void>(),
    upstream: ""
  }
  const { LLMock } = yield* Effect.tryPromise({
    try: () => import("@copilotkit/aimock"),
    catch: (cause) =>
      new ProviderTwinError({
        reason: "NotInstalled",
        message: "The provider twin needs @copilotkit/aimock. Add it to the development dependencies.",
        cause
      })
  })
  const mock = new LLMock({ host: "127.0.0.1", port: 0, journalMaxEntries: 1, chunkSize: 24 })
  mock.on({ predicate: () => true }, (request) => state.answers.get(String(request._context)) ?? { content: "" })
  yield* Effect.acquireRelease(Effect.tryPromise({ try: () => mock.start(), catch: notListening }), () =>
    Effect.ignore(Effect.tryPromise(() => mock.stop()))
  )
  state.upstream = mock.url
  const url = yield* listen(state)
  return {
    anthropicUrl: url,
    openAiUrl: `${url}/v1`,
    requests: Effect.sync(() => state.requests.map((request) => ({ ...request }))),
    play: (script) => Effect.sync(() => void (state.script = script)),
    breakNext: (breakages, role) =>
      Effect.sync(() => void state.queue.push(...breakages.map((breakage) => ({ breakage, role })))),
    reset: Effect.sync(() => {
      state.script = options.script
      state.queue.length = 0
      state.requests.length = 0
      state.cache.clear()
    }),
    hungUp: Deferred.await(state.hungUp)
  }
})

/** Why the API of a protocol does not take a request with 400; `undefined` where it does. `betas` are those of its header. */
export const refusal = (
  protocol: Wire.Protocol,
  body: Schema.JsonObject,
  betas: ReadonlyArray<string> = []
): string | undefined =>
  protocol === "responses"
    ? (ResponsesBody.refusal(body) ?? refusal("openai", ResponsesBody.chat(body)))
    : (TranscriptRules.refusal(protocol, body) ??
      (protocol === "anthropic" ? Rules.refusal(body, betas) : ChatBlocks.refusal(body)))

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

interface State {
  readonly options: Options
  script: Script
  readonly queue: Array<{ readonly breakage: Breakage; readonly role: string | undefined }>
  readonly requests: Array<Mutable<Recorded>>
  readonly cache: Set<string>
  /** What aimock shall answer, by the context header of the request. */
  readonly answers: Map<string, Wire.Answer>
  readonly hungUp: Deferred.Deferred<void>
  upstream: string
}

const notListening = (cause: unknown): ProviderTwinError =>
  new ProviderTwinError({
    reason: "NotListening",
    message: `No port of 127.0.0.1 can be listened on: ${String(cause)}`,
    cause
  })

const listen = (state: State): Effect.Effect<string, ProviderTwinError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Http.Server, ProviderTwinError>((resume) => {
      const server = Http.createServer((request, response) => {
        serve(state, request, response).catch((cause: unknown) => {
          if (response.headersSent) response.destroy()
          else Wire.refuse(response, "anthropic", { status: 500, message: `The twin broke: ${String(cause)}` })
        })
      })
      server.once("error", (cause) => resume(Effect.fail(notListening(cause))))
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      return `http://127.0.0.1:${Predicate.isObject(address) ? address.port : 0}`
    })
  )

const serve = async (state: State, request: Http.IncomingMessage, response: Http.ServerResponse): Promise<void> => {
  const asked = /\/v1\/models(?:\/([^?]*))?(?:\?|$)/.exec(request.method === "GET" ? (request.url ?? "") : "")
  if (asked !== null) return tell(state, { request, response, model: asked[1] })
  const protocol = Wire.protocolOf(request)
  if (protocol === undefined)
    return Wire.refuse(response, "anthropic", { status: 404, message: `The twin does not serve ${request.url}` })
  const body = await Wire.readBody(request, maxBody)
  if (body === undefined) return Wire.refuse(response, protocol, { status: 400, message: "The body is no JSON object" })
  const read = protocol === "responses" ? ResponsesBody.chat(body) : body
  const said = Wire.conversationOf(read)
  const record: Mutable<Recorded> = {
    protocol,
    path: request.url ?? "",
    body,
    betas: Wire.betasOf(request),
    role: said.role,
    turn: undefined,
    usage: undefined,
    outcome: "open"
  }
  state.requests.push(record)
  response.once("close", () => {
    if (record.outcome !== "open" || response.writableFinished) return
    record.outcome = "hung-up"
    Deferred.doneUnsafe(state.hungUp, Effect.void)
  })
  const refuse = (refusal: Wire.Refusal): void => {
    record.outcome = "refused"
    Wire.refuse(response, protocol, refusal)
  }
  const denied = admit(state.options, request, said)
  if (denied !== undefined) return refuse(denied)
  const broken = refusal(protocol, body, record.betas)
  if (broken !== undefined) return refuse({ status: 400, message: broken })
  const at = state.queue.findIndex(({ role }) => role === undefined || role === said.role)
  const breakage = at < 0 ? undefined : state.queue.splice(at, 1)[0]?.breakage
  if (breakage?._tag === "Refuse") return refuse(breakage)
  if (breakage?._tag === "Drop") {
    record.outcome = "broken"
    response.destroy()
    return
  }
  const turn = choose(state.script, said)
  if (Predicate.isString(turn)) return refuse({ status: 400, message: turn })
  record.turn = said.turn
  const context = String(state.requests.length)
  const { places } = state.options
  const usage = turn.usage ?? Wire.count({ cache: state.cache, protocol, body: read, said, turn, places })
  record.usage = usage
  state.answers.set(context, Wire.answer(turn, usage, protocol))
  const events = await Wire.ask({ upstream: state.upstream, path: record.path, context, body }).finally(() =>
    state.answers.delete(context)
  )
  const isOver = await Wire.send(response, Wire.patch(events, { protocol, body, turn, usage }), breakage)
  if (record.outcome === "open" && isOver !== "hung-up") record.outcome = isOver
}

/** Tells which models there are. Costs nothing, and is broken as every other request is. */
const tell = (
  state: State,
  call: {
    readonly request: Http.IncomingMessage
    readonly response: Http.ServerResponse
    readonly model: string | undefined
  }
): void => {
  const { request, response } = call
  const protocol = request.headers["anthropic-version"] === undefined ? "openai" : "anthropic"
  const record: Mutable<Recorded> = {
    protocol,
    path: request.url ?? "",
    body: null,
    betas: [],
    role: undefined,
    turn: undefined,
    usage: undefined,
    outcome: "answered"
  }
  state.requests.push(record)
  const model = call.model === undefined ? undefined : decodeURIComponent(call.model)
  const known = state.options.models
  const at = state.queue.findIndex(({ role }) => role === undefined)
  const breakage = at < 0 ? undefined : state.queue.splice(at, 1)[0]?.breakage
  if (breakage !== undefined && breakage._tag !== "Refuse") {
    record.outcome = "broken"
    response.destroy()
    return
  }
  const refusal =
    unauthorized(state.options, request) ??
    breakage ??
    (model === undefined || known === undefined || known.includes(model) ? undefined : unknown(model))
  if (refusal !== undefined) {
    record.outcome = "refused"
    return Wire.refuse(response, protocol, refusal)
  }
  const described = (id: string) => ({ id, object: "model", type: "model", display_name: id })
  response.writeHead(200, { "content-type": "application/json" })
  response.end(
    JSON.stringify(
      model === undefined ? { object: "list", data: (known ?? []).map(described), has_more: false } : described(model)
    )
  )
}

const unauthorized = ({ apiKey }: Options, request: Http.IncomingMessage): Wire.Refusal | undefined => {
  const key = Wire.keyOf(request)
  // Providers do echo what they were given; the twin does it in full, so that a leak shows.
  return key === "" || (apiKey !== undefined && key !== Redacted.value(apiKey))
    ? { status: 401, message: `invalid api key: ${key}` }
    : undefined
}

const unknown = (model: string): Wire.Refusal => ({ status: 404, message: `model: ${model} does not exist` })

const admit = (options: Options, request: Http.IncomingMessage, said: Wire.Conversation): Wire.Refusal | undefined => {
  const refusal = unauthorized(options, request)
  if (refusal !== undefined) return refusal
  if (options.models !== undefined && !options.models.includes(said.model)) return unknown(said.model)
  const context = options.contextTokens ?? 200_000
  const tokens = said.pieces.reduce((sum, piece) => sum + PrefixCache.tokens(piece), 0)
  return tokens > context
    ? { status: 400, message: `prompt is too long: ${tokens} tokens > ${context} maximum` }
    : undefined
}

const choose = (script: Script, said: Wire.Conversation): Turn | string => {
  const found = script.conversations.find(
    ({ role, when }) =>
      (role === undefined || role === said.role) && (when === undefined || said.user.includes(when.promptIncludes))
  )
  const role = said.role ?? "without a name"
  if (found === undefined) {
    const names = [...new Set(script.conversations.map((each) => each.role ?? "any role"))].slice(0, 20).join(", ")
    return `The script has no conversation for the role ${role}${names === "" ? "" : `, and some for ${names}`}. Mend the name or what it waits for (when), or add one`
  }
  return (
    found.turns[said.turn] ??
    `The script has ${found.turns.length} turns for the role ${role}, and the request asks for turn ${said.turn + 1}. ` +
      `Add it, or mend the one before: an outcome that does not fit is sent back, and asked for in another turn`
  )
}
