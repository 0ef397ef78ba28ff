/** An **entry** of the tool index: one tool, or one skill, of one source. Entries are data; what a model may see of one, a scope says. */

/** What a tool says of itself, as hints of a stranger: nothing is allowed because of them. */
export interface Hints {
  readonly readOnly: boolean
  readonly destructive: boolean
  readonly idempotent: boolean
  readonly openWorld: boolean
}

/** `stale`: from the last good list of a source that does not answer. `gone`: its source took it away. */
export type State = "live" | "stale" | "gone"

/** A tool as its source listed it: checked, and not changed beyond what could hide or mislead. */
export interface ListedTool {
  readonly name: string
  /** As the source wrote it: untrusted text. */
  readonly description: string
  /** The JSON Schema of its arguments as UTF-8 JSON, always of an object. */
  readonly schema: Uint8Array
  readonly hints: Hints
  /** The source asks that it is loaded from the start. */
  readonly alwaysLoad: boolean
}

/** One tool or skill. */
export interface Entry extends ListedTool {
  /** `server/name`: stable, and what people and models call it by. */
  readonly id: string
  readonly server: string
  readonly kind: "tool" | "skill"
  /** What providers take as the name of a tool: `^[a-zA-Z0-9_-]{1,64}$`. Unique in an index. */
  readonly modelName: string
  /** The first sentence of its description in one line, at most 100 characters; without one, the names of its parameters. */
  readonly line: string
  /** Of its description and schema: another one means that it is another tool. */
  readonly hash: string
  /** What its definition costs in a prompt, estimated. */
  readonly tokens: number
  readonly state: State
}

/** The schema of an entry, parsed. */
export const schemaOf = ({ schema }: Pick<ListedTool, "schema">): Record<string, unknown> =>
  // A list is only taken over when its schemas are objects.
  JSON.parse(Buffer.from(schema).toString("utf8")) as Record<string, unknown>
