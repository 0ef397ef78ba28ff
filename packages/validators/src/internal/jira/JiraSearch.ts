/** Which issues a JQL query finds, and in which order. */
import * as JiraDocument from "./JiraDocument.ts"
import * as JiraState from "./JiraState.ts"
import * as JqlReader from "./JqlReader.ts"

const { JqlProblem } = JqlReader

interface Field {
  readonly operators: ReadonlyArray<string>
  /** What the issue has there; nothing where it is empty. */
  readonly values: (state: JiraState.State, issue: JiraState.Issue) => ReadonlyArray<string | number>
  /** Whether there is such a value at all. Not said: any may be. */
  readonly exists?: (state: JiraState.State, text: string) => boolean
}

const equal = ["=", "!=", "in", "not in"]
const empty = ["is", "is not"]
const contains = ["~", "!~"]
const ordered = ["=", "!=", "<", "<=", ">", ">="]

const lower = (text: string) => text.toLowerCase()

const userOf = (state: JiraState.State, id: string | null) => {
  const user = state.users.get(id ?? "")
  return user === undefined ? [] : [user.accountId, user.email, user.displayName]
}

const isUser = (state: JiraState.State, text: string) =>
  state.users.values.some((user) => [user.accountId, user.email, user.displayName].map(lower).includes(lower(text)))

const key: Field = {
  operators: equal,
  values: (state, issue) => [JiraState.keyOf(state, issue), issue.id],
  exists: (state, text) => JiraState.issueIn(state, text) !== undefined
}

const type: Field = {
  operators: equal,
  values: ({ projects }, issue) =>
    (projects.get(issue.project)?.types ?? []).flatMap(({ id, name }) => (id === issue.type ? [name, id] : [])),
  exists: ({ projects }, text) =>
    projects.values.some(({ types }) => types.some(({ id, name }) => id === text || lower(name) === lower(text)))
}

const words = (state: JiraState.State, issue: JiraState.Issue) => [
  issue.summary,
  JiraDocument.text(issue.description),
  ...state.comments.values.flatMap((each) => (each.issue === issue.id ? [JiraDocument.text(each.body)] : []))
]

const fields: Readonly<Record<string, Field>> = {
  project: {
    operators: equal,
    values: ({ projects }, issue) => {
      const project = projects.get(issue.project)
      return project === undefined ? [] : [project.key, project.id, project.name]
    },
    exists: ({ projects }, text) =>
      projects.values.some(({ id, key: short, name }) => [id, short, name].map(lower).includes(lower(text)))
  },
  key,
  issuekey: key,
  id: key,
  type,
  issuetype: type,
  status: {
    operators: equal,
    values: (state, issue) => {
      const status = JiraState.statusOf(state, issue)
      return status === undefined ? [] : [status.name, status.id]
    },
    exists: ({ projects }, text) =>
      projects.values.some(({ statuses }) =>
        statuses.some(({ id, name }) => id === text || lower(name) === lower(text))
      )
  },
  statuscategory: {
    operators: equal,
    values: (state, issue) => {
      const names = { new: "To Do", indeterminate: "In Progress", done: "Done" }
      const category = JiraState.statusOf(state, issue)?.category
      return category === undefined ? [] : [names[category], category]
    },
    exists: (_state, text) => ["to do", "in progress", "done", "new", "indeterminate"].includes(lower(text))
  },
  priority: {
    operators: equal,
    values: (_state, { priority }) => [priority],
    exists: (_state, text) => JiraState.priorities.some((name) => lower(name) === lower(text))
  },
  assignee: {
    operators: [...equal, ...empty],
    values: (state, issue) => userOf(state, issue.assignee),
    exists: isUser
  },
  reporter: {
    operators: [...equal, ...empty],
    values: (state, issue) => userOf(state, issue.reporter),
    exists: isUser
  },
  labels: { operators: [...equal, ...empty], values: (_state, issue) => issue.labels },
  parent: {
    operators: [...equal, ...empty],
    values: (state, issue) => {
      const parent = state.issues.get(issue.parent ?? "")
      return parent === undefined ? [] : [JiraState.keyOf(state, parent), parent.id]
    }
  },
  summary: { operators: [...contains, ...empty], values: (_state, issue) => [issue.summary] },
  description: {
    operators: [...contains, ...empty],
    values: (_state, { description }) => (description === null ? [] : [JiraDocument.text(description)])
  },
  text: { operators: contains, values: words },
  created: { operators: ordered, values: (_state, issue) => [issue.createdAt] },
  updated: { operators: ordered, values: (_state, issue) => [issue.updatedAt] }
}

const fieldOf = (name: string): Field => {
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (field === undefined) {
    throw new JqlProblem(`Field '${name}' does not exist or you do not have permission to view it.`)
  }
  return field
}

