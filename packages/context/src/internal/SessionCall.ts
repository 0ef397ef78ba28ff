/** The calls of one conversation: of the meta tools, and of what is in the index, loaded or not. */
import type * as Prompt from "effect/ai/Prompt"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as MetaTools from "../MetaTools.ts"
import type { Entry } from "../ToolEntry.ts"
import type { Found, ToolIndex } from "../ToolIndex.ts"
import type { Mode } from "../SavedTools.ts"
import type { Content } from "../ToolSource.ts"
import * as CallText from "./CallText.ts"
import * as Picture from "./Picture.ts"
import * as ToolTranscript from "./ToolTranscript.ts"

/** What a model asks for, its arguments as it wrote them. */
export interface Call {
  readonly name: string
  readonly params: unknown
}

/** What came of a call. */
export interface Result {
  readonly ok: boolean
  readonly text: string
  readonly images: ReadonlyArray<Extract<Content, { readonly type: "image" }>>
  /** For the part of the transcript that the result becomes. */
  readonly options: Prompt.ProviderOptions
  /** What a model can call from here on. */
  readonly loaded: ReadonlyArray<Entry>
  /** The id of the entry that the call was of, when it was of one, and not of the index itself. */
  readonly called?: string | undefined
  /** Words of the house. All else is data. */
  readonly isHouse?: true | undefined
}

/** What of the index a call is of. */
export interface Target {
  readonly id: string
  readonly arguments: unknown
  /** The same call with other arguments. */
  readonly with: (given: unknown) => Call
}

interface Around {
  readonly index: ToolIndex
  readonly mode: Mode
  /** In the prompt from the start. */
  readonly isFixed: (id: string) => boolean
}

/** How many of the best a search loads, and for how many tokens at most. */
const autoLoad = { most: 3, tokens: 800 }

/** How many of the best a search shows, unless it says how many. */
const shown = 5

/** How many tools are described at once. */
const mostDescribed = 10

const decodeSearch = Schema.decodeUnknownOption(MetaTools.Search)
const decodeDescribe = Schema.decodeUnknownOption(MetaTools.Describe)
const decodeCall = Schema.decodeUnknownOption(MetaTools.Call)

const refused = (text: string): Result => ({ ok: false, text, images: [], options: {}, loaded: [] })

