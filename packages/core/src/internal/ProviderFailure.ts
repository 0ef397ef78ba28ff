/**
 * How a failed request to a provider becomes an `AiError`, whatever SDK made it. The SDKs of the providers are generated
 * by the same tool, so their errors have one shape, and it is read by its properties: no class of a vendor is needed.
 */
import * as AiError from "effect/ai/AiError"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import * as Model from "../Model.ts"
import * as Redaction from "../Redaction.ts"

/** Which request failed. `secret` is taken out of everything that the provider says. */
export interface Request {
  readonly module: string
  readonly method: "GET" | "POST"
  readonly url: string
  readonly secret: Redacted.Redacted<string>
}

/** Reads what an SDK threw, before the answer or in the middle of it. */
export const fromThrown =
  (request: Request) =>
  (thrown: unknown): AiError.AiError => {
    const status = statusOf(thrown)
    const kind = `${textOf(thrown, "type")} ${textOf(thrown, "code")}`.trim()
    if (status !== undefined || (kind !== "" && !isSystemCode(thrown)))
      return answered(request, { thrown, status, kind })
    // An event that is no JSON is, but for a broken server, one that the connection cut in two.
    return disconnected(request, trail(thrown), thrown)
  }

/** The connection broke. */
export const disconnected = (request: Request, description: string, cause?: unknown): AiError.AiError =>
  make(
    request,
    new AiError.NetworkError({
      reason: "TransportError",
      method: request.method,
      url: request.url,
      description: `${Redaction.scrub(description, [request.secret])} (${request.method} ${request.url})`,
      ...(cause === undefined ? {} : { cause: new Error(Redaction.scrub(trail(cause), [request.secret])) })
    })
  )

const make = (request: Request, reason: AiError.AiErrorReason): AiError.AiError =>
  AiError.make({ module: request.module, method: "streamText", reason })

const answered = (
  request: Request,
  failure: { readonly thrown: unknown; readonly status: number | undefined; readonly kind: string }
): AiError.AiError => {
  const { kind, status, thrown } = failure
  const said = Redaction.scrub(saying(thrown), [request.secret])
  const description = `${said} (${request.method} ${request.url}${status === undefined ? "" : `, HTTP ${status}`}${kind === "" ? "" : `, ${kind}`})`
  const headers = headersOf(thrown)
  const kept = Object.fromEntries(
    ["retry-after", "retry-after-ms", "date", "request-id", "x-request-id"].flatMap((name) => {
      const value = headers?.get(name) ?? undefined
      return value === undefined ? [] : [[name, value]]
    })
  )
  const http = status === undefined ? {} : { http: { response: { status, headers: kept } } }
  if (status === 402 || /billing|insufficient_quota|credit/.test(kind) || /credit balance is too low/i.test(said)) {
    return make(request, new AiError.QuotaExhaustedError(http))
  }
  if (status === 401 || /authentication/.test(kind)) {
    return make(request, new AiError.AuthenticationError({ kind: "InvalidKey", description, ...http }))
  }
  if (status === 403 || /permission/.test(kind)) {
    return make(request, new AiError.AuthenticationError({ kind: "InsufficientPermissions", description, ...http }))
  }
  if (status === 429 || /rate_limit/.test(kind)) {
    const wait = headers === undefined ? undefined : Model.retryAfter((name) => headers.get(name))
    return make(
      request,
      new AiError.RateLimitError({ ...http, ...(wait === undefined ? {} : { retryAfter: Duration.millis(wait) }) })
    )
  }
  if (/content_(?:filter|policy)/.test(kind)) {
    return make(request, new AiError.ContentPolicyError({ description, ...http }))
  }
  const isTemporary =
    status === undefined ? !/invalid_request|not_found/.test(kind) : status >= 500 || status === 408 || status === 409
  return make(
    request,
    isTemporary
      ? new AiError.InternalProviderError({ description, ...http })
      : new AiError.InvalidRequestError({ description, ...http })
  )
}

const isSystemCode = (thrown: unknown): boolean => /^(?:E[A-Z]+|UND_ERR_|ERR_)/.test(textOf(thrown, "code"))

/** OpenRouter puts the status of an error in the middle of a stream into `code`. */
const statusOf = (thrown: unknown): number | undefined => {
  if (!Predicate.isObject(thrown)) return undefined
  if (Predicate.hasProperty(thrown, "status") && Predicate.isNumber(thrown.status)) return thrown.status
  const code = Predicate.hasProperty(thrown, "code") ? thrown.code : undefined
  return Predicate.isNumber(code) && code >= 400 && code < 600 ? code : undefined
}

const textOf = (thrown: unknown, key: string): string =>
  Predicate.hasProperty(thrown, key) && Predicate.isString(thrown[key]) ? thrown[key] : ""

const headersOf = (thrown: unknown): Headers | undefined =>
  Predicate.hasProperty(thrown, "headers") && thrown.headers instanceof Headers ? thrown.headers : undefined

/** The provider's own words: Anthropic nests them twice, OpenAI once. */
const saying = (thrown: unknown): string => {
  const body = Predicate.hasProperty(thrown, "error") ? thrown.error : undefined
  const inner = Predicate.hasProperty(body, "error") ? body.error : undefined
  return (textOf(inner, "message") || textOf(body, "message") || textOf(thrown, "message") || "no message").slice(
    0,
    2_000
  )
}

/** The messages and codes down the chain of causes: `fetch failed` alone says nothing. */
const trail = (thrown: unknown): string => {
  const words: Array<string> = []
  let cause = thrown
  for (let depth = 0; depth < 6 && Predicate.isObject(cause); depth++) {
    const code = textOf(cause, "code")
    const message = textOf(cause, "message")
    words.push(message.includes(code) ? message : `${message} ${code}`.trim())
    cause = Predicate.hasProperty(cause, "cause") ? cause.cause : undefined
  }
  return words.filter((word, index) => word !== "" && words.indexOf(word) === index).join(": ") || String(thrown)
}
