/**
 * The model seam. A model is Effect's own `LanguageModel`; this adds what a factory has to know beside it: which model
 * answers for which tier, who the provider is, and which failures may be tried again.
 *
 * Adapters and what they share apart, this is the only file of the package that touches `effect/ai`, which is marked unstable.
 */
import type * as AiError from "effect/ai/AiError"
import type * as LanguageModel from "effect/ai/LanguageModel"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import type * as Tool from "effect/ai/Tool"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import * as Fault from "./Fault.ts"
import * as Redaction from "./Redaction.ts"
import type * as ToolLoading from "./ToolLoading.ts"
import * as Usage from "./Usage.ts"

/** How much model a role needs: `small` sorts and labels, `standard` writes code, `large` is for what `standard` fails at. */
export const Tier = Schema.Literals(["small", "standard", "large"])
/** How much model a role needs. */
export type Tier = typeof Tier.Type

/** What a provider's protocol can do beyond text and tools. */
export interface Supports {
  /** Reasoning of earlier turns goes back to the model, where `false` it is left out of the next request. */
  readonly reasoningReplay: boolean
  /** The answer says how many tokens were written to the prompt cache, not only how many were read. */
  readonly cacheWrites: boolean
  /**
   * How a tool can join a conversation after its beginning without a change of any earlier byte (`ToolLoading`), the
   * one that needs no beta of the provider first. None: what a caller says in these ways is left out of the request,
   * and a deferred tool is sent like any other.
   */
  readonly toolLoading: ReadonlyArray<ToolLoading.Mode>
}

/** A model that can be called. */
export interface Model {
  /** The name that the provider knows it by. */
  readonly name: string
  /** The provider, as price tables spell it: `anthropic`, `openai`, `openrouter`, …. */
  readonly provider: string
  /** A loopback server answers in the place of the provider. */
  readonly rehearsed: boolean
  /** Who pays its calls. Default: a key, call by call. */
  readonly paidBy?: Usage.PaidBy
  readonly supports: Supports
  /** How many tokens a request and its answer may have together. Left out: not known. */
  readonly contextWindow?: number
  /**
   * Asks whether the provider is there, takes the key and knows the model. It costs nothing and calls no model, so a
   * program does it before it changes anything. A server that can not say which models it has passes.
   */
  readonly probe: Effect.Effect<void, ModelError>
  readonly languageModel: LanguageModel.LanguageModel
  /**
   * What `languageModel` streams for whoever runs its tools itself, at less cost in each turn. Left out: `languageModel` is
   * asked. Its conversation holds no approvals for Effect to look for.
   */
  readonly answer?: (ask: Ask) => Stream.Stream<Response.AnyPart, AiError.AiError>
}

/** What a model is asked: the conversation, and the tools that it may call. */
export interface Ask {
  readonly prompt: Prompt.Prompt
  readonly tools: ReadonlyArray<Tool.Any>
}

/** Which model answers for which tier. */
export class Models extends Context.Service<
  Models,
  {
    readonly forTier: (tier: Tier) => Model
  }
>()("@millwright/core/Model/Models") {}

/** One model for every tier. */
export const single = (model: Model): Models["Service"] => ({ forTier: () => model })

/** A model call failed. Each reason is what a caller can do about it. */
export class ModelError extends Fault.Class<ModelError>()("ModelError", {
  /** The key is missing, wrong, or may not use this model. */
  Unauthorized: false,
  UnknownModel: false,
  /** The account is out of money or over its quota; waiting a little does not help. */
  QuotaExhausted: false,
  RateLimited: true,
  Overloaded: true,
  /** The connection broke, perhaps in the middle of an answer. */
  Disconnected: true,
  /** The answer got longer, in time or in size, than anybody waits for. */
  Endless: true,
  /** Nothing listens at the provider's address. */
  Unreachable: true,
  /** The prompt is longer than the model's context. */
  ContextOverflow: false,
  /** The provider does not take the request, or this package does not understand the answer. */
  Protocol: false,
  /** The provider's policy refuses the content. */
  Refused: false
}) {}

/** What a provider asks for beyond this says no more than that it is long: a year, in milliseconds. */
const longestWait = 365 * 24 * 60 * 60_000

