/** What GitHub says about the things that it holds: users, repositories, issues, labels, comments. */
import type * as GitHubState from "./GitHubState.ts"

/** What a shape needs to know beside its thing. */
export interface Around {
  readonly state: GitHubState.State
  /** The address of the twin. */
  readonly url: string
}

/** A time as GitHub writes it: to the second. */
export const time = (millis: number): string => new Date(millis).toISOString().replace(/\.\d+Z$/, "Z")

/** The id of a thing as GraphQL has it. */
export const nodeId = (kind: string, id: number | string): string =>
  Buffer.from(`0${kind.length}:${kind}${id}`).toString("base64")

/** A user by login. One that is gone is GitHub's ghost. */
export const user = ({ state, url }: Around, login: string) => {
  const known = state.users.get(login.toLowerCase())
  const name = known?.login ?? "ghost"
  const at = `${url}/users/${name}`
  return {
    login: name,
    id: known?.id ?? 0,
    node_id: nodeId(known?.type ?? "User", known?.id ?? 0),
    avatar_url: `${url}/avatars/u/${known?.id ?? 0}?v=4`,
    gravatar_id: "",
    url: at,
    html_url: `${url}/${name}`,
    followers_url: `${at}/followers`,
    following_url: `${at}/following{/other_user}`,
    gists_url: `${at}/gists{/gist_id}`,
    starred_url: `${at}/starred{/owner}{/repo}`,
    subscriptions_url: `${at}/subscriptions`,
    organizations_url: `${at}/orgs`,
    repos_url: `${at}/repos`,
    events_url: `${at}/events{/privacy}`,
    received_events_url: `${at}/received_events`,
    type: known?.type ?? "User",
    site_admin: false
  }
}

/** The address of a repository in the API. */
export const repositoryUrl = ({ url }: Around, { name, owner }: GitHubState.Repository): string =>
  `${url}/repos/${owner}/${name}`

/** The address of a repository for people. */
export const htmlUrl = ({ url }: Around, { name, owner }: GitHubState.Repository): string => `${url}/${owner}/${name}`

const links = (api: string) => ({
  forks_url: `${api}/forks`,
  keys_url: `${api}/keys{/key_id}`,
  collaborators_url: `${api}/collaborators{/collaborator}`,
  teams_url: `${api}/teams`,
  hooks_url: `${api}/hooks`,
  issue_events_url: `${api}/issues/events{/number}`,
  events_url: `${api}/events`,
  assignees_url: `${api}/assignees{/user}`,
  branches_url: `${api}/branches{/branch}`,
  tags_url: `${api}/tags`,
  blobs_url: `${api}/git/blobs{/sha}`,
  git_tags_url: `${api}/git/tags{/sha}`,
  git_refs_url: `${api}/git/refs{/sha}`,
  trees_url: `${api}/git/trees{/sha}`,
  statuses_url: `${api}/statuses/{sha}`,
  languages_url: `${api}/languages`,
  stargazers_url: `${api}/stargazers`,
  contributors_url: `${api}/contributors`,
  subscribers_url: `${api}/subscribers`,
  subscription_url: `${api}/subscription`,
  commits_url: `${api}/commits{/sha}`,
  git_commits_url: `${api}/git/commits{/sha}`,
  comments_url: `${api}/comments{/number}`,
  issue_comment_url: `${api}/issues/comments{/number}`,
  contents_url: `${api}/contents/{+path}`,
  compare_url: `${api}/compare/{base}...{head}`,
  merges_url: `${api}/merges`,
  archive_url: `${api}/{archive_format}{/ref}`,
  downloads_url: `${api}/downloads`,
  issues_url: `${api}/issues{/number}`,
  pulls_url: `${api}/pulls{/number}`,
  milestones_url: `${api}/milestones{/number}`,
  notifications_url: `${api}/notifications{?since,all,participating}`,
  labels_url: `${api}/labels{/name}`,
  releases_url: `${api}/releases{/id}`,
  deployments_url: `${api}/deployments`
})

/** A repository as it stands within something else. */
export const minimal = (around: Around, repo: GitHubState.Repository) => ({
  id: repo.id,
  node_id: nodeId("Repository", repo.id),
  name: repo.name,
  full_name: `${repo.owner}/${repo.name}`,
  private: repo.isPrivate,
  owner: user(around, repo.owner),
  html_url: htmlUrl(around, repo),
  description: repo.description,
  fork: false,
  url: repositoryUrl(around, repo),
  ...links(repositoryUrl(around, repo))
})

