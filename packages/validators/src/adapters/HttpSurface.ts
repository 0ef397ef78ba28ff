/**
 * An HTTP API as a **surface**: requests below the address of the app, and what is expected of the last answer.
 *
 * - A session begins without cookies and keeps those that it is given, as a browser does.
 * - A redirect is an answer like every other and is not followed: a tester expects its status and its `location`, and asks for that.
 *   One that leads out of the app is a trouble that `look` tells.
 * - A body that is too large, or does not end in its time, is cut: what is expected of it can not be said then, and is never a `fail`.
 * - A body that is sent without a `content-type` is `application/json`.
 * - It runs no process, opens no file and asks no origin but the app's: no source can be reached from it.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Cookies from "effect/http/Cookies"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as UrlParams from "effect/http/UrlParams"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as AppAddress from "../internal/AppAddress.ts"
import * as Exchange from "../internal/Exchange.ts"
import * as StepText from "../internal/StepText.ts"
import type * as Step from "../Step.ts"
import * as Surface from "../Surface.ts"

/** How an API is asked. */
export interface Options {
  /** How long one answer may take, its body included. Default 10 seconds. */
  readonly timeout?: Duration.Input
  /** The largest body, in bytes. Default 1 MiB. */
  readonly maxBytes?: number
}

/** Makes the surface. */
export const make = (options: Options = {}): Effect.Effect<Surface.Surface["Service"]> =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    return {
      name: "http",
      kind: "api" as const,
      supports: { pictures: false },
      noSource: true,
      open: (app: Surface.App) => open({ app, client, options })
    }
  }).pipe(Effect.provide(FetchHttpClient.layer))

/** The surface as a layer. */
export const layer = (options: Options = {}): Layer.Layer<Surface.Surface> =>
  Layer.effect(Surface.Surface, make(options))

interface Opening {
  readonly app: Surface.App
  readonly client: HttpClient.HttpClient
  readonly options: Options
}

const open = Effect.fnUntraced(function* ({
  app,
  client,
  options
}: Opening): Effect.fn.Return<Surface.Session, Surface.SurfaceError> {
  if (!URL.canParse(app.address) || !/^https?:$/.test(new URL(app.address).protocol)) {
    return yield* error("AppUnreachable", `${app.address} is no address of an API. It begins with http:// or https://.`)
  }
  const cookies = yield* Ref.make<ReadonlyArray<Cookies.Cookie>>([])
  const own = HttpClient.withCookiesRef(client, cookies)
  const troubles: Array<string> = []
  let last: Exchange.Exchange | undefined
  return {
    act: Effect.fnUntraced(function* (action) {
      if (action._tag !== "Request") return yield* unsupported(StepText.of({ _tag: "Act", action }))
      const url = yield* Effect.fromResult(AppAddress.below(app, action.path)).pipe(
        Effect.tapError(({ message }) => Effect.sync(() => note(troubles, message)))
      )
      last = undefined
      last = yield* ask(own, options, { action, url })
      if (last.cut !== undefined) note(troubles, last.cut)
      const away = leadsAway(app, last)
      if (away !== undefined) note(troubles, away)
    }),
    check: (that) =>
      Effect.suspend(() => {
        const told = StepText.of({ _tag: "Expect", that })
        if (!["Status", "Header", "Body"].includes(that._tag)) return unsupported(told)
        if (last === undefined)
          return error("NotPossible", `“${told}” has no answer to look at. Request something first.`)
        return Effect.mapError(
          Effect.fromResult(Exchange.check(last, that)),
          (why) => new Surface.SurfaceError({ reason: "NotPossible", message: `“${told}” can not be said: ${why}.` })
        )
      }),
    look: Effect.sync(() => ({
      address: last === undefined ? "" : `${last.url.pathname}${last.url.search}`,
      text: last === undefined ? "" : Exchange.text(last),
      troubles: [...troubles]
    }))
  }
})

const error = (reason: Surface.SurfaceError["reason"], message: string) =>
  Effect.fail(new Surface.SurfaceError({ reason, message }))

const unsupported = (what: string) =>
  error("Unsupported", `“${what}” is no step of an API. Its steps are Request, Status, Header and Body.`)

const note = (troubles: Array<string>, what: string) => {
  if (troubles.length < 100) troubles.push(StepText.inOneLine(what, 1_000))
}

