/** How Slack answers: 200 with `ok`, and the name of an error where it is false. */
import * as TwinRefusal from "../../TwinRefusal.ts"
import type * as TwinService from "../../TwinService.ts"

/** It went well. */
export const ok = (body: Readonly<Record<string, unknown>> = {}): TwinService.Answer => ({
  status: 200,
  body: { ok: true, ...body }
})

/** An error, by Slack's name for it. */
export const error = (name: string, more: Readonly<Record<string, unknown>> = {}): TwinService.Answer => ({
  status: 200,
  body: { ok: false, error: name, ...more }
})

/** The token lacks a scope. `finish` says which it has. */
export const missingScope = (needed: string): TwinService.Answer => error("missing_scope", { needed })

/** What Slack does and the twin does not. */
export const notImplemented = (what: string): TwinService.Answer => ({
  status: 501,
  body: { ok: false, error: "NotImplemented", message: `NotImplemented: the twin has no ${what}` }
})

/** Slack's words for why a request does not come to a handler. */
export const refuse = (
  refusal: TwinRefusal.Refusal,
  { headers }: Pick<TwinService.Request, "headers">
): TwinService.Answer => {
  switch (refusal._tag) {
    case "Unauthorized":
      return error(headers["authorization"] === undefined ? "not_authed" : "invalid_auth")
    case "Forbidden":
      return missingScope(refusal.scope)
    case "InvalidJson":
      return error("invalid_json")
    case "WrongContentType":
      return error("invalid_post_type")
    case "InvalidBody":
      return error("json_not_object")
    case "NotImplemented":
      return notImplemented(`route ${refusal.route}`)
    case "Fault": {
      const isLimit = refusal.status === 429
      const body = { ok: false, error: isLimit ? "ratelimited" : "internal_error" }
      const after = refusal.retryAfter ?? (isLimit ? 30 : undefined)
      return { status: refusal.status, body, headers: after === undefined ? {} : { "retry-after": String(after) } }
    }
    case "TooLarge":
    case "Broken":
      return {
        status: TwinRefusal.statusOf(refusal),
        body: { ok: false, error: "internal_error", message: TwinRefusal.describe(refusal) }
      }
  }
}

/** What every answer has: the scopes of the token. */
export const finish = <State>(answer: TwinService.Answer, about: TwinService.Finished<State>): TwinService.Answer => {
  const { body, headers } = answer
  const provided = about.caller?.scopes.join(",") ?? ""
  const isMissing = typeof body === "object" && body !== null && "error" in body && body.error === "missing_scope"
  return {
    ...answer,
    headers: { ...(about.caller === undefined ? {} : { "x-oauth-scopes": provided }), ...headers },
    body: isMissing ? { ...body, provided } : body
  }
}
