/** How GitHub answers: its errors, its pages, its headers. */
import * as Digest from "@millwright/core/Digest"
import * as TwinRefusal from "../../TwinRefusal.ts"
import type * as TwinService from "../../TwinService.ts"

const docs = "https://docs.github.com/rest"

/** An answer with a body. */
export const ok = (body: unknown, status = 200): TwinService.Answer => ({ status, body })

/** An answer to something that was made: it says where it is. */
export const created = <Body extends { readonly url: string }>(body: Body): TwinService.Answer => ({
  status: 201,
  headers: { location: body.url },
  body
})

/** An answer without a body. */
export const noContent: TwinService.Answer = { status: 204 }

/** An error as GitHub has it. */
export const error = (status: number, message: string, errors?: ReadonlyArray<unknown>): TwinService.Answer => ({
  status,
  body: {
    message,
    ...(errors === undefined ? {} : { errors }),
    documentation_url: docs,
    status: String(status)
  }
})

/** There is no such thing, or who asks may not know of it. */
export const notFound: TwinService.Answer = error(404, "Not Found")

/** What is wrong with one field of a request. */
export interface Problem {
  readonly resource: string
  readonly field: string
  readonly code: "missing" | "missing_field" | "invalid" | "already_exists" | "custom"
  readonly message?: string
  readonly value?: unknown
}

/** The request can not be done as it stands. */
export const invalid = (...problems: ReadonlyArray<Problem>): TwinService.Answer =>
  error(422, "Validation Failed", problems)

/** GitHub's words for why a request does not come to a handler. */
export const refuse = (refusal: TwinRefusal.Refusal): TwinService.Answer => {
  const status = TwinRefusal.statusOf(refusal)
  switch (refusal._tag) {
    case "Unauthorized":
      return error(status, "Bad credentials")
    case "Forbidden":
      return error(status, "Resource not accessible by personal access token")
    case "InvalidJson":
      return error(status, "Problems parsing JSON")
    case "InvalidBody":
      if (refusal.field === "") return error(400, "Body should be a JSON object")
      return error(
        status,
        /missing/i.test(refusal.message)
          ? `Invalid request.\n\n"${refusal.field}" wasn't supplied.`
          : `Invalid request.\n\nFor 'properties/${refusal.field}', ${refusal.message}.`
      )
    case "Fault": {
      const isLimit = refusal.status === 403 || refusal.status === 429
      const said = isLimit
        ? "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        : "Server Error"
      const headers = refusal.retryAfter === undefined ? {} : { "retry-after": String(refusal.retryAfter) }
      return { ...error(status, said), headers }
    }
    case "NotImplemented":
    case "WrongContentType":
    case "TooLarge":
    case "Broken":
      return error(status, TwinRefusal.describe(refusal))
  }
}

/** The number in a query; what is none, or below 1, is the default, as at GitHub. */
const numberIn = (query: URLSearchParams, name: string, usual: number): number => {
  const value = Number(query.get(name) ?? usual)
  return Number.isSafeInteger(value) && value >= 1 ? value : usual
}

/** One page of a list, with the links to the others. A page has 30 entries, or up to 100. */
export const page = (
  all: ReadonlyArray<unknown>,
  call: {
    readonly query: URLSearchParams
    readonly url: string
    readonly path: string
    readonly repository?: { readonly id: number }
  }
): TwinService.Answer => {
  const size = Math.min(100, numberIn(call.query, "per_page", 30))
  const now = numberIn(call.query, "page", 1)
  const last = Math.max(1, Math.ceil(all.length / size))
  // GitHub's links name a repository by its id.
  const path =
    call.repository === undefined
      ? call.path
      : call.path.replace(/^\/repos\/[^/]+\/[^/]+/, `/repositories/${call.repository.id}`)
  const to = (number: number, rel: string): string => {
    const query = new URLSearchParams(call.query)
    query.set("page", String(number))
    return `<${call.url}${path}?${query}>; rel="${rel}"`
  }
  const links = [
    ...(now > 1 ? [to(Math.min(now - 1, last), "prev")] : []),
    ...(now < last ? [to(now + 1, "next"), to(last, "last")] : []),
    ...(now > 1 ? [to(1, "first")] : [])
  ]
  return {
    status: 200,
    headers: links.length === 0 ? {} : { link: links.join(", ") },
    body: all.slice((now - 1) * size, now * size)
  }
}

/** What every answer has: headers of the rate limit, and an ETag that a request can be made conditional with. */
export const finish = (
  answer: TwinService.Answer,
  about: TwinService.Finished<{ readonly rateLimit: number }>
): TwinService.Answer => {
  const most = about.state.rateLimit
  const headers: Record<string, string> = {
    "x-github-media-type": "github.v3; format=json",
    "x-ratelimit-limit": String(most),
    "x-ratelimit-remaining": String(Math.max(0, most - about.count)),
    "x-ratelimit-used": String(about.count),
    "x-ratelimit-reset": String(resetOf(about.now)),
    "x-ratelimit-resource": "core",
    ...(about.caller === undefined ? {} : { "x-oauth-scopes": about.caller.scopes.join(", ") }),
    ...answer.headers
  }
  if (answer.status !== 200 && answer.status !== 201) return { ...answer, headers }
  const etag = `"${Digest.of(JSON.stringify(answer.body).replaceAll(about.url, ""))}"`
  const asked = about.request.headers["if-none-match"]
  const isKnown =
    about.request.method === "GET" &&
    asked !== undefined &&
    asked.split(",").some((each) => each.trim().replace(/^W\//, "") === etag || each.trim() === "*")
  const tagged = { ...headers, etag, "cache-control": "private, max-age=60, s-maxage=60" }
  return isKnown ? { status: 304, headers: tagged } : { ...answer, headers: tagged }
}

/** More requests than an hour has for one caller. */
export const admit = (about: TwinService.Finished<{ readonly rateLimit: number }>): TwinService.Answer | undefined =>
  about.count <= about.state.rateLimit
    ? undefined
    : error(403, `API rate limit exceeded for user ${about.caller?.name ?? "nobody"}.`)

/** In milliseconds. */
export const hour = 3_600_000

/** When the hour ends, in seconds since 1970. */
export const resetOf = (now: number): number => (Math.floor(now / hour) + 1) * (hour / 1_000)
