/** Issues and their transitions. */
import * as Schema from "effect/Schema"
import * as JiraAnswer from "./JiraAnswer.ts"
import * as JiraFields from "./JiraFields.ts"
import * as JiraRoute from "./JiraRoute.ts"
import * as JiraSearch from "./JiraSearch.ts"
import * as JiraShape from "./JiraShape.ts"
import * as JiraState from "./JiraState.ts"

const { ofIssue, on, scopes } = JiraRoute
const { ok } = JiraAnswer

const Fields = Schema.Record(Schema.String, Schema.Json)

const done: JiraRoute.Outcome["answer"] = { status: 204 }

const put = (state: JiraState.State, issue: JiraState.Issue): JiraState.State => ({
  ...state,
  issues: state.issues.set(issue.id, issue)
})

/** What has become another one, as a webhook has it. */
const changelog = (call: JiraShape.Around, [before, after]: readonly [JiraState.Issue, JiraState.Issue]) => {
  const [old, next] = [JiraShape.fields(call, before), new Map(Object.entries(JiraShape.fields(call, after)))]
  const told = (value: unknown): string | null => {
    if (typeof value === "string" || value === null || value === undefined) return value ?? null
    if (Array.isArray(value)) return value.join(" ")
    const named = new Map(Object.entries(value))
    return String(named.get("name") ?? named.get("displayName") ?? JSON.stringify(value))
  }
  const items = Object.entries(old)
    .filter(([name, value]) => name !== "updated" && JSON.stringify(value) !== JSON.stringify(next.get(name)))
    .map(([name, value]) => ({
      field: name,
      fieldtype: "jira",
      fieldId: name,
      fromString: told(value),
      toString: told(next.get(name))
    }))
  return { id: `${after.id}${after.updatedAt}`, items }
}

const changed = (
  call: JiraRoute.Call<unknown, unknown>,
  change: Partial<JiraState.Issue>,
  type: string
): JiraRoute.Outcome => {
  const issue = { ...call.issue, ...change, updatedAt: call.now }
  const state = put(call.state, issue)
  const after = { ...call, state }
  const log = changelog(after, [call.issue, issue])
  return {
    answer: done,
    state,
    events: [JiraRoute.told(after, issue, { name: "jira:issue_updated", type, changelog: log })]
  }
}

/** The statuses that an issue may go to. */
const open = ({ issue, state }: JiraRoute.Call<unknown, unknown>): ReadonlyArray<JiraState.Status> => {
  const now = JiraState.statusOf(state, issue)
  return (state.projects.get(issue.project)?.statuses ?? []).filter(({ from, id }) =>
    from === null ? id !== issue.status : from.includes(now?.name ?? "")
  )
}

const create = on("POST /rest/api/3/issue", {
  scope: scopes.write,
  body: Schema.Struct({ fields: Fields, update: Schema.optionalKey(Schema.Struct({})) }),
  handle: (call) => {
    const { fields } = call.body
    const project = JiraFields.projectIn(call.state, fields)
    if (project === undefined) return { answer: JiraAnswer.invalid({ project: "Specify a valid project ID or key" }) }
    const wanted = { summary: null, issuetype: null, ...fields }
    const read = JiraFields.read(wanted, { state: call.state, project, issue: undefined })
    if ("errors" in read) return { answer: JiraAnswer.invalid(read.errors) }
    const number = project.lastNumber + 1
    const issue: JiraState.Issue = {
      id: String(10_000 + call.id("issue")),
      project: project.id,
      number,
      type: "",
      summary: "",
      description: null,
      status: project.statuses[0]?.id ?? "",
      priority: "Medium",
      labels: [],
      assignee: null,
      reporter: JiraRoute.asks(call).accountId,
      parent: null,
      createdAt: call.now,
      updatedAt: call.now,
      resolvedAt: null,
      ...read.change
    }
    const projects = call.state.projects.set(project.id, { ...project, lastNumber: number })
    const state = { ...put(call.state, issue), projects }
    const self = `${call.url}/rest/api/3/issue/${issue.id}`
    return {
      answer: ok({ id: issue.id, key: JiraState.keyOf(state, issue), self }, 201),
      state,
      events: [JiraRoute.told({ ...call, state }, issue, { name: "jira:issue_created", type: "issue_created" })]
    }
  }
})

const listOf = (text: string | null): ReadonlyArray<string> =>
  (text ?? "").split(",").flatMap((each) => (each.trim() === "" ? [] : [each.trim()]))

interface Asked {
  readonly jql?: string
  readonly maxResults?: number
  readonly nextPageToken?: string | null
  readonly fields?: ReadonlyArray<string>
}

