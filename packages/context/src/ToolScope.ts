/**
 * A **tool scope**: which entries of an index a role may see and call, as patterns of ids. `github/*` is all of one source,
 * `github/list_*` some of it; one that begins with `!` takes away. `*` stands for anything, and nothing else is special.
 */
import * as Schema from "effect/Schema"

/** A pattern of ids: a source, a slash and a name, with `*` for whatever. */
export const Pattern = Schema.TemplateLiteral([Schema.String, "/", Schema.String]).check(
  Schema.isPattern(/^!?[^/]+\/.+$/su, { expected: 'a pattern of tools, as "github/*" or "!github/delete_*"' })
)

/** Patterns: an entry is in it when one of them names it, and none that begins with `!` does. */
export const ToolScope = Schema.Array(Pattern)
/** Patterns: an entry is in it when one of them names it, and none that begins with `!` does. */
export type ToolScope = typeof ToolScope.Type

/** Every entry. */
export const all: ToolScope = ["*/*"]

/** Whether an id is in the scope, as a question that can be asked often. */
export const allows = (scope: ReadonlyArray<string>): ((id: string) => boolean) => {
  const given = scope.filter((pattern) => !pattern.startsWith("!")).map(matcher)
  const taken = takenBy(scope).map(matcher)
  return (id) => given.some((matches) => matches(id)) && !taken.some((matches) => matches(id))
}

/** Whether any id of a source can be in the scope. */
export const reaches = (scope: ReadonlyArray<string>): ((server: string) => boolean) => {
  const given = scope.filter((pattern) => !pattern.startsWith("!") && pattern.includes("/")).map(serverOf)
  const whole = takenBy(scope)
    .filter((pattern) => pattern === `${serverOf(pattern)}/*`)
    .map(serverOf)
  return (server) => given.some((each) => isLike(each, server)) && !whole.some((each) => isLike(each, server))
}

const serverOf = (pattern: string): string => pattern.slice(0, pattern.indexOf("/"))

/** What is taken away. Without a slash it is no pattern, and is meant to take away all the same. */
const takenBy = (scope: ReadonlyArray<string>): ReadonlyArray<string> =>
  scope
    .filter((pattern) => pattern.startsWith("!"))
    .map((pattern) => (pattern.includes("/") ? pattern.slice(1) : `${pattern.slice(1)}/*`))

/** What an index has, for {@link idle}. */
export interface Known {
  readonly ids: ReadonlyArray<string>
  readonly servers: ReadonlyArray<{ readonly name: string; readonly status: string; readonly tools: number }>
}

/**
 * What of the scope does nothing, a sentence each: patterns that no tool fits, and a scope that lets nothing in. Of a source
 * that has no list yet nothing is said.
 */
export const idle = (scope: ReadonlyArray<string>, { ids, servers }: Known): ReadonlyArray<string> => {
  const given = scope.filter((pattern) => !pattern.startsWith("!"))
  if (given.length === 0) {
    return [
      scope.length === 0
        ? 'The scope is empty, so no tool is in it. Give patterns as "github/*".'
        : `The scope ${scope.join(", ")} only takes away, so no tool is in it. Let something in first, as "*/*".`
    ]
  }
  const unlisted = servers.filter(({ status, tools }) => tools === 0 && (status === "waiting" || status === "failed"))
  const names = servers.map(({ name }) => name)
  return scope.flatMap((pattern) => {
    const isTaking = pattern.startsWith("!")
    const plain = isTaking ? pattern.slice(1) : pattern
    if (!Schema.is(Pattern)(pattern)) {
      return [
        `The pattern ${pattern} ${isTaking ? "is not whole" : "fits no tool"}: it needs a slash, as ${pattern}/*.`
      ]
    }
    // What is taken away from whatever source is a precaution.
    if (isTaking && /^[^/]*\*/.test(plain)) return []
    if (ids.some(matcher(plain)) || unlisted.some(({ name }) => reaches([plain])(name))) return []
    const there = names.some((name) => reaches([plain])(name))
      ? "no tool of its source has such a name"
      : `there are the sources ${names.slice(0, 20).join(", ")}${names.length > 20 ? ", …" : ""}`
    return [`The pattern ${pattern} ${isTaking ? "takes nothing away" : "fits no tool"}: ${there}.`]
  })
}

/** Matches without going back further than the last `*`, so that no pattern and no id takes long. */
const matcher = (pattern: string): ((id: string) => boolean) => {
  const [server = "", ...rest] = pattern.split("/")
  const name = rest.join("/")
  return (id) => {
    const at = id.indexOf("/")
    return at > 0 && isLike(server, id.slice(0, at)) && isLike(name, id.slice(at + 1))
  }
}

const isLike = (pattern: string, text: string): boolean => {
  const [start = "", ...parts] = pattern.split("*")
  const end = parts.pop()
  if (end === undefined) return text === start
  if (!text.startsWith(start) || !text.endsWith(end) || text.length < start.length + end.length) return false
  let from = start.length
  const to = text.length - end.length
  for (const part of parts) {
    const at = text.indexOf(part, from)
    if (at === -1 || at + part.length > to) return false
    from = at + part.length
  }
  return true
}
