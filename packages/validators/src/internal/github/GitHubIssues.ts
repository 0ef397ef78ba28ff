/** Issues, their comments, labels and assignees. */
import * as Schema from "effect/Schema"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubLabels from "./GitHubLabels.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"

const { inRepository } = GitHubRoute
const { ok } = GitHubAnswer

const Labels = Schema.Array(Schema.Union([Schema.String, Schema.Struct({ name: Schema.String })]))

const namesIn = (labels: typeof Labels.Type): ReadonlyArray<string> => [
  ...new Set(labels.map((label) => (typeof label === "string" ? label : label.name)))
]

const Assignees = Schema.Array(Schema.String)

const NewIssue = Schema.Struct({
  title: Schema.Union([Schema.String, Schema.Int]),
  body: Schema.optionalKey(Schema.NullOr(Schema.String)),
  labels: Schema.optionalKey(Labels),
  assignees: Schema.optionalKey(Assignees),
  assignee: Schema.optionalKey(Schema.NullOr(Schema.String))
})

const IssueChange = Schema.Struct({
  title: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.String, Schema.Int]))),
  body: Schema.optionalKey(Schema.NullOr(Schema.String)),
  state: Schema.optionalKey(Schema.String),
  state_reason: Schema.optionalKey(Schema.NullOr(Schema.String)),
  labels: Schema.optionalKey(Labels),
  assignees: Schema.optionalKey(Assignees)
})

const Body = Schema.Struct({ body: Schema.String })

/** What hooks are told of an issue. */
export const told = (
  action: string,
  number: number,
  more: Readonly<Record<string, unknown>> = {}
): GitHubRoute.Told => ({
  name: "issues",
  payload: (around, repo) => ({ action, issue: shown(around, { repo, number }), ...more })
})

const shown = (around: GitHubShape.Around, { number, repo }: { repo: GitHubState.Repository; number: number }) => {
  const issue = repo.issues.get(number)
  return issue === undefined ? null : GitHubShape.issue(around, { repo, issue })
}

const answered =
  (number: number, status = 200) =>
  (around: GitHubShape.Around, repo: GitHubState.Repository) =>
    status === 201
      ? GitHubAnswer.created(shown(around, { repo, number }) ?? { url: "" })
      : ok(shown(around, { repo, number }))

const missing: GitHubRoute.Step = { answer: GitHubAnswer.notFound }

const unknownAssignee = (state: GitHubState.State, logins: ReadonlyArray<string>): GitHubRoute.Step | undefined => {
  const login = logins.find((each) => !state.users.has(each.toLowerCase()))
  return login === undefined
    ? undefined
    : { answer: GitHubAnswer.invalid({ value: login, resource: "Issue", field: "assignees", code: "invalid" }) }
}

const blankTitle: GitHubRoute.Step = {
  answer: GitHubAnswer.invalid({ resource: "Issue", field: "title", code: "missing_field" })
}

/** The issues of a list: with the filters that GitHub has for it. */
const listed = (call: GitHubRoute.Call<unknown, unknown>): ReadonlyArray<GitHubState.Issue> => {
  const asked = (name: string) => call.query.get(name) ?? ""
  const state = asked("state") || "open"
  const labels = asked("labels")
    .split(",")
    .filter((name) => name !== "")
  const since = Date.parse(asked("since"))
  const key = asked("sort") === "updated" ? "updatedAt" : "createdAt"
  const comments = (issue: GitHubState.Issue) =>
    call.repo.comments.values.filter((each) => each.issue === issue.number).length
  const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
  const found = call.repo.issues.values.filter(
    (issue) =>
      (state === "all" || issue.state === state) &&
      labels.every((name) => issue.labels.some((label) => isSame(label, name))) &&
      (asked("creator") === "" || isSame(issue.author, asked("creator"))) &&
      (asked("assignee") === "" ||
        (asked("assignee") === "none"
          ? issue.assignees.length === 0
          : asked("assignee") === "*"
            ? issue.assignees.length > 0
            : issue.assignees.some((login) => isSame(login, asked("assignee"))))) &&
      (Number.isNaN(since) || issue.updatedAt >= since)
  )
  const sign = asked("direction") === "asc" ? 1 : -1
  const order =
    asked("sort") === "comments"
      ? (a: GitHubState.Issue, b: GitHubState.Issue) => comments(a) - comments(b)
      : (a: GitHubState.Issue, b: GitHubState.Issue) => a[key] - b[key]
  return [...found].sort((a, b) => sign * (order(a, b) || a.number - b.number))
}

