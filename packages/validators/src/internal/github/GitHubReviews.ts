/** Reviews of pull requests, and who is asked for one. */
import * as Schema from "effect/Schema"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubPull from "./GitHubPull.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"

const { inRepository } = GitHubRoute
const { ok } = GitHubAnswer

const missing: GitHubRoute.Step = { answer: GitHubAnswer.notFound }

const states = { APPROVE: "APPROVED", REQUEST_CHANGES: "CHANGES_REQUESTED", COMMENT: "COMMENTED" } as const

const shown = (
  around: GitHubShape.Around,
  { repo, review }: { repo: GitHubState.Repository; review: GitHubState.Review }
) => {
  const html = `${GitHubShape.htmlUrl(around, repo)}/pull/${review.pull}#pullrequestreview-${review.id}`
  const pull = `${GitHubShape.repositoryUrl(around, repo)}/pulls/${review.pull}`
  return {
    id: review.id,
    node_id: GitHubShape.nodeId("PullRequestReview", review.id),
    user: GitHubShape.user(around, review.author),
    body: review.body,
    state: review.state,
    html_url: html,
    pull_request_url: pull,
    author_association: GitHubShape.association(repo, review.author),
    _links: { html: { href: html }, pull_request: { href: pull } },
    ...(review.state === "PENDING" ? {} : { submitted_at: GitHubShape.time(review.at) }),
    commit_id: review.commit
  }
}

const told = (action: string, review: GitHubState.Review): GitHubRoute.Told => ({
  name: "pull_request_review",
  payload: (around, repo) => {
    const pull = repo.pulls.get(review.pull)
    return {
      action,
      review: { ...shown(around, { repo, review }), state: review.state.toLowerCase() },
      pull_request: pull === undefined ? null : GitHubPull.brief(around, { repo, pull })
    }
  }
})

const Event = Schema.Literals(["APPROVE", "REQUEST_CHANGES", "COMMENT"])

const refuse = (message: string): GitHubRoute.Step => ({
  answer: GitHubAnswer.error(422, "Unprocessable Entity", [message])
})

/** Reviewers of a pull request. */
const ask = (
  call: GitHubRoute.Call<{ readonly number: string }, { readonly reviewers?: ReadonlyArray<string> }>,
  isAsked: boolean
): GitHubRoute.Step => {
  const { body, params, repo, state } = call
  const pull = repo.pulls.get(params.number)
  const author = repo.issues.get(params.number)?.author.toLowerCase()
  if (pull === undefined) return missing
  const logins = body.reviewers ?? []
  if (isAsked && logins.some((login) => login.toLowerCase() === author)) {
    return { answer: GitHubAnswer.error(422, "Review cannot be requested from pull request author.") }
  }
  if (isAsked && logins.some((login) => !state.users.has(login.toLowerCase()))) {
    return { answer: GitHubAnswer.error(422, "Reviews may only be requested from collaborators.") }
  }
  const others = pull.reviewers.filter((login) => !logins.includes(login))
  const next = { ...pull, reviewers: isAsked ? [...others, ...logins] : others }
  return {
    answer: (around, after) => ok(GitHubPull.brief(around, { repo: after, pull: next }), isAsked ? 201 : 200),
    repo: { ...repo, pulls: repo.pulls.set(pull.number, next) },
    told: [GitHubPull.told(isAsked ? "review_requested" : "review_request_removed", pull.number)]
  }
}

const Reviewers = Schema.Struct({ reviewers: Schema.optionalKey(Schema.Array(Schema.String)) })

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
  inRepository("GET /pulls/:number/reviews", {
    handle: (call) => ({
      answer: (around, repo) => {
        if (!repo.pulls.has(call.params.number)) return GitHubAnswer.notFound
        const all = repo.reviews.values.filter(({ pull }) => String(pull) === call.params.number)
        return GitHubAnswer.page(
          all.map((review) => shown(around, { repo, review })),
          { ...call, repository: repo }
        )
      }
    })
  }),
  inRepository("POST /pulls/:number/reviews", {
    scope: "repo",
    body: Schema.Struct({
      event: Schema.optionalKey(Event),
      body: Schema.optionalKey(Schema.NullOr(Schema.String)),
      commit_id: Schema.optionalKey(Schema.String)
    }),
    handle: ({ body, caller, id, now, params, repo }) => {
      const pull = repo.pulls.get(params.number)
      const issue = repo.issues.get(params.number)
      if (pull === undefined || issue === undefined) return missing
      const { event } = body
      const isOwn = issue.author.toLowerCase() === caller.name.toLowerCase()
      if (isOwn && (event === "APPROVE" || event === "REQUEST_CHANGES")) return GitHubPull.ownReview(event)
      if ((body.body ?? "") === "" && (event === "REQUEST_CHANGES" || event === "COMMENT")) {
        return refuse("Body can't be blank")
      }
      if (body.commit_id !== undefined && !repo.commits.has(body.commit_id))
        return refuse("Commit is not part of the pull request")
      const review: GitHubState.Review = {
        id: id("review"),
        pull: pull.number,
        author: caller.name,
        body: body.body ?? "",
        state: event === undefined ? "PENDING" : states[event],
        commit: body.commit_id ?? GitHubPull.ends(repo, pull).head,
        at: now
      }
      const reviewers = pull.reviewers.filter((login) => login.toLowerCase() !== caller.name.toLowerCase())
      return {
        answer: (around, after) => ok(shown(around, { repo: after, review })),
        repo: {
          ...repo,
          reviews: repo.reviews.set(review.id, review),
          pulls: repo.pulls.set(pull.number, { ...pull, reviewers })
        },
        told: event === undefined ? [] : [told("submitted", review)]
      }
    }
  }),
  inRepository("POST /pulls/:number/requested_reviewers", {
    scope: "repo",
    body: Reviewers,
    handle: (call) => ask(call, true)
  }),
  inRepository("DELETE /pulls/:number/requested_reviewers", {
    scope: "repo",
    body: Reviewers,
    handle: (call) => ask(call, false)
  })
].flat()
