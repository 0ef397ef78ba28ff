/** Commits as a history reads them, from what git stores of them. */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as ForgeHistory from "../ForgeHistory.ts"
import * as CommitText from "./CommitText.ts"

/** The most commits of a range that are read; of more, the newest. */
const most = 20_000

/** Reads a commit. One that is not as git writes them says nothing of who made it, nor of what it stands on. */
export const parse = ({ bytes, id }: Git.CommitObject): ForgeHistory.Commit => {
  const found = CommitText.parse(bytes)
  if (found === undefined) {
    return { id, tree: "", parents: [], author: { name: "", email: "" }, committedAt: 0, message: "" }
  }
  const { author, committer, message, parents, tree } = found
  return { id, tree, parents, author: { name: author.name, email: author.email }, committedAt: committer.at, message }
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
  Effect.map(Git.commitObjects(dir, { base, head, limit: most }), ({ commits, cut, truncated }) => {
    const read = commits.map(parse)
    return { commits: read, isCut: cut.length > 0 || truncated || read.some(({ tree }) => tree === "") }
  })