/** An issue with what a request changes of it, and what hooks are told of that. `undefined`: it has no such state. */
export const changed = (
  issue: GitHubState.Issue,
  change: typeof IssueChange.Type,
  by: { readonly now: number; readonly login: string }
): { readonly issue: GitHubState.Issue; readonly actions: ReadonlyArray<string> } => {
  const labels = change.labels === undefined ? issue.labels : namesIn(change.labels)
  const assignees = change.assignees ?? issue.assignees
  const state = change.state === "closed" || change.state === "open" ? change.state : issue.state
  const isMoved = state !== issue.state
  const next: GitHubState.Issue = {
    ...issue,
    title: change.title === undefined || change.title === null ? issue.title : String(change.title),
    body: change.body === undefined ? issue.body : change.body,
    labels,
    assignees,
    state,
    reason:
      state === "closed"
        ? (change.state_reason ?? (isMoved ? "completed" : issue.reason))
        : isMoved
          ? "reopened"
          : issue.reason,
    closedAt: state === "open" ? null : isMoved ? by.now : issue.closedAt,
    closedBy: state === "open" ? null : isMoved ? by.login : issue.closedBy,
    updatedAt: by.now
  }
  const has = (names: ReadonlyArray<string>, name: string) =>
    names.some((each) => each.toLowerCase() === name.toLowerCase())
  return {
    issue: next,
    actions: [
      ...(next.title !== issue.title || next.body !== issue.body ? ["edited"] : []),
      ...labels.filter((name) => !has(issue.labels, name)).map(() => "labeled"),
      ...issue.labels.filter((name) => !has(labels, name)).map(() => "unlabeled"),
      ...assignees.filter((name) => !has(issue.assignees, name)).map(() => "assigned"),
      ...issue.assignees.filter((name) => !has(assignees, name)).map(() => "unassigned"),
      ...(isMoved ? [state === "closed" ? "closed" : "reopened"] : [])
    ]
  }
}

/** A request that changes an issue. */
const change = (
  call: GitHubRoute.Call<{ readonly number: string }, unknown>,
  what: (issue: GitHubState.Issue) => typeof IssueChange.Type,
  answer?: GitHubRoute.Step["answer"]
): GitHubRoute.Step => {
  const found = call.repo.issues.get(call.params.number)
  if (found === undefined) return missing
  const { actions, issue } = changed(found, what(found), { now: call.now, login: call.caller.name })
  const repo = GitHubLabels.known(call, issue.labels)
  const about = call.repo.pulls.has(issue.number) ? "pull_request" : "issues"
  return {
    answer: answer ?? answered(issue.number),
    repo: { ...repo, issues: repo.issues.set(issue.number, issue) },
    // What happens to a pull request as an issue is told by the routes of pull requests.
    told: about === "issues" ? actions.map((action) => told(action, issue.number)) : []
  }
}

const toldOfComment = (action: string, comment: GitHubState.Comment): GitHubRoute.Told => ({
  name: "issue_comment",
  payload: (around, repo) => ({
    action,
    issue: shown(around, { repo, number: comment.issue }),
    comment: GitHubShape.comment(around, { repo, comment })
  })
})

