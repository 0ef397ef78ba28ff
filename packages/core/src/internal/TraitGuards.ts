/**
 * What stood before a way in and does not any more: a function between a path and its handler, a decorator, one that every request
 * goes through. Whatever it is called, it may have asked who somebody is.
 */
import type * as FileView from "./FileView.ts"
import type * as Trait from "./Trait.ts"

/** A way in by its method and path, and what is named after it on its line. */
const wayIn = /\.([a-z]{2,12})\(\s{0,9}(["'`][^"'`\n]{0,200}["'`])\s{0,9},([^\n]{0,400})/gi

/** What comes before the last: names and calls, each with a comma behind it. */
const before = /^(?:\s{0,9}[\w.]{1,80}(?:\([^()\n]{0,120}\))?\s{0,9},){0,20}/

const chains = (text: string): ReadonlyMap<string, number> =>
  new Map(
    [...text.matchAll(wayIn)].map(([, method, path, rest = ""]) => [
      `${method} ${path}`,
      (before.exec(rest)?.[0].match(/,/g) ?? []).length
    ])
  )

const decorator = /^[ \t]{0,20}(?:@[A-Za-z]|\[[A-Z]|#\[[a-z]|before_action\b|pipe_through\b|plug\b)/
const decorated = /(?:controllers?|views?|routes?|router|handlers?|resolvers?|endpoints?|api|pages)(?:[/._-]|$)/
const everywhere = /\.(?:use|addHook|preHandler|before|intercept|UseMiddleware|wrap|layer)\s{0,5}\(/

const count = (text: string, pattern: RegExp): number => text.split("\n").filter((line) => pattern.test(line)).length

const isLost = (view: FileView.FileView, { added, removed }: FileView.Hunk): boolean => {
  const after = chains(added.text)
  const fewer = (pattern: RegExp): boolean => count(added.text, pattern) < count(removed.text, pattern)
  return (
    [...chains(removed.text)].some(([way, length]) => (after.get(way) ?? length) < length) ||
    (fewer(decorator) && view.paths.some((path) => decorated.test(path))) ||
    fewer(everywhere)
  )
}

/** Reads it. A file that is deleted has no way in to guard. */
export const read = (view: FileView.FileView): ReadonlyArray<Trait.Found> => {
  if (view.kind !== "other" || view.after === "absent") return []
  const hunk = view.hunks.find((each) => each.removed.text !== "" && isLost(view, each))
  return hunk === undefined ? [] : [{ trait: "Auth", line: hunk.added.at }]
}