const mend: Record<ModelError["reason"], string> = {
  Unauthorized: "Check the API key, and that it may use this model.",
  UnknownModel: "Check the model's name, and the base URL if one is set.",
  QuotaExhausted: "Add credit or raise the quota, then resume the line.",
  RateLimited: "Try again later, or run fewer lines at once.",
  Overloaded: "Try again later.",
  Disconnected: "Try again; if it happens often, look at the network and the proxies on the way.",
  Endless: "Ask for less at a time, or give the answer more time.",
  Unreachable: "Check the network, the proxy settings and the base URL.",
  ContextOverflow: "Give the role less context, or a model that holds more.",
  Protocol: "The request or the adapter is at fault: trying again does not help.",
  Refused: "Change what the role is asked for, or use another model."
}

/**
 * The fault that a failed call of any `effect/ai` provider is. The message never holds a key, and `retryAfter` is in
 * milliseconds.
 */
export const fromAiError = (
  error: AiError.AiError,
  call: { readonly model: string; readonly provider: string }
): ModelError => {
  const reason = reasonOf(error.reason)
  const wait = retryAfterOf(error)
  const detail =
    "description" in error.reason && error.reason.description !== undefined
      ? error.reason.description
      : error.reason.message
  const clean = Redaction.scrub(detail).replace(/\s+/g, " ").trim().slice(0, 600)
  return new ModelError({
    reason,
    message: `Model ${call.model} of ${call.provider}: ${reason}. ${clean}${/[.!?]$/.test(clean) ? "" : "."} ${mend[reason]}`,
    ...(wait === undefined ? {} : { retryAfter: Math.min(wait, longestWait) })
  })
}

/**
 * How long a response asks to wait, in milliseconds: `retry-after-ms`, or `retry-after` in seconds or as a date, which
 * is read against the response's own `date`. `undefined` where it does not ask or can not be understood.
 */
export const retryAfter = (header: (name: string) => string | null | undefined): number | undefined => {
  const millis = Number(header("retry-after-ms") ?? Number.NaN)
  if (millis >= 0) return Math.ceil(millis)
  const value = header("retry-after") ?? ""
  if (/^\d+(\.\d+)?$/.test(value)) return Math.ceil(Number(value) * 1000)
  const wait = Date.parse(value) - Date.parse(header("date") ?? "")
  return wait >= 0 ? wait : undefined
}

/** What a call used, by kind. All zero where the provider reported nothing. */
export const usage = (reported: Response.Usage | Response.FinishPartEncoded["usage"]): Usage.Usage => {
  const { cacheRead = 0, cacheWrite = 0, total = 0, uncached } = reported.inputTokens
  const { reasoning = 0, text = 0, total: output = reasoning + text } = reported.outputTokens
  return { input: uncached ?? Math.max(0, total - cacheRead - cacheWrite), cacheRead, cacheWrite, output }
}

/** What a provider said of an answer before its end: its name for it, where that is unique, and what it has billed by then. */
export interface Begun {
  readonly message?: string
  readonly usage: Usage.Usage
}

/** What is known of an answer by its parts so far; none before the provider has begun to answer. */
export const begun = (parts: ReadonlyArray<Response.AnyPart>): Begun | undefined => {
  const metadata = parts.findLast((part) => part.type === "response-metadata")
  if (metadata === undefined) return undefined
  const { id = "" } = metadata
  const early = Schema.decodeUnknownOption(Early)(metadata.metadata)
  return {
    // Small servers count, or draw a number below a thousand: that tells no answer from another.
    ...(id.length >= 16 && { message: id }),
    usage: Option.isSome(early) ? early.value.millwright.usage : Usage.zero
  }
}

const Early = Schema.Struct({ millwright: Schema.Struct({ usage: Usage.Usage }) })

/** How an adapter says at the beginning of an answer, beside its `response-metadata`, what is billed already. */
export const early = (reported: Response.FinishPartEncoded["usage"]): typeof Early.Encoded => ({
  millwright: { usage: usage(reported) }
})

/** How a provider is asked about its models. Both protocols have the same two questions. */
export interface Question {
  readonly model: string
  readonly provider: string
  /** Asks for the one model. */
  readonly retrieve: (signal: AbortSignal) => PromiseLike<unknown>
  /** Asks for all models. `data` is what the server sent, whatever that is. */
  readonly list: (signal: AbortSignal) => PromiseLike<{ readonly data: unknown }>
  /** Reads what the provider's SDK threw. */
  readonly failed: (thrown: unknown) => AiError.AiError
}

/** The longest that a probe waits for an answer, in milliseconds. */
export const probeTimeout = 20_000