/** Makes what runs them. */
export const make = ({ index, isFixed, mode }: Around) => {
  const answered = (text: string, shown: ReadonlyArray<Entry>): Result => {
    const loaded = shown.filter(({ id }) => !isFixed(id))
    return { ok: true, text, images: [], options: ToolTranscript.note(loaded, mode === "native"), loaded }
  }
  const called = ({ id, modelName }: Entry): string => (mode === "bridge" ? `tool_call, name ${id}` : modelName)

  const search = Effect.fnUntraced(function* (query: typeof MetaTools.Search.Type, prompt: Prompt.Prompt) {
    const found = yield* index.search({ limit: shown, ...query })
    const { entries, named } = found
    if (entries.length === 0) return answered(yield* nothing(found, query.server), [])
    const had = ToolTranscript.loaded(prompt)
    const isNew = ({ id }: Entry) => !had.has(id) && !isFixed(id)
    const chosen = best(named.length > 0 ? named : entries, named.length > 0)
    const joining = chosen.filter(isNew)
    yield* index.load(joining.map(({ id }) => id))
    // What is loaded stands in the prompt whole, under the name that it is called by.
    const isThere = (entry: Entry) => !isNew(entry) || (mode !== "bridge" && chosen.includes(entry))
    const before = entries
      .filter((entry) => !isNew(entry))
      .map((entry) => (mode === "bridge" ? entry.id : entry.modelName))
    const some = joining.length === 1 ? "best" : `best ${joining.length}`
    const way = mode === "bridge" ? `Call the ${some} with tool_call, by id.` : `Loaded: the ${some}.`
    const loaded = [
      ...(joining.length > 0 ? [way] : []),
      ...(before.length > 0 ? [`${mode === "bridge" ? "Shown" : "Loaded"} before: ${before.join(", ")}.`] : [])
    ]
    const lines = entries
      .filter((entry) => !isThere(entry))
      .map((entry) => `- ${entry.id}: ${entry.line}${chosen.includes(entry) ? `\n  ${CallText.schema(entry)}` : ""}`)
    const more = found.more > 0 ? [`${found.more} more fit; narrow them down with a server.`] : []
    const stale = entries.some(({ state }) => state === "stale")
      ? ["Servers of some of these do not answer at present."]
      : []
    return answered([...loaded, ...lines, ...more, ...stale].join("\n"), joining)
  })

  const nothing = Effect.fnUntraced(function* ({ near }: Found, asked: string | undefined) {
    const { servers } = yield* index.stats
    const names = servers.filter(({ tools }) => tools > 0).map(({ name, tools }) => `${name} (${tools})`)
    const state = servers.find(({ name }) => name === asked)?.status
    return [
      "No tool fits.",
      ...(asked !== undefined && state === undefined ? ["You have no server of this name."] : []),
      ...(state === "failed" || state === "waiting" ? ["This server does not answer at present."] : []),
      ...(near.length > 0 ? [`Spelled nearly like it: ${near.join(", ")}.`] : []),
      names.length === 0
        ? "There are no tools at present."
        : `There are tools of: ${names.slice(0, 60).join(", ")}${names.length > 60 ? ", …" : ""}.`
    ].join(" ")
  })

  const describe = Effect.fnUntraced(function* ({ names }: typeof MetaTools.Describe.Type) {
    const { entries, problems } = yield* index.load(names.slice(0, mostDescribed))
    const whole = entries.map((entry) =>
      [`# ${entry.id} (call ${called(entry)})`, entry.description, `arguments: ${CallText.schema(entry)}`].join("\n")
    )
    const text = [...whole, ...problems.map(({ message }) => message)].join("\n\n")
    return entries.length === 0 ? refused(text === "" ? "Name the tools." : text) : answered(text, entries)
  })

  const call = Effect.fnUntraced(function* (name: string, params: unknown) {
    const { entries } = yield* index.describe([name])
    const called = entries[0]?.id
    const done = yield* Effect.result(index.call(name, params))
    if (done._tag === "Failure") return { ...refused(done.failure.message), called, reason: done.failure.reason }
    const { content, isError, isHouse } = done.success
    const { notes, taken } = Picture.sorted(content.filter((part) => part.type === "image"))
    const text = [...content.flatMap((part) => (part.type === "text" ? [part.text] : [])), ...notes].join("\n")
    return { ok: !isError, text, images: taken, options: {}, loaded: [], called, isHouse, reason: undefined }
  })

  return {
    run: Effect.fnUntraced(function* ({ name, params }: Call, prompt: Prompt.Prompt) {
      const meta = mode === "upfront" ? undefined : MetaTools.named(name)
      const given = parsed(params)
      if (meta === "search") {
        const query = Option.getOrUndefined(decodeSearch(given))
        return query === undefined
          ? refused(
              'Not run: `query` is a text, `server` one as well and `limit` a number, as {"query": "create an issue", "limit": 5}.'
            )
          : yield* search(query, prompt)
      }
      if (meta === "describe") {
        const asked = Option.getOrUndefined(decodeDescribe(given))
        return asked === undefined
          ? refused('Not run: `names` is a list of texts, as {"names": ["server/tool"]}.')
          : yield* describe(asked)
      }
      if (meta === "call") {
        const asked = Option.getOrUndefined(decodeCall({ ...Object(given), ...named(given) }))
        return asked === undefined
          ? refused('Not run: `name` is a text and `arguments` an object, as {"name": "server/tool", "arguments": {}}.')
          : yield* call(asked.name, asked.arguments)
      }
      const { reason, ...result } = yield* call(name, given)
      // Whoever asks has other tools, and a better answer to a name that is none at all.
      return reason === "NoSuchTool" ? undefined : result
    }),
    /** What of the index a call is of, by whichever way it is called. */
    target: Effect.fnUntraced(function* ({ name, params }: Call): Effect.fn.Return<Target | undefined> {
      const meta = mode === "upfront" ? undefined : MetaTools.named(name)
      if (meta === "search" || meta === "describe") return undefined
      const given = parsed(params)
      const asked =
        meta === "call" ? Option.getOrUndefined(decodeCall({ ...Object(given), ...named(given) })) : undefined
      if (meta === "call" && asked === undefined) return undefined
      const { entries } = yield* index.describe([asked?.name ?? name])
      const [entry] = entries
      if (entry === undefined || entries.length > 1) return undefined
      return asked === undefined
        ? { id: entry.id, arguments: given, with: (args) => ({ name, params: args }) }
        : {
            id: entry.id,
            arguments: asked.arguments,
            with: (args) => ({ name, params: { name: asked.name, arguments: args } })
          }
    }),
    /** Whether a call changes nothing, as far as its source says. */
    isReadOnly: Effect.fnUntraced(function* ({ name, params }: Call) {
      const meta = mode === "upfront" ? undefined : MetaTools.named(name)
      if (meta === "search" || meta === "describe") return true
      const given = parsed(params)
      const said = meta === "call" && Predicate.hasProperty(given, "name") ? given.name : name
      const asked = Predicate.isString(said) ? said : name
      const { entries } = yield* index.describe([asked])
      return entries.length === 1 && entries.every(({ hints }) => hints.readOnly)
    })
  }
}

/** Those that a search loads: the named ones, or of the best as many as do not cost much. */
const best = (entries: ReadonlyArray<Entry>, areNamed: boolean): ReadonlyArray<Entry> => {
  if (areNamed) return entries.slice(0, mostDescribed)
  const chosen: Array<Entry> = []
  let tokens = 0
  for (const entry of entries.slice(0, autoLoad.most)) {
    tokens += entry.tokens
    if (tokens > autoLoad.tokens && chosen.length > 0) break
    chosen.push(entry)
  }
  return chosen
}

/** Some models write arguments as a text that holds them. */
const parsed = (params: unknown): unknown => {
  if (!Predicate.isString(params)) return params
  try {
    return JSON.parse(params)
  } catch {
    return params
  }
}

const named = (given: unknown) =>
  Predicate.hasProperty(given, "arguments") ? { arguments: parsed(given.arguments) } : {}
