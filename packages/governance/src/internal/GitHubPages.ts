/** Asks GitHub's REST API: with a token that goes nowhere else, answers that end, and every page of a list. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as ForgeHistory from "../ForgeHistory.ts"

/** How the API is asked. */
export interface Options {
  /** Its address, `https://api.github.com` or that of a server of one's own. */
  readonly url: string
  readonly token: Redacted.Redacted<string>
  /** The longest that one wait may be where the forge asks for it, in milliseconds. A longer one fails. */
  readonly patience: number
  /** The largest answer, in bytes. */
  readonly maxBytes: number
  /** The most pages of one list. */
  readonly maxPages: number
}

/** A list as far as it was read. */
export interface Listed {
  readonly entries: ReadonlyArray<unknown>
  /** There are more pages. */
  readonly isCut: boolean
}

type Failure = ForgeHistory.ForgeHistoryError

const fail = (
  reason: Failure["reason"],
  message: string,
  rest: { readonly cause?: unknown; readonly retryAfter?: number } = {}
) => new ForgeHistory.ForgeHistoryError({ reason, message, ...rest })

const largestWait = 2 ** 31

/** How long to wait, in milliseconds, as the answer says; `undefined`: it is not about limits. */
const limited = (response: HttpClientResponse.HttpClientResponse, now: number): number | undefined => {
  const { headers, status } = response
  if (status !== 429 && status !== 403) return undefined
  const seconds = (name: string) => {
    const value = headers[name]
    return value !== undefined && /^\d{1,12}$/.test(value) ? Number(value) : undefined
  }
  const after = seconds("retry-after")
  if (after !== undefined) return Math.min(after * 1_000, largestWait)
  const reset = seconds("x-ratelimit-reset")
  if (headers["x-ratelimit-remaining"] === "0" && reset !== undefined) {
    return Math.min(Math.max(0, reset * 1_000 - now), largestWait)
  }
  // GitHub says of limits without a time: wait a minute.
  return status === 429 ? 60_000 : undefined
}

const refused = (path: string, status: number): Failure => {
  if (status === 401) return fail("Refused", `GitHub does not take the token (${path}: 401). Give one that is valid.`)
  if (status === 403 || status === 451) {
    return fail(
      "Refused",
      `GitHub refuses ${path} (${status}). Give a token that may read the repository's issues and contents.`
    )
  }
  if (status === 404 || status === 410) {
    return fail(
      "NotFound",
      `GitHub has no ${path} (${status}), or the token may not know of it. Look at the name, and at the token.`
    )
  }
  if (status >= 500 && status !== 501) {
    return fail("Unavailable", `GitHub can not answer ${path} now (${status}). Try again later.`)
  }
  return fail(
    "Malformed",
    `GitHub answers ${path} with ${status}, which says nothing here. Look at the address of the API.`
  )
}

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const read = Effect.fnUntraced(function* (
  response: HttpClientResponse.HttpClientResponse,
  { maxBytes, path }: { readonly maxBytes: number; readonly path: string }
) {
  const chunks: Array<Uint8Array> = []
  let size = 0
  yield* Stream.runForEachWhile(response.stream, (chunk) =>
    Effect.sync(() => {
      chunks.push(chunk)
      size += chunk.byteLength
      return size <= maxBytes
    })
  ).pipe(Effect.mapError((cause) => fail("Unavailable", `The answer to ${path} broke off. Try again.`, { cause })))
  if (size > maxBytes) {
    return yield* fail("Malformed", `The answer to ${path} has more than ${maxBytes} bytes. Allow more with maxBytes.`)
  }
  const json = decodeJson(new TextDecoder().decode(Buffer.concat(chunks)))
  if (Option.isSome(json)) return json.value
  return yield* fail("Malformed", `The answer to ${path} is no JSON. Look at the address of the API.`)
})

const nextLink = /<([^<>]{1,4000})>\s*;\s*rel="next"/

/** A way to ask, with one client. */
export interface Asking {
  /** What stands at a path. */
  readonly one: (path: string) => Effect.Effect<unknown, Failure>
  /** Every page of the list at a path. */
  readonly all: (path: string) => Effect.Effect<Listed, Failure>
}

