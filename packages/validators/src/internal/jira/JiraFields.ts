/** What a request sets on an issue. A field that the twin does not have is refused by its name, as Jira refuses one of no screen. */
import type * as Schema from "effect/Schema"
import * as JiraDocument from "./JiraDocument.ts"
import * as JiraState from "./JiraState.ts"

type Json = Schema.Json | undefined

type Fields = Readonly<Record<string, Schema.Json>>

type Set = { readonly change: Partial<JiraState.Issue> } | { readonly problem: string }

interface Place {
  readonly state: JiraState.State
  readonly project: JiraState.Project
  readonly issue: JiraState.Issue | undefined
}

const of = (value: Json, key: string): string | undefined => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined
  const found: Json = Object.hasOwn(value, key) ? new Map(Object.entries(value)).get(key) : undefined
  return typeof found === "string" ? found : undefined
}

/** How each field is set. */
const setters: Readonly<Record<string, (value: Schema.Json, place: Place) => Set>> = {
  summary: (value) => {
    if (typeof value !== "string" || value.trim() === "") return { problem: "You must specify a summary of the issue." }
    if (value.includes("\n")) return { problem: "The summary is invalid because it contains newline characters." }
    return value.length > 255 ? { problem: "Summary can't exceed 255 characters." } : { change: { summary: value } }
  },
  description: (value) =>
    value === null || JiraDocument.is(value)
      ? { change: { description: value } }
      : { problem: "Operation value must be an Atlassian Document (see the Atlassian Document Format)" },
  issuetype: (value, { project }) => {
    const type = project.types.find(({ id, name }) => id === of(value, "id") || name === of(value, "name"))
    return type === undefined ? { problem: "Specify a valid issue type" } : { change: { type: type.id } }
  },
  priority: (value) => {
    const name = of(value, "name") ?? JiraState.priorities[Number(of(value, "id")) - 1]
    return name !== undefined && JiraState.priorities.includes(name)
      ? { change: { priority: name } }
      : { problem: "Specify the Priority (id or name) in the string format" }
  },
  labels: (value) => {
    if (!Array.isArray(value) || !value.every((each) => typeof each === "string"))
      return { problem: "data was not an array" }
    const spaced = value.find((label) => /\s/.test(String(label)))
    return spaced === undefined
      ? { change: { labels: [...new Set(value.map(String))] } }
      : { problem: `The label '${String(spaced)}' contains spaces which is invalid.` }
  },
  assignee: (value, { state }) => {
    if (value === null) return { change: { assignee: null } }
    const id = of(value, "accountId") ?? of(value, "id") ?? ""
    return state.users.has(id)
      ? { change: { assignee: id } }
      : { problem: `User '${id}' does not exist or can not be assigned.` }
  },
  parent: (value, { issue, project, state }) => {
    const parent = JiraState.issueIn(state, of(value, "key") ?? of(value, "id") ?? "")
    if (parent === undefined || parent.project !== project.id) return { problem: "Given parent issue does not exist." }
    return parent.id === issue?.id || parent.parent !== null
      ? { problem: "Given parent issue does not belong to the appropriate hierarchy." }
      : { change: { parent: parent.id } }
  }
}

/** What the fields change, or what is wrong with each. */
export const read = (
  fields: Fields,
  place: Place
): { readonly change: Partial<JiraState.Issue> } | { readonly errors: Readonly<Record<string, string>> } => {
  const errors: Record<string, string> = {}
  let change: Partial<JiraState.Issue> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (name === "project" && place.issue === undefined) continue
    const setter = Object.hasOwn(setters, name) ? setters[name] : undefined
    const set = setter?.(value, place) ?? {
      problem: `Field '${name}' cannot be set. It is not on the appropriate screen, or unknown.`
    }
    if ("problem" in set) errors[name] = set.problem
    else change = { ...change, ...set.change }
  }
  return Object.keys(errors).length > 0 ? { errors } : { change }
}

/** The project that the fields of a new issue name. */
export const projectIn = ({ projects }: JiraState.State, fields: Fields): JiraState.Project | undefined =>
  projects.values.find(({ id, key }) => id === of(fields["project"], "id") || key === of(fields["project"], "key"))
