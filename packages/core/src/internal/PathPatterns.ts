/**
 * Many globs over many paths. The usual globs over plain paths are asked as regular expressions, which is some ten times
 * faster than `effect/Glob`; whatever is unusual in either is asked of `effect/Glob`, and the answers are the same.
 */
import * as Glob from "effect/Glob"

/** Whether any of some globs (dot files included) matches a path. `isPlain`: it was found to be as `PathForm.isPlain` says. */
export type Matches = (path: string, isPlain: boolean) => boolean

/** Makes the globs ready. */
export const make = (patterns: ReadonlyArray<string>): Matches => {
  const globs = patterns.map((pattern) => Glob.make(pattern, { dot: true }))
  const slow: Matches = (path) => globs.some((glob) => Glob.match(glob, path))
  const sources = patterns.map(sourceOf)
  const odd = globs.filter((_, index) => sources[index] === undefined)
  const ofNames = joined(sources.flatMap((source) => (source?.isOfName === true ? [source.text] : [])))
  const ofPaths = joined(sources.flatMap((source) => (source?.isOfName === false ? [source.text] : [])))
  return (path, isPlain) => {
    if (!isPlain) return slow(path, isPlain)
    return (
      (ofNames?.test(path.slice(path.lastIndexOf("/") + 1)) ?? false) ||
      (ofPaths?.test(path) ?? false) ||
      odd.some((glob) => Glob.match(glob, path))
    )
  }
}

const joined = (sources: ReadonlyArray<string>): RegExp | undefined =>
  sources.length === 0 ? undefined : new RegExp(`^(?:${sources.join("|")})$`, "u")

interface Source {
  readonly text: string
  /** Whether it is about the last segment alone, whatever is above. */
  readonly isOfName: boolean
}

const sourceOf = (pattern: string): Source | undefined => {
  if (!/^(?:[\w@+=~. *,/-]|\{[\w@+=~. *-]*(?:,[\w@+=~. *-]*)+\})+$/.test(pattern)) return undefined
  const segments = pattern.split("/")
  if (segments.some((segment, index) => segment === "**" && segments[index + 1] === "**")) return undefined
  if (segments.some((segment) => /^\.{0,2}$/.test(segment) || /(?!^)\*\*|\*\*(?!$)/.test(segment))) return undefined
  if (segments.length === 2 && segments[0] === "**" && segments[1] !== "**") {
    return { text: segment(segments[1] ?? ""), isOfName: true }
  }
  const last = segments.length - 1
  const text = segments.map((each, index) => {
    if (each !== "**") return `${segment(each)}${index === last || isTail(segments, index) ? "" : "/"}`
    return isTail(segments, index - 1) ? (index === 0 ? "(?:[^/]+/)*[^/]+" : "(?:/[^/]+)*") : "(?:[^/]+/)*"
  })
  return { text: text.join(""), isOfName: false }
}

/** Whether all that follows is one `**` at the end, which may be nothing: then no slash stands before it. */
const isTail = (segments: ReadonlyArray<string>, index: number): boolean =>
  index === segments.length - 2 && segments[index + 1] === "**"

const segment = (glob: string): string =>
  glob
    .replaceAll(/[.+]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll(/\{([^}]*)\}/g, (_, list: string) => `(?:${list.replaceAll(",", "|")})`)
