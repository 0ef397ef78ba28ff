/** What the twin of Jira holds: one site with its projects, issues and comments. */
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import type * as TwinService from "../../TwinService.ts"
import { Tokens } from "../../TwinService.ts"
import * as TwinTable from "../../TwinTable.ts"

/** What Jira knows of a status beside its name. */
const Category = Schema.Literals(["new", "indeterminate", "done"])

const SeedStatus = Schema.Struct({
  name: Schema.NonEmptyString,
  category: Category,
  /** The names of those that an issue may come from. Default: all others. */
  from: Schema.optionalKey(Schema.Array(Schema.NonEmptyString))
})

const SeedIssue = Schema.Struct({
  summary: Schema.NonEmptyString,
  type: Schema.optionalKey(Schema.NonEmptyString),
  status: Schema.optionalKey(Schema.NonEmptyString),
  labels: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** An e-mail address. */
  assignee: Schema.optionalKey(Schema.NonEmptyString)
})

const SeedProject = Schema.Struct({
  key: Schema.String.check(Schema.isPattern(/^[A-Z][A-Z0-9_]+$/)),
  name: Schema.NonEmptyString,
  /** Default: Task, Bug, Story, Epic. */
  issueTypes: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** Default: To Do, In Progress, Done. An issue begins in the first one. */
  statuses: Schema.optionalKey(Schema.Array(SeedStatus)),
  issues: Schema.optionalKey(Schema.Array(SeedIssue))
})

/** What the twin begins with. A token's name is an e-mail address. Scopes: `read:jira-work`, `write:jira-work`. */
export const Seed = Schema.Struct({
  tokens: Tokens,
  users: Schema.optionalKey(
    Schema.Array(Schema.Struct({ email: Schema.NonEmptyString, displayName: Schema.NonEmptyString }))
  ),
  projects: Schema.Array(SeedProject),
  webhooks: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({ url: Schema.String, secret: Schema.String, events: Schema.Array(Schema.NonEmptyString) })
    )
  )
})
/** What the twin begins with. */
export type Seed = typeof Seed.Type

/** A person or an app. */
export interface User {
  readonly accountId: string
  readonly email: string
  readonly displayName: string
}

/** A status of the issues of a project. Its id is also that of the transition to it. */
export interface Status {
  readonly id: string
  readonly name: string
  readonly category: typeof Category.Type
  readonly from: ReadonlyArray<string> | null
}

/** A project. */
export interface Project {
  readonly id: string
  readonly key: string
  readonly name: string
  readonly types: ReadonlyArray<{ readonly id: string; readonly name: string }>
  readonly statuses: ReadonlyArray<Status>
  readonly lastNumber: number
}

/** An issue. Other things are named by their ids. */
export interface Issue {
  readonly id: string
  readonly project: string
  readonly number: number
  readonly type: string
  readonly summary: string
  readonly description: Schema.Json
  readonly status: string
  readonly priority: string
  readonly labels: ReadonlyArray<string>
  readonly assignee: string | null
  readonly reporter: string
  readonly parent: string | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly resolvedAt: number | null
}

/** A comment on an issue. */
export interface Comment {
  readonly id: string
  readonly issue: string
  readonly author: string
  readonly body: Schema.Json
  readonly createdAt: number
  readonly updatedAt: number
}

/** A site. */
export interface State {
  readonly tokens: TwinService.Tokens
  readonly users: TwinTable.Table<User>
  readonly projects: TwinTable.Table<Project>
  readonly issues: TwinTable.Table<Issue>
  readonly comments: TwinTable.Table<Comment>
  readonly webhooks: NonNullable<Seed["webhooks"]>
}

/** The priorities of a site, the default in the middle. */
export const priorities = ["Highest", "High", "Medium", "Low", "Lowest"]

/** `ENG-12`. */
export const keyOf = ({ projects }: State, { number, project }: Issue): string =>
  `${projects.get(project)?.key ?? ""}-${number}`

/** An issue by its id or key. */
export const issueIn = (state: State, asked: string): Issue | undefined => {
  const [key, number] = asked.toUpperCase().split("-")
  return (
    state.issues.get(asked) ??
    state.issues.values.find(
      (issue) => String(issue.number) === number && state.projects.get(issue.project)?.key === key
    )
  )
}

/** A user by e-mail address. */
export const userOf = ({ users }: Pick<State, "users">, email: string): User | undefined =>
  users.values.find((user) => user.email === email)

/** A status of an issue. */
export const statusOf = ({ projects }: State, { project, status }: Issue): Status | undefined =>
  projects.get(project)?.statuses.find(({ id }) => id === status)

const usualStatuses: ReadonlyArray<typeof SeedStatus.Type> = [
  { name: "To Do", category: "new" },
  { name: "In Progress", category: "indeterminate" },
  { name: "Done", category: "done" }
]

const usualTypes = ["Task", "Bug", "Story", "Epic"]

/** The state that a seed is the beginning of. */
export const state = (seed: Seed, { id, now }: Pick<TwinService.Call<State>, "id" | "now">): State => {
  const given = new Map((seed.users ?? []).map(({ displayName, email }) => [email, displayName]))
  const named = seed.projects.flatMap(({ issues = [] }) => issues.flatMap(({ assignee }) => assignee ?? []))
  const emails = [...given.keys(), ...Object.values(seed.tokens).map(({ name }) => name), ...named]
  const users = [...new Set(emails)].map((email): User => {
    const hex = createHash("sha256")
      .update(`user ${id("user")}`)
      .digest("hex")
    return {
      accountId: `5b10${hex.slice(0, 20)}`,
      email,
      displayName: given.get(email) ?? email.split("@")[0] ?? email
    }
  })
  const accountOf = (email: string | undefined) => users.find((user) => user.email === email)?.accountId ?? null
  const projects = seed.projects.map((each) => {
    const statuses = (each.statuses ?? usualStatuses).map(({ category, from, name }): Status => ({
      id: String(10_000 + id("status")),
      name,
      category,
      from: from ?? null
    }))
    const types = (each.issueTypes ?? usualTypes).map((name) => ({ id: String(10_000 + id("type")), name }))
    const { issues = [], key, name } = each
    const project: Project = {
      id: String(10_000 + id("project")),
      ...{ key, name, types, statuses, lastNumber: issues.length }
    }
    const all = issues.map((issue, index): Issue => {
      const status = statuses.find((one) => one.name === issue.status) ?? statuses[0]
      return {
        id: String(10_000 + id("issue")),
        project: project.id,
        number: index + 1,
        type: (types.find((type) => type.name === issue.type) ?? types[0])?.id ?? "",
        summary: issue.summary,
        description: null,
        status: status?.id ?? "",
        priority: "Medium",
        labels: issue.labels ?? [],
        assignee: accountOf(issue.assignee),
        reporter: users[0]?.accountId ?? "",
        parent: null,
        createdAt: now,
        updatedAt: now,
        resolvedAt: status?.category === "done" ? now : null
      }
    })
    return { project, issues: all }
  })
  return {
    tokens: seed.tokens,
    users: TwinTable.from(users, (user) => user.accountId),
    projects: TwinTable.from(
      projects.map(({ project }) => project),
      (project) => project.id
    ),
    issues: TwinTable.from(
      projects.flatMap(({ issues }) => issues),
      (issue) => issue.id
    ),
    comments: TwinTable.empty(),
    webhooks: seed.webhooks ?? []
  }
}
