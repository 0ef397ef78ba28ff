/** What GitHub says about a pull request. */
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubCommits from "./GitHubCommits.ts"
import type * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"
import * as GitObjects from "./GitObjects.ts"

/** A pull request of a repository. */
export interface Of {
  readonly repo: GitHubState.Repository
  readonly pull: GitHubState.Pull
}

const none = "0".repeat(40)

/** The commits at its two ends: where the branches are, or where they were when it was closed. */
export const ends = (
  repo: GitHubState.Repository,
  pull: GitHubState.Pull
): { readonly base: string; readonly head: string } =>
  pull.closedAt ?? {
    base: repo.refs.get(`refs/heads/${pull.base}`) ?? none,
    head: repo.refs.get(`refs/heads/${pull.head}`) ?? none
  }

const end = (around: GitHubShape.Around, of: { repo: GitHubState.Repository; ref: string; sha: string }) => ({
  label: `${of.repo.owner}:${of.ref}`,
  ref: of.ref,
  sha: of.sha,
  user: GitHubShape.user(around, of.repo.owner),
  repo: GitHubShape.repository(around, of.repo)
})

/** A pull request as it is listed. */
export const brief = (around: GitHubShape.Around, { pull, repo }: Of) => {
  const api = GitHubShape.repositoryUrl(around, repo)
  const html = `${GitHubShape.htmlUrl(around, repo)}/pull/${pull.number}`
  const self = `${api}/pulls/${pull.number}`
  const asIssue = `${api}/issues/${pull.number}`
  const { base, head } = ends(repo, pull)
  const issue = repo.issues.get(pull.number)
  const shown = issue === undefined ? undefined : GitHubShape.issue(around, { repo, issue })
  return {
    url: self,
    id: pull.id,
    node_id: GitHubShape.nodeId("PullRequest", pull.id),
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: asIssue,
    number: pull.number,
    state: shown?.state,
    locked: shown?.locked,
    title: shown?.title,
    user: shown?.user,
    body: shown?.body,
    created_at: shown?.created_at,
    updated_at: shown?.updated_at,
    closed_at: shown?.closed_at,
    merged_at: pull.merged === null ? null : GitHubShape.time(pull.merged.at),
    merge_commit_sha: pull.merged?.sha ?? null,
    assignee: shown?.assignee,
    assignees: shown?.assignees,
    requested_reviewers: pull.reviewers.map((login) => GitHubShape.user(around, login)),
    requested_teams: [],
    labels: shown?.labels,
    milestone: null,
    draft: pull.isDraft,
    commits_url: `${self}/commits`,
    review_comments_url: `${self}/comments`,
    review_comment_url: `${api}/pulls/comments{/number}`,
    comments_url: `${asIssue}/comments`,
    statuses_url: `${api}/statuses/${head}`,
    head: end(around, { repo, ref: pull.head, sha: head }),
    base: end(around, { repo, ref: pull.base, sha: base }),
    _links: {
      self: { href: self },
      html: { href: html },
      issue: { href: asIssue },
      comments: { href: `${asIssue}/comments` },
      review_comments: { href: `${self}/comments` },
      review_comment: { href: `${api}/pulls/comments{/number}` },
      commits: { href: `${self}/commits` },
      statuses: { href: `${api}/statuses/${head}` }
    },
    author_association: shown?.author_association,
    auto_merge: null,
    active_lock_reason: null
  }
}

/** A pull request as it is shown alone. */
export const full = (around: GitHubShape.Around, of: Of) => {
  const { pull, repo } = of
  const { base, head } = ends(repo, pull)
  const files = GitHubCommits.differing(around, { repo, base: GitObjects.mergeBase(repo, [base, head])?.sha, head })
  const sum = (key: "additions" | "deletions") => files.reduce((all, file) => all + file[key], 0)
  const isClean = pull.closedAt !== null || GitObjects.merged(repo, { base, head }) !== undefined
  return {
    ...brief(around, of),
    merged: pull.merged !== null,
    mergeable: pull.closedAt === null ? isClean : null,
    rebaseable: pull.closedAt === null ? isClean : null,
    mergeable_state: pull.closedAt !== null ? "unknown" : pull.isDraft ? "draft" : isClean ? "clean" : "dirty",
    merged_by: pull.merged === null ? null : GitHubShape.user(around, pull.merged.by),
    comments: repo.comments.values.filter(({ issue }) => issue === pull.number).length,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: GitObjects.ahead(repo, { base, head }).length,
    additions: sum("additions"),
    deletions: sum("deletions"),
    changed_files: files.length
  }
}

/** What hooks are told of a pull request. */
export const told = (action: string, number: number): GitHubRoute.Told => ({
  name: "pull_request",
  payload: (around, repo) => {
    const pull = repo.pulls.get(number)
    return { action, number, pull_request: pull === undefined ? null : full(around, { repo, pull }) }
  }
})

/** Reviews can not approve or refuse what their author has made. */
export const ownReview = (event: string): GitHubRoute.Step => ({
  answer: GitHubAnswer.error(422, "Unprocessable Entity", [
    `Can not ${event === "APPROVE" ? "approve" : "request changes on"} your own pull request`
  ])
})