/** Makes it. */
export const make = Effect.gen(function* () {
  const client = yield* HttpClient.HttpClient
  return (options: Options): Asking => {
    const root = options.url.replace(/\/+$/, "")
    const { origin } = new URL(root)

    const once = Effect.fnUntraced(function* (path: string, address: URL) {
      const request = HttpClientRequest.get(address.href).pipe(
        HttpClientRequest.setHeaders({
          accept: "application/vnd.github+json",
          "x-github-api-version": "2022-11-28",
          "user-agent": "millwright"
        }),
        HttpClientRequest.bearerToken(options.token)
      )
      const response = yield* Effect.mapError(client.execute(request), (cause) =>
        fail("Unavailable", `${origin} gave no answer to ${path}. Look whether it can be reached.`, { cause })
      )
      const wait = limited(response, yield* Clock.currentTimeMillis)
      if (wait !== undefined) {
        const message = `GitHub takes no more requests for ${Math.ceil(wait / 1_000)} s (${path}). Try again then, or read less at once.`
        return yield* fail("RateLimited", message, { retryAfter: wait })
      }
      const { headers, status } = response
      if (status >= 300 && status < 400) return { _tag: "Moved" as const, to: headers["location"] ?? "" }
      if (status !== 200) return yield* refused(path, status)
      const body = yield* read(response, { maxBytes: options.maxBytes, path })
      return { _tag: "Answered" as const, body, link: headers["link"] ?? "" }
    })

    /** Waits where the forge asks for it, or could not answer, a few times and not for long. */
    const patiently = (path: string, address: URL, triesLeft = 4): ReturnType<typeof once> =>
      Effect.catchIf(once(path, address), isPassing, (error) =>
        triesLeft === 0 || (error.retryAfter ?? 1_000) > options.patience
          ? Effect.fail(error)
          : Effect.andThen(
              Effect.sleep(Duration.millis(error.retryAfter ?? 1_000)),
              patiently(path, address, triesLeft - 1)
            )
      )

    /** A repository that has another name now is sent on, but no further than to the same server. */
    const ask = Effect.fnUntraced(function* (path: string, address: URL) {
      let at = address
      for (let hop = 0; hop < 5; hop++) {
        const answer = yield* patiently(path, at)
        if (answer._tag === "Answered") return answer
        at = yield* ours(path, URL.parse(answer.to, at.href))
      }
      return yield* fail("Malformed", `${path} is sent on again and again. Look at the address of the API.`)
    })

    const ours = (path: string, to: URL | null): Effect.Effect<URL, Failure> =>
      to !== null && to.origin === origin
        ? Effect.succeed(to)
        : Effect.fail(
            fail("Malformed", `${path} goes on at ${to?.origin ?? "no address"}, and the token is not sent there.`)
          )

    const all = Effect.fnUntraced(function* (path: string) {
      const entries: Array<unknown> = []
      let at = new URL(`${root}${path}`)
      for (let page = 0; page < options.maxPages; page++) {
        const answer: { readonly body: unknown; readonly link: string } = yield* ask(path, at)
        if (!Array.isArray(answer.body)) {
          return yield* fail("Malformed", `The answer to ${path} is no list. Look at the address of the API.`)
        }
        for (const entry of answer.body) entries.push(entry)
        const next = nextLink.exec(answer.link)?.[1]
        if (next === undefined) return { entries, isCut: false }
        at = yield* ours(path, URL.parse(next, at.href))
      }
      return { entries, isCut: true }
    })

    const asked = <A>(effect: Effect.Effect<A, Failure>): Effect.Effect<A, Failure> =>
      effect.pipe(
        Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
        // The forge is not told what we trace, and no trace is told of the token.
        Effect.provideService(HttpClient.TracerPropagationEnabled, false),
        Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
      )
    return {
      one: (path) => asked(Effect.map(ask(path, new URL(`${root}${path}`)), ({ body }) => body)),
      all: (path) => asked(all(path))
    }
  }
}).pipe(Effect.provide(FetchHttpClient.layer))

const isPassing = ({ reason }: Failure): boolean => reason === "RateLimited" || reason === "Unavailable"
