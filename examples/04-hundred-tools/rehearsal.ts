/** What the rehearsed model does. With tools that are there from the start it does the same work without searching. */
import type * as SavedTools from "@millwright/context/SavedTools"
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import type * as Schema from "effect/Schema"

type Arguments = { readonly [name: string]: Schema.Json }

/** What comes of the work. */
export const total = 42

/** What the inventory says. */
export const inventory = "hammers: 12\nsaws: 9\nnails: 21\n"

/** The work as turns, and the number of the one in which a server is killed. */
export const turns = (mode: SavedTools.Mode, file: string) => {
  const use = (id: string, args: Arguments): ProviderTwin.Call =>
    mode === "bridge"
      ? { tool: "tool_call", arguments: { name: id, arguments: args } }
      : { tool: `mcp__${id.replace("/", "__")}`, arguments: args }
  const search = (query: string): ReadonlyArray<ProviderTwin.Turn> =>
    mode === "upfront" ? [] : [{ calls: [{ tool: "tool_search", arguments: { query } }] }]
  const long = use("everything/trigger-long-running-operation", { duration: 60, steps: 60 })
  const all: ReadonlyArray<ProviderTwin.Turn> = [
    ...search("read the whole text of a file"),
    { calls: [use("files/read_text_file", { path: file })] },
    ...search("remember a new entity with observations"),
    {
      calls: [
        use("memory/create_entities", {
          entities: [{ name: "inventory", entityType: "count", observations: [`${total} things`] }]
        })
      ]
    },
    ...search("select:everything/trigger-long-running-operation,everything/echo"),
    { calls: [long] },
    { calls: [use("everything/echo", { message: "there again" })] },
    // Nobody has loaded this one: a call of what is known goes through.
    { calls: [use("memory/read_graph", {})] },
    { calls: [{ tool: "outcome", arguments: { outcome: { _tag: "Counted", total, remembered: true } } }] }
  ]
  return { all, killing: all.findIndex(({ calls }) => calls?.includes(long)) + 1 }
}
