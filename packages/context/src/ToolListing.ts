/** A **tool listing**: what a source listed, taken tool by tool. What can not be used is quarantined with its reason, and nothing else is. */
import type { ListedTool } from "./ToolEntry.ts"

/** A tool that is not used, and why. */
export interface Quarantined {
  /** As far as it could be read. */
  readonly name: string
  readonly reason: string
}

/** What of a list can be used. */
export interface ToolListing {
  readonly tools: ReadonlyArray<ListedTool>
  readonly quarantined: ReadonlyArray<Quarantined>
}

/** The most tools that one source may have. */
export const maxTools = 10_000

/** The largest schema that is taken, in bytes. */
export const maxSchemaBytes = 512 * 1024

/** Reads a list. Never fails, whatever is in it. */
export declare const parse: (tools: ReadonlyArray<unknown>) => ToolListing
