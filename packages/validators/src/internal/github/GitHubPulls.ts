/** Pull requests: what GitHub says about them, and what can be done with one. */
import * as Schema from "effect/Schema"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubCommits from "./GitHubCommits.ts"
import * as GitHubIssues from "./GitHubIssues.ts"
import * as GitHubMerge from "./GitHubMerge.ts"
import * as GitHubPull from "./GitHubPull.ts"
import * as GitHubRefs from "./GitHubRefs.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubState from "./GitHubState.ts"
import * as GitObjects from "./GitObjects.ts"

const { inRepository } = GitHubRoute
const { ok } = GitHubAnswer

const missing: GitHubRoute.Step = { answer: GitHubAnswer.notFound }

const refuse = (field: string): GitHubRoute.Step => ({
  answer: GitHubAnswer.invalid({ resource: "PullRequest", field, code: "invalid" })
})

const custom = (message: string): GitHubRoute.Step => ({
  answer: GitHubAnswer.invalid({ resource: "PullRequest", field: "", code: "custom", message })
})

/** The name of a branch of this repository: `branch`, or `owner:branch`. */
const branchIn = (repo: GitHubState.Repository, name: string): string => {
  const start = `${repo.owner}:`.toLowerCase()
  return name.toLowerCase().startsWith(start) ? name.slice(start.length) : name
}

const listed = ({ query, repo }: GitHubRoute.Call<unknown, unknown>) => {
  const state = query.get("state") ?? "open"
  const head = query.get("head")
  const sign = query.get("direction") === "asc" ? 1 : -1
  return repo.pulls.values
    .filter(({ base, head: from, number }) => {
      const issue = repo.issues.get(number)
      return (
        issue !== undefined &&
        (state === "all" || issue.state === state) &&
        (query.get("base") === null || query.get("base") === base) &&
        (head === null || branchIn(repo, head) === from)
      )
    })
    .sort((a, b) => sign * (a.number - b.number))
}

