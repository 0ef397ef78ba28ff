/**
 * The **webhook** of the gates: people answer over HTTP, from a chat, a form or another program. Routes for Effect's own
 * HTTP router; the server is the program's choice.
 *
 * | request | answers with |
 * |---|---|
 * | `GET /gates` | what waits for an answer now |
 * | `GET /gates/ID` | one gate, answered or not; the id is percent-encoded |
 * | `POST /gates/ID` | takes `{ "by": "ada", "answer": { "_tag": "Approve" } }`; the same once more changes nothing |
 *
 * Every request is signed ({@link sign}). What is refused comes as `{ "error": { "reason", "message", "field"? } }`: 400 an
 * answer or a body that does not fit, 401 no good signature, 404, 405, 409 answered differently before, 410 nobody waits
 * any more, 413 too large, 503 the store can not be used.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ByteSize from "effect/ByteSize"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Actor from "./Actor.ts"
import * as Durable from "./Durable.ts"
import * as Fault from "./Fault.ts"
import * as GateAnswer from "./internal/GateAnswer.ts"
import * as GateDesk from "./GateDesk.ts"
import * as GateSight from "./GateSight.ts"
import * as Signature from "./internal/Signature.ts"
import * as Journal from "./Journal.ts"
import * as Redaction from "./Redaction.ts"

/** The webhook can not be opened. */
export class WebhookError extends Fault.Class<WebhookError>()("WebhookError", {
  /** A secret that can be guessed. */
  WeakSecret: false
}) {}

/** How the webhook is opened. */
export interface Options {
  /** What requests are signed with: 32 random characters or more. */
  readonly secret: Redacted.Redacted<string>
  /** How far the time of a request may be from the clock of this machine. Default 5 minutes. */
  readonly window?: Duration.Input
  /** The largest body, in bytes. Default 512 KiB. */
  readonly maxBody?: number
}

/** Who answers, and what. A name goes into the journal and onto terminals, so it has no control characters. */
const Body = Schema.Struct({
  by: Schema.String.check(Schema.isPattern(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,100}$/u)),
  answer: GateAnswer.Answer,
  activeMinutes: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)))
})

/** A refusal, before it is a response. */
class Refusal {
  readonly _tag = "Refusal"
  readonly status: number
  readonly error: { readonly reason: string; readonly message: string; readonly field?: string }
  constructor(status: number, error: Refusal["error"]) {
    this.status = status
    this.error = error
  }
}

/** The headers that sign a request. `timestamp` is in seconds since 1970; `gate` is empty for the list. */
export const sign = (
  secret: Redacted.Redacted<string>,
  request: Signature.Signed
): { readonly "x-millwright-timestamp": string; readonly "x-millwright-signature": string } => ({
  "x-millwright-timestamp": String(request.timestamp),
  "x-millwright-signature": Signature.make(secret, request)
})

/** Adds the routes to the router of the program. */
export const layer = (
  options: Options
): Layer.Layer<never, WebhookError, HttpRouter.HttpRouter | Durable.Engine | Journal.Journal> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      if (Redacted.value(options.secret).trim().length < 32) {
        return yield* new WebhookError({
          reason: "WeakSecret",
          message: "The secret of the webhook can be guessed. Make one of 32 random characters or more."
        })
      }
      const router = yield* HttpRouter.HttpRouter
      const engine = yield* Durable.WorkflowEngine.WorkflowEngine
      const journal = yield* Journal.Journal
      const supports = yield* Durable.Supports
      const secrets = yield* Redaction.Secrets
      yield* router.add("*", "/gates/*", (request) =>
        handle(request, options).pipe(
          Effect.provideService(Durable.WorkflowEngine.WorkflowEngine, engine),
          Effect.provideService(Journal.Journal, journal),
          Effect.provideService(Durable.Supports, supports),
          Effect.provideService(Redaction.Secrets, [...secrets, options.secret])
        )
      )
    })
  )

const handle = (request: HttpServerRequest.HttpServerRequest, options: Options) =>
  Effect.gen(function* () {
    const gate = (yield* HttpRouter.params)["*"] ?? ""
    if (request.method !== "GET" && (request.method !== "POST" || gate === "")) {
      return yield* Effect.fail(
        new Refusal(405, { reason: "Method", message: "Read with GET; answer one gate with POST." })
      )
    }
    const body = yield* signed(request, { gate, ...options })
    if (request.method === "POST") return yield* answer(gate, body)
    if (gate === "") return { gates: (yield* GateDesk.open).map(shown) }
    return shown((yield* found(gate)).gate)
  }).pipe(
    Effect.map((shown) => respond(200, shown)),
    Effect.catch((error) => Effect.map(refusalOf(error), ({ error, status }) => respond(status, { error })))
  )

