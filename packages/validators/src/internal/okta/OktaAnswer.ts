/** How Okta answers: its errors with their codes, its pages. */
import * as TwinRefusal from "../../TwinRefusal.ts"
import type * as TwinService from "../../TwinService.ts"

/** An answer with a body. */
export const ok = (body: unknown, status = 200): TwinService.Answer => ({ status, body })

/** An error as Okta has it. */
export const error = (
  status: number,
  code: string,
  what: { readonly summary: string; readonly causes?: ReadonlyArray<string> }
): TwinService.Answer => ({
  status,
  body: {
    errorCode: code,
    errorSummary: what.summary,
    errorLink: code,
    errorId: `oae-twin-${code}`,
    errorCauses: (what.causes ?? []).map((errorSummary) => ({ errorSummary }))
  }
})

/** There is no such thing. */
export const notFound = (id: string, kind: string): TwinService.Answer =>
  error(404, "E0000007", { summary: `Not found: Resource not found: ${id} (${kind})` })

/** A request that can not be taken, and why. */
export const invalid = (where: string, ...causes: ReadonlyArray<string>): TwinService.Answer =>
  error(400, "E0000001", { summary: `Api validation failed: ${where}`, causes })

/** The token of a request: `SSWS` for the API. Others are for OpenID Connect, whose routes read them. */
export const token = ({ headers }: TwinService.Request): string | undefined =>
  /^SSWS\s+(\S+)$/i.exec(headers["authorization"] ?? "")?.[1]

/** Okta's words for why a request does not come to a handler. */
export const refuse = (refusal: TwinRefusal.Refusal): TwinService.Answer => {
  const status = TwinRefusal.statusOf(refusal)
  switch (refusal._tag) {
    case "Unauthorized":
      return error(401, "E0000011", { summary: "Invalid token provided" })
    case "Forbidden":
      return error(403, "E0000006", { summary: "You do not have permission to perform the requested action" })
    case "InvalidJson":
      return error(400, "E0000003", { summary: "The request body was not well-formed." })
    case "InvalidBody":
      return invalid(refusal.field === "" ? "body" : refusal.field, `${refusal.field}: ${refusal.message}`)
    case "WrongContentType":
      return error(415, "E0000021", { summary: "Bad request.  Content-Type is not supported." })
    case "Fault": {
      const isLimit = refusal.status === 429
      const summary = isLimit ? "API call exceeded rate limit due to too many requests." : "Internal Server Error"
      const headers = refusal.retryAfter === undefined ? {} : { "retry-after": String(refusal.retryAfter) }
      return { ...error(refusal.status, isLimit ? "E0000047" : "E0000009", { summary }), headers }
    }
    case "NotImplemented":
      return error(status, "E0000060", { summary: TwinRefusal.describe(refusal) })
    case "TooLarge":
    case "Broken":
      return error(status, "E0000009", { summary: TwinRefusal.describe(refusal) })
  }
}

/** One page of a list, with links to itself and to the next one. */
export const page = <A extends { readonly id: string }>(
  all: ReadonlyArray<A>,
  call: Pick<TwinService.Call<unknown>, "query" | "url" | "path">,
  show: (thing: A) => unknown
): TwinService.Answer => {
  const asked = call.query.get("limit")
  const limit = Number(asked ?? 200)
  if (!Number.isInteger(limit) || limit < 1) return invalid("limit", "limit: has to be 1 at least")
  const after = call.query.get("after")
  const last = after === null ? -1 : all.findIndex(({ id }) => id === after)
  if (after !== null && last < 0) return invalid("after", "after: is no cursor of this list")
  const found = all.slice(last + 1, last + 1 + Math.min(limit, 200))
  const end = found.at(-1)
  const to = (rel: string, cursor: string | null): string => {
    const query = new URLSearchParams(call.query)
    if (cursor !== null) query.set("after", cursor)
    const search = query.size === 0 ? "" : `?${query}`
    return `<${call.url}${call.path}${search}>; rel="${rel}"`
  }
  const isMore = end !== undefined && all.at(-1) !== end
  const link = [to("self", null), ...(isMore ? [to("next", end.id)] : [])].join(", ")
  return { status: 200, headers: { link }, body: found.map(show) }
}
