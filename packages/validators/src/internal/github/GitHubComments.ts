/** Comments on issues. */
import * as Schema from "effect/Schema"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubIssues from "./GitHubIssues.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"

const { inRepository } = GitHubRoute
const { ok } = GitHubAnswer
const { missing } = GitHubIssues

const Body = Schema.Struct({ body: Schema.String })

const toldOfComment = (action: string, comment: GitHubState.Comment): GitHubRoute.Told => ({
  name: "issue_comment",
  payload: (around, repo) => ({
    action,
    issue: GitHubIssues.shown(around, { repo, number: comment.issue }),
    comment: GitHubShape.comment(around, { repo, comment })
  })
})

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
  inRepository("GET /issues/:number/comments", {
    handle: (call) => ({
      answer: (around, repo) => {
        if (!repo.issues.has(call.params.number)) return GitHubAnswer.notFound
        const all = repo.comments.values.filter(({ issue }) => String(issue) === call.params.number)
        return GitHubAnswer.page(
          all.map((comment) => GitHubShape.comment(around, { repo, comment })),
          { ...call, repository: repo }
        )
      }
    })
  }),
  inRepository("POST /issues/:number/comments", {
    scope: "repo",
    body: Body,
    handle: ({ body, caller, id, now, params, repo }) => {
      const issue = repo.issues.get(params.number)
      if (issue === undefined) return missing
      if (body.body.trim() === "") {
        return { answer: GitHubAnswer.invalid({ resource: "IssueComment", field: "body", code: "missing_field" }) }
      }
      const comment: GitHubState.Comment = {
        id: id("comment"),
        issue: issue.number,
        author: caller.name,
        body: body.body,
        createdAt: now,
        updatedAt: now
      }
      return {
        answer: (around, after) => GitHubAnswer.created(GitHubShape.comment(around, { repo: after, comment })),
        repo: {
          ...repo,
          comments: repo.comments.set(comment.id, comment),
          issues: repo.issues.set(issue.number, { ...issue, updatedAt: now })
        },
        told: [toldOfComment("created", comment)]
      }
    }
  }),
  inRepository("GET /issues/comments/:id", {
    handle: ({ params, repo }) => {
      const comment = repo.comments.get(params.id)
      return comment === undefined
        ? missing
        : { answer: (around, after) => ok(GitHubShape.comment(around, { repo: after, comment })) }
    }
  }),
  inRepository("PATCH /issues/comments/:id", {
    scope: "repo",
    body: Body,
    handle: ({ body, now, params, repo }) => {
      const old = repo.comments.get(params.id)
      if (old === undefined) return missing
      const comment = { ...old, body: body.body, updatedAt: now }
      return {
        answer: (around, after) => ok(GitHubShape.comment(around, { repo: after, comment })),
        repo: { ...repo, comments: repo.comments.set(comment.id, comment) },
        told: [toldOfComment("edited", comment)]
      }
    }
  }),
  inRepository("DELETE /issues/comments/:id", {
    scope: "repo",
    handle: ({ params, repo }) => {
      const comment = repo.comments.get(params.id)
      if (comment === undefined) return missing
      return {
        answer: GitHubAnswer.noContent,
        repo: { ...repo, comments: repo.comments.delete(params.id) },
        told: [toldOfComment("deleted", comment)]
      }
    }
  })
].flat()
