/** Filters of lists. The schema says which there are; whatever it lets through has a meaning here. */
import type * as LinearState from "./LinearState.ts"

type Value = string | number
type Comparator = Readonly<Record<string, Value | ReadonlyArray<Value>>>

/** A filter as it comes out of the schema: comparators by field, other filters by relation. */
export interface Filter {
  readonly [name: string]: unknown
}

const lower = (value: unknown) => String(value).toLowerCase()

const isIn = (given: unknown, value: Value | undefined): boolean =>
  Array.isArray(given) && given.some((each) => each === value)

/** Each comparator by its name. */
const comparisons: Readonly<Record<string, (value: Value | undefined, given: unknown) => boolean>> = {
  eq: (value, given) => value === given,
  neq: (value, given) => value !== given,
  in: (value, given) => isIn(given, value),
  nin: (value, given) => !isIn(given, value),
  eqIgnoreCase: (value, given) => lower(value) === lower(given),
  contains: (value, given) => String(value).includes(String(given)),
  notContains: (value, given) => !String(value).includes(String(given)),
  containsIgnoreCase: (value, given) => lower(value).includes(lower(given)),
  startsWith: (value, given) => String(value).startsWith(String(given)),
  endsWith: (value, given) => String(value).endsWith(String(given)),
  lt: (value, given) => Number(value) < Number(given),
  lte: (value, given) => Number(value) <= Number(given),
  gt: (value, given) => Number(value) > Number(given),
  gte: (value, given) => Number(value) >= Number(given)
}

const compares = (value: Value | undefined, comparator: Comparator): boolean =>
  Object.entries(comparator).every(([name, given]) => given === null || comparisons[name]?.(value, given) === true)

const isFilter = (value: unknown): value is Filter => typeof value === "object" && value !== null

/** Whether the plain fields of a thing are as the filter says. */
export const holds = (
  thing: Readonly<Record<string, unknown>> | undefined,
  filter: unknown,
  relations: Readonly<Record<string, (filter: unknown) => boolean>> = {}
): boolean =>
  !isFilter(filter) ||
  Object.entries(filter).every(([name, given]) => {
    if (given === null) return true
    const relation = relations[name]
    if (relation !== undefined) return relation(given)
    const value = thing?.[name]
    // The schema lets only comparators through here.
    return compares(typeof value === "string" || typeof value === "number" ? value : undefined, given as Comparator)
  })

/** Whether a state of a team is as the filter says. */
export const ofState =
  (state: LinearState.State, filter: unknown) =>
  (each: LinearState.WorkflowState | undefined): boolean =>
    holds({ ...each }, filter, { team: (inner) => holds({ ...state.teams.get(each?.team ?? "") }, inner) })

/** Whether an issue is as the filter says. */
export const ofIssue =
  (state: LinearState.State, filter: unknown) =>
  (issue: LinearState.Issue): boolean => {
    const matches = (inner: unknown) => ofIssue(state, inner)(issue)
    return holds({ ...issue }, filter, {
      team: (inner) => holds({ ...state.teams.get(issue.team) }, inner),
      state: (inner) => ofState(state, inner)(state.states.get(issue.state)),
      assignee: (inner) => ofAssignee(issue.assignee === null ? undefined : state.users.get(issue.assignee), inner),
      labels: (inner) => {
        if (!isFilter(inner)) return true
        const labels = issue.labels.map((id) => ({ ...state.labels.get(id) }))
        const { every, some } = inner
        return (
          (!isFilter(some) || labels.some((label) => holds(label, some))) &&
          (!isFilter(every) || labels.every((label) => holds(label, every)))
        )
      },
      and: (inner) => Array.isArray(inner) && inner.every(matches),
      or: (inner) => Array.isArray(inner) && inner.some(matches)
    })
  }

const ofAssignee = (user: LinearState.User | undefined, filter: unknown): boolean =>
  holds({ ...user }, filter, { null: (wanted) => (user === undefined) === wanted })
