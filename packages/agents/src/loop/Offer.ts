/**
 * The tools of a request. Whatever is asked within a conversation offers the same ones in the same order: a provider's cache
 * begins with them.
 */
import type * as ToolSession from "@millwright/context/ToolSession"
import type * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as Choosing from "./Choosing.ts"
import type * as Conversation from "./Conversation.ts"
import * as Transcript from "./Transcript.ts"

/** Whose tools they are. */
export interface Bench {
  readonly conversation: Conversation.Conversation
  readonly granted: ReadonlyArray<Tool.Any>
  readonly outcome: Tool.Any
  readonly index: ToolSession.ToolSession | undefined
}

/** The tools of the next request. A session may have come from anywhere, and redefines none of the loop's own. */
export const tools = (bench: Bench): Effect.Effect<ReadonlyArray<Tool.Any>> => {
  const own = [...bench.granted, bench.outcome, ...Choosing.offered(bench)]
  const names = new Set(own.map(({ name }) => name))
  return Effect.map(
    bench.index?.tools(Transcript.prompt(bench.conversation.transcript)) ?? Effect.succeed([]),
    (found) => [...own, ...found.filter(({ name }) => !names.has(name))]
  )
}

/** Tools by name, as a toolkit has them. */
export const named = (tools: ReadonlyArray<Tool.Any>): Record<string, Tool.Any> =>
  Object.fromEntries(tools.map((tool) => [tool.name, tool]))