const isTime = (name: string) => name === "created" || name === "updated"

type Test = (issue: JiraState.Issue) => boolean

const comparison = (
  { field: name, operator, values }: JqlReader.Clause,
  { asks, state }: { readonly state: JiraState.State; readonly asks: JiraState.User }
): Test => {
  const field = fieldOf(name)
  const isNegated = operator.startsWith("!") || operator.endsWith("not") || operator.startsWith("not")
  if (!field.operators.includes(operator)) {
    throw new JqlProblem(`The operator '${operator}' is not supported by the '${name}' field.`)
  }
  const texts = values.flatMap((value) => {
    if (value._tag === "Empty") return []
    if (value._tag === "Text") return [value.text]
    if (value.name.toLowerCase() !== "currentuser") {
      throw new JqlProblem(`Unable to find JQL function '${value.name}()'.`)
    }
    return [asks.accountId]
  })
  const unknown = texts.find((text) => field.exists?.(state, text) === false)
  if (unknown !== undefined) throw new JqlProblem(`The value '${unknown}' does not exist for the field '${name}'.`)
  if (empty.includes(operator)) {
    if (texts.length > 0) throw new JqlProblem(`The operator '${operator}' is only followed by EMPTY or NULL.`)
    return (issue) => (field.values(state, issue).length === 0) !== isNegated
  }
  if (isTime(name)) {
    const at = Date.parse((texts[0] ?? "").replaceAll("/", "-").replace(" ", "T").concat("Z").replace(/ZZ$/, "Z"))
    const day = Date.parse(texts[0] ?? "")
    const wanted = Number.isNaN(at) ? day : at
    if (Number.isNaN(wanted)) throw new JqlProblem(`Date value '${texts[0] ?? ""}' for field '${name}' is invalid.`)
    return (issue) => compares(Number(field.values(state, issue)[0]), operator, wanted)
  }
  const isEmptyAsked = values.some(({ _tag }) => _tag === "Empty")
  const wanted = texts.map(lower)
  return (issue) => {
    const has = field.values(state, issue).map((each) => lower(String(each)))
    const isFound = operator.endsWith("~")
      ? has.some((each) => wanted.every((text) => text.split(/\s+/).every((part) => each.includes(part))))
      : has.some((each) => wanted.includes(each)) || (isEmptyAsked && has.length === 0)
    return isFound !== isNegated
  }
}

const compares = (value: number, operator: string, wanted: number): boolean => {
  if (operator === "=") return value === wanted
  if (operator === "!=") return value !== wanted
  if (operator.startsWith("<")) return value < wanted || (operator === "<=" && value === wanted)
  return value > wanted || (operator === ">=" && value === wanted)
}

const tested = (
  condition: JqlReader.Condition,
  around: { readonly state: JiraState.State; readonly asks: JiraState.User }
): Test => {
  if (condition._tag === "Clause") return comparison(condition, around)
  if (condition._tag === "Not") {
    const inner = tested(condition.inner, around)
    return (issue) => !inner(issue)
  }
  const all = condition.all.map((each) => tested(each, around))
  return condition._tag === "And"
    ? (issue) => all.every((test) => test(issue))
    : (issue) => all.some((test) => test(issue))
}

/** The issues that a query finds, in its order; without one the newest first. Or what is wrong with the query. */
export const find = (
  jql: string,
  around: { readonly state: JiraState.State; readonly asks: JiraState.User }
): { readonly issues: ReadonlyArray<JiraState.Issue> } | { readonly problem: string } => {
  try {
    const { condition, order } = JqlReader.read(jql)
    if (condition === undefined) {
      throw new JqlProblem("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
    }
    const { state } = around
    const found = state.issues.values.filter(tested(condition, around))
    const rules = (order.length === 0 ? [{ field: "created", isDescending: true }] : order).map((rule) => ({
      ...rule,
      by: fieldOf(rule.field)
    }))
    const rank = (issue: JiraState.Issue, { by, field }: (typeof rules)[number]) =>
      field === "priority"
        ? -JiraState.priorities.indexOf(issue.priority)
        : by === key
          ? issue.number
          : (by.values(state, issue)[0] ?? "")
    const compare = (a: JiraState.Issue, b: JiraState.Issue): number => {
      for (const rule of rules) {
        const [left, right] = [rank(a, rule), rank(b, rule)]
        if (left !== right) return (left < right ? -1 : 1) * (rule.isDescending ? -1 : 1)
      }
      return Number(b.id) - Number(a.id)
    }
    return { issues: found.toSorted(compare) }
  } catch (error) {
    if (error instanceof JqlProblem) return { problem: error.message }
    throw error
  }
}