/**
 * The probe of a provider. Small servers do not know the address of one model, or neither of both: the list decides
 * where there is one, and where there is none the first call will show.
 */
export const probe = ({ failed, list, model, provider, retrieve }: Question): Effect.Effect<void, ModelError> =>
  Effect.gen(function* () {
    const one = yield* Effect.result(Effect.tryPromise({ try: retrieve, catch: failed }))
    if (one._tag === "Success" || canNotSay(one.failure)) return
    const error = (failure: AiError.AiError) => fromAiError(failure, { model, provider })
    if (!isMissing(one.failure)) return yield* error(one.failure)
    const all = yield* Effect.result(Effect.tryPromise({ try: list, catch: failed }))
    if (all._tag === "Failure") {
      if (isMissing(all.failure) || canNotSay(all.failure)) return
      return yield* error(all.failure)
    }
    if (!Array.isArray(all.success.data)) return
    const names = all.success.data.flatMap((each: unknown) =>
      Predicate.hasProperty(each, "id") && Predicate.isString(each.id) ? [each.id] : []
    )
    if (names.includes(model)) return
    const known = Redaction.scrub(names.slice(0, 8).join(", ")).replace(/\s+/g, " ").slice(0, 400)
    return yield* new ModelError({
      reason: "UnknownModel",
      message:
        `Model ${model} of ${provider}: UnknownModel. ` +
        `${names.length === 0 ? "The server has no models." : `The server has ${names.length}: ${known}${names.length > 8 ? ", …" : ""}.`} ` +
        mend.UnknownModel
    })
  })

const statusOf = ({ reason }: AiError.AiError): number | undefined =>
  "http" in reason ? reason.http?.response?.status : undefined

const isMissing = (error: AiError.AiError): boolean => [404, 405].includes(statusOf(error) ?? 0)

/** A key of OpenAI can be allowed to call models and not to read about them. */
const canNotSay = ({ reason }: AiError.AiError): boolean =>
  reason._tag === "AuthenticationError" &&
  "description" in reason &&
  /missing scopes?:\s*api\.model/i.test(String(reason.description))

const reasonOf = (reason: AiError.AiErrorReason): ModelError["reason"] => {
  switch (reason._tag) {
    case "AuthenticationError":
      return "Unauthorized"
    case "QuotaExhaustedError":
      return "QuotaExhausted"
    case "RateLimitError":
      return "RateLimited"
    case "ContentPolicyError":
      return "Refused"
    case "InternalProviderError":
      return "Overloaded"
    case "NetworkError":
      return reason.reason !== "TransportError" ? "Protocol" : isUnreachable(reason) ? "Unreachable" : "Disconnected"
    case "InvalidRequestError":
    case "UnknownError": {
      const status = reason.http?.response?.status
      if (status === 404) return "UnknownModel"
      if (status === 402) return "QuotaExhausted"
      return status === 413 || overflow.test(reason.description ?? "") ? "ContextOverflow" : "Protocol"
    }
    default:
      return "Protocol"
  }
}

/** How providers say that a prompt is too long. Not one of them has a code of its own for it in every API. */
const overflow =
  /prompt is too long|context[ _-]?(?:length|window|size)|maximum context|too many (?:input )?tokens|exceeds? the (?:available )?context|input is too long/i

const unreachableCode =
  /\b(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_\w+|ERR_TLS_\w+|UNABLE_TO_\w+|SELF_SIGNED_\w+|DEPTH_ZERO_\w+)\b/

const isUnreachable = (error: AiError.NetworkError): boolean => {
  if (unreachableCode.test(error.description ?? "")) return true
  let cause: unknown = error.cause
  for (let depth = 0; depth < 8 && Predicate.isObject(cause); depth++) {
    if (Predicate.hasProperty(cause, "code") && unreachableCode.test(String(cause.code))) return true
    cause = Predicate.hasProperty(cause, "cause") ? cause.cause : undefined
  }
  return false
}

const retryAfterOf = (error: AiError.AiError): number | undefined => {
  if (error.retryAfter !== undefined) return Math.ceil(Duration.toMillis(error.retryAfter))
  const headers = "http" in error.reason ? error.reason.http?.response?.headers : undefined
  return headers === undefined
    ? undefined
    : retryAfter((name) => {
        const value = headers[name]
        return Predicate.isString(value) ? value : undefined
      })
}
