/** Where the way of a running role is shown while it works: a terminal, a session page. What is to be kept is in the journal. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Harness from "./Harness.ts"

/** What happened, and in which role. */
export interface Report {
  readonly role: string
  readonly event: Harness.HarnessEvent
}

/** The sub-agents that an event came through, the outermost first, and what the last of them did. */
export const unwrap = (
  event: Harness.HarnessEvent,
  path: ReadonlyArray<string> = []
): {
  readonly path: ReadonlyArray<string>
  readonly event: Exclude<Harness.HarnessEvent, { readonly _tag: "Delegated" }>
} => (event._tag === "Delegated" ? unwrap(event.event, [...path, event.agent]) : { path, event })

/** Takes reports. Default: nobody looks. */
export const Progress = Context.Reference<{ readonly report: (report: Report) => Effect.Effect<void> }>(
  "@millwright/agents/Progress",
  { defaultValue: () => ({ report: () => Effect.void }) }
)
