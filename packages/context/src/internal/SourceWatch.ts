/** One source, watched: listed at the start, again when it changed, and when a call raced a change; its last good list is kept. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Quarantined } from "../ToolListing.ts"
import type { ListedTool } from "../ToolEntry.ts"
import type { Answer, ToolSource, ToolSourceError } from "../ToolSource.ts"

/** How long is waited, in milliseconds. */
export interface Patience {
  /** For a list. Default 10,000. */
  readonly list?: number
  /** For the answer of a tool. Default 120,000. */
  readonly call?: number
  /** For the silence after a notice of changes. Default 300. */
  readonly quiet?: number
  /** Between two tries to list a source that failed; doubled with each, at most 60 times as long. Default 1,000. */
  readonly retry?: number
}

/** What is known of a source. */
export interface SourceState {
  /** `waiting`: not one list yet. `stale`: the last good list of one that does not answer. `failed`: it never listed. */
  readonly status: "waiting" | "live" | "stale" | "failed"
  /** Why it is stale, or failed. */
  readonly error?: ToolSourceError | undefined
  readonly tools: ReadonlyArray<ListedTool>
  readonly quarantined: ReadonlyArray<Quarantined>
  readonly description: string
  readonly instructions: string
}

/** A source that is watched. */
export interface Watched {
  readonly source: ToolSource
  readonly state: Effect.Effect<SourceState>
  /** The state now, and then each that differs. A slow reader gets the newest, not all. */
  readonly states: Stream.Stream<SourceState>
  /** Calls a tool, within the patience; an answer is at most `maxAnswerBytes`. Lists again before it answers when the source changed meanwhile. */
  readonly call: (name: string, args: Readonly<Record<string, unknown>>) => Effect.Effect<Answer, ToolSourceError>
  /** Lists now. */
  readonly refresh: Effect.Effect<void>
}

/** The largest answer that is taken, in bytes of its texts and images. */
export const maxAnswerBytes = 8 * 1024 * 1024

/** Watches a source until the scope closes. */
export declare const make: (source: ToolSource, patience: Patience) => Effect.Effect<Watched, never, Scope.Scope>