/** A repository. */
export const repository = (around: Around, repo: GitHubState.Repository) => {
  const html = htmlUrl(around, repo)
  const open = repo.issues.values.filter(({ state }) => state === "open").length
  return {
    ...minimal(around, repo),
    created_at: time(repo.createdAt),
    updated_at: time(repo.updatedAt),
    pushed_at: time(repo.pushedAt),
    git_url: `${html.replace(/^http/, "git")}.git`,
    ssh_url: `git@${new URL(html).host}:${repo.owner}/${repo.name}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    homepage: null,
    size: 0,
    stargazers_count: 0,
    watchers_count: 0,
    language: null,
    has_issues: true,
    has_projects: true,
    has_downloads: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    forks_count: 0,
    mirror_url: null,
    archived: false,
    disabled: false,
    open_issues_count: open,
    license: null,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: [],
    visibility: repo.isPrivate ? "private" : "public",
    forks: 0,
    open_issues: open,
    watchers: 0,
    default_branch: repo.defaultBranch,
    permissions: { admin: true, maintain: true, push: true, triage: true, pull: true }
  }
}

/** A repository as it is shown alone. */
export const fullRepository = (around: Around, repo: GitHubState.Repository) => {
  const owner = around.state.users.get(repo.owner.toLowerCase())
  return {
    ...repository(around, repo),
    temp_clone_token: "",
    allow_squash_merge: true,
    allow_merge_commit: true,
    allow_rebase_merge: true,
    allow_auto_merge: false,
    delete_branch_on_merge: false,
    allow_update_branch: false,
    use_squash_pr_title_as_default: false,
    ...(owner?.type === "Organization" ? { organization: user(around, repo.owner) } : {}),
    network_count: 0,
    subscribers_count: 0
  }
}

/** A label. */
export const label = (
  around: Around,
  of: { readonly repo: GitHubState.Repository; readonly label: GitHubState.Label }
) => ({
  id: of.label.id,
  node_id: nodeId("Label", of.label.id),
  url: `${repositoryUrl(around, of.repo)}/labels/${encodeURIComponent(of.label.name)}`,
  name: of.label.name,
  color: of.label.color,
  default: of.label.isDefault,
  description: of.label.description
})

/** What somebody is to a repository. */
export const association = (repo: GitHubState.Repository, login: string): string =>
  login.toLowerCase() === repo.owner.toLowerCase() ? "OWNER" : "MEMBER"

const noReactions = { total_count: 0, "+1": 0, "-1": 0, laugh: 0, hooray: 0, confused: 0, heart: 0, rocket: 0, eyes: 0 }

/** An issue, or what of a pull request is one. */
export const issue = (
  around: Around,
  { issue, repo }: { readonly repo: GitHubState.Repository; readonly issue: GitHubState.Issue }
) => {
  const api = repositoryUrl(around, repo)
  const at = `${api}/issues/${issue.number}`
  const pull = repo.pulls.get(issue.number)
  const html = `${htmlUrl(around, repo)}/${pull === undefined ? "issues" : "pull"}/${issue.number}`
  const assignees = issue.assignees.map((login) => user(around, login))
  return {
    url: at,
    repository_url: api,
    labels_url: `${at}/labels{/name}`,
    comments_url: `${at}/comments`,
    events_url: `${at}/events`,
    html_url: html,
    id: issue.id,
    node_id: nodeId("Issue", issue.id),
    number: issue.number,
    title: issue.title,
    user: user(around, issue.author),
    labels: labelsOf(around, { repo, names: issue.labels }),
    state: issue.state,
    locked: issue.isLocked,
    assignee: assignees[0] ?? null,
    assignees,
    milestone: null,
    comments: repo.comments.values.filter((each) => each.issue === issue.number).length,
    created_at: time(issue.createdAt),
    updated_at: time(issue.updatedAt),
    closed_at: issue.closedAt === null ? null : time(issue.closedAt),
    author_association: association(repo, issue.author),
    active_lock_reason: null,
    ...(pull === undefined
      ? {}
      : {
          draft: pull.isDraft,
          pull_request: {
            url: `${api}/pulls/${issue.number}`,
            html_url: html,
            diff_url: `${html}.diff`,
            patch_url: `${html}.patch`,
            merged_at: pull.merged === null ? null : time(pull.merged.at)
          }
        }),
    body: issue.body,
    closed_by: issue.closedBy === null ? null : user(around, issue.closedBy),
    reactions: { url: `${at}/reactions`, ...noReactions },
    timeline_url: `${at}/timeline`,
    performed_via_github_app: null,
    state_reason: issue.reason
  }
}

/** Labels by name, of those that the repository has. */
export const labelsOf = (
  around: Around,
  { names, repo }: { readonly repo: GitHubState.Repository; readonly names: ReadonlyArray<string> }
) =>
  names.flatMap((name) => {
    const found = repo.labels.get(name.toLowerCase())
    return found === undefined ? [] : [label(around, { repo, label: found })]
  })

/** A comment on an issue. */
export const comment = (
  around: Around,
  { comment, repo }: { readonly repo: GitHubState.Repository; readonly comment: GitHubState.Comment }
) => {
  const api = repositoryUrl(around, repo)
  const kind = repo.pulls.has(comment.issue) ? "pull" : "issues"
  return {
    url: `${api}/issues/comments/${comment.id}`,
    html_url: `${htmlUrl(around, repo)}/${kind}/${comment.issue}#issuecomment-${comment.id}`,
    issue_url: `${api}/issues/${comment.issue}`,
    id: comment.id,
    node_id: nodeId("IssueComment", comment.id),
    user: user(around, comment.author),
    created_at: time(comment.createdAt),
    updated_at: time(comment.updatedAt),
    author_association: association(repo, comment.author),
    body: comment.body,
    reactions: { url: `${api}/issues/comments/${comment.id}/reactions`, ...noReactions },
    performed_via_github_app: null
  }
}