const search = (
  call: Parameters<typeof JiraRoute.asks>[0] & JiraShape.Around,
  { fields, jql = "", maxResults = 50, nextPageToken }: Asked
): JiraRoute.Outcome => {
  const found = JiraSearch.find(jql, { state: call.state, asks: JiraRoute.asks(call) })
  if ("problem" in found) return { answer: JiraAnswer.error(400, [found.problem]) }
  if (!Number.isInteger(maxResults) || maxResults < 1) {
    return { answer: JiraAnswer.error(400, [`The maxResults '${maxResults}' is invalid: it is from 1 to 5000.`]) }
  }
  const { issues } = found
  const token = ({ id }: JiraState.Issue) => Buffer.from(`after:${id}`).toString("base64")
  const isFirst = nextPageToken === undefined || nextPageToken === null || nextPageToken === ""
  const last = isFirst ? -1 : issues.findIndex((issue) => token(issue) === nextPageToken)
  if (!isFirst && last < 0) return { answer: JiraAnswer.error(400, ["The provided next page token is invalid."]) }
  const page = issues.slice(last + 1, last + 1 + Math.min(maxResults, 5_000))
  const end = page.at(-1)
  const isLast = end === undefined || issues.at(-1) === end
  const shown = page.map((issue) =>
    fields === undefined || fields.length === 0 || fields.join() === "id"
      ? { id: issue.id }
      : JiraShape.issue(call, issue, fields)
  )
  return { answer: ok({ issues: shown, ...(isLast ? {} : { nextPageToken: token(end) }), isLast }) }
}

/** The routes. */
export const routes: ReadonlyArray<JiraRoute.Route> = [
  create,
  on("GET /rest/api/3/myself", {
    handle: (call) => ({ answer: ok(JiraShape.user(call, JiraRoute.asks(call).accountId)) })
  }),
  on("GET /rest/api/3/project/:project", {
    scope: scopes.read,
    handle: (call) => {
      const { project: asked } = call.params
      const found = call.state.projects.values.find(({ id, key }) => id === asked || key === asked.toUpperCase())
      if (found === undefined)
        return { answer: JiraAnswer.error(404, [`No project could be found with key '${asked}'.`]) }
      const issueTypes = found.types.map((type) => JiraShape.issueType(call, type))
      return { answer: ok({ ...JiraShape.project(call, found), issueTypes }) }
    }
  }),
  on("GET /rest/api/3/search/jql", {
    scope: scopes.read,
    handle: (call) =>
      search(call, {
        jql: call.query.get("jql") ?? "",
        maxResults: Number(call.query.get("maxResults") ?? 50),
        nextPageToken: call.query.get("nextPageToken"),
        fields: listOf(call.query.get("fields"))
      })
  }),
  on("POST /rest/api/3/search/jql", {
    scope: scopes.read,
    body: Schema.Struct({
      jql: Schema.optionalKey(Schema.String),
      maxResults: Schema.optionalKey(Schema.Finite),
      nextPageToken: Schema.optionalKey(Schema.NullOr(Schema.String)),
      fields: Schema.optionalKey(Schema.Array(Schema.String))
    }),
    handle: (call) => search(call, call.body)
  }),
  ofIssue("GET /", {
    handle: (call) => {
      const asked = listOf(call.query.get("fields"))
      return { answer: ok(JiraShape.issue(call, call.issue, asked.length === 0 ? ["*all"] : asked)) }
    }
  }),
  ofIssue("PUT /", {
    body: Schema.Struct({ fields: Fields }),
    handle: (call) => {
      const project = call.state.projects.get(call.issue.project)
      if (project === undefined) return { answer: JiraAnswer.noIssue }
      const read = JiraFields.read(call.body.fields, { state: call.state, project, issue: call.issue })
      return "errors" in read
        ? { answer: JiraAnswer.invalid(read.errors) }
        : changed(call, read.change, "issue_updated")
    }
  }),
  ofIssue("PUT /assignee", {
    body: Schema.Struct({ accountId: Schema.NullOr(Schema.String) }),
    handle: (call) => {
      const { accountId } = call.body
      return accountId !== null && !call.state.users.has(accountId)
        ? { answer: JiraAnswer.invalid({ assignee: `User '${accountId}' does not exist or can not be assigned.` }) }
        : changed(call, { assignee: accountId }, "issue_assigned")
    }
  }),
  ofIssue("GET /transitions", {
    handle: (call) => ({
      answer: ok({
        expand: "transitions",
        transitions: open(call).map((status) => ({
          id: status.id,
          name: status.name,
          to: JiraShape.status(call, status),
          hasScreen: false,
          isGlobal: status.from === null,
          isInitial: false,
          isAvailable: true,
          isConditional: false,
          isLooped: false
        }))
      })
    })
  }),
  ofIssue("POST /transitions", {
    body: Schema.Struct({ transition: Schema.Struct({ id: Schema.String }) }),
    handle: (call) => {
      const { id } = call.body.transition
      const status = open(call).find((each) => each.id === id)
      if (status === undefined) {
        return {
          answer: JiraAnswer.error(400, [
            `It seems that you have tried to perform an illegal workflow operation: transition '${id}' is not valid for this issue.`
          ])
        }
      }
      const resolvedAt = status.category === "done" ? (call.issue.resolvedAt ?? call.now) : null
      return changed(call, { status: status.id, resolvedAt }, "issue_generic")
    }
  })
]
