/** What the twin of Linear holds: one workspace. */
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import type * as TwinService from "../../TwinService.ts"
import { Tokens } from "../../TwinService.ts"
import * as TwinTable from "../../TwinTable.ts"

const SeedIssue = Schema.Struct({
  title: Schema.NonEmptyString,
  description: Schema.optionalKey(Schema.String),
  /** Names, as are the following. Default: the first state of the team. */
  state: Schema.optionalKey(Schema.NonEmptyString),
  assignee: Schema.optionalKey(Schema.NonEmptyString),
  labels: Schema.optionalKey(Schema.Array(Schema.NonEmptyString))
})

/** What Linear knows of a state beside its name. */
export const StateType = Schema.Literals(["triage", "backlog", "unstarted", "started", "completed", "canceled"])

const SeedTeam = Schema.Struct({
  key: Schema.NonEmptyString,
  name: Schema.NonEmptyString,
  /** Default: those that Linear gives a new team. */
  states: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.NonEmptyString, type: StateType }))),
  labels: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  issues: Schema.optionalKey(Schema.Array(SeedIssue))
})

/** What the twin begins with. Scopes of tokens: `read`, `write`, `issues:create`, `comments:create`. */
export const Seed = Schema.Struct({
  tokens: Tokens,
  organization: Schema.optionalKey(Schema.Struct({ name: Schema.String, urlKey: Schema.String })),
  users: Schema.optionalKey(
    Schema.Array(Schema.Struct({ name: Schema.NonEmptyString, email: Schema.optionalKey(Schema.String) }))
  ),
  teams: Schema.Array(SeedTeam),
  webhooks: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        url: Schema.String,
        secret: Schema.String,
        resourceTypes: Schema.Array(Schema.Literals(["Issue", "Comment"]))
      })
    )
  )
})
/** What the twin begins with. */
export type Seed = typeof Seed.Type

interface Made {
  readonly id: string
  readonly createdAt: number
  readonly updatedAt: number
}

/** A person or an agent. */
export interface User extends Made {
  readonly name: string
  readonly email: string
}

/** A team. */
export interface Team extends Made {
  readonly key: string
  readonly name: string
  readonly lastNumber: number
}

/** A state of the issues of a team. */
export interface WorkflowState extends Made {
  readonly name: string
  readonly type: typeof StateType.Type
  readonly position: number
  readonly team: string
}

/** A label of a team. */
export interface Label extends Made {
  readonly name: string
  readonly team: string
}

/** An issue. Other things are named by their ids. */
export interface Issue extends Made {
  readonly number: number
  readonly title: string
  readonly description: string | null
  readonly priority: number
  readonly estimate: number | null
  readonly team: string
  readonly state: string
  readonly assignee: string | null
  readonly creator: string | null
  readonly parent: string | null
  readonly labels: ReadonlyArray<string>
  readonly startedAt: number | null
  readonly completedAt: number | null
  readonly canceledAt: number | null
}

/** A comment on an issue. */
export interface Comment extends Made {
  readonly body: string
  readonly issue: string
  readonly user: string
  readonly parent: string | null
}

/** A workspace. */
export interface State {
  readonly tokens: TwinService.Tokens
  readonly organization: { readonly id: string; readonly name: string; readonly urlKey: string }
  readonly users: TwinTable.Table<User>
  readonly teams: TwinTable.Table<Team>
  readonly states: TwinTable.Table<WorkflowState>
  readonly labels: TwinTable.Table<Label>
  readonly issues: TwinTable.Table<Issue>
  readonly comments: TwinTable.Table<Comment>
  readonly webhooks: NonNullable<Seed["webhooks"]>
  /** Counts what has changed. */
  readonly syncId: number
}

/** An id as Linear has them, of the `n`th thing of a kind. */
export const uuid = (kind: string, n: number): string => {
  const hex = createHash("sha256").update(`${kind} ${n}`).digest("hex")
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-"
  )
}

const usualStates: NonNullable<typeof SeedTeam.Type.states> = [
  { name: "Backlog", type: "backlog" },
  { name: "Todo", type: "unstarted" },
  { name: "In Progress", type: "started" },
  { name: "In Review", type: "started" },
  { name: "Done", type: "completed" },
  { name: "Canceled", type: "canceled" }
]

/** The state that a seed is the beginning of. */
export const state = (seed: Seed, { id, now }: Pick<TwinService.Call<State>, "id" | "now">): State => {
  const made = (kind: string): Made => ({ id: uuid(kind, id(kind)), createdAt: now, updatedAt: now })
  const table = <A extends Made>(all: ReadonlyArray<A>) => TwinTable.from(all, (each) => each.id)
  const given = new Map((seed.users ?? []).map((user) => [user.name, user.email]))
  const named = seed.teams.flatMap(({ issues = [] }) => issues.flatMap(({ assignee }) => assignee ?? []))
  const names = [...given.keys(), ...Object.values(seed.tokens).map(({ name }) => name), ...named]
  const users = [...new Set(names)].map((name): User => ({
    ...made("user"),
    name,
    email: given.get(name) ?? `${name}@twin.example`
  }))
  const userOf = (name: string | undefined) => users.find((user) => user.name === name)?.id ?? null
  const teams = seed.teams.map(({ issues = [], key, labels = [], name, states = usualStates }) => {
    const team: Team = { ...made("team"), key, name, lastNumber: issues.length }
    const ofTeam = states.map((each, position): WorkflowState => ({
      ...made("state"),
      ...each,
      position,
      team: team.id
    }))
    const allLabels = [...new Set([...labels, ...issues.flatMap((issue) => issue.labels ?? [])])].map(
      (label): Label => ({ ...made("label"), name: label, team: team.id })
    )
    const all = issues.map((issue, index): Issue => {
      const at = ofTeam.find((each) => each.name === issue.state) ?? ofTeam[0]
      return {
        ...made("issue"),
        number: index + 1,
        title: issue.title,
        description: issue.description ?? null,
        priority: 0,
        estimate: null,
        team: team.id,
        state: at?.id ?? "",
        assignee: userOf(issue.assignee),
        creator: null,
        parent: null,
        labels: allLabels.filter((label) => issue.labels?.includes(label.name) === true).map((label) => label.id),
        startedAt: at?.type === "started" ? now : null,
        completedAt: at?.type === "completed" ? now : null,
        canceledAt: at?.type === "canceled" ? now : null
      }
    })
    return { team, states: ofTeam, labels: allLabels, issues: all }
  })
  return {
    tokens: seed.tokens,
    organization: {
      id: uuid("organization", id("organization")),
      name: seed.organization?.name ?? "Twin",
      urlKey: seed.organization?.urlKey ?? "twin"
    },
    users: table(users),
    teams: table(teams.map(({ team }) => team)),
    states: table(teams.flatMap(({ states }) => states)),
    labels: table(teams.flatMap(({ labels }) => labels)),
    issues: table(teams.flatMap(({ issues }) => issues)),
    comments: TwinTable.empty(),
    webhooks: seed.webhooks ?? [],
    syncId: 0
  }
}