const respond = (status: number, body: unknown) =>
  HttpServerResponse.jsonUnsafe(body, {
    status,
    headers: { "cache-control": "no-store", "x-content-type-options": "nosniff" }
  })

/** The body of a request that was signed with the secret, and not long ago. */
const signed = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  { gate, maxBody = 512 * 1024, secret, window = "5 minutes" }: Options & { readonly gate: string }
) {
  const refuse = (message: string) => new Refusal(401, { reason: "Signature", message })
  const time = request.headers["x-millwright-timestamp"] ?? ""
  const mark = request.headers["x-millwright-signature"] ?? ""
  if (!/^\d{1,12}$/.test(time) || !/^sha256=[0-9a-f]{64}$/.test(mark)) {
    return yield* Effect.fail(
      refuse("The request is not signed. It needs x-millwright-timestamp and x-millwright-signature.")
    )
  }
  const now = yield* Clock.currentTimeMillis
  if (Math.abs(now - Number(time) * 1000) > Duration.toMillis(window)) {
    return yield* Effect.fail(
      refuse("The time of the request is too far from the clock of this machine. Sign it anew.")
    )
  }
  const bytes = yield* request.arrayBuffer.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(maxBody)),
    Effect.mapError(({ reason }) =>
      "reason" in reason && reason.reason === "BodyTooLarge"
        ? new Refusal(413, { reason: "TooLarge", message: `The body has at most ${maxBody} bytes.` })
        : new Refusal(400, { reason: "Body", message: "The body could not be read." })
    )
  )
  const body = new Uint8Array(bytes)
  if (
    !Signature.matches(mark, Signature.make(secret, { timestamp: Number(time), method: request.method, gate, body }))
  ) {
    return yield* Effect.fail(refuse("The signature does not fit the time, the method, the gate and the body."))
  }
  return body
})

/** Answers a gate as the person that the body names. */
const answer = Effect.fnUntraced(function* (gate: string, bytes: Uint8Array) {
  const json = yield* Effect.try({
    try: (): unknown => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)),
    catch: () => new Refusal(400, { reason: "Body", message: "The body is no JSON." })
  })
  const { activeMinutes, answer, by } = yield* Schema.decodeUnknownEffect(Body)(json).pipe(
    Effect.mapError((error) => {
      const { field, problem } = GateAnswer.misfit(error)
      return field === ""
        ? new Refusal(400, { reason: "Body", message: `The body does not fit: ${problem}.` })
        : new Refusal(400, { reason: "Body", message: `The body does not fit at "${field}": ${problem}.`, field })
    })
  )
  yield* found(gate)
  const actor = Actor.human(by)
  yield* GateDesk.settle(gate, answer, {
    actor,
    via: "webhook",
    ...(activeMinutes !== undefined && { activeMinutes })
  })
  return shown((yield* found(gate)).gate)
})

/** Looks only at the run of the gate: whoever guesses ids must not make the whole journal be read. */
const found = Effect.fnUntraced(function* (id: string) {
  const { gate } = yield* GateSight.look(id)
  if (gate !== undefined) return { gate }
  return yield* Effect.fail(new Refusal(404, { reason: "NoSuchGate", message: "There is no gate of this id." }))
})

/** What is shown of a gate: all but what an answer is delivered with. */
const shown = ({ intervention, opened: { context, schema } }: GateSight.Gate) => ({
  ...intervention,
  context,
  ...(schema !== undefined && { schema })
})

const statusOf: Record<GateAnswer.GateError["reason"], number> = {
  NoSuchGate: 404,
  AlreadyAnswered: 409,
  WrongAnswer: 400,
  NotHuman: 403,
  Closed: 410,
  NotInALine: 500,
  BadQuestion: 500,
  OtherSubject: 500
}

const refusalOf = (error: Refusal | GateAnswer.GateError | Journal.JournalError) => {
  if (error._tag === "Refusal") return Effect.succeed(error)
  if (error._tag === "GateError") {
    const { message, reason } = error
    const field = GateAnswer.fieldOf(error)
    return Effect.succeed(new Refusal(statusOf[reason], { reason, message, ...(field !== undefined && { field }) }))
  }
  // Its message names files of this machine, which are nobody's business outside.
  const refusal = new Refusal(503, { reason: "Store", message: "The store can not be used now. Try again later." })
  return Effect.as(Effect.logError("The webhook of the gates can not use the store.", error), refusal)
}
