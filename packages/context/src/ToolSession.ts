/**
 * A **tool session**: how one conversation uses a tool index. It says once what is there, gives each request its tools, runs the
 * calls of the meta tools and of whatever is in the index, and appends what becomes different. Nothing that was sent is
 * ever sent in another way, so a provider's cache holds; what is loaded stands in the transcript, so it outlives the process.
 *
 * - `upfront`: all tools are in each request.
 * - `native`: all are in each request, and out of the prompt until a result refers to them.
 * - `inline`: those that are loaded come with a message.
 * - `bridge`: none comes; their schemas are read in results, and `tool_call` calls them. Works with every provider.
 */
import * as ToolLoading from "@millwright/core/ToolLoading"
import * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as Deferral from "./Deferral.ts"
import * as Definition from "./internal/Definition.ts"
import * as SessionCall from "./internal/SessionCall.ts"
import * as SessionText from "./internal/SessionText.ts"
import * as ToolTranscript from "./internal/ToolTranscript.ts"
import * as MetaTools from "./MetaTools.ts"
import type * as SavedTools from "./SavedTools.ts"
import * as TokenBudget from "./TokenBudget.ts"
import type { Entry } from "./ToolEntry.ts"
import type { ToolIndex } from "./ToolIndex.ts"

/** How a conversation uses an index. */
export interface Options {
  /** What the role may use: an index `within` its scope. */
  readonly index: ToolIndex
  /** The ways to load that the model has. */
  readonly loading: ReadonlyArray<ToolLoading.Mode>
  /** What stands before the tools in each request, in estimated tokens. */
  readonly prefix: number
  /** The provider reads a prefix that it knows from a cache. Default: true. */
  readonly isCached?: boolean
  /** Default: `auto`. */
  readonly deferral?: Deferral.Deferral
  /** Default, and where the model does not have it: the first that it has, `native` before `inline` before `bridge`. */
  readonly mode?: Exclude<SavedTools.Mode, "upfront">
  /** Names of tools that are loaded from the start; at most {@link maxPins}, with those that their source asks for. */
  readonly pins?: ReadonlyArray<string>
  /** For the text of the index, in estimated tokens. Default 2,000. */
  readonly budget?: number
  /** A conversation that is taken up again. */
  readonly saved?: SavedTools.Saved
}

/** What a model asks for, its arguments as it wrote them. */
export type Call = SessionCall.Call
/** What of the index a call is of. */
export type Target = SessionCall.Target
/** What came of a call. */
export type Result = SessionCall.Result

/** The most tools that are loaded from the start of a session that defers. */
export const maxPins = 5

/** The most definitions that travel with each request: many are slow to send, and providers refuse more than 10,000. */
const mostBytes = 2 * 1024 * 1024
const mostTools = 10_000

/** Places in a request that are left to tools which are not of the index. */
const ownTools = 20

/** The most tools that are all in the prompt of a model that can load none: its provider may refuse more than 128. */
const mostUpfront = 128 - ownTools

/** The most that tools cost which are in the prompt because their source asks for it, in estimated tokens. */
const mostAsked = 4_000

/** How one conversation uses an index. */
export interface ToolSession {
  readonly mode: SavedTools.Mode
  /** For the end of the system prompt of a new conversation: how tools are found. Empty when nothing is deferred. */
  readonly opening: string
  /** What follows the opening: what there is, in the words of strangers. To be given to a model as untrusted text. */
  readonly contents: string
  /** The tools of a request, those that are deferred last. */
  readonly tools: (prompt: Prompt.Prompt) => Effect.Effect<ReadonlyArray<Tool.Any>>
  /** What became different since it was last said, to be appended. Says it once. */
  readonly notices: (prompt: Prompt.Prompt) => Effect.Effect<ReadonlyArray<Prompt.SystemMessage>>
  /** Runs a call of a meta tool, or of anything in the index, loaded or not. `undefined`: it is none of these. */
  readonly run: (call: Call, prompt: Prompt.Prompt) => Effect.Effect<Result | undefined>
  /** What is appended behind the results of a turn, so that what they loaded can be called. */
  readonly after: (results: ReadonlyArray<Result>) => ReadonlyArray<Prompt.SystemMessage>
  /**
   * What stands in the place of messages that are taken out, so that what they loaded can be called on: in the mode `inline` it is
   * declared again, in `native` it is in each request from here on. Nothing for `bridge`, whose schemas are searched for again.
   * What is saved may change by it.
   */
  readonly rejoined: (removed: Prompt.Prompt) => Effect.Effect<ReadonlyArray<Prompt.SystemMessage>>
  /** What of the index a call is of, by whichever way it is called. Nothing for one that only searches, or that is of none. */
  readonly target: (call: Call) => Effect.Effect<Target | undefined>
  /** Whether a call changes nothing, as far as its source says. */
  readonly isReadOnly: (call: Call) => Effect.Effect<boolean>
  readonly save: Effect.Effect<SavedTools.Saved>
}

