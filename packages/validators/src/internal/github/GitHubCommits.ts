/** What GitHub says about commits, trees and files, and the commits that a request makes. */
import * as Diff from "diff"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"
import * as GitObjects from "./GitObjects.ts"

/** What is told of a commit needs both. */
export interface Of {
  readonly repo: GitHubState.Repository
  readonly commit: GitObjects.Commit
}

const person = ({ at, email, name }: GitObjects.Person) => ({ name, email, date: GitHubShape.time(at) })

/** A user as the author of a commit: with the address that GitHub gives it. */
export const personOf = (state: GitHubState.State, login: string, at: number): GitObjects.Person => ({
  name: login,
  email: `${state.users.get(login.toLowerCase())?.id ?? 0}+${login}@users.noreply.github.com`,
  at
})

const verification = { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null }

/** A commit as an object of git. */
export const object = (around: GitHubShape.Around, { commit, repo }: Of) => {
  const git = `${GitHubShape.repositoryUrl(around, repo)}/git`
  const html = GitHubShape.htmlUrl(around, repo)
  return {
    sha: commit.sha,
    node_id: GitHubShape.nodeId("Commit", commit.sha),
    url: `${git}/commits/${commit.sha}`,
    html_url: `${html}/commit/${commit.sha}`,
    author: person(commit.author),
    committer: person(commit.committer),
    tree: { sha: commit.tree, url: `${git}/trees/${commit.tree}` },
    message: commit.message,
    parents: commit.parents.map((sha) => ({ sha, url: `${git}/commits/${sha}`, html_url: `${html}/commit/${sha}` })),
    verification
  }
}

const authorOf = (around: GitHubShape.Around, { email }: GitObjects.Person) => {
  const login = email.replace(/^\d+\+|@users\.noreply\.github\.com$/g, "")
  return around.state.users.has(login.toLowerCase()) ? GitHubShape.user(around, login) : null
}

/** A commit as it is listed. */
export const listed = (around: GitHubShape.Around, of: Of) => {
  const { commit, repo } = of
  const api = GitHubShape.repositoryUrl(around, repo)
  const { author, committer, html_url, message, node_id, parents, tree, url } = object(around, of)
  return {
    sha: commit.sha,
    node_id,
    commit: { author, committer, message, tree, url, comment_count: 0, verification },
    url: `${api}/commits/${commit.sha}`,
    html_url,
    comments_url: `${api}/commits/${commit.sha}/comments`,
    author: authorOf(around, commit.author),
    committer: authorOf(around, commit.committer),
    parents: parents.map((parent) => ({ ...parent, url: parent.url.replace("/git/commits/", "/commits/") }))
  }
}

/** The commit that a branch, a tag or a name of a commit leads to. */
export const find = (repo: GitHubState.Repository, name: string): GitObjects.Commit | undefined => {
  const sha = repo.refs.get(`refs/heads/${name}`) ?? repo.refs.get(`refs/tags/${name}`) ?? repo.refs.get(`refs/${name}`)
  const exact = repo.commits.get(sha ?? name)
  if (exact !== undefined || !/^[0-9a-f]{4,39}$/.test(name)) return exact
  const short = repo.commits.values.filter((commit) => commit.sha.startsWith(name))
  return short.length === 1 ? short[0] : undefined
}

/** The files of a commit. */
export const filesOf = (repo: GitHubState.Repository, sha: string | undefined): GitObjects.Files =>
  GitObjects.filesOf(repo, repo.commits.get(sha ?? "")?.tree ?? "")

const textOf = (repo: GitHubState.Repository, sha: string | undefined): string =>
  Buffer.from(repo.blobs.get(sha ?? "") ?? "", "base64").toString("utf8")

const patchOf = (before: string, after: string) => {
  const { hunks } = Diff.structuredPatch("a", "b", before, after, undefined, undefined, { context: 3 })
  const lines = hunks.flatMap((hunk) => hunk.lines)
  const count = (sign: string) => lines.filter((line) => line.startsWith(sign)).length
  const part = (start: number, length: number) => (length === 1 ? `${start}` : `${start},${length}`)
  const text = hunks
    .map((hunk) =>
      [`@@ -${part(hunk.oldStart, hunk.oldLines)} +${part(hunk.newStart, hunk.newLines)} @@`, ...hunk.lines].join("\n")
    )
    .join("\n")
  return { additions: count("+"), deletions: count("-"), changes: count("+") + count("-"), patch: text }
}

/** What differs between two commits, file by file. */
export const differing = (
  around: GitHubShape.Around,
  {
    base,
    head,
    repo
  }: { readonly repo: GitHubState.Repository; readonly base: string | undefined; readonly head: string }
) => {
  const [before, after] = [filesOf(repo, base), filesOf(repo, head)]
  const html = GitHubShape.htmlUrl(around, repo)
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((path) => before[path]?.sha !== after[path]?.sha || before[path]?.mode !== after[path]?.mode)
    .sort()
    .map((path) => {
      const status = before[path] === undefined ? "added" : after[path] === undefined ? "removed" : "modified"
      return {
        sha: after[path]?.sha ?? before[path]?.sha ?? null,
        filename: path,
        status,
        ...patchOf(textOf(repo, before[path]?.sha), textOf(repo, after[path]?.sha)),
        blob_url: `${html}/blob/${head}/${path}`,
        raw_url: `${html}/raw/${head}/${path}`,
        contents_url: `${GitHubShape.repositoryUrl(around, repo)}/contents/${path}?ref=${head}`
      }
    })
}

/** A commit of these files. */
export const commit = (
  repo: GitHubState.Repository,
  made: Omit<GitObjects.Commit, "sha" | "tree"> & { readonly files: GitObjects.Files }
): readonly [GitHubState.Repository, sha: string] => {
  const { files, ...rest } = made
  const [withTree, tree] = GitObjects.addTree(repo, files)
  const [withCommit, sha] = GitObjects.addCommit(withTree, { ...rest, tree })
  // What the functions of objects get has all of the repository.
  return [{ ...repo, blobs: withCommit.blobs, trees: withCommit.trees, commits: withCommit.commits }, sha]
}
