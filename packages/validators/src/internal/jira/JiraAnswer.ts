/** How Jira answers: its errors, and who may ask. */
import * as TwinRefusal from "../../TwinRefusal.ts"
import type * as TwinService from "../../TwinService.ts"

/** An answer with a body. */
export const ok = (body: unknown, status = 200): TwinService.Answer => ({ status, body })

/** An error as Jira has it: messages about all of the request, and about fields of it. */
export const error = (
  status: number,
  messages: ReadonlyArray<string>,
  errors: Readonly<Record<string, string>> = {}
): TwinService.Answer => ({ status, body: { errorMessages: messages, errors } })

/** Fields of a request that can not be taken. */
export const invalid = (errors: Readonly<Record<string, string>>): TwinService.Answer => error(400, [], errors)

/** There is no such issue, or who asks may not know of it. */
export const noIssue = error(404, ["Issue does not exist or you do not have permission to see it."])

const unauthorized: TwinService.Answer = {
  status: 401,
  headers: { "www-authenticate": 'OAuth realm="https%3A%2F%2Ftwin.atlassian.net"' },
  body: { message: "Client must be authenticated to access this resource.", "status-code": 401 }
}

/** What a client has sent as its name and token. */
const given = (headers: TwinService.Request["headers"]): { readonly email?: string; readonly token?: string } => {
  const [scheme = "", value = ""] = (headers["authorization"] ?? "").split(/\s+/)
  if (scheme.toLowerCase() === "bearer") return { token: value }
  if (scheme.toLowerCase() !== "basic") return {}
  const [email = "", ...token] = Buffer.from(value, "base64").toString("utf8").split(":")
  return { email, token: token.join(":") }
}

/** The token of a request: a bearer's, or the password of basic authentication. */
export const token = ({ headers }: TwinService.Request): string | undefined => given(headers).token

/** Basic authentication is with the address of whom the token belongs to. */
export const admit = <State>({ caller, request }: TwinService.Finished<State>): TwinService.Answer | undefined => {
  const { email } = given(request.headers)
  return email === undefined || email === caller?.name ? undefined : unauthorized
}

/** Jira's words for why a request does not come to a handler. */
export const refuse = (refusal: TwinRefusal.Refusal): TwinService.Answer => {
  const status = TwinRefusal.statusOf(refusal)
  switch (refusal._tag) {
    case "Unauthorized":
      return unauthorized
    case "InvalidJson":
      return error(400, ["There was an error parsing JSON. Check that your request body is valid."])
    case "InvalidBody":
      return error(400, [
        `Invalid request payload. Refer to the REST API documentation and try again. ${TwinRefusal.describe(refusal)}`
      ])
    case "Fault": {
      const headers = refusal.retryAfter === undefined ? {} : { "retry-after": String(refusal.retryAfter) }
      return { ...error(status, [status === 429 ? "Rate limit exceeded." : "Internal server error"]), headers }
    }
    case "Forbidden":
    case "WrongContentType":
    case "TooLarge":
    case "NotImplemented":
    case "Broken":
      return error(status, [TwinRefusal.describe(refusal)])
  }
}
