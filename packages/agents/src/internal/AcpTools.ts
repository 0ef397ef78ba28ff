/** The tools of an agent in the words of the house, and what of them a role may do. */
import * as Predicate from "effect/Predicate"
import * as Grant from "../Grant.ts"

/** The server with the tool of the outcome, and that of the index. */
export const servers = { outcome: "millwright", index: "millwright-index" } as const

/** What an agent says of a call, as far as it is used. */
export interface Call {
  readonly name?: string | null | undefined
  readonly title?: string | null | undefined
  readonly kind?: string | null | undefined
  readonly rawInput?: unknown
  readonly content?: ReadonlyArray<unknown> | null | undefined
  readonly locations?: ReadonlyArray<unknown> | null | undefined
}

/**
 * A tool of ours that is called, by whatever name the agent gives to the tools of servers. A title is for people, and may be what
 * the model wrote, such as its command: it counts only where the agent gives no name, and nothing says that it is another thing.
 */
export const ours = ({ kind, name, rawInput, title }: Call): string | undefined => {
  const isNamed = Predicate.isNotNullish(name)
  const isOther = (kind ?? "other") !== "other" || Predicate.hasProperty(inWords(rawInput), "script")
  for (const text of isNamed ? [name] : isOther ? [] : [title]) {
    const [, tool] = /^(?:mcp__)?millwright(?:[-_]index)?(?:__|[.:_-])([a-z_]+)$/i.exec(text ?? "") ?? []
    const [, other] = /^([a-z_]+) \(millwright(?:[-_]index)? MCP Server\)/.exec(text ?? "") ?? []
    const found = tool ?? other
    if (found !== undefined && tools.includes(found)) return found
  }
  return undefined
}

const tools: ReadonlyArray<string> = ["outcome", "tool_search", "tool_describe", "tool_call"]

/** The grants any of which lets an agent call a tool. None of them does where the tool is of no kind that is known. */
export const grantsFor = ({ kind, name }: Call): ReadonlyArray<Grant.Grant> => {
  const called = Grant.all.filter((grant) => grant === name?.toLowerCase())
  if (called.length > 0) return called
  switch (kind) {
    case "read":
      return ["read"]
    case "search":
      return ["grep"]
    case "edit":
      return ["edit", "write"]
    case "execute":
      return ["bash"]
    default:
      return []
  }
}

/** A call in the words of the house. A tool of the index is called by its id. */
export const called = (call: Call): { readonly tool: string; readonly input: unknown } => {
  const own = ours(call)
  if (own !== undefined) {
    const id = Predicate.hasProperty(call.rawInput, "name") ? call.rawInput.name : undefined
    return { tool: own === "tool_call" && Predicate.isString(id) ? id : own, input: call.rawInput }
  }
  const [grant, ...more] = grantsFor(call)
  const tool = grant !== undefined && more.length === 0 ? grant : grant === "edit" ? "edit" : undefined
  return { tool: tool ?? call.name ?? call.title ?? call.kind ?? "unknown", input: inWords(call.rawInput) }
}

/** The files that a call is about. */
export const files = ({ content, locations, rawInput }: Call): ReadonlyArray<string> => [
  ...new Set(
    [...(locations ?? []), ...(content ?? []), inWords(rawInput)].flatMap((at) =>
      Predicate.hasProperty(at, "path") && Predicate.isString(at.path) ? [at.path] : []
    )
  )
]

/** An answer that an agent would take. */
export interface Choice {
  readonly optionId: string
  readonly kind: string
}

/** The answer to a question, of those that there are: for this once. */
export const chosen = (options: ReadonlyArray<Choice>, isAllowed: boolean): string | undefined =>
  (isAllowed
    ? options.find(({ kind }) => kind === "allow_once")
    : (options.find(({ kind }) => kind === "reject_once") ?? options.find(({ kind }) => kind === "reject_always"))
  )?.optionId

const words: ReadonlyMap<string, string> = new Map([
  ["command", "script"],
  ["cmd", "script"],
  ["file_path", "path"],
  ["filePath", "path"],
  ["abs_path", "path"],
  ["absolute_path", "path"]
])

const inWords = (input: unknown): unknown =>
  Predicate.isObject(input) && !Array.isArray(input)
    ? Object.fromEntries(Object.entries(input).map(([key, value]) => [words.get(key) ?? key, value]))
    : input