interface Asked {
  readonly action: Extract<Step.Action, { _tag: "Request" }>
  readonly url: URL
}

const ask = (client: HttpClient.HttpClient, options: Options, { action, url }: Asked) => {
  const timeout = Duration.fromInputUnsafe(options.timeout ?? Duration.seconds(10))
  const what = `${action.method} ${url.pathname}`
  return Effect.gen(function* () {
    const response = yield* Effect.timeoutOrElse(
      Effect.mapError(client.execute(request(action, url)), (cause) => failed(what, cause)),
      {
        duration: timeout,
        orElse: () =>
          error("NotPossible", `${what} was not answered within ${Duration.format(timeout)}. Look why it hangs.`)
      }
    )
    const { body, cut } = yield* read(response, { timeout, most: options.maxBytes ?? 1024 * 1024 })
    return { method: action.method, url, status: response.status, headers: response.headers, body, cut }
  }).pipe(
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
    // The app is not told what we trace.
    Effect.provideService(HttpClient.TracerPropagationEnabled, false),
    Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
  )
}

const request = ({ body, headers = {}, method }: Asked["action"], url: URL): HttpClientRequest.HttpClientRequest => {
  const given = Headers.fromInput(headers)
  const type = given["content-type"] ?? "application/json"
  const content = body === undefined ? HttpBody.empty : HttpBody.text(body, type)
  const all = body === undefined ? given : Headers.set(given, "content-type", type)
  return HttpClientRequest.makeWith(method, url.href, UrlParams.empty, Option.none(), all, content)
}

interface Bounds {
  readonly timeout: Duration.Duration
  readonly most: number
}

/** Reads a body, as much of it as is allowed and comes. */
const read = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse, { most, timeout }: Bounds) {
  const chunks: Array<Uint8Array> = []
  let size = 0
  const reading = Stream.runForEachWhile(response.stream, (chunk) =>
    Effect.sync(() => {
      chunks.push(chunk)
      size += chunk.byteLength
      return size <= most
    })
  )
  const ended = yield* Effect.result(Effect.timeoutOption(reading, timeout))
  const cut =
    size > most
      ? `it has more than ${most} bytes`
      : Result.isFailure(ended)
        ? `it broke off after ${size} bytes`
        : Option.isNone(ended.success)
          ? `it did not end within ${Duration.format(timeout)}`
          : undefined
  return { body: Buffer.concat(chunks).subarray(0, most), cut }
})

/** The first code in the causes of a failure: `ECONNREFUSED`, say. */
const codeOf = (cause: unknown, depth = 0): string | undefined => {
  if (depth > 5 || !Predicate.isObject(cause)) return undefined
  if ("code" in cause && typeof cause.code === "string") return cause.code
  return codeOf("cause" in cause ? cause.cause : "reason" in cause ? cause.reason : undefined, depth + 1)
}

const gone = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT"
])

const failed = (what: string, cause: HttpClientError.HttpClientError): Surface.SurfaceError => {
  const code = codeOf(cause.reason)
  return gone.has(code ?? "")
    ? new Surface.SurfaceError({
        reason: "AppUnreachable",
        message: `The app does not answer (${code}): ${what}. Look whether it still runs.`,
        cause
      })
    : new Surface.SurfaceError({
        reason: "NotPossible",
        message: `${what} got no answer that is one of HTTP${code === undefined ? "" : ` (${code})`}: ${rootOf(cause)}.`,
        cause
      })
}

const rootOf = (cause: unknown, depth = 0): string => {
  const inner: unknown = Predicate.isObject(cause) && "cause" in cause ? cause.cause : undefined
  if (depth < 5 && inner instanceof Error) return rootOf(inner, depth + 1)
  return StepText.inOneLine(cause instanceof Error ? cause.message : String(cause))
}

const leadsAway = (app: Surface.App, { headers, status, url }: Exchange.Exchange): string | undefined => {
  const location = headers["location"]
  if (status < 300 || status > 399 || location === undefined || !URL.canParse(location, url.href)) return undefined
  const { origin } = new URL(location, url)
  return AppAddress.origins(app).has(origin)
    ? undefined
    : `It was sent to ${origin}, which is not of the app. Nobody went there.`
}
