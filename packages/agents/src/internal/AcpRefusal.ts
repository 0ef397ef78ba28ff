/** An answer of the Agent Client Protocol that is none: why what was asked for was not done. */
import type { HarnessError } from "../Harness.ts"
import type { ToolFailure } from "../tools/ToolFailure.ts"

/** Why it was not done, for whoever asked. */
export interface Refusal {
  /** As JSON-RPC and the protocol number them; 0 for a connection that has ended. */
  readonly code: number
  readonly message: string
  /** The program has ended, or was, for this reason. */
  readonly fault?: HarnessError
}

/** The agent has to be logged in. */
export const authRequired = -32_000

/** What was asked for is not there. */
export const notFound = -32_002

/** What was asked for can not be done in this way, or may not. */
export const invalid = -32_602

/** A tool that did not do what it was asked, as a refusal. */
export const ofTool = ({ message, reason }: ToolFailure): Refusal => ({
  code: reason === "NotFound" ? notFound : invalid,
  message
})
