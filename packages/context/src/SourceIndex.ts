/**
 * A **source index**: the tool index over sources that are watched.
 *
 * ```ts
 * import * as SourceIndex from "@millwright/context/SourceIndex"
 * import * as ToolSource from "@millwright/context/ToolSource"
 * import * as Effect from "effect/Effect"
 *
 * const tools = (sources: ReadonlyArray<ToolSource.ToolSource>) =>
 *   Effect.gen(function* () {
 *     const index = yield* SourceIndex.make(sources)
 *     yield* index.settled
 *     const { entries } = yield* index.search({ query: "open an issue" })
 *     return entries.map(({ id, line }) => `${id}: ${line}`)
 *   })
 * ```
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as CallText from "./internal/CallText.ts"
import * as Fusion from "./internal/Fusion.ts"
import * as IndexState from "./internal/IndexState.ts"
import * as IndexText from "./internal/IndexText.ts"
import * as SourceWatch from "./internal/SourceWatch.ts"
import * as ToolArguments from "./internal/ToolArguments.ts"
import * as ToolLint from "./internal/ToolLint.ts"
import { type Entry, schemaOf } from "./ToolEntry.ts"
import { type Finding, type IndexChange, type Query, type Resolved, ToolCallError, ToolIndex } from "./ToolIndex.ts"
import * as ToolRanking from "./ToolRanking.ts"
import * as ToolScope from "./ToolScope.ts"
import type { ToolSource } from "./ToolSource.ts"

/** How sources are watched, and searched. */
export interface Options extends Fusion.Hooks {
  readonly patience?: SourceWatch.Patience
}

/** The longest that {@link ToolIndex.settled} waits for a source, in milliseconds. */
export const slowest = 2_000

/** How many entries a search answers with. */
const usual = 8

/** How much of a query is read, in characters. */
const longestQuery = 4_000

