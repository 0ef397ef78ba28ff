/** Routes of a twin: their patterns, and what their bodies have to be. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** What a pattern takes out of a path: `:name` a part of it, `*name` all that follows. */
export type Params<Pattern extends string> = { readonly [Name in Names<Pattern>]: string }

type Names<Pattern extends string> = Pattern extends `${infer Part}/${infer Rest}`
  ? NameOf<Part> | Names<Rest>
  : NameOf<Pattern>

type NameOf<Part extends string> = Part extends `:${infer Name}` ? Name : Part extends `*${infer Name}` ? Name : never

/** A body, or what is wrong with it. */
export type Decoded =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly field: string; readonly message: string }

/** Reads the body of a route. */
export const decoder = (schema: Schema.Codec<unknown, unknown> | undefined): ((body: unknown) => Decoded) => {
  if (schema === undefined) return (body) => ({ ok: true, body })
  const decode = Schema.decodeUnknownResult(schema)
  return (body) =>
    Result.match(decode(body), {
      onSuccess: (value): Decoded => ({ ok: true, body: value }),
      onFailure: (error): Decoded => {
        // The message of a schema names the place of what is wrong: `at ["title"]`.
        const [message = "", place = ""] = error.message.split(/\n\s*at /)
        return {
          ok: false,
          field: [...place.matchAll(/\["?([^"\]]+)"?\]/g)].map(([, name]) => name).join("/"),
          message
        }
      }
    })
}

/** What a path was matched by. */
export interface Match<Route> {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

interface Compiled<Route> {
  readonly route: Route
  readonly method: string
  readonly parts: ReadonlyArray<string>
}

/** Finds the route of a request: of several that fit, the one that names more of the path from its beginning. */
export const matcher = <Route extends { readonly pattern: string }>(
  routes: ReadonlyArray<Route>
): ((method: string, path: string) => Match<Route> | undefined) => {
  const compiled = routes.map((route): Compiled<Route> => {
    const [method = "", path = ""] = route.pattern.split(" ")
    return { route, method, parts: path.split("/").slice(1) }
  })
  // A name before what takes any part, and that before what takes all that follows.
  const weight = (part: string) => (part.startsWith("*") ? "2" : part.startsWith(":") ? "1" : "0")
  const rank = ({ parts }: Compiled<Route>) => parts.map(weight).join("")
  const sorted = [...compiled].sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0))
  return (method, path) => {
    const parts = decodeParts(path)
    if (parts === undefined) return undefined
    for (const { method: wanted, parts: pattern, route } of sorted) {
      if (wanted !== method) continue
      const params = matched(pattern, parts)
      if (params !== undefined) return { route, params }
    }
    return undefined
  }
}

const decodeParts = (path: string): ReadonlyArray<string> | undefined => {
  try {
    return path.split("/").slice(1).map(decodeURIComponent)
  } catch {
    return undefined
  }
}

const matched = (
  pattern: ReadonlyArray<string>,
  parts: ReadonlyArray<string>
): Readonly<Record<string, string>> | undefined => {
  const last = pattern.at(-1) ?? ""
  const isOpen = last.startsWith("*")
  if (isOpen ? parts.length < pattern.length : parts.length !== pattern.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, wanted] of pattern.entries()) {
    const part = parts[index] ?? ""
    if (wanted.startsWith(":")) {
      if (part === "") return undefined
      params[wanted.slice(1)] = part
    } else if (wanted.startsWith("*")) params[wanted.slice(1)] = parts.slice(index).join("/")
    else if (wanted !== part) return undefined
  }
  return params
}
