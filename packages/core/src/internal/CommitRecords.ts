/** Reads what git says of commits one after the other: their messages and paths, and their patches. */
import * as Change from "../Change.ts"

/** The format of a listing in which {@link listing} finds each commit. It goes with `-z`, `--raw` and `--numstat`. */
export const listingFormat = "--format=tformat:%x00%H%x00%B%x00"

/** The format of patches in which {@link patches} finds each commit. */
export const patchFormat = "--format=tformat:%x00%H"

/** A commit in a listing. */
export interface Listed {
  readonly id: string
  readonly message: string
  readonly files: ReadonlyArray<Change.FileChange>
}

/** The commits of a listing. A path is never empty, so an empty field begins the next commit. */
export const listing = (fields: ReadonlyArray<string>): ReadonlyArray<Listed> => {
  const commits: Array<Listed> = []
  let at = 0
  while (at < fields.length) {
    const [, id = "", message = ""] = fields.slice(at, at + 3)
    at += 4
    const next = fields.indexOf("", at)
    const end = next === -1 ? fields.length : next
    const files = fields.slice(at, end).map((field, n) => (n === 0 ? field.replace(/^\n/, "") : field))
    commits.push({ id, message, files: Change.parseRawNumstat(files.map((field) => `${field}\0`).join("")) })
    at = end
  }
  return commits
}

/** The patch of each commit by its id. A line of a patch never begins with NUL: those of files begin with a sign. */
export const patches = (text: string): ReadonlyMap<string, string> => {
  const starts = [...text.matchAll(/^\0([0-9a-f]{40,64})\n/gm)]
  return new Map(
    starts.map((start, n) => [start[1] ?? "", text.slice(start.index + start[0].length, starts[n + 1]?.index)])
  )
}
