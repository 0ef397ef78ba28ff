/** Mutations. */
import type * as TwinService from "../../TwinService.ts"
import * as LinearError from "./LinearError.ts"
import * as LinearShape from "./LinearShape.ts"
import * as LinearState from "./LinearState.ts"
import * as LinearWebhooks from "./LinearWebhooks.ts"

/** What a mutation works with: it puts the state after it into the box, and adds what hooks are told. */
export interface Around {
  readonly box: LinearShape.Box
  readonly call: Pick<TwinService.Call<LinearState.State>, "id" | "now" | "caller">
  readonly events: Array<TwinService.Event>
}

interface Change {
  readonly title?: string | null
  readonly description?: string | null
  readonly priority?: number | null
  readonly estimate?: number | null
  readonly stateId?: string | null
  readonly assigneeId?: string | null
  readonly labelIds?: ReadonlyArray<string> | null
  readonly addedLabelIds?: ReadonlyArray<string> | null
  readonly removedLabelIds?: ReadonlyArray<string> | null
  readonly parentId?: string | null
}

interface New extends Change {
  readonly id?: string | null
  readonly teamId: string
}

/** An issue by its id or by `ENG-12`. */
export const issueIn = (state: LinearState.State, id: string): LinearState.Issue => {
  const found =
    state.issues.get(id) ?? state.issues.values.find((each) => LinearShape.identifier(state, each) === id.toUpperCase())
  if (found === undefined) throw LinearError.notFound("Issue")
  return found
}

const needs = ({ call }: Around, ...scopes: ReadonlyArray<string>): void => {
  if (!scopes.some((scope) => call.caller.scopes.includes(scope))) throw LinearError.forbidden(scopes[0] ?? "")
}

/** The id that was asked for, or the next one. */
const idFor = ({ box, call }: Around, kind: "issue" | "comment", asked: string | null | undefined): string => {
  const next = LinearState.uuid(kind, call.id(kind))
  if (typeof asked !== "string") return next
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(asked)) {
    throw LinearError.input("Argument Validation Error: id must be a UUID")
  }
  if (box.state.issues.has(asked) || box.state.comments.has(asked)) {
    throw LinearError.input(`Entity with the id ${asked} already exists`)
  }
  return asked
}

const changed = (around: Around, issue: LinearState.Issue, change: Change): LinearState.Issue => {
  const { box, call } = around
  const { state } = box
  const { assigneeId, estimate, parentId, priority, stateId, title } = change
  if (typeof title === "string" && title.trim() === "")
    throw LinearError.input("Argument Validation Error: title is empty")
  if (typeof priority === "number" && (priority < 0 || priority > 4)) {
    throw LinearError.input("Argument Validation Error: priority must be from 0 to 4")
  }
  const at = state.states.get(stateId ?? issue.state)
  if (at === undefined || at.team !== issue.team) throw LinearError.notFound("WorkflowState")
  if (typeof assigneeId === "string" && !state.users.has(assigneeId)) throw LinearError.notFound("User")
  const parent = typeof parentId === "string" ? issueIn(state, parentId) : undefined
  for (let each = parent; each !== undefined; each = state.issues.get(each.parent ?? "")) {
    if (each.id === issue.id) throw LinearError.input("An issue can not be its own parent")
  }
  const asked = [...(change.labelIds ?? issue.labels), ...(change.addedLabelIds ?? [])]
  const labels = [...new Set(asked)].filter((id) => change.removedLabelIds?.includes(id) !== true)
  if (labels.some((id) => state.labels.get(id)?.team !== issue.team)) throw LinearError.notFound("IssueLabel")
  const moved = (type: string, before: number | null) => (at.type === type ? (before ?? call.now) : null)
  return {
    ...issue,
    title: title ?? issue.title,
    description: change.description === undefined ? issue.description : change.description,
    priority: priority ?? issue.priority,
    estimate: estimate === undefined ? issue.estimate : estimate,
    state: at.id,
    assignee: assigneeId === undefined ? issue.assignee : assigneeId,
    parent: parentId === undefined ? issue.parent : (parent?.id ?? null),
    labels,
    startedAt: at.type === "started" ? (issue.startedAt ?? call.now) : issue.startedAt,
    completedAt: moved("completed", issue.completedAt),
    canceledAt: moved("canceled", issue.canceledAt),
    updatedAt: call.now
  }
}

