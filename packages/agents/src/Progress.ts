/** Where the way of a running role is shown while it works: a terminal, a session page. What is to be kept is in the journal. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Harness from "./Harness.ts"

/** What happened, and in which role. */
export interface Report {
  readonly role: string
  readonly event: Harness.HarnessEvent
}

/** Takes reports. Default: nobody looks. */
export const Progress = Context.Reference<{ readonly report: (report: Report) => Effect.Effect<void> }>(
  "@millwright/agents/Progress",
  { defaultValue: () => ({ report: () => Effect.void }) }
)
