/** Issues. */
import * as Schema from "effect/Schema"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubLabels from "./GitHubLabels.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import * as GitHubState from "./GitHubState.ts"

const { inRepository } = GitHubRoute
const { ok } = GitHubAnswer

/** Labels, as requests name them. */
export const Labels = Schema.Array(Schema.Union([Schema.String, Schema.Struct({ name: Schema.String })]))

/** The names of labels, each once. */
export const namesIn = (labels: typeof Labels.Type): ReadonlyArray<string> => [
  ...new Set(labels.map((label) => (typeof label === "string" ? label : label.name)))
]

/** Users, as requests name them. */
export const Assignees = Schema.Array(Schema.String)

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

/** What hooks are told of an issue. */
export const told = (
  action: string,
  number: number,
  more: Readonly<Record<string, unknown>> = {}
): GitHubRoute.Told => ({
  name: "issues",
  payload: (around, repo) => ({ action, issue: shown(around, { repo, number }), ...more })
})

/** An issue by number, as GitHub shows it. */
export const shown = (
  around: GitHubShape.Around,
  { number, repo }: { repo: GitHubState.Repository; number: number }
) => {
  const issue = repo.issues.get(number)
  return issue === undefined ? null : GitHubShape.issue(around, { repo, issue })
}

/** The answer with an issue. */
export const answered =
  (number: number, status = 200) =>
  (around: GitHubShape.Around, repo: GitHubState.Repository) =>
    status === 201
      ? GitHubAnswer.created(shown(around, { repo, number }) ?? { url: "" })
      : ok(shown(around, { repo, number }))

/** There is no such issue. */
export const missing: GitHubRoute.Step = { answer: GitHubAnswer.notFound }

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
export const change = (
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

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
  inRepository("GET /issues", {
    handle: (call) => ({
      answer: (around, repo) => {
        const { body, ...rest } = GitHubAnswer.page(listed(call), { ...call, repository: repo })
        const found = Array.isArray(body) ? body : []
        const bodies = found.map((issue) => {
          const { closed_by: _, ...shown } = GitHubShape.issue(around, { repo, issue })
          return shown
        })
        return { ...rest, body: bodies }
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
      const issue = GitHubState.opened({
        id: call.id("issue"),
        number,
        title: String(title),
        body,
        author: call.caller.name,
        labels: namesIn(labels),
        assignees: logins,
        at: call.now
      })
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