/** Makes an index, and watches the sources until the scope closes. Of two with one name, the second is `name-2`. */
export const make = Effect.fnUntraced(function* (
  sources: ReadonlyArray<ToolSource>,
  { patience = {}, ...hooks }: Options = {}
): Effect.fn.Return<ToolIndex, never, Scope.Scope> {
  const state = new IndexState.IndexState()
  const ranking = ToolRanking.make()
  const fusion = Fusion.make(hooks)
  const published = yield* PubSub.unbounded<IndexChange>()
  const oneAtATime = yield* Semaphore.make(1)
  const uses = new Map<string, number>()
  let searches = 0

  const watched = new Map<string, SourceWatch.Watched>()
  const first = new Map<string, Deferred.Deferred<void>>()
  const newest = new Map<string, SourceWatch.SourceState>()
  const names = namesOf(sources)
  for (const [at, source] of sources.entries()) {
    const server = names[at] ?? source.name
    const watch = yield* SourceWatch.make({ ...source, name: server }, patience)
    watched.set(server, watch)
    first.set(server, yield* Deferred.make<void>())
    newest.set(server, yield* watch.state)
  }

  const takeOver = Effect.fnUntraced(function* (watch: SourceWatch.Watched, found: SourceWatch.SourceState) {
    const { kind, name: server } = watch.source
    if (found === newest.get(server)) return
    const change = state.apply({ server, kind }, found)
    newest.set(server, found)
    const { added, changed, removed } = change
    if (added.length + changed.length + removed.length > 0) {
      const here = [...state.all()].filter((entry) => entry.server === server && entry.state !== "gone")
      const documents = here.map((entry) => ({ ...entry, schema: schemaOf(entry) }))
      yield* ranking.replace({ server, description: `${found.description} ${found.instructions}`, documents })
      yield* PubSub.publish(published, change)
    }
    const listed = first.get(server)
    if (found.status !== "waiting" && listed !== undefined) yield* Deferred.succeed(listed, undefined)
  })
  const take = (watch: SourceWatch.Watched, found: SourceWatch.SourceState) =>
    Semaphore.withPermit(oneAtATime, takeOver(watch, found))
  for (const watch of watched.values()) {
    yield* Effect.forkScoped(Stream.runForEach(watch.states, (found) => take(watch, found)))
  }
  const settled = Effect.forEach([...first.values()], Deferred.await, { discard: true }).pipe(
    Effect.timeoutOption(slowest),
    Effect.asVoid
  )

  const use = (entries: ReadonlyArray<Entry>) =>
    Effect.sync(() => entries.forEach(({ id }) => uses.set(id, (uses.get(id) ?? 0) + 1)))

  const view = ({ allows, idle, reaches }: Within): ToolIndex => {
    // Asked for with each turn of each conversation, and seldom another.
    let here: { readonly version: number; readonly entries: ReadonlyArray<Entry> } = { version: -1, entries: [] }
    const living = (): ReadonlyArray<Entry> => {
      if (here.version === state.version) return here.entries
      const entries = [...state.all()].filter(({ id, state }) => state !== "gone" && allows(id))
      here = { version: state.version, entries: entries.sort((a, b) => (a.id < b.id ? -1 : 1)) }
      return here.entries
    }
    const resolve = (names: ReadonlyArray<string>): Resolved => {
      const found = names.map((name) => helped(name, state.resolve(name, allows, "suffix")))
      return {
        entries: [...new Set(found.filter(isEntry))],
        problems: found.filter((each) => each instanceof ToolCallError)
      }
    }
    const present = ({ entries, problems }: Resolved): Resolved => ({
      entries: entries.filter((entry) => entry.state !== "gone"),
      problems: [...problems, ...entries.filter((entry) => entry.state === "gone").map(removed)]
    })
    const servers = () => {
      const counts = new Map<string, number>()
      for (const { server } of living()) counts.set(server, (counts.get(server) ?? 0) + 1)
      return [...newest].flatMap(([name, { description, error, instructions, quarantined, status }]) => {
        // A scope that can hold nothing of a source says nothing of it either.
        if (!reaches(name)) return []
        const tools = counts.get(name) ?? 0
        const bad = quarantined.filter((tool) => allows(IndexState.idOf(name, tool.name)))
        const isComing = status === "waiting" || (status === "failed" && error?.isRetryable === true)
        const about = { reason: error?.message, isComing, description, instructions }
        return [{ name, status, tools, quarantined: bad, ...about }]
      })
    }

    const search = Effect.fnUntraced(function* ({ limit = usual, query, server }: Query) {
      searches++
      const most = Number.isNaN(limit) ? usual : Math.min(20, Math.max(1, Math.floor(limit)))
      const text = query.slice(0, longestQuery)
      const isHere = (id: string) => allows(id) && (server === undefined || state.get(id)?.server === server)
      const selected = /^\s*select:(.*)$/s.exec(text)?.[1]
      const names = selected === undefined ? [text] : selected.split(",").slice(0, 20)
      const named = [...new Set(names.map((name) => state.resolve(name, isHere, "suffix")))].filter(
        (each): each is Entry => isEntry(each) && each.state !== "gone"
      )
      if (selected !== undefined) {
        return { entries: named, named, more: 0, near: named.length === 0 ? nearest(names[0] ?? "", isHere) : [] }
      }
      const hits = ranking.search({ query: text, server, allows: isHere, limit: fusion.depth(most) })
      const byWords = hits.hits.flatMap(({ id }) => state.get(id) ?? [])
      const entries = yield* fusion.order(text, byWords, () => living().filter(({ id }) => isHere(id)))
      const all = [...new Set([...named, ...entries])]
      const shown = all.slice(0, most)
      return {
        entries: shown,
        named,
        more: Math.max(0, hits.total - shown.length),
        near: shown.length === 0 ? nearest(text, isHere) : []
      }
    })
    /** Whoever misspelled a name is shown the right one. */
    const helped = (name: string, found: Entry | ToolCallError): Entry | ToolCallError => {
      if (!(found instanceof ToolCallError) || found.reason !== "NoSuchTool") return found
      const near = nearest(name, allows)
      const message = `${found.message} Spelled nearly like it: ${near.join(", ")}.`
      return near.length === 0 ? found : new ToolCallError({ reason: "NoSuchTool", message })
    }
    const nearest = (text: string, isHere: (id: string) => boolean) => {
      const name = text.trim().slice(0, 200)
      // A whole id is near to none: names are compared.
      const alone = name.replace(/^(?:[^/]+\/|mcp__.+?__)/s, "")
      return [...new Set([name, alone].flatMap((each) => ranking.near(each, 5, isHere)))].slice(0, 5)
    }

    const call = Effect.fnUntraced(function* (name: string, args: unknown) {
      const entry = helped(name, state.resolve(name, allows, "exact"))
      if (entry instanceof ToolCallError) return yield* entry
      if (entry.state === "gone") return yield* removed(entry)
      const given = args ?? {}
      const wrong = checkOf(entry)(given)
      if (wrong.length > 0 || !ToolArguments.areNamed(given)) {
        return yield* new ToolCallError({ reason: "BadArguments", message: CallText.badArguments(entry, wrong) })
      }
      yield* use([entry])
      const watch = watched.get(entry.server)
      if (watch === undefined) return yield* removed(entry)
      return yield* Effect.mapError(watch.call(entry.name, given), (error) => CallText.failed(entry, error)).pipe(
        // Whoever reads the answer finds the tools that were there when it was given.
        Effect.ensuring(Effect.flatMap(watch.state, (found) => take(watch, found)))
      )
    })

    return {
      list: ({ kind, server } = {}) =>
        Effect.sync(() =>
          kind === undefined && server === undefined
            ? living()
            : living().filter(
                (entry) => (kind ?? entry.kind) === entry.kind && (server ?? entry.server) === entry.server
              )
        ),
      search,
      describe: (names) => Effect.sync(() => present(resolve(names))),
      load: (names) =>
        Effect.tap(
          Effect.sync(() => present(resolve(names))),
          ({ entries }) => use(entries)
        ),
      unload: (names) => Effect.sync(() => resolve(names)),
      call,
      render: (budget) => Effect.sync(() => IndexText.render(living(), servers(), budget)),
      changes: Stream.fromPubSub(published).pipe(
        Stream.map((change) => visible(change, allows)),
        Stream.filter(({ added, changed, removed }) => added.length + changed.length + removed.length > 0)
      ),
      stats: Effect.sync(() => {
        const entries = living()
        return {
          servers: servers(),
          entries: entries.length,
          tokens: sum(entries, ({ tokens }) => tokens),
          bytes: sum(entries, ({ description, schema }) => Buffer.byteLength(description) + schema.length),
          searches,
          uses: new Map([...uses].filter(([id]) => allows(id)))
        }
      }),
      lint: Effect.sync(() => [...idle(), ...ToolLint.findings(living(), servers())]),
      settled,
      within: (scope) => {
        const isInScope = ToolScope.allows(scope)
        const isReached = ToolScope.reaches(scope)
        return view({
          allows: (id) => allows(id) && isInScope(id),
          reaches: (server) => reaches(server) && isReached(server),
          idle: () => ToolLint.idle(scope, living(), servers())
        })
      }
    }
  }
  return view({ allows: () => true, reaches: () => true, idle: () => [] })
})

