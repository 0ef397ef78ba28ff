/** Merges a pull request: by a merge commit, as one commit, or commit by commit. */
import * as GitHubCommits from "./GitHubCommits.ts"
import type * as GitHubState from "./GitHubState.ts"
import * as GitObjects from "./GitObjects.ts"

/** How GitHub can merge. */
export type Method = "merge" | "squash" | "rebase"

/** The title of the commit, where the request has none. */
export const titleOf = (
  repo: GitHubState.Repository,
  of: { readonly pull: GitHubState.Pull; readonly title: string; readonly method: Method }
): string =>
  of.method === "merge"
    ? `Merge pull request #${of.pull.number} from ${repo.owner}/${of.pull.head}`
    : `${of.title} (#${of.pull.number})`

/** The repository with the merged commits, and the name of the last. `undefined`: there are conflicts. */
export const merge = (
  repo: GitHubState.Repository,
  of: {
    readonly base: string
    readonly head: string
    readonly method: Method
    readonly title: string
    readonly message: string
    readonly person: GitObjects.Person
  }
): readonly [GitHubState.Repository, sha: string] | undefined => {
  const { base, head, method, person } = of
  const files = GitObjects.merged(repo, { base, head })
  if (files === undefined) return undefined
  const message = of.message === "" ? of.title : `${of.title}\n\n${of.message}`
  const made = { files, message, author: person, committer: person }
  if (method === "merge") return GitHubCommits.commit(repo, { ...made, parents: [base, head] })
  if (method === "squash") return GitHubCommits.commit(repo, { ...made, parents: [base] })
  let all: GitHubState.Repository = repo
  let last = base
  for (const commit of [...GitObjects.ahead(repo, { base, head })].reverse()) {
    // A merge within the branch has nothing of its own.
    if (commit.parents.length > 1) continue
    const picked = GitObjects.picked(all, { onto: last, commit })
    if (picked === undefined) return undefined
    const { author, message } = commit
    const [next, sha] = GitHubCommits.commit(all, {
      files: picked,
      parents: [last],
      message,
      author,
      committer: person
    })
    all = next
    last = sha
  }
  return [all, last]
}
