/** How an entry is named: for people, for models, and in one line. */
import * as Digest from "@millwright/core/Digest"
import * as Tainted from "@millwright/core/Tainted"

/** The longest name that providers take. */
export const longest = 64

const prefixes = { tool: "mcp", skill: "skill" } as const

/**
 * What providers take as a name. One that had to be changed has a mark of its id, so that it is the same whoever came first;
 * `isTaken` is asked for the rest.
 */
export const forModels = (
  {
    id,
    kind,
    name,
    server
  }: { readonly id: string; readonly kind: "tool" | "skill"; readonly name: string; readonly server: string },
  isTaken: (name: string) => boolean
): string => {
  const asked = `${prefixes[kind]}__${server}__${name}`
  const plain = asked.replace(/[^a-zA-Z0-9_-]/g, "_")
  // `a` with `b__c` and `a__b` with `c` would be one name, and the first to list would have it.
  const isClear = !server.includes("__") && !server.endsWith("_")
  if (plain === asked && plain.length <= longest && isClear && !isTaken(plain)) return plain
  const mark = Digest.of(id)
  for (let length = 6; ; length++) {
    const marked = `${plain.slice(0, longest - length - 1)}_${mark.slice(0, length)}`
    if (!isTaken(marked)) return marked
  }
}

/** A name of a stranger in one line, with marks in the place of what could hide. */
export const plain = (name: string): string => name.replace(Tainted.hidden, "\ufffd").replace(/\s+/g, " ").trim()

/** The start of a text, at most so many characters with the sign that more followed. */
export const cut = (text: string, length: number): string =>
  text.length <= length
    ? text
    : `${text
        .slice(0, length - 1)
        .trimEnd()
        .toWellFormed()}…`

const longestLine = 100

/** The first sentence of a description, in one line; without a description, the names of the parameters. */
export const line = (description: string, parameters: ReadonlyArray<string>): string => {
  const text = plain(description.slice(0, 2_000))
  const sentence = /^.*?[.!?。！？](?=\s|$|(?<=[。！？]))/u.exec(text)?.[0] ?? text
  const said =
    sentence !== "" ? sentence : parameters.length > 0 ? `(${plain(parameters.join(", "))})` : "(no description)"
  return cut(said, longestLine)
}
