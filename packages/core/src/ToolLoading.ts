/**
 * **Tool loading**: a tool joins a conversation after its beginning, and no earlier byte of the prompt changes, so the
 * provider's cache still holds. This is what a caller says; `Model.Supports` tells which ways a model has, and its
 * adapter puts it into the provider's words:
 *
 * - `native`: every tool stands in the request from the start, annotated `Deferred`, and is out of the prompt until the
 *   result of a tool refers to it (`references`, in the options of that result).
 * - `inline`: only loaded tools travel, in a system message at the place where they join or leave (`changes`, in the
 *   options of that message).
 *
 * Options are part of the conversation: they are stored and sent with it, and what was said once is never taken back.
 */
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** A way to load a tool: its definition waits in the request (`native`), or comes with a message (`inline`). */
export const Mode = Schema.Literals(["native", "inline"])
/** A way to load a tool. */
export type Mode = typeof Mode.Type

/**
 * Annotation of a tool: its definition is sent, and is out of the prompt until a result refers to it. A model without
 * `native` has it in the prompt like any other tool.
 */
export const Deferred = Context.Reference<boolean>("@millwright/core/ToolLoading/Deferred", {
  defaultValue: () => false
})

/** Whether a tool waits until it is referred to. */
export const isDeferred = (tool: { readonly annotations: Context.Context<never> }): boolean =>
  Context.get(tool.annotations, Deferred)

/** What a model has to know of a tool. `name` is at most 64 of `a-z A-Z 0-9 _ -`; `schema` is an object's JSON Schema. */
export const Definition = Schema.Struct({
  name: Schema.NonEmptyString,
  description: Schema.String,
  schema: Schema.Record(Schema.String, Schema.Json)
})
/** What a model has to know of a tool. */
export type Definition = typeof Definition.Type

/** Tools that join and leave at one place of a conversation. A definition takes the place of an earlier one of its name. */
export interface Changes {
  readonly toolAdditions: ReadonlyArray<Definition>
  readonly toolRemovals: ReadonlyArray<string>
}

/** The key of our own among the options of a prompt, beside those of the providers. */
export const optionsKey = "millwright"

/**
 * Options of a tool's result that loads deferred tools. Names that the request has no deferred tool for are left out, as
 * are all of a result that failed. Anthropic takes no text in such a result: it goes beside it, as text of the user. So
 * what a server wrote has to be marked there as what it is.
 */
export const references = (names: ReadonlyArray<string>) => ({ [optionsKey]: { toolReferences: names } })

/**
 * Options of a system message, behind what a user or a tool said, with which tools join and leave. The request has at
 * least one tool of its own, or the first that joins costs the whole cache once. The text of the message has the
 * authority of the system prompt: nothing that a server wrote belongs into it.
 */
export const changes = ({
  additions = [],
  removals = []
}: {
  readonly additions?: ReadonlyArray<Definition>
  readonly removals?: ReadonlyArray<string>
}) => ({ [optionsKey]: { toolAdditions: additions, toolRemovals: removals } })

const Names = Schema.Array(Schema.String)
const readReferences = Schema.decodeUnknownOption(
  Schema.Struct({ [optionsKey]: Schema.Struct({ toolReferences: Names }) })
)
const readChanges = Schema.decodeUnknownOption(
  Schema.Struct({
    [optionsKey]: Schema.Struct({
      toolAdditions: Schema.optionalKey(Schema.Array(Definition)),
      toolRemovals: Schema.optionalKey(Names)
    })
  })
)

/** The names that a result refers to, each once. Options that say it in another way say nothing. */
export const referencesOf = (options: unknown): ReadonlyArray<string> =>
  Option.match(readReferences(options), {
    onNone: () => [],
    onSome: ({ millwright }) => [...new Set(millwright.toolReferences)]
  })

/** The tools that join and leave with a message. Options that say it in another way say nothing. */
export const changesOf = (options: unknown): Changes =>
  Option.match(readChanges(options), {
    onNone: () => ({ toolAdditions: [], toolRemovals: [] }),
    onSome: ({ millwright }) => ({
      toolAdditions: millwright.toolAdditions ?? [],
      toolRemovals: millwright.toolRemovals ?? []
    })
  })
