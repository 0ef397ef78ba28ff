/** Commits as a history reads them, from what git stores of them. */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as ForgeHistory from "../ForgeHistory.ts"

/** The most commits of a range that are read; of more, the newest. */
const most = 20_000

const identity = /^(.*?) ?<([^<>]*)> (-?\d{1,15})\b/

const decoded = (bytes: Uint8Array, encoding: string): string => {
  try {
    return new TextDecoder(encoding).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}

/** Reads a commit. What it does not say as git does, is empty. */
export const parse = ({ bytes, id }: Git.CommitObject): ForgeHistory.Commit => {
  const end = Buffer.from(bytes).indexOf("\n\n")
  const encoding = /^encoding (.{1,40})$/m.exec(Buffer.from(bytes.subarray(0, end)).toString("latin1"))?.[1] ?? "utf-8"
  const headers = decoded(end === -1 ? bytes : bytes.subarray(0, end), encoding).split("\n")
  const all = (name: string) =>
    headers.flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : []))
  const [, name = "", email = ""] = identity.exec(all("author")[0] ?? "") ?? []
  const seconds = Number(identity.exec(all("committer")[0] ?? "")?.[3] ?? 0)
  return {
    id,
    tree: all("tree")[0] ?? "",
    parents: all("parent"),
    author: { name, email },
    // Years before 1970, and those in which a clock of this house could not count, are what somebody made up.
    committedAt: Math.min(Math.max(0, seconds * 1_000), Number.MAX_SAFE_INTEGER),
    message: end === -1 ? "" : decoded(bytes.subarray(end + 2), encoding)
  }
}

/** The commits of a range, oldest first, and whether there are some that are not here. */
export const read = (
  dir: string,
  { base, head }: { readonly base: string; readonly head: string }
): Effect.Effect<
  { readonly commits: ReadonlyArray<ForgeHistory.Commit>; readonly isCut: boolean },
  Git.GitError,
  ChildProcessSpawner
> =>
  Effect.map(Git.commitObjects(dir, { base, head, limit: most }), ({ commits, cut, truncated }) => ({
    commits: commits.map(parse),
    isCut: cut.length > 0 || truncated
  }))
