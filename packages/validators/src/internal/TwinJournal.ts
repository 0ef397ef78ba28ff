/** The last so many of something, what stands in place of a twin's address, and what is secret. */
import * as Redaction from "@millwright/core/Redaction"
import * as Redacted from "effect/Redacted"

/** How much of a body is kept, in UTF-16 code units. */
const longestBody = 16_384

/** A text as it is kept. */
export const bounded = (text: string): string =>
  text.length <= longestBody ? text : `${text.slice(0, longestBody).toWellFormed()}… ${text.length - longestBody} more`

/** The last `keep` of what was added. */
export interface Kept<A> {
  readonly add: (value: A) => void
  readonly all: () => ReadonlyArray<A>
  readonly clear: () => void
}

/** Keeps the last `keep`. What is older is let go in blocks, so that it costs next to nothing. */
export const kept = <A>(keep: number): Kept<A> => {
  let values: Array<A> = []
  return {
    add: (value) => {
      values.push(value)
      if (values.length >= keep * 2) values = values.slice(-keep)
    },
    all: () => (keep === 0 ? [] : values.slice(-keep)),
    clear: () => void (values = [])
  }
}

/** Headers whose values are secret whatever they are. */
const secretHeaders = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"])

/** Headers that differ between two runs that are the same otherwise, or that say nothing. */
const idle = new Set(["host", "connection", "content-length", "date", "keep-alive", "transfer-encoding"])

/** Headers as they are kept, by their names in lower case. */
export const keptHeaders = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => !idle.has(name))
      .map(([name, value]) => [name, secretHeaders.has(name) ? Redaction.mark : bounded(value)])
  )

/** Makes what was kept fit to be shown: without secrets, and the same at every port. */
export const shown = <A>(
  value: A,
  hidden: { readonly url: string; readonly name: string; readonly secrets: ReadonlyArray<string> }
): A => {
  const secrets = hidden.secrets.map((secret) => Redacted.make(secret))
  const clean = (each: unknown): unknown => {
    if (typeof each === "string") return each.replaceAll(hidden.url, `http://${hidden.name}.twin`)
    if (Array.isArray(each)) return each.map(clean)
    if (typeof each === "object" && each !== null) {
      return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, clean(inner)]))
    }
    return each
  }
  // The shape is kept: only strings are replaced, and only by strings.
  return Redaction.scrubJson(clean(value), secrets) as A
}
