/**
 * The **meta tools**: what a model searches an index with. They are always in the prompt, and always the same, so that
 * nothing that is found or loaded changes what a provider has cached.
 */
import * as Tool from "effect/ai/Tool"
import * as Schema from "effect/Schema"

/** The parameters of {@link search}. */
export const Search = Schema.Struct({
  query: Schema.String.annotate({
    description:
      'What you need, in words: "create an issue in a repository". Or "select:" and ids, with commas between, to load just those.'
  }),
  server: Schema.optionalKey(Schema.String.annotate({ description: "Only of this server." })),
  limit: Schema.optionalKey(Schema.Finite.annotate({ description: "How many are shown, at most 20." }))
})

/** The parameters of {@link describe}. */
export const Describe = Schema.Struct({
  names: Schema.Array(Schema.String).annotate({ description: "Ids or names, at most 10." })
})

/** The parameters of {@link call}. */
export const Call = Schema.Struct({
  name: Schema.String.annotate({ description: "The id or the name of the tool." }),
  arguments: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Json).annotate({ description: "What its schema asks for." })
  )
})

const answers = { success: Schema.String, failure: Schema.String, failureMode: "return" as const }

const looks = <A extends Tool.Any>(tool: A): A =>
  tool.annotate(Tool.Readonly, true).annotate(Tool.Destructive, false).annotate(Tool.Idempotent, true) as A // the same tool

/** Finds tools by what they do, and loads the best of them. */
export const search = looks(
  Tool.make("tool_search", {
    description:
      "Finds tools by what they do, and loads the best. Search before you decide that you can not do something.",
    parameters: Search,
    ...answers
  })
)

/** Shows tools whole, and loads them. */
export const describe = looks(
  Tool.make("tool_describe", {
    description: "Shows tools whole, with their schemas, and loads them.",
    parameters: Describe,
    ...answers
  })
)

/** Calls a tool of the index, where a provider takes no tools in the middle of a conversation. */
export const call = Tool.make("tool_call", {
  description:
    "Calls a tool that tool_search or tool_describe showed you, with the arguments that its schema asks for.",
  parameters: Call,
  ...answers
})

/** The tool that is meant by a name. */
export const named = (name: string): "search" | "describe" | "call" | undefined =>
  name === search.name ? "search" : name === describe.name ? "describe" : name === call.name ? "call" : undefined
