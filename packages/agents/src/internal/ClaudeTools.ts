/** The tools of Claude Code in the words of the house: which one a grant stands for, and what it may do without asking. */
import * as Predicate from "effect/Predicate"
import type * as Grant from "../Grant.ts"

/** The tool through which the outcome is given. Claude Code adds it where an outcome is asked for. */
export const outcome = "StructuredOutput"

/** The name of the tool server in a conversation. */
export const server = "tools"

const names: Readonly<Record<Grant.Grant, string>> = {
  read: "Read",
  grep: "Grep",
  edit: "Edit",
  write: "Write",
  bash: "Bash"
}

/** The tools that there are for an agent. */
export const offered = (grants: ReadonlyArray<Grant.Grant>): ReadonlyArray<string> =>
  grants.map((grant) => names[grant])

/**
 * What is done without asking; all else is refused, since nobody is asked. Reading inside of the workspace needs no rule, and the
 * rule about editing holds for writing too.
 */
export const allowed = (grants: ReadonlyArray<Grant.Grant>, options: { readonly hasIndex: boolean }) => [
  ...(grants.includes("bash") ? ["Bash"] : []),
  ...(grants.includes("edit") || grants.includes("write") ? ["Edit(./**)"] : []),
  ...(options.hasIndex ? [`mcp__${server}`] : [])
]

/** A call in the words of the house. A tool of the index is called by its id, by whichever way it was called. */
export const called = (name: string, input: unknown): { readonly tool: string; readonly input: unknown } => {
  const grant = Object.entries(names).find(([, theirs]) => theirs === name)?.[0]
  if (grant !== undefined) return { tool: grant, input: inWords(input) }
  const meta = name.startsWith(`mcp__${server}__`) ? name.slice(`mcp__${server}__`.length) : name
  const id = Predicate.hasProperty(input, "name") ? input.name : undefined
  return { tool: meta === "tool_call" && Predicate.isString(id) ? id : meta, input }
}

const words: ReadonlyMap<string, string> = new Map([
  ["command", "script"],
  ["file_path", "path"]
])

const inWords = (input: unknown): unknown =>
  Predicate.isObject(input)
    ? Object.fromEntries(Object.entries(input).map(([key, value]) => [words.get(key) ?? key, value]))
    : input
