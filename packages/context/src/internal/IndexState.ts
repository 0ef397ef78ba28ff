/** The entries of an index as they stand, and how the state of a source changes them. */
import * as Digest from "@millwright/core/Digest"
import * as Tainted from "@millwright/core/Tainted"
import * as TokenBudget from "../TokenBudget.ts"
import { type Entry, type ListedTool, schemaOf } from "../ToolEntry.ts"
import { type IndexChange, ToolCallError } from "../ToolIndex.ts"
import * as EntryName from "./EntryName.ts"
import { isSaidAlike, type SourceState } from "./SourceWatch.ts"

/** Whom entries are of. */
export interface Owner {
  readonly server: string
  readonly kind: Entry["kind"]
}

/** How far from what was written a name may be. */
export type Reach = "exact" | "suffix"

/** Entries, by whatever name. */
export class IndexState {
  readonly #entries = new Map<string, Entry>()
  readonly #ids = new Map<string, string>()
  readonly #named = new Map<string, Set<string>>()
  readonly #spelled = new Map<string, Set<string>>()
  // Beside each id, what it may end with, in small letters.
  #endings: Array<readonly [id: string, ending: string]> = []

  /** Another one for each time that something became different. */
  version = 0

  /** All, those that are gone as well. */
  all(): Iterable<Entry> {
    return this.#entries.values()
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  /** Takes over what a source has now. */
  apply({ kind, server }: Owner, { status, tools }: SourceState): IndexChange {
    const state = status === "stale" ? "stale" : "live"
    this.version++
    const added: Array<Entry> = []
    const changed: Array<Entry> = []
    const here = new Set<string>()
    for (const tool of tools) {
      const id = idOf(server, tool.name)
      if (here.has(id)) continue
      here.add(id)
      const before = this.#entries.get(id)
      const hash = Digest.of(`${tool.description}\0${Digest.of(tool.schema)}`)
      const isSame = before?.hash === hash && isSaidAlike(before, tool)
      if (isSame && before.state === state) continue
      const entry: Entry = isSame ? { ...before, state } : this.#make(tool, { id, kind, server, hash, state, before })
      this.#entries.set(id, entry)
      if (before === undefined || before.state === "gone") added.push(entry)
      else if (!isSame) changed.push(entry)
    }
    const removed = [...this.#entries.values()].flatMap((entry): ReadonlyArray<Entry> =>
      entry.server === server && entry.state !== "gone" && !here.has(entry.id) ? [{ ...entry, state: "gone" }] : []
    )
    for (const entry of removed) this.#entries.set(entry.id, entry)
    if (removed.length > 0) this.#forget(server)
    return { server, added, removed, changed }
  }

  /** What was taken away long ago is not known any more: a source can give its tools other names for ever. */
  #forget(server: string): void {
    const gone = [...this.#entries.values()].filter((entry) => entry.server === server && entry.state === "gone")
    const forgotten = new Set(gone.slice(0, Math.max(0, gone.length - mostGone)))
    if (forgotten.size === 0) return
    const ids = new Set<string>()
    for (const { id, modelName, name } of forgotten) {
      ids.add(id)
      this.#entries.delete(id)
      this.#ids.delete(modelName)
      drop(this.#named, name, id)
      for (const each of [id, modelName, name]) drop(this.#spelled, each.toLowerCase(), id)
    }
    this.#endings = this.#endings.filter(([id]) => !ids.has(id))
  }

  #make(
    tool: ListedTool,
    {
      before,
      ...known
    }: Pick<Entry, "id" | "kind" | "server" | "hash" | "state"> & { readonly before: Entry | undefined }
  ): Entry {
    const modelName =
      before?.modelName ?? EntryName.forModels({ ...known, name: tool.name }, (name) => this.#ids.has(name))
    if (before === undefined) this.#name(known.id, modelName, tool.name)
    const parameters = Object.keys(Object(schemaOf(tool)["properties"]))
    return {
      ...tool,
      ...known,
      modelName,
      line: EntryName.line(tool.description, parameters),
      tokens:
        TokenBudget.estimate(modelName) +
        TokenBudget.estimate(tool.description) +
        Math.ceil(tool.schema.length / TokenBudget.bytesPerToken)
    }
  }

  #name(id: string, modelName: string, name: string): void {
    this.#ids.set(modelName, id)
    put(this.#named, name, id)
    for (const each of [id, modelName, name]) put(this.#spelled, each.toLowerCase(), id)
    for (const each of [id, modelName]) this.#endings.push([id, each.toLowerCase()])
  }

  /** The one entry that a name stands for. */
  resolve(asked: string, allows: (id: string) => boolean, reach: Reach): Entry | ToolCallError {
    const name = asked.trim()
    const direct = this.#entries.get(name) ?? this.#entries.get(this.#ids.get(name) ?? "")
    if (direct !== undefined && allows(direct.id)) return direct
    const candidates = this.#candidates(name, reach).map((ids) =>
      [...ids].flatMap((id) => (allows(id) ? (this.#entries.get(id) ?? []) : []))
    )
    for (const isMeant of [(entry: Entry) => entry.state !== "gone", () => true]) {
      for (const some of candidates) {
        const found = some.filter(isMeant)
        if (found.length === 1 && found[0] !== undefined) return found[0]
        if (found.length > 1) return ambiguous(name, found)
      }
    }
    return new ToolCallError({
      reason: "NoSuchTool",
      message: `There is no tool ${quoted(name)} that you may use. Search for what you need.`
    })
  }

  /** Ids that a name may stand for, the nearest first. */
  #candidates(name: string, reach: Reach): ReadonlyArray<Iterable<string>> {
    const named = this.#named.get(name) ?? []
    // What has a space in it is a sentence, unless a tool is called exactly so.
    if (reach === "exact" || name === "" || name.length > longestName) return [named]
    const small = name.toLowerCase()
    const spelled = this.#spelled.get(small) ?? []
    if (/\s/.test(name)) return [named, spelled]
    const ending = this.#endings.flatMap(([id, text]) => (endsWith(text, small) ? [id] : []))
    return [named, spelled, new Set(ending)]
  }
}

const longestName = 300

/** How many of a source are known that it has taken away. */
const mostGone = 2_000

const drop = (names: Map<string, Set<string>>, name: string, id: string): void => {
  const ids = names.get(name)
  ids?.delete(id)
  if (ids?.size === 0) names.delete(name)
}

const put = (names: Map<string, Set<string>>, name: string, id: string): void => {
  const ids = names.get(name)
  if (ids === undefined) names.set(name, new Set([id]))
  else ids.add(id)
}

/** The id of a tool of a source. */
export const idOf = (server: string, name: string): string => `${server}/${EntryName.plain(name)}`

/** As a whole word at the end: `issue` is no end of `tissue`. */
const endsWith = (text: string, name: string): boolean =>
  text.endsWith(name) && /[^\p{L}\p{N}]$/u.test(text.slice(0, -name.length))

const quoted = (name: string): string =>
  JSON.stringify(name.slice(0, 120).toWellFormed().replace(Tainted.hidden, "\ufffd"))

const ambiguous = (name: string, found: ReadonlyArray<Entry>): ToolCallError =>
  new ToolCallError({
    reason: "Ambiguous",
    message: `${quoted(name)} stands for ${found.length} tools: ${found
      .slice(0, 8)
      .map(({ id }) => id)
      .join(", ")}${found.length > 8 ? ", …" : ""}. Write the whole name.`
  })