const labelList = (number: string) => (around: GitHubShape.Around, repo: GitHubState.Repository) =>
  ok(GitHubShape.labelsOf(around, { repo, names: repo.issues.get(number)?.labels ?? [] }))

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
  inRepository("GET /issues", {
    handle: (call) => ({
      answer: (around, repo) => {
        const { body, ...rest } = GitHubAnswer.page(listed(call), { ...call, repository: repo })
        const found = Array.isArray(body) ? body : []
        return { ...rest, body: found.map((issue) => GitHubShape.issue(around, { repo, issue })) }
      }
    })
  }),
  inRepository("POST /issues", {
    scope: "repo",
    body: NewIssue,
    handle: (call) => {
      const { assignee, assignees = [], body = null, labels = [], title } = call.body
      const logins = [...new Set([...assignees, ...(assignee === undefined || assignee === null ? [] : [assignee])])]
      const refused = unknownAssignee(call.state, logins)
      if (refused !== undefined) return refused
      if (String(title).trim() === "") return blankTitle
      const number = call.repo.lastNumber + 1
      const issue: GitHubState.Issue = {
        id: call.id("issue"),
        number,
        title: String(title),
        body,
        author: call.caller.name,
        labels: namesIn(labels),
        assignees: logins,
        state: "open",
        reason: null,
        isLocked: false,
        createdAt: call.now,
        updatedAt: call.now,
        closedAt: null,
        closedBy: null
      }
      const repo = GitHubLabels.known(call, issue.labels)
      return {
        answer: answered(number, 201),
        repo: { ...repo, lastNumber: number, issues: repo.issues.set(number, issue) },
        told: [told("opened", number), ...issue.labels.map(() => told("labeled", number))]
      }
    }
  }),
  inRepository("GET /issues/:number", {
    handle: ({ params, repo }) =>
      repo.issues.has(params.number) ? { answer: answered(Number(params.number)) } : missing
  }),
  inRepository("PATCH /issues/:number", {
    scope: "repo",
    body: IssueChange,
    handle: (call) => {
      const { assignees = [], state, title } = call.body
      if (state !== undefined && state !== "open" && state !== "closed") {
        return { answer: GitHubAnswer.invalid({ value: state, resource: "Issue", field: "state", code: "invalid" }) }
      }
      if (title !== undefined && String(title ?? "").trim() === "") return blankTitle
      return unknownAssignee(call.state, assignees) ?? change(call, () => call.body)
    }
  }),
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
  }),
  inRepository("GET /issues/:number/labels", {
    handle: ({ params, repo }) => (repo.issues.has(params.number) ? { answer: labelList(params.number) } : missing)
  }),
  inRepository("POST /issues/:number/labels", {
    scope: "repo",
    body: Schema.Union([Schema.Struct({ labels: Labels }), Labels]),
    handle: (call) => {
      const added = namesIn("labels" in call.body ? call.body.labels : call.body)
      return change(
        call,
        ({ labels }) => ({ labels: GitHubLabels.together(labels, added) }),
        labelList(call.params.number)
      )
    }
  }),
  inRepository("PUT /issues/:number/labels", {
    scope: "repo",
    body: Schema.Union([Schema.Struct({ labels: Labels }), Labels]),
    handle: (call) =>
      change(
        call,
        () => ({ labels: namesIn("labels" in call.body ? call.body.labels : call.body) }),
        labelList(call.params.number)
      )
  }),
  inRepository("DELETE /issues/:number/labels/:name", {
    scope: "repo",
    handle: (call) => {
      const name = call.params.name.toLowerCase()
      const has = call.repo.issues.get(call.params.number)?.labels.some((label) => label.toLowerCase() === name)
      if (has !== true) return { answer: GitHubAnswer.error(404, "Label does not exist") }
      return change(
        call,
        ({ labels }) => ({ labels: labels.filter((label) => label.toLowerCase() !== name) }),
        labelList(call.params.number)
      )
    }
  }),
  inRepository("DELETE /issues/:number/labels", {
    scope: "repo",
    handle: (call) => change(call, () => ({ labels: [] }), GitHubAnswer.noContent)
  }),
  inRepository("POST /issues/:number/assignees", {
    scope: "repo",
    body: Schema.Struct({ assignees: Assignees }),
    // Who is not known is left out without a word, as at GitHub.
    handle: (call) => {
      const { body, params, state } = call
      const known = body.assignees.filter((login) => state.users.has(login.toLowerCase()))
      const added = (assignees: ReadonlyArray<string>) => GitHubLabels.together(assignees, known)
      return change(call, ({ assignees }) => ({ assignees: added(assignees) }), answered(Number(params.number), 201))
    }
  }),
  inRepository("DELETE /issues/:number/assignees", {
    scope: "repo",
    body: Schema.Struct({ assignees: Assignees }),
    handle: (call) => {
      const gone = call.body.assignees.map((login) => login.toLowerCase())
      return change(call, ({ assignees }) => ({
        assignees: assignees.filter((each) => !gone.includes(each.toLowerCase()))
      }))
    }
  }),
  ...(["PUT", "DELETE"] as const).map((method) =>
    inRepository(`${method} /issues/:number/lock`, {
      scope: "repo",
      handle: ({ params, repo }: GitHubRoute.Call<{ readonly number: string }, unknown>) => {
        const issue = repo.issues.get(params.number)
        if (issue === undefined) return missing
        const isLocked = method === "PUT"
        return {
          answer: GitHubAnswer.noContent,
          repo: { ...repo, issues: repo.issues.set(issue.number, { ...issue, isLocked }) },
          told: [told(isLocked ? "locked" : "unlocked", issue.number)]
        }
      }
    })
  )
].flat()