/** What a view of the index is limited to. */
interface Within {
  readonly allows: (id: string) => boolean
  /** Whether anything of a source could be in it. */
  readonly reaches: (server: string) => boolean
  /** What of its scope does nothing. */
  readonly idle: () => ReadonlyArray<Finding>
}

/** The names of sources. A scope speaks of them, so who is called by one in the configuration has it before all others. */
const namesOf = (sources: ReadonlyArray<ToolSource>): ReadonlyArray<string> => {
  const configured = new Set(sources.map(({ name }) => name))
  const taken = new Set<string>()
  return sources.map(({ name }) => {
    const plain = name.replaceAll("/", "-")
    const isFree = (asked: string) => !taken.has(asked) && (asked === name || !configured.has(asked))
    let server = plain
    for (let count = 2; !isFree(server); count++) server = `${plain}-${count}`
    taken.add(server)
    return server
  })
}

const isEntry = (found: Entry | ToolCallError): found is Entry => !(found instanceof ToolCallError)

const removed = ({ id, server }: Entry): ToolCallError =>
  new ToolCallError({ reason: "Removed", message: `${id} was removed by ${server}. Search for another one.` })

const visible = ({ added, changed, removed, server }: IndexChange, allows: (id: string) => boolean): IndexChange => {
  const seen = (entries: ReadonlyArray<Entry>) => entries.filter(({ id }) => allows(id))
  return { server, added: seen(added), removed: seen(removed), changed: seen(changed) }
}

const sum = <A>(all: ReadonlyArray<A>, of: (one: A) => number): number => all.reduce((total, one) => total + of(one), 0)

/** The index as a service. It closes with the layer. */
export const layer = (sources: ReadonlyArray<ToolSource>, options?: Options): Layer.Layer<ToolIndex> =>
  Layer.effect(ToolIndex, make(sources, options))

const checks = new WeakMap<Entry["schema"], ToolArguments.Check>()

const checkOf = (entry: Entry): ToolArguments.Check => {
  const known = checks.get(entry.schema) ?? ToolArguments.check(schemaOf(entry))
  checks.set(entry.schema, known)
  return known
}