const Text = Schema.optionalKey(Schema.NullOr(Schema.String))

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
  inRepository("GET /pulls", {
    handle: (call) => ({
      answer: (around, repo) => {
        const { body, ...rest } = GitHubAnswer.page(listed(call), { ...call, repository: repo })
        const found = Array.isArray(body) ? body : []
        return { ...rest, body: found.map((pull) => GitHubPull.brief(around, { repo, pull })) }
      }
    })
  }),
  inRepository("POST /pulls", {
    scope: "repo",
    body: Schema.Struct({
      title: Schema.optionalKey(Schema.String),
      head: Schema.String,
      base: Schema.String,
      body: Text,
      draft: Schema.optionalKey(Schema.Boolean)
    }),
    handle: ({ body, caller, id, now, repo }) => {
      const head = branchIn(repo, body.head)
      const [from, to] = [repo.refs.get(`refs/heads/${head}`), repo.refs.get(`refs/heads/${body.base}`)]
      if (to === undefined) return refuse("base")
      if (from === undefined) return refuse("head")
      if ((body.title ?? "").trim() === "") {
        return { answer: GitHubAnswer.invalid({ resource: "Issue", field: "title", code: "missing_field" }) }
      }
      if (GitObjects.ahead(repo, { base: to, head: from }).length === 0) {
        return custom(`No commits between ${body.base} and ${head}`)
      }
      const open = repo.pulls.values.some(
        (pull) => pull.head === head && pull.base === body.base && repo.issues.get(pull.number)?.state === "open"
      )
      if (open) return custom(`A pull request already exists for ${repo.owner}:${head}.`)
      const number = repo.lastNumber + 1
      const issue = GitHubState.opened({
        id: id("issue"),
        number,
        title: body.title ?? "",
        body: body.body ?? null,
        author: caller.name,
        at: now
      })
      const pull: GitHubState.Pull = {
        id: id("pull"),
        number,
        head,
        base: body.base,
        closedAt: null,
        isDraft: body.draft ?? false,
        merged: null,
        reviewers: []
      }
      return {
        answer: (around, after) => GitHubAnswer.created(GitHubPull.full(around, { repo: after, pull })),
        repo: {
          ...repo,
          lastNumber: number,
          issues: repo.issues.set(number, issue),
          pulls: repo.pulls.set(number, pull)
        },
        told: [GitHubPull.told("opened", number)]
      }
    }
  }),
  inRepository("GET /pulls/:number", {
    handle: ({ params, repo }) => {
      const pull = repo.pulls.get(params.number)
      return pull === undefined
        ? missing
        : { answer: (around, after) => ok(GitHubPull.full(around, { repo: after, pull })) }
    }
  }),
  inRepository("PATCH /pulls/:number", {
    scope: "repo",
    body: Schema.Struct({
      title: Schema.optionalKey(Schema.String),
      body: Text,
      state: Schema.optionalKey(Schema.Literals(["open", "closed"])),
      base: Schema.optionalKey(Schema.String)
    }),
    handle: ({ body, caller, now, params, repo }) => {
      const pull = repo.pulls.get(params.number)
      const old = repo.issues.get(params.number)
      if (pull === undefined || old === undefined) return missing
      if (body.base !== undefined && !repo.refs.has(`refs/heads/${body.base}`)) return refuse("base")
      if (body.state === "open" && pull.merged !== null)
        return custom("state cannot be changed. The pull request was merged.")
      const { base = pull.base, ...rest } = body
      const { actions, issue } = GitHubIssues.changed(old, rest, { now, login: caller.name })
      const isClosing = old.state === "open" && issue.state === "closed"
      const next: GitHubState.Pull = {
        ...pull,
        base,
        closedAt: isClosing ? GitHubPull.ends(repo, pull) : issue.state === "open" ? null : pull.closedAt
      }
      return {
        answer: (around, after) => ok(GitHubPull.full(around, { repo: after, pull: next })),
        repo: { ...repo, issues: repo.issues.set(issue.number, issue), pulls: repo.pulls.set(issue.number, next) },
        told: (actions.length === 0 && base !== pull.base ? ["edited"] : actions).map((action) =>
          GitHubPull.told(action, issue.number)
        )
      }
    }
  }),
  inRepository("GET /pulls/:number/files", {
    handle: (call) => {
      const pull = call.repo.pulls.get(call.params.number)
      if (pull === undefined) return missing
      return {
        answer: (around, repo) => {
          const { base, head } = GitHubPull.ends(repo, pull)
          const from = GitObjects.mergeBase(repo, [base, head])?.sha
          const files = GitHubCommits.differing(around, { repo, base: from, head })
          return GitHubAnswer.page(files, { ...call, repository: repo })
        }
      }
    }
  }),
  inRepository("GET /pulls/:number/commits", {
    handle: (call) => {
      const pull = call.repo.pulls.get(call.params.number)
      if (pull === undefined) return missing
      return {
        answer: (around, repo) => {
          const commits = [...GitObjects.ahead(repo, GitHubPull.ends(repo, pull))].reverse()
          return GitHubAnswer.page(
            commits.map((commit) => GitHubCommits.listed(around, { repo, commit })),
            { ...call, repository: repo }
          )
        }
      }
    }
  }),
  inRepository("GET /pulls/:number/merge", {
    handle: ({ params, repo }) => {
      const pull = repo.pulls.get(params.number)
      return pull === undefined || pull.merged === null ? missing : { answer: GitHubAnswer.noContent }
    }
  }),
  inRepository("PUT /pulls/:number/merge", {
    scope: "repo",
    body: Schema.UndefinedOr(
      Schema.Struct({
        commit_title: Schema.optionalKey(Schema.String),
        commit_message: Schema.optionalKey(Schema.String),
        sha: Schema.optionalKey(Schema.String),
        merge_method: Schema.optionalKey(Schema.Literals(["merge", "squash", "rebase"]))
      })
    ),
    handle: ({ body = {}, caller, now, params, repo, state }) => {
      const pull = repo.pulls.get(params.number)
      const old = repo.issues.get(params.number)
      if (pull === undefined || old === undefined) return missing
      const notAllowed = (message: string, status = 405): GitHubRoute.Step => ({
        answer: GitHubAnswer.error(status, message)
      })
      if (pull.merged !== null || old.state === "closed") return notAllowed("Pull Request is not mergeable")
      if (pull.isDraft) return notAllowed("Pull Request is still a draft")
      const { base, head } = GitHubPull.ends(repo, pull)
      if (body.sha !== undefined && body.sha !== head) {
        return notAllowed("Head branch was modified. Review and try the merge again.", 409)
      }
      const made = GitHubMerge.merge(repo, {
        base,
        head,
        method: body.merge_method ?? "merge",
        title:
          body.commit_title ??
          GitHubMerge.titleOf(repo, { pull, title: old.title, method: body.merge_method ?? "merge" }),
        message: body.commit_message ?? old.title,
        person: GitHubCommits.personOf(state, caller.name, now)
      })
      if (made === undefined) return notAllowed("Pull Request is not mergeable")
      const [merged, sha] = made
      const ref = `refs/heads/${pull.base}`
      const { issue } = GitHubIssues.changed(old, { state: "closed", state_reason: null }, { now, login: caller.name })
      const next: GitHubState.Pull = { ...pull, closedAt: { base, head }, merged: { sha, at: now, by: caller.name } }
      return {
        answer: ok({ sha, merged: true, message: "Pull Request successfully merged" }),
        repo: {
          ...merged,
          refs: merged.refs.set(ref, sha),
          pushedAt: now,
          issues: merged.issues.set(issue.number, { ...issue, reason: null }),
          pulls: merged.pulls.set(issue.number, next)
        },
        told: [
          GitHubPull.told("closed", issue.number),
          GitHubRefs.pushed({ ref, before: base, after: sha, by: caller.name })
        ]
      }
    }
  })
].flat()
