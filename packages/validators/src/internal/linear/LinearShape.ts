/** How Linear shows what a workspace has: fields as values, and what leads to other things as functions. */
import * as LinearFilter from "./LinearFilter.ts"
import * as LinearPage from "./LinearPage.ts"
import type * as LinearState from "./LinearState.ts"

/** What a query sees. A mutation puts another state there. */
export interface Box {
  state: LinearState.State
  readonly asks: string
}

type Asked = LinearPage.Asked & { readonly filter?: unknown }

/** A moment as Linear writes it. */
export const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString())

const times = (of: { readonly createdAt: number; readonly updatedAt: number }) => ({
  createdAt: time(of.createdAt),
  updatedAt: time(of.updatedAt)
})

const priorities = ["No priority", "Urgent", "High", "Medium", "Low"]

/** `ENG-12`. */
export const identifier = (state: LinearState.State, { number, team }: LinearState.Issue): string =>
  `${state.teams.get(team)?.key ?? ""}-${number}`

const slug = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 60)

/** Where people see an issue. It is no address of the twin. */
export const url = (state: LinearState.State, issue: LinearState.Issue): string =>
  `https://linear.app/${state.organization.urlKey}/issue/${identifier(state, issue)}/${slug(issue.title)}`

/** What is shown where an id may lead to nothing. */
const maybe = <A, B>(value: A | undefined, show: (value: A) => B): B | null =>
  value === undefined ? null : show(value)

/** A person. */
export const user = (box: Box, of: LinearState.User) => ({
  id: of.id,
  name: of.name,
  displayName: of.name,
  email: of.email,
  active: true,
  admin: false,
  isMe: of.name === box.asks,
  ...times(of)
})

/** Everything of a kind that a filter lets through. */
export const lists = (box: Box) => ({
  users: (asked: Asked) => LinearPage.of(box.state.users.values, asked, (each) => user(box, each)),
  teams: (asked: Asked) =>
    LinearPage.of(
      box.state.teams.values.filter((each) => LinearFilter.holds({ ...each }, asked.filter)),
      asked,
      (each) => team(box, each)
    ),
  issues: (asked: Asked, isOf: (issue: LinearState.Issue) => boolean = () => true) =>
    LinearPage.of(
      box.state.issues.values.filter(isOf).filter(LinearFilter.ofIssue(box.state, asked.filter)),
      asked,
      (each) => issue(box, each)
    ),
  states: (asked: Asked, isOf: (state: LinearState.WorkflowState) => boolean = () => true) =>
    LinearPage.of(
      box.state.states.values.filter(isOf).filter(LinearFilter.ofState(box.state, asked.filter)),
      asked,
      (each) => workflowState(box, each)
    ),
  labels: (asked: Asked, isOf: (label: LinearState.Label) => boolean = () => true) =>
    LinearPage.of(
      box.state.labels.values.filter(isOf).filter((each) => LinearFilter.holds({ ...each }, asked.filter)),
      asked,
      (each) => label(box, each)
    )
})

/** A team. */
export const team = (box: Box, of: LinearState.Team) => ({
  id: of.id,
  key: of.key,
  name: of.name,
  ...times(of),
  issues: (asked: Asked): unknown => lists(box).issues(asked, (each) => each.team === of.id),
  states: (asked: Asked): unknown => lists(box).states(asked, (each) => each.team === of.id),
  labels: (asked: Asked): unknown => lists(box).labels(asked, (each) => each.team === of.id)
})

/** A state of the issues of a team. */
export const workflowState = (box: Box, of: LinearState.WorkflowState) => ({
  id: of.id,
  name: of.name,
  type: of.type,
  color: "#95a2b3",
  position: of.position,
  ...times(of),
  team: () => maybe(box.state.teams.get(of.team), (each) => team(box, each))
})

/** A label. */
export const label = (box: Box, of: LinearState.Label) => ({
  id: of.id,
  name: of.name,
  color: "#bec2c8",
  ...times(of),
  team: () => maybe(box.state.teams.get(of.team), (each) => team(box, each))
})

/** A comment. */
export const comment = (box: Box, of: LinearState.Comment) => {
  const about = box.state.issues.get(of.issue)
  return {
    id: of.id,
    body: of.body,
    url: about === undefined ? "" : `${url(box.state, about)}#comment-${of.id.slice(0, 8)}`,
    editedAt: null,
    ...times(of),
    issue: () => maybe(about, (each) => issue(box, each)),
    user: () => maybe(box.state.users.get(of.user), (each) => user(box, each)),
    parent: (): unknown => maybe(box.state.comments.get(of.parent ?? ""), (each) => comment(box, each))
  }
}

/** An issue. */
export const issue = (box: Box, of: LinearState.Issue) => {
  const { state } = box
  return {
    id: of.id,
    identifier: identifier(state, of),
    number: of.number,
    title: of.title,
    description: of.description,
    priority: of.priority,
    priorityLabel: priorities[of.priority] ?? "",
    estimate: of.estimate,
    url: url(state, of),
    branchName: `${box.asks}/${identifier(state, of).toLowerCase()}-${slug(of.title)}`,
    labelIds: of.labels,
    ...times(of),
    startedAt: time(of.startedAt),
    completedAt: time(of.completedAt),
    canceledAt: time(of.canceledAt),
    archivedAt: null,
    team: () => maybe(state.teams.get(of.team), (each) => team(box, each)),
    state: () => maybe(state.states.get(of.state), (each) => workflowState(box, each)),
    assignee: () => maybe(state.users.get(of.assignee ?? ""), (each) => user(box, each)),
    creator: () => maybe(state.users.get(of.creator ?? ""), (each) => user(box, each)),
    parent: (): unknown => maybe(state.issues.get(of.parent ?? ""), (each) => issue(box, each)),
    labels: (asked: Asked) => lists(box).labels(asked, (each) => of.labels.includes(each.id)),
    comments: (asked: Asked): unknown =>
      LinearPage.of(
        state.comments.values.filter((each) => each.issue === of.id),
        asked,
        (each) => comment(box, each)
      ),
    children: (asked: Asked): unknown => lists(box).issues(asked, (each) => each.parent === of.id)
  }
}
