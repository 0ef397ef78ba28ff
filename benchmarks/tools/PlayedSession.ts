/**
 * A conversation that uses tools, **played** through the tool session of the product: what its opening, its tools, its
 * searches and what they load come to in the prompt, in tokens.
 */
import * as Untrusted from "@millwright/agents/Untrusted"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import type { ToolIndex } from "@millwright/context/ToolIndex"
import type * as SavedTools from "@millwright/context/SavedTools"
import * as ToolSession from "@millwright/context/ToolSession"
import * as Tainted from "@millwright/core/Tainted"
import * as ToolLoading from "@millwright/core/ToolLoading"
import * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import type * as Catalog from "./Catalog.ts"
import * as TokenCount from "./TokenCount.ts"

/** What a model looks for in one search, and the ids of the tools that would do. */
export interface Need {
  readonly query: string
  readonly tools: ReadonlyArray<string>
}

/** What was played. */
export interface Played {
  readonly mode: SavedTools.Mode
  /** Definitions and text of the index in the first request. */
  readonly start: number
  /** For each need, what each turn that it took leaves in the conversation. None, when the tool was there already. */
  readonly needs: ReadonlyArray<ReadonlyArray<number>>
}

/** An index over the tools of a catalogue. */
export const index = Effect.fnUntraced(function* (tools: ReadonlyArray<Catalog.Tool>) {
  const sources = [...Map.groupBy(tools, ({ server }) => server)].map(([server, its]) => {
    const scripted = ScriptedSource.make(server)
    scripted.lists(...its)
    return scripted.source
  })
  const made = yield* SourceIndex.make(sources)
  yield* made.settled
  return made
})

/** How a conversation is played. */
export interface Play extends Pick<ToolSession.Options, "deferral" | "isCached" | "mode" | "prefix" | "budget"> {
  readonly index: ToolIndex
  readonly needs?: ReadonlyArray<Need>
}

const definitionOf = (tool: Tool.Any): TokenCount.Definition => ({
  name: tool.name,
  description: Tool.getDescription(tool) ?? "",
  schema: Tool.getJsonSchema(tool)
})

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, each) => total + each, 0)

/**
 * Plays a conversation. Where a search does not find, the model loads the tool by the name that it reads in the index;
 * where the index names only servers, it searches again within the right one first.
 */
export const play = Effect.fnUntraced(function* ({ needs = [], ...options }: Play) {
  const session = yield* ToolSession.make({ loading: ["native", "inline"], ...options })
  const offered = yield* session.tools(Prompt.empty)
  const definitions = new Map(offered.map((tool) => [tool.name, TokenCount.definition(definitionOf(tool))]))
  const opening = `${session.opening}\n\n${Untrusted.block(Tainted.of("tool index", session.contents))}`
  const start =
    (session.mode === "upfront" ? 0 : TokenCount.text(opening)) +
    sum(offered.filter((tool) => !ToolLoading.isDeferred(tool)).map(({ name }) => definitions.get(name) ?? 0))
  let prompt = Prompt.make([{ role: "system", content: opening }])
  const loaded = new Set<string>()
  let count = 0

  /** A turn that calls `tool_search`: what it leaves, and what it showed. */
  const turn = Effect.fnUntraced(function* (params: { readonly query: string; readonly server?: string }) {
    const call = { id: `toolu_${String(++count).padStart(24, "0")}`, name: "tool_search", params }
    const found = yield* session.run(call, prompt)
    if (found === undefined) return yield* Effect.die("A search is answered")
    const text = Untrusted.block(Tainted.of("", found.text))
    const result = Prompt.toolResultPart({
      ...call,
      isFailure: !found.ok,
      result: text,
      options: found.options,
      providerExecuted: false
    })
    const notes = session.after([found])
    prompt = Prompt.fromMessages([
      ...prompt.content,
      Prompt.makeMessage("assistant", { content: [Prompt.toolCallPart({ ...call, providerExecuted: false })] }),
      Prompt.toolMessage({ content: [result] }),
      ...notes
    ])
    for (const { id } of found.loaded) loaded.add(id)
    const isNative = ToolLoading.referencesOf(found.options).length > 0
    const left = [
      TokenCount.text(JSON.stringify({ type: "tool_use", id: call.id, name: call.name, input: params })),
      TokenCount.text(text),
      isNative ? TokenCount.text(`The result of ${call.name} (call ${call.id}):`) : 0,
      ...ToolLoading.referencesOf(found.options).map((name) => definitions.get(name) ?? 0),
      ...notes.map(({ content }) => TokenCount.text(content)),
      ...notes.flatMap(({ options }) => ToolLoading.changesOf(options).toolAdditions.map(TokenCount.definition))
    ]
    return { left: sum(left), text: found.text }
  })

  const played: Array<ReadonlyArray<number>> = []
  for (const { query, tools } of session.mode === "upfront" ? [] : needs) {
    const turns: Array<number> = []
    const isMet = () => tools.some((id) => loaded.has(id))
    const ask = Effect.fnUntraced(function* (params: { readonly query: string; readonly server?: string }) {
      if (isMet()) return
      const { left, text } = yield* turn(params)
      turns.push(left)
      const shown = tools.find((id) => text.includes(`- ${id}`))
      if (!isMet() && shown !== undefined) turns.push((yield* turn({ query: `select:${shown}` })).left)
    })
    const [first = ""] = tools
    yield* ask({ query })
    const [server = "", name = ""] = [first.slice(0, first.indexOf("/")), first.slice(first.indexOf("/") + 1)]
    if (!session.contents.includes(name)) yield* ask({ query, server })
    yield* ask({ query: `select:${first}` })
    if (!isMet()) return yield* Effect.die(`${first} can not be loaded`)
    played.push(turns)
  }
  return { mode: session.mode, start, needs: played } satisfies Played
})
