/** How Jira shows what a site has. */
import * as JiraState from "./JiraState.ts"

/** What links need. */
export interface Around {
  readonly state: JiraState.State
  readonly url: string
}

/** A moment as Jira writes it. */
export const time = (at: number): string => new Date(at).toISOString().replace("Z", "+0000")

/** A person or an app. */
export const user = ({ state, url }: Around, accountId: string | null) => {
  const found = state.users.get(accountId ?? "")
  if (found === undefined) return null
  return {
    self: `${url}/rest/api/3/user?accountId=${found.accountId}`,
    accountId: found.accountId,
    emailAddress: found.email,
    displayName: found.displayName,
    active: true,
    timeZone: "Etc/UTC",
    accountType: "atlassian"
  }
}

const categories = {
  new: { id: 2, key: "new", colorName: "blue-gray", name: "To Do" },
  indeterminate: { id: 4, key: "indeterminate", colorName: "yellow", name: "In Progress" },
  done: { id: 3, key: "done", colorName: "green", name: "Done" }
}

/** A status. */
export const status = ({ url }: Around, of: JiraState.Status) => {
  const category = categories[of.category]
  return {
    self: `${url}/rest/api/3/status/${of.id}`,
    description: "",
    name: of.name,
    id: of.id,
    statusCategory: { self: `${url}/rest/api/3/statuscategory/${category.id}`, ...category }
  }
}

/** A project. */
export const project = ({ url }: Around, of: JiraState.Project) => ({
  self: `${url}/rest/api/3/project/${of.id}`,
  id: of.id,
  key: of.key,
  name: of.name,
  projectTypeKey: "software",
  simplified: false
})

/** A type of issues. */
export const issueType = ({ url }: Around, of: JiraState.Project["types"][number]) => ({
  self: `${url}/rest/api/3/issuetype/${of.id}`,
  id: of.id,
  description: "",
  name: of.name,
  subtask: false,
  hierarchyLevel: of.name === "Epic" ? 1 : 0
})

/** A comment. */
export const comment = (around: Around, of: JiraState.Comment) => ({
  self: `${around.url}/rest/api/3/issue/${of.issue}/comment/${of.id}`,
  id: of.id,
  author: user(around, of.author),
  body: of.body,
  updateAuthor: user(around, of.author),
  created: time(of.createdAt),
  updated: time(of.updatedAt),
  jsdPublic: true
})

/** The comments of an issue. */
export const comments = (around: Around, issue: JiraState.Issue) =>
  around.state.comments.values.filter((each) => each.issue === issue.id)

/** Every field of an issue that the twin has. */
export const fields = (around: Around, issue: JiraState.Issue): Readonly<Record<string, unknown>> => {
  const { state, url } = around
  const of = state.projects.get(issue.project)
  const at = JiraState.statusOf(state, issue)
  const type = of?.types.find(({ id }) => id === issue.type)
  const parent = state.issues.get(issue.parent ?? "")
  const said = comments(around, issue).map((each) => comment(around, each))
  const priority = JiraState.priorities.indexOf(issue.priority) + 1
  return {
    summary: issue.summary,
    description: issue.description,
    issuetype: type === undefined ? null : issueType(around, type),
    project: of === undefined ? null : project(around, of),
    status: at === undefined ? null : status(around, at),
    priority: { self: `${url}/rest/api/3/priority/${priority}`, name: issue.priority, id: String(priority) },
    labels: issue.labels,
    assignee: user(around, issue.assignee),
    reporter: user(around, issue.reporter),
    creator: user(around, issue.reporter),
    created: time(issue.createdAt),
    updated: time(issue.updatedAt),
    resolutiondate: issue.resolvedAt === null ? null : time(issue.resolvedAt),
    resolution: issue.resolvedAt === null ? null : { self: `${url}/rest/api/3/resolution/1`, id: "1", name: "Done" },
    ...(parent === undefined ? {} : { parent: named(around, parent) }),
    comment: {
      comments: said,
      self: `${url}/rest/api/3/issue/${issue.id}/comment`,
      maxResults: said.length,
      total: said.length,
      startAt: 0
    }
  }
}

const named = ({ state, url }: Around, issue: JiraState.Issue) => ({
  id: issue.id,
  key: JiraState.keyOf(state, issue),
  self: `${url}/rest/api/3/issue/${issue.id}`
})

/** Whether a field is asked for: `*all`, `*navigable`, its name; without it where `-` stands before its name. */
const isAsked = (asked: ReadonlyArray<string>, name: string): boolean => {
  if (asked.includes(`-${name}`)) return false
  if (asked.includes(name) || asked.includes("*all")) return true
  if (name === "comment") return false
  return asked.includes("*navigable") || asked.every((each) => each.startsWith("-"))
}

/** An issue with the fields that are asked for. */
export const issue = (around: Around, of: JiraState.Issue, asked: ReadonlyArray<string>) => ({
  expand: "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
  ...named(around, of),
  fields: Object.fromEntries(Object.entries(fields(around, of)).filter(([name]) => isAsked(asked, name)))
})
