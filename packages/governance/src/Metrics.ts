/**
 * **Metrics**: what a factory came to in a window of time, as {@link Figure}s with pinned definitions. A pure fold over the journal, so
 * everybody who reads the same facts comes to the same numbers.
 */
import * as Schema from "effect/Schema"
import * as Figure from "./Figure.ts"
import * as Definitions from "./internal/Definitions.ts"
import * as Window from "./Window.ts"

/** The name of a figure. */
export type Name = Definitions.Name

/** The pinned definitions of all figures, in the order in which people read them. */
export const definitions: Readonly<Record<Name, Definitions.Definition>> = Definitions.definitions

/** What a factory came to in a window of time. */
export const Metrics = Schema.Struct({
  window: Window.Window,
  /** What had happened by then is what the figures know, in milliseconds since 1970, UTC. */
  asOf: Schema.Natural,
  /** How long defects of a change are looked for after it shipped, in milliseconds. */
  followUp: Schema.Natural,
  figures: Schema.Record(Schema.Literals(Object.keys(Definitions.definitions) as Array<Name>), Figure.Figure)
})
/** What a factory came to in a window of time. */
export type Metrics = typeof Metrics.Type