const kept = ({ box }: Around, change: Partial<LinearState.State>): number => {
  const syncId = box.state.syncId + 1
  box.state = { ...box.state, ...change, syncId }
  return syncId
}

/** What was different before, under the names that webhooks have. */
const before = (old: LinearState.Issue, next: LinearState.Issue) => {
  const names = { state: "stateId", assignee: "assigneeId", labels: "labelIds", parent: "parentId" }
  const renamed = new Map(Object.entries(names))
  const now = new Map(Object.entries(next))
  return Object.fromEntries(
    Object.entries(old)
      .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(now.get(key)))
      .map(([key, value]) => [
        renamed.get(key) ?? key,
        key.endsWith("At") && typeof value === "number" ? LinearShape.time(value) : value
      ])
  )
}

/** The mutations. */
export const mutations = (around: Around) => ({
  issueCreate: ({ input }: { readonly input: New }) => {
    needs(around, "write", "issues:create")
    const { box, call } = around
    const team = box.state.teams.get(input.teamId)
    if (team === undefined) throw LinearError.notFound("Team")
    if (typeof input.title !== "string") throw LinearError.input("Argument Validation Error: title should not be empty")
    const number = team.lastNumber + 1
    const first = box.state.states.values.find((each) => each.team === team.id)
    const blank: LinearState.Issue = {
      ...{ id: idFor(around, "issue", input.id), number, title: "", description: null, priority: 0, estimate: null },
      ...{ team: team.id, state: first?.id ?? "", assignee: null, parent: null, labels: [] },
      creator: box.state.users.values.find(({ name }) => name === box.asks)?.id ?? null,
      ...{ startedAt: null, completedAt: null, canceledAt: null, createdAt: call.now, updatedAt: call.now }
    }
    const issue = changed(around, blank, input)
    const lastSyncId = kept(around, {
      teams: box.state.teams.set(team.id, { ...team, lastNumber: number }),
      issues: box.state.issues.set(issue.id, issue)
    })
    const data = LinearWebhooks.issue(box, issue)
    const url = LinearShape.url(box.state, issue)
    around.events.push(LinearWebhooks.told(box, call.now, { action: "create", type: "Issue", data, url }))
    return { lastSyncId, success: true, issue: LinearShape.issue(box, issue) }
  },
  issueUpdate: ({ id, input }: { readonly id: string; readonly input: Change }) => {
    needs(around, "write")
    const { box, call } = around
    const old = issueIn(box.state, id)
    const issue = changed(around, old, input)
    const lastSyncId = kept(around, { issues: box.state.issues.set(issue.id, issue) })
    const data = LinearWebhooks.issue(box, issue)
    const url = LinearShape.url(box.state, issue)
    const updatedFrom = before(old, issue)
    around.events.push(LinearWebhooks.told(box, call.now, { action: "update", type: "Issue", data, url, updatedFrom }))
    return { lastSyncId, success: true, issue: LinearShape.issue(box, issue) }
  },
  commentCreate: ({
    input
  }: {
    readonly input: Readonly<Record<"id" | "issueId" | "body" | "parentId", string | null>>
  }) => {
    needs(around, "write", "comments:create")
    const { box, call } = around
    const issue = issueIn(box.state, input.issueId ?? "")
    if ((input.body ?? "").trim() === "") throw LinearError.input("Argument Validation Error: body should not be empty")
    const parent = input.parentId ?? null
    if (parent !== null && box.state.comments.get(parent)?.issue !== issue.id) throw LinearError.notFound("Comment")
    const comment: LinearState.Comment = {
      id: idFor(around, "comment", input.id),
      body: input.body ?? "",
      issue: issue.id,
      user: box.state.users.values.find(({ name }) => name === box.asks)?.id ?? "",
      parent,
      createdAt: call.now,
      updatedAt: call.now
    }
    const lastSyncId = kept(around, { comments: box.state.comments.set(comment.id, comment) })
    const { issue: _issue, parent: _parent, user, ...data } = LinearShape.comment(box, comment)
    const who = user()
    const about = { id: issue.id, identifier: LinearShape.identifier(box.state, issue), title: issue.title }
    const told = {
      ...data,
      issueId: issue.id,
      userId: comment.user,
      issue: about,
      user: { id: who?.id, name: who?.name }
    }
    around.events.push(
      LinearWebhooks.told(box, call.now, { action: "create", type: "Comment", data: told, url: data.url })
    )
    return { lastSyncId, success: true, comment: LinearShape.comment(box, comment) }
  }
})
