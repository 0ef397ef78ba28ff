/** A **change**: what lies between two commits, as git's objects tell it and nobody's description. */
import * as Schema from "effect/Schema"

/** What happened to one path. Line counts are `null` where git calls the file binary. */
export const FileChange = Schema.Struct({
  path: Schema.NonEmptyString,
  /** The path before a rename or copy. */
  previousPath: Schema.optionalKey(Schema.NonEmptyString),
  status: Schema.Literals(["added", "modified", "deleted", "renamed", "copied", "type-changed"]),
  /** The file mode after (before, for a deletion), as git writes it: `100644`, `120000` for a symbolic link, … */
  mode: Schema.String,
  additions: Schema.NullOr(Schema.Natural),
  deletions: Schema.NullOr(Schema.Natural)
})
/** What happened to one path. */
export type FileChange = typeof FileChange.Type

/** Everything between two commits, on a branch. */
export const Change = Schema.Struct({
  branch: Schema.NonEmptyString,
  /** Full commit ids. */
  base: Schema.NonEmptyString,
  head: Schema.NonEmptyString,
  files: Schema.Array(FileChange)
})
/** Everything between two commits, on a branch. */
export type Change = typeof Change.Type

/** Added and deleted lines together. Binary files count nothing; see {@link hasBinary}. */
export const lines = (change: Pick<Change, "files">): number =>
  change.files.reduce((sum, file) => sum + (file.additions ?? 0) + (file.deletions ?? 0), 0)

/** Whether a file changed whose lines can not be counted. */
export const hasBinary = (change: Pick<Change, "files">): boolean =>
  change.files.some(({ additions }) => additions === null)

/** Every path that a file's change speaks of: for a rename or a copy, both sides. */
export const paths = (file: FileChange): ReadonlyArray<string> =>
  file.previousPath === undefined ? [file.path] : [file.path, file.previousPath]

const statuses: Record<string, FileChange["status"]> = {
  A: "added",
  M: "modified",
  D: "deleted",
  R: "renamed",
  C: "copied",
  T: "type-changed"
}

/**
 * Reads the output of `git diff --raw --numstat -z -M`: the raw records first, then the counts. Paths are taken as the
 * bytes between NULs, so no quoting can hide one. A file that has no counts is taken for one that can not be counted.
 */
export const parseRawNumstat = (output: string): ReadonlyArray<FileChange> => {
  const fields = output.split("\0")
  const files: Array<{ -readonly [K in keyof FileChange]: FileChange[K] }> = []
  let at = 0
  for (let head = fields[at]; head !== undefined && head.startsWith(":"); head = fields[at]) {
    const [before = "", after = "", , , letters = ""] = head.slice(1).split(" ")
    const status = statuses[letters.charAt(0)] ?? "modified"
    const isPair = status === "renamed" || status === "copied"
    const first = fields[at + 1] ?? ""
    const mode = status === "deleted" ? before : after
    files.push(
      isPair
        ? { path: fields[at + 2] ?? "", previousPath: first, status, mode, additions: null, deletions: null }
        : { path: first, status, mode, additions: null, deletions: null }
    )
    at += isPair ? 3 : 2
  }
  // Both halves are in the same order. A path alone would not do: two that are not UTF-8 can read the same.
  let next = 0
  while (at < fields.length) {
    const [, additions = "", deletions = "", name = ""] = /^(\d+|-)\t(\d+|-)\t([\s\S]*)$/.exec(fields[at] ?? "") ?? []
    const isPair = additions !== "" && name === ""
    const path = isPair ? fields[at + 2] : name
    const index = additions === "" ? -1 : files.findIndex((file, position) => position >= next && file.path === path)
    const file = files[index]
    if (file !== undefined) {
      next = index + 1
      file.additions = additions === "-" ? null : Number(additions)
      file.deletions = deletions === "-" ? null : Number(deletions)
    }
    at += isPair ? 3 : 1
  }
  return files
}
