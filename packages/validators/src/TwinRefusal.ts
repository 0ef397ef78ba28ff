/** Why a **twin** refuses a request before it comes to a handler. A service says each in words of its own. */

/** Why a request does not come to a handler. A service says each in words of its own. */
export type Refusal =
  | { readonly _tag: "NotImplemented"; readonly route: string }
  | { readonly _tag: "Unauthorized" }
  | { readonly _tag: "Forbidden"; readonly scope: string }
  | { readonly _tag: "InvalidJson" }
  | { readonly _tag: "WrongContentType"; readonly contentType: string }
  | { readonly _tag: "TooLarge"; readonly limit: number }
  /** The body is not what the route takes. `field` is empty where it is all of it. */
  | { readonly _tag: "InvalidBody"; readonly field: string; readonly message: string }
  /** A fault that a test has asked for. */
  | { readonly _tag: "Fault"; readonly status: number; readonly retryAfter: number | undefined }
  /** The handler threw: the twin is wrong, not the request. */
  | { readonly _tag: "Broken"; readonly message: string }

/** The statuses that HTTP has for them. */
export const statusOf = (refusal: Refusal): number => {
  if (refusal._tag === "Fault") return refusal.status
  return statuses[refusal._tag]
}

const statuses = {
  NotImplemented: 501,
  Unauthorized: 401,
  Forbidden: 403,
  InvalidJson: 400,
  WrongContentType: 415,
  TooLarge: 413,
  InvalidBody: 422,
  Broken: 500
} as const

/** A refusal in one line, for people. */
export const describe = (refusal: Refusal): string => {
  switch (refusal._tag) {
    case "NotImplemented":
      return `NotImplemented: the twin has no route ${refusal.route}`
    case "Unauthorized":
      return "The token is unknown. The seed says which there are"
    case "Forbidden":
      return `The token has no scope "${refusal.scope}"`
    case "InvalidJson":
      return "The body is no JSON"
    case "WrongContentType":
      return `The content type "${refusal.contentType}" is not taken`
    case "TooLarge":
      return `The body has more than ${refusal.limit} bytes`
    case "InvalidBody":
      return `${refusal.field === "" ? "The body" : `"${refusal.field}"`}: ${refusal.message}`
    case "Fault":
      return "A fault that was asked for"
    case "Broken":
      return `The twin broke: ${refusal.message}`
  }
}

/** A refusal as HTTP says it. */
export const plain = (refusal: Refusal) => ({
  status: statusOf(refusal),
  body: { error: refusal._tag, message: describe(refusal) },
  ...(refusal._tag === "Fault" && refusal.retryAfter !== undefined
    ? { headers: { "retry-after": String(refusal.retryAfter) } }
    : {})
})
