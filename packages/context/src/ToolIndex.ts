/**
 * The **tool index**: all tools of all sources, of which a model sees a short text, and loads the few that it needs.
 *
 * Sources are watched: one that is slow, dead or wrong delays nobody, and its last good list stays. What a role may see
 * and call is a scope: {@link ToolIndex.within} gives an index of the same shape that knows nothing else.
 */
import * as Fault from "@millwright/core/Fault"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Entry } from "./ToolEntry.ts"
import type { Quarantined } from "./ToolListing.ts"
import type { ToolScope } from "./ToolScope.ts"
import type { Answer } from "./ToolSource.ts"

/** A tool was not called, or its source did not answer. */
export class ToolCallError extends Fault.Class<ToolCallError>()("ToolCallError", {
  /** There is none of this name that may be called. */
  NoSuchTool: false,
  /** The name stands for several. */
  Ambiguous: false,
  /** Its source has taken it away. */
  Removed: false,
  /** The message holds the schema that the arguments have to fit. */
  BadArguments: false,
  /** The source does not answer, or broke; whether the call had an effect is not known. */
  Unavailable: true,
  /** The answer is larger than what is taken. */
  TooLarge: false
}) {}

/** What is asked for. */
export interface Query {
  /** A need in words, the name of a tool, or `select:` and names with commas between. */
  readonly query: string
  /** Only of this source. */
  readonly server?: string | undefined
  /** How many are answered. Default 8, at most 20. */
  readonly limit?: number | undefined
}

/** What was found. */
export interface Found {
  /** Best first; those that the query names come before all others. */
  readonly entries: ReadonlyArray<Entry>
  /** Those of the entries that the query names, and does not only describe. */
  readonly named: ReadonlyArray<Entry>
  /** How many more fit. */
  readonly more: number
  /** Ids that are spelled nearly like the query. Only where nothing was found. */
  readonly near: ReadonlyArray<string>
}

/** Names that were asked for, resolved. */
export interface Resolved {
  readonly entries: ReadonlyArray<Entry>
  /** What stands for no entry, or for several, and why. */
  readonly problems: ReadonlyArray<ToolCallError>
}

/** What became different, in one go. */
export interface IndexChange {
  readonly server: string
  readonly added: ReadonlyArray<Entry>
  readonly removed: ReadonlyArray<Entry>
  /** With another description or schema, or with other hints. */
  readonly changed: ReadonlyArray<Entry>
}

/** How a source is doing. */
export interface ServerStats {
  readonly name: string
  readonly status: "waiting" | "live" | "stale" | "failed"
  /** Why it is stale, or failed. */
  readonly reason?: string | undefined
  readonly tools: number
  readonly quarantined: ReadonlyArray<Quarantined>
  readonly description: string
  readonly instructions: string
}

/** How the index is doing. */
export interface Stats {
  readonly servers: ReadonlyArray<ServerStats>
  readonly entries: number
  /** What all definitions would cost in a prompt, in estimated tokens. */
  readonly tokens: number
  /** What all definitions take on the wire. */
  readonly bytes: number
  readonly searches: number
  /** How often each entry was loaded or called, by id. */
  readonly uses: ReadonlyMap<string, number>
}

/** Something about the tools that will confuse a model, or whoever reads what it did. */
export interface Finding {
  readonly kind: "SameName" | "LookAlike" | "Quarantined" | "Failed" | "Instructs" | "IdlePattern"
  readonly ids: ReadonlyArray<string>
  readonly message: string
}

/** All tools of all sources, or those of a scope. */
export interface ToolIndex {
  /** In order of sources and names. */
  readonly list: (filter?: {
    readonly server?: string
    readonly kind?: Entry["kind"]
  }) => Effect.Effect<ReadonlyArray<Entry>>
  readonly search: (query: Query) => Effect.Effect<Found>
  /** Entries by id, by the name that models have for them, or by the end of an id that only one has. */
  readonly describe: (names: ReadonlyArray<string>) => Effect.Effect<Resolved>
  /** As `describe`, and counts as a use. What is loaded is in the transcript of whoever loads. */
  readonly load: (names: ReadonlyArray<string>) => Effect.Effect<Resolved>
  /** As `describe`, for those that are gone as well. */
  readonly unload: (names: ReadonlyArray<string>) => Effect.Effect<Resolved>
  /** Calls a tool, loaded or not. Arguments are looked at first. */
  readonly call: (name: string, args: unknown) => Effect.Effect<Answer, ToolCallError>
  /** What a model reads of the index, within a budget in tokens. The same entries give the same text. */
  readonly render: (budget: number) => Effect.Effect<string>
  /** From now on. */
  readonly changes: Stream.Stream<IndexChange>
  readonly stats: Effect.Effect<Stats>
  /** What to look at before a run, patterns of the scope that do nothing among it. */
  readonly lint: Effect.Effect<ReadonlyArray<Finding>>
  /** When every source has listed or failed once, and after two seconds at the latest. */
  readonly settled: Effect.Effect<void>
  /** The same index, with what a scope allows of what this one has. */
  readonly within: (scope: ToolScope) => ToolIndex
}

/** All tools of all sources. */
export const ToolIndex: Context.Service<ToolIndex, ToolIndex> = Context.Service("@millwright/context/ToolIndex")
