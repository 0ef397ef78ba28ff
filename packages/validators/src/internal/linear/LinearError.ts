/** Errors as Linear says them. */
import { GraphQLError } from "graphql"
import * as TwinRefusal from "../../TwinRefusal.ts"
import type * as TwinService from "../../TwinService.ts"

interface About {
  readonly type: string
  readonly code: string
  readonly status: number
  /** What is shown to people. Default: the message. */
  readonly said?: string
}

const extensions = (message: string, { code, said = message, status, type }: About) => ({
  type,
  code,
  statusCode: status,
  userError: status < 500,
  userPresentableMessage: said
})

/** What was given can not be taken. */
export const input = (message: string, said?: string): GraphQLError =>
  new GraphQLError(message, {
    extensions: extensions(message, {
      type: "invalid input",
      code: "INPUT_ERROR",
      status: 400,
      ...(said === undefined ? {} : { said })
    })
  })

/** There is no such thing. */
export const notFound = (kind: string): GraphQLError =>
  input(`Entity not found: ${kind}`, `Could not find referenced ${kind}.`)

/** The token may not do it. */
export const forbidden = (scope: string): GraphQLError => {
  const message = `Invalid scope: \`${scope}\` required`
  return new GraphQLError(message, {
    extensions: extensions(message, { type: "forbidden", code: "FORBIDDEN", status: 403 })
  })
}

/** An answer with nothing but an error. */
export const answer = (message: string, about: About): TwinService.Answer => ({
  status: about.status,
  body: { errors: [{ message, extensions: extensions(message, about) }] }
})

/** Linear's words for why a request does not come to the schema. */
export const refuse = (refusal: TwinRefusal.Refusal): TwinService.Answer => {
  const status = TwinRefusal.statusOf(refusal)
  switch (refusal._tag) {
    case "Unauthorized":
      return answer("Authentication required, not authenticated", {
        type: "authentication error",
        code: "AUTHENTICATION_ERROR",
        status,
        said: "You need to authenticate to access this operation."
      })
    case "Fault": {
      const isLimit = refusal.status === 429
      const about = isLimit
        ? { type: "ratelimited", code: "RATELIMITED" }
        : { type: "internal error", code: "INTERNAL" }
      const headers = refusal.retryAfter === undefined ? {} : { "retry-after": String(refusal.retryAfter) }
      return { ...answer(isLimit ? "Rate limit exceeded" : "Internal server error", { ...about, status }), headers }
    }
    case "InvalidBody":
      return answer(TwinRefusal.describe(refusal), { type: "graphql error", code: "BAD_REQUEST", status: 400 })
    case "Forbidden":
    case "InvalidJson":
    case "WrongContentType":
    case "TooLarge":
    case "NotImplemented":
    case "Broken":
      return answer(TwinRefusal.describe(refusal), { type: "other", code: "BAD_REQUEST", status })
  }
}