/** Begins or takes up the tools of a conversation. Waits for sources that are slow, two seconds at most. */
export const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<ToolSession> {
  const { budget = 2_000, index, saved } = options
  yield* index.settled
  const start = saved ?? (yield* begin(options))
  // A conversation may go on with a model that can not load as the last one did; every model can read and call.
  const isPossible = (mode: SavedTools.Mode) =>
    (mode !== "native" && mode !== "inline") || options.loading.includes(mode)
  const isTooMuch = start.mode === "upfront" && options.loading.length === 0 && start.fixed.length > mostUpfront
  const mode = isPossible(start.mode) && !isTooMuch ? start.mode : "bridge"
  let fixed = isTooMuch ? [] : start.fixed
  const isFixed = new Set(fixed.map(({ id }) => id))
  const referred = new Map(start.referred.map((definition) => [definition.id, definition]))
  let known: ReadonlyMap<string, string> = new Map(Object.entries(start.known))
  let listed: ReadonlyArray<Entry> = []
  const metas =
    mode === "upfront" ? [] : [MetaTools.search, MetaTools.describe, ...(mode === "bridge" ? [MetaTools.call] : [])]
  const calls = SessionCall.make({ index, mode, isFixed: (id) => isFixed.has(id) })

  const deferred = Effect.fnUntraced(function* (prompt: Prompt.Prompt) {
    const entries = new Map((yield* index.list()).map((entry) => [entry.id, entry]))
    // A result that refers to a tool needs it in each later request, as it was, whatever became of it.
    const { entries: loaded } = yield* index.unload([...ToolTranscript.loaded(prompt)])
    for (const entry of loaded) {
      if (!referred.has(entry.id)) referred.set(entry.id, Definition.of(entry))
    }
    const waiting = [...entries.values()].filter(({ id }) => !isFixed.has(id) && !referred.has(id))
    const joined = [...referred.values()].filter(({ id }) => !isFixed.has(id))
    // More may have come since the beginning than a request can hold.
    const room = mostTools - metas.length - fixed.length - joined.length - ownTools
    return [...joined, ...within(waiting, room).map(defined)].sort(byId)
  })

  return {
    mode,
    opening: mode === "upfront" ? "" : SessionText.opening(mode),
    contents: mode === "upfront" ? "" : yield* index.render(budget),
    tools: (prompt) =>
      Effect.map(mode === "native" ? deferred(prompt) : Effect.succeed([]), (waiting) => [
        ...metas,
        ...fixed.map(offered),
        ...waiting.map(held)
      ]),
    notices: Effect.fnUntraced(function* (prompt: Prompt.Prompt) {
      const now = yield* index.list()
      if (now === listed) return []
      listed = now
      const before = known
      known = SessionText.known(now)
      const text = SessionText.notice({
        before,
        now,
        loaded: ToolTranscript.loaded(prompt),
        fixed: mode === "upfront" ? isFixed : undefined
      })
      return text === "" ? [] : [Prompt.systemMessage({ content: text })]
    }),
    run: calls.run,
    after: (results) => {
      const joining = new Map(results.flatMap(({ loaded }) => loaded).map((entry) => [entry.id, entry]))
      if (mode !== "inline" || joining.size === 0) return []
      const additions = [...joining.values()].map((entry) => declared(Definition.of(entry)))
      const names = additions.map(({ name }) => name).join(", ")
      return [Prompt.systemMessage({ content: `Loaded: ${names}.`, options: ToolLoading.changes({ additions }) })]
    },
    rejoined: Effect.fnUntraced(function* (removed: Prompt.Prompt) {
      if (mode !== "inline" && mode !== "native") return []
      const ids = [...ToolTranscript.loaded(removed)].filter((id) => !isFixed.has(id))
      const again = (yield* index.describe(ids)).entries.map(Definition.of)
      if (again.length === 0) return []
      if (mode === "native") {
        // Nothing refers to them any more, and what no result refers to is not in the prompt.
        fixed = [...fixed, ...again].sort(byId)
        for (const { id } of again) isFixed.add(id)
      }
      return [
        Prompt.systemMessage({
          content: `Loaded: ${again.map(({ name }) => name).join(", ")}.`,
          options: ToolTranscript.rejoining(
            again.map(({ id }) => id),
            mode === "inline" ? again.map(declared) : []
          )
        })
      ]
    }),
    target: calls.target,
    isReadOnly: calls.isReadOnly,
    save: Effect.sync(() => ({ mode, fixed, referred: [...referred.values()], known: Object.fromEntries(known) }))
  }
})

