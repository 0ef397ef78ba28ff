/** What the client of an MCP server throws, as a reason that somebody can act on. */
import * as Predicate from "effect/Predicate"
import type { ToolSourceError } from "../ToolSource.ts"

/** Codes of our own, in the range that JSON-RPC leaves to programs, for answers that never came whole. */
export const codes = { tooLarge: -32_099, broken: -32_098 } as const

/** A reason, and how it is mended. */
export interface Failure {
  readonly reason: ToolSourceError["reason"]
  readonly mend: string
  /** The connection is of no more use. */
  readonly isBroken: boolean
  /** The server has forgotten who we are, and has done nothing. */
  readonly isForgotten: boolean
}

/** Reads what was thrown. A number below zero is a code of JSON-RPC, one above it a status of HTTP. */
export const read = (thrown: unknown): Failure => {
  const { code, message } = parts(thrown)
  const failure = (reason: Failure["reason"], mend: string, how: Partial<Failure> = {}): Failure => ({
    isBroken: false,
    isForgotten: false,
    ...how,
    reason,
    mend
  })
  switch (code) {
    case codes.tooLarge:
      return failure("TooLarge", "Ask the tool for less.")
    case codes.broken:
      return failure("Disconnected", again, { isBroken: true })
    case -32_000:
      return message.endsWith(" Connection closed")
        ? failure("Disconnected", again, { isBroken: true })
        : failure("Protocol", mendServer)
    case -32_001:
      return failure("TimedOut", again)
    case -32_602:
      return /unknown tool|tool .{0,300}not found/is.test(message)
        ? failure("NoSuchTool", "Look at the list of the source again.")
        : failure("Protocol", "Look at what the tool was given.")
    case 401:
    case 403:
      return failure("NotConfigured", "Check the headers that the source is given: the server does not take them.")
    case 400:
    case 404:
      return failure("Disconnected", again, { isBroken: true, isForgotten: true })
    case 408:
    case 425:
    case 429:
      return failure("Disconnected", again)
    default:
      if (code !== undefined && code >= 500) return failure("Disconnected", again)
      if (message === "Not connected") return failure("Disconnected", again, { isBroken: true })
      // What `fetch` throws when nothing answers.
      return thrown instanceof TypeError
        ? failure("Disconnected", "Check the address and the network, and that the server runs.", { isBroken: true })
        : failure("Protocol", mendServer)
  }
}

const mendServer = "Mend the server, or leave it out."

const again = "Try again; if it stays so, look at the server."

/** The message without the codes that the client writes before it, and the cause that `fetch` hides. */
export const messageOf = (thrown: unknown): string => {
  const { code, message } = parts(thrown)
  if (code === codes.tooLarge) return "It answers with more than is taken"
  if (code === codes.broken) return "The connection broke before its answer was whole"
  const cause = Predicate.hasProperty(thrown, "cause") ? parts(thrown.cause).message : ""
  const said = message.replace(/^(?:MCP error -?\d+: |Streamable HTTP error: )+/, "")
  return cause === "" ? said : `${said}: ${cause}`
}

/** How much of a message is looked at, in characters: far more than is said, so that no half of a secret is. */
const longest = 10_000

const parts = (thrown: unknown): { readonly code: number | undefined; readonly message: string } => ({
  code: Predicate.hasProperty(thrown, "code") && Predicate.isNumber(thrown.code) ? thrown.code : undefined,
  message:
    Predicate.hasProperty(thrown, "message") && Predicate.isString(thrown.message)
      ? thrown.message.slice(0, longest)
      : ""
})
