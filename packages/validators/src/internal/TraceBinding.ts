/** What a service chose and what its twin chose in its place: ids, names of commits, the addresses of both. */
import type * as TwinTrace from "../TwinTrace.ts"

/** What is bound so far. */
export interface Binding {
  /** The name under which a value of a field is bound; `undefined` where it is none of the service's choice. */
  readonly isVariable: (field: string) => boolean
  readonly isVolatile: (field: string) => boolean
  /** Binds a value to the twin's, or says whether it is bound to that one. */
  readonly agrees: (place: string, values: readonly [real: unknown, twin: unknown]) => boolean
  /** Whether two texts are the same but for what is bound. */
  readonly isSameText: (real: string, twin: string) => boolean
  /** A path of the service as the twin has it. */
  readonly toTwin: (text: string) => string
}

/** Longer texts are names such as those of commits: the same everywhere. Shorter ones belong to their place. */
const longName = 16

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** Binds as a trace says it. `given` is known before: values of the service with those of the twin. */
export const make = (
  trace: Pick<TwinTrace.Trace, "origins" | "variables" | "volatile">,
  { given, url }: { readonly url: string; readonly given: Readonly<Record<string, string>> }
): Binding => {
  const names = new Map(Object.entries(given))
  const places = new Map<string, string>()
  const fields = new Set(trace.variables.filter((each) => !each.startsWith("/")))
  const volatile = new Set(trace.volatile)
  const starts = trace.variables
    .filter((each) => each.startsWith("/"))
    .map((start) => ({ start, pattern: new RegExp(`${escaped(start)}([^/?#{>"]+)`, "g") }))

  const bind = (known: Map<string, string>, key: string, value: string): boolean => {
    const bound = known.get(key)
    if (bound === undefined) known.set(key, value)
    return bound === undefined || bound === value
  }
  const withNames = (text: string): string => {
    let all = text
    for (const [real, twin] of names) if (real.length >= longName || real in given) all = all.replaceAll(real, twin)
    return all
  }
  const origins = [url, ...trace.origins]
  // An address without its scheme stands in others: `git@host:path`.
  const hosts = origins.map((origin) => new URL(origin).host)
  const withoutOrigins = (text: string): string => {
    const all = origins.reduce((rest, origin) => rest.replaceAll(origin, "{origin}"), text)
    return hosts.reduce((rest, host) => rest.replaceAll(host, "{host}"), all)
  }

  return {
    isVariable: (field) => fields.has(field),
    isVolatile: (field) => volatile.has(field),
    agrees: (place, [real, twin]) =>
      typeof real === "string" && real.length >= longName
        ? bind(names, real, String(twin))
        : bind(places, `${place} ${String(real)}`, String(twin)),
    isSameText: (real, twin) => {
      let [left, right] = [withoutOrigins(withNames(real)), withoutOrigins(twin)]
      for (const { pattern, start } of starts) {
        const parts = (text: string) => [...text.matchAll(pattern)].map(([, part = ""]) => part)
        const [lefts, rights] = [parts(left), parts(right)]
        if (lefts.length !== rights.length) return false
        if (!lefts.every((part, index) => bind(places, `${start} ${part}`, rights[index] ?? ""))) return false
        left = left.replace(pattern, `${start}{}`)
        right = right.replace(pattern, `${start}{}`)
      }
      return left === right
    },
    toTwin: (text) =>
      starts.reduce(
        (all, { pattern, start }) =>
          all.replace(pattern, (whole, part: string) => {
            const bound = places.get(`${start} ${part}`)
            return bound === undefined ? whole : `${start}${bound}`
          }),
        withNames(text)
      )
  }
}