const begin = Effect.fnUntraced(function* ({
  budget = 2_000,
  deferral = "auto",
  index,
  isCached = true,
  loading,
  mode,
  pins = [],
  prefix
}: Options): Effect.fn.Return<SavedTools.Saved> {
  const entries = yield* index.list()
  const stats = yield* index.stats
  const known = Object.fromEntries(SessionText.known(entries))
  // Whoever is still to come could not be searched for.
  const isComplete = !stats.servers.some(({ isComing }) => isComing)
  const sizes = {
    definitions: stats.tokens,
    prefix,
    index: Math.min(budget, stats.tokens) + SessionText.metaTokens,
    isCached
  }
  const isRefused = loading.length === 0 && entries.length > mostUpfront
  const defers = deferral === "always" || (deferral === "auto" && (!isComplete || isRefused || Deferral.decide(sizes)))
  if (!defers) return { mode: "upfront", fixed: entries.map(Definition.of), referred: [], known }
  const fits = entries.length <= mostTools && stats.bytes <= mostBytes
  const usual = loading.includes("native") && fits ? "native" : loading.includes("inline") ? "inline" : "bridge"
  const { entries: pinned, problems } = yield* index.describe(pins)
  for (const { message } of problems) yield* Effect.logWarning(`A tool that is pinned is left out. ${message}`)
  const isHad = mode === undefined || mode === "bridge" || loading.includes(mode)
  if (!isHad) {
    yield* Effect.logWarning(
      `The model does not load tools in the mode ${mode}: it is ${usual} here. Leave the mode out.`
    )
  }
  if (pinned.length > maxPins) {
    const left = pinned.slice(maxPins).map(({ id }) => id)
    yield* Effect.logWarning(
      `Of tools that are pinned, ${maxPins} are loaded from the start. Left out: ${left.join(", ")}.`
    )
  }
  let asked = 0
  const asking = entries.filter(({ alwaysLoad, tokens }) => alwaysLoad && (asked += tokens) <= mostAsked)
  const fixed = [...new Set([...pinned, ...asking])].slice(0, maxPins)
  return { mode: isHad ? (mode ?? usual) : usual, fixed: fixed.sort(byId).map(Definition.of), referred: [], known }
})

/** As many as fit into a request. */
const within = (entries: ReadonlyArray<Entry>, room: number): ReadonlyArray<Entry> => {
  let bytes = 0
  const end = entries.findIndex(
    ({ description, schema }) => (bytes += Buffer.byteLength(description) + schema.length) > mostBytes
  )
  return entries.slice(0, Math.max(0, Math.min(room, end === -1 ? entries.length : end)))
}

const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : a.id > b.id ? 1 : 0

const declared = ({ description, name, schema }: SavedTools.Definition): ToolLoading.Definition => ({
  name,
  description,
  schema
})

/** What is made of a value, for as long as the value is there. */
const kept = <A extends object, B>(make: (value: A) => B): ((value: A) => B) => {
  const known = new WeakMap<A, B>()
  return (value) => {
    const found = known.get(value) ?? make(value)
    known.set(value, found)
    return found
  }
}

/** The same definition is the same tool in each request: what others make of a tool they make once. */
const offered = kept(({ description, name, schema }: SavedTools.Definition) =>
  Tool.dynamic(name, { description, parameters: schema })
)
const defined = kept(Definition.of)
const held = kept((definition: SavedTools.Definition) => offered(definition).annotate(ToolLoading.Deferred, true))

/** What the tools of a request cost, as a part of what stands before everything else. */
export const estimate = (tools: ReadonlyArray<Tool.Any>): number =>
  tools.reduce(
    (sum, tool) =>
      sum +
      TokenBudget.estimate(`${tool.name}${Tool.getDescription(tool) ?? ""}${JSON.stringify(Tool.getJsonSchema(tool))}`),
    0
  )
