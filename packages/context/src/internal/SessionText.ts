/** What a conversation is told about its tools. */
import type { Entry } from "../ToolEntry.ts"
import type { Mode } from "../SavedTools.ts"

/** What the definitions of the meta tools and the words around an index cost, in tokens. */
export const metaTokens = 400

const ways: Record<Exclude<Mode, "upfront">, string> = {
  native: "It loads the best, and you call them by their names from then on.",
  inline: "It loads the best, and you call them by their names from then on.",
  bridge: "It shows the best with the schema of their arguments, and `tool_call` calls them by their ids."
}

/** Stands at the end of a system prompt, before the index, which was written by strangers. */
export const opening = (mode: Exclude<Mode, "upfront">): string =>
  `# Tools that can be loaded
There are more tools than you see. Find what you need with \`tool_search\`, one need in each search; several searches fit into one turn, beside other calls. ${ways[mode]} This is what there is, in the words of the servers that the tools are of:`

/** How many names a notice holds, and how much of each. */
const most = 20
const longestName = 100

const marked = ({ hash }: Entry): string => hash.slice(0, 12)

/** What is there, to tell later what became different: by id, what changes with a description or a schema. */
export const known = (entries: ReadonlyArray<Entry>): ReadonlyMap<string, string> =>
  new Map(entries.map((entry) => [entry.id, marked(entry)]))

/** What became different, or nothing. It speaks with the voice of the system, so nothing that a server wrote is in it but names, each as one word. */
export const notice = ({
  before,
  fixed,
  loaded,
  now
}: {
  readonly before: ReadonlyMap<string, string>
  readonly now: ReadonlyArray<Entry>
  readonly loaded: ReadonlySet<string>
  /** The only tools that can be called, when none can be loaded. */
  readonly fixed?: ReadonlySet<string> | undefined
}): string => {
  const here = new Set(now.map(({ id }) => id))
  const added = now.filter(({ id }) => !before.has(id))
  const removed = [...before.keys()].filter((id) => !here.has(id) && fixed?.has(id) !== false)
  const changed = now.filter(
    (entry) =>
      before.has(entry.id) && before.get(entry.id) !== marked(entry) && (fixed?.has(entry.id) ?? loaded.has(entry.id))
  )
  const parts = [
    fixed === undefined
      ? list("Tools that are there now, and can be loaded", added.map(said))
      : list("Tools that are there again, and can be called", added.filter(({ id }) => fixed.has(id)).map(said)),
    list("Tools that were removed, and can not be called any more", removed.map(word)),
    list(
      "Tools whose definition changed; look at them with tool_describe before you call them again",
      changed.map(said)
    )
  ].filter((part) => part !== "")
  return parts.length === 0 ? "" : `The tools have changed.\n${parts.join("\n")}`
}

/** How an entry is called here: a name may be a sentence, and nobody is to read that with this voice. */
const said = ({ id, modelName }: Entry): string => (word(id) === id ? id : modelName)

const word = (id: string): string => id.replace(/[^\p{L}\p{M}\p{N}_./:@-]+/gu, "_")

const list = (title: string, lines: ReadonlyArray<string>): string =>
  lines.length === 0
    ? ""
    : [
        `${title}:`,
        ...lines.slice(0, most).map((line) => `- ${line.slice(0, longestName).toWellFormed()}`),
        ...(lines.length > most ? [`- and ${lines.length - most} more`] : [])
      ].join("\n")
