/** What a conversation says about the tools that were loaded in it: notes at messages and results, which travel with them. */
import * as ToolLoading from "@millwright/core/ToolLoading"
import type * as Prompt from "effect/ai/Prompt"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

const Note = Schema.Struct({
  /** Ids of entries whose definition the model has from here on. */
  loaded: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Ids of entries that it has no longer. */
  unloaded: Schema.optionalKey(Schema.Array(Schema.String))
})

const read = Schema.decodeUnknownOption(Note)

/** Ids of what is loaded, in the order of loading. */
export const loaded = (prompt: Prompt.Prompt): ReadonlySet<string> => {
  const ids = new Set<string>()
  const take = (options: unknown) => {
    const own = Predicate.hasProperty(options, ToolLoading.optionsKey) ? options[ToolLoading.optionsKey] : undefined
    const note = Option.getOrUndefined(read(own))
    note?.loaded?.forEach((id) => ids.add(id))
    note?.unloaded?.forEach((id) => ids.delete(id))
  }
  for (const message of prompt.content) {
    take(message.options)
    if (message.role !== "system") message.content.forEach(({ options }) => take(options))
  }
  return ids
}

/** The options of a result that loads entries; with `refers`, for a provider that holds their definitions back until then. */
export const note = (
  entries: ReadonlyArray<{ readonly id: string; readonly modelName: string }>,
  refers: boolean
): Prompt.ProviderOptions =>
  entries.length === 0
    ? {}
    : {
        [ToolLoading.optionsKey]: {
          ...(refers && ToolLoading.references(entries.map(({ modelName }) => modelName))[ToolLoading.optionsKey]),
          loaded: entries.map(({ id }) => id)
        }
      }

/** The options of a message that says for results which were taken out what they had loaded. */
export const rejoining = (
  ids: ReadonlyArray<string>,
  additions: ReadonlyArray<ToolLoading.Definition>
): Prompt.ProviderOptions => ({
  [ToolLoading.optionsKey]: {
    ...(additions.length > 0 && ToolLoading.changes({ additions })[ToolLoading.optionsKey]),
    loaded: [...ids]
  }
})
