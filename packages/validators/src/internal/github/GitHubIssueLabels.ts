/** Labels and assignees of issues. */
import * as Schema from "effect/Schema"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubIssues from "./GitHubIssues.ts"
import * as GitHubLabels from "./GitHubLabels.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"

const { inRepository } = GitHubRoute
const { ok } = GitHubAnswer
const { missing } = GitHubIssues

const labelList = (number: string) => (around: GitHubShape.Around, repo: GitHubState.Repository) =>
  ok(GitHubShape.labelsOf(around, { repo, names: repo.issues.get(number)?.labels ?? [] }))

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
  inRepository("GET /issues/:number/labels", {
    handle: ({ params, repo }) => (repo.issues.has(params.number) ? { answer: labelList(params.number) } : missing)
  }),
  inRepository("POST /issues/:number/labels", {
    scope: "repo",
    body: Schema.Union([Schema.Struct({ labels: GitHubIssues.Labels }), GitHubIssues.Labels]),
    handle: (call) => {
      const added = GitHubIssues.namesIn("labels" in call.body ? call.body.labels : call.body)
      return GitHubIssues.change(
        call,
        ({ labels }) => ({ labels: GitHubLabels.together(labels, added) }),
        labelList(call.params.number)
      )
    }
  }),
  inRepository("PUT /issues/:number/labels", {
    scope: "repo",
    body: Schema.Union([Schema.Struct({ labels: GitHubIssues.Labels }), GitHubIssues.Labels]),
    handle: (call) =>
      GitHubIssues.change(
        call,
        () => ({ labels: GitHubIssues.namesIn("labels" in call.body ? call.body.labels : call.body) }),
        labelList(call.params.number)
      )
  }),
  inRepository("DELETE /issues/:number/labels/:name", {
    scope: "repo",
    handle: (call) => {
      const name = call.params.name.toLowerCase()
      const has = call.repo.issues.get(call.params.number)?.labels.some((label) => label.toLowerCase() === name)
      if (has !== true) return { answer: GitHubAnswer.error(404, "Label does not exist") }
      return GitHubIssues.change(
        call,
        ({ labels }) => ({ labels: labels.filter((label) => label.toLowerCase() !== name) }),
        labelList(call.params.number)
      )
    }
  }),
  inRepository("DELETE /issues/:number/labels", {
    scope: "repo",
    handle: (call) => GitHubIssues.change(call, () => ({ labels: [] }), GitHubAnswer.noContent)
  }),
  inRepository("POST /issues/:number/assignees", {
    scope: "repo",
    body: Schema.Struct({ assignees: GitHubIssues.Assignees }),
    // Who is not known is left out without a word, as at GitHub.
    handle: (call) => {
      const { body, params, state } = call
      const known = body.assignees.filter((login) => state.users.has(login.toLowerCase()))
      const added = (assignees: ReadonlyArray<string>) => GitHubLabels.together(assignees, known)
      return GitHubIssues.change(
        call,
        ({ assignees }) => ({ assignees: added(assignees) }),
        GitHubIssues.answered(Number(params.number), 201)
      )
    }
  }),
  inRepository("DELETE /issues/:number/assignees", {
    scope: "repo",
    body: Schema.Struct({ assignees: GitHubIssues.Assignees }),
    handle: (call) => {
      const gone = call.body.assignees.map((login) => login.toLowerCase())
      return GitHubIssues.change(call, ({ assignees }) => ({
        assignees: assignees.filter((each) => !gone.includes(each.toLowerCase()))
      }))
    }
  })
].flat()
