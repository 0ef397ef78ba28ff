/** Comments on issues, in the Atlassian Document Format. */
import * as Schema from "effect/Schema"
import * as JiraAnswer from "./JiraAnswer.ts"
import * as JiraDocument from "./JiraDocument.ts"
import * as JiraRoute from "./JiraRoute.ts"
import * as JiraShape from "./JiraShape.ts"
import type * as JiraState from "./JiraState.ts"

const { ofIssue } = JiraRoute
const { ok } = JiraAnswer

const Body = Schema.Struct({ body: Schema.Json })

const noDocument = JiraAnswer.invalid({
  comment: "Comment body is not valid! It is a document in the Atlassian Document Format."
})

const found = ({ issue, params, state }: JiraRoute.Call<{ readonly id: string }, unknown>) => {
  const comment = state.comments.get(params.id)
  return comment?.issue === issue.id ? comment : undefined
}

const missing = (id: string) => ({ answer: JiraAnswer.error(404, [`Can not find a comment for the id: ${id}.`]) })

const saved = (
  call: JiraRoute.Call<unknown, unknown>,
  comment: JiraState.Comment,
  name: "comment_created" | "comment_updated"
): JiraRoute.Outcome => {
  const state = { ...call.state, comments: call.state.comments.set(comment.id, comment) }
  const after = { ...call, state }
  const shown = JiraShape.comment(after, comment)
  return {
    answer: ok(shown, name === "comment_created" ? 201 : 200),
    state,
    events: [JiraRoute.told(after, call.issue, { name, comment: shown })]
  }
}

/** The number in a query, or the usual one. */
const numberIn = (query: URLSearchParams, name: string, usual: number): number => {
  const value = Number(query.get(name) ?? usual)
  return Number.isSafeInteger(value) && value >= 0 ? value : usual
}

/** The routes. */
export const routes: ReadonlyArray<JiraRoute.Route> = [
  ofIssue("GET /comment", {
    handle: (call) => {
      const all = JiraShape.comments(call, call.issue)
      const startAt = numberIn(call.query, "startAt", 0)
      const maxResults = Math.min(5_000, numberIn(call.query, "maxResults", 5_000))
      const comments = all.slice(startAt, startAt + maxResults).map((each) => JiraShape.comment(call, each))
      return { answer: ok({ startAt, maxResults, total: all.length, comments }) }
    }
  }),
  ofIssue("POST /comment", {
    body: Body,
    handle: (call) => {
      const { body } = call.body
      if (!JiraDocument.is(body)) return { answer: noDocument }
      const author = JiraRoute.asks(call).accountId
      const id = String(10_000 + call.id("comment"))
      const times = { createdAt: call.now, updatedAt: call.now }
      return saved(call, { id, issue: call.issue.id, author, body, ...times }, "comment_created")
    }
  }),
  ofIssue("GET /comment/:id", {
    handle: (call) => {
      const comment = found(call)
      return comment === undefined ? missing(call.params.id) : { answer: ok(JiraShape.comment(call, comment)) }
    }
  }),
  ofIssue("PUT /comment/:id", {
    body: Body,
    handle: (call) => {
      const comment = found(call)
      if (comment === undefined) return missing(call.params.id)
      const { body } = call.body
      return JiraDocument.is(body)
        ? saved(call, { ...comment, body, updatedAt: call.now }, "comment_updated")
        : { answer: noDocument }
    }
  }),
  ofIssue("DELETE /comment/:id", {
    handle: (call) =>
      found(call) === undefined
        ? missing(call.params.id)
        : {
            answer: { status: 204 },
            state: { ...call.state, comments: call.state.comments.delete(call.params.id) }
          }
  })
]
