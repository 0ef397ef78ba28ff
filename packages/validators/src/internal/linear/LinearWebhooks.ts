/** Webhooks as Linear sends them. */
import { createHmac } from "node:crypto"
import type * as TwinService from "../../TwinService.ts"
import * as LinearShape from "./LinearShape.ts"
import * as LinearState from "./LinearState.ts"

interface Told {
  readonly action: "create" | "update"
  readonly type: "Issue" | "Comment"
  readonly data: Readonly<Record<string, unknown>>
  readonly url: string
  readonly updatedFrom?: Readonly<Record<string, unknown>>
}

/** An event, by who asks. */
export const told = ({ asks, state }: LinearShape.Box, now: number, what: Told): TwinService.Event => {
  const actor = state.users.values.find(({ name }) => name === asks)
  return {
    name: what.type,
    payload: {
      action: what.action,
      actor: { id: actor?.id ?? null, type: "user", name: asks, email: actor?.email ?? null },
      createdAt: LinearShape.time(now),
      data: what.data,
      url: what.url,
      type: what.type,
      organizationId: state.organization.id,
      webhookTimestamp: now,
      ...(what.updatedFrom === undefined ? {} : { updatedFrom: what.updatedFrom })
    }
  }
}

/** An issue as a webhook has it. */
export const issue = (box: LinearShape.Box, of: LinearState.Issue): Readonly<Record<string, unknown>> => {
  const { state } = box
  const { assignee, children: _children, comments: _comments, creator: _creator, ...rest } = LinearShape.issue(box, of)
  const team = state.teams.get(of.team)
  const at = state.states.get(of.state)
  const assigned = assignee()
  return {
    ...rest,
    teamId: of.team,
    stateId: of.state,
    creatorId: of.creator,
    parentId: of.parent,
    ...(assigned === null
      ? {}
      : { assigneeId: assigned.id, assignee: { id: assigned.id, name: assigned.name, email: assigned.email } }),
    parent: undefined,
    team: team === undefined ? null : { id: team.id, key: team.key, name: team.name },
    state: at === undefined ? null : { id: at.id, name: at.name, type: at.type, color: "#95a2b3" },
    labels: of.labels.map((id) => ({ id, name: state.labels.get(id)?.name ?? "", color: "#bec2c8" }))
  }
}

/** How Linear sends webhooks. It tries again after a minute, an hour and six hours. */
export const webhooks: TwinService.Webhooks<LinearState.State> = {
  secrets: ({ webhooks }) => webhooks.map(({ secret }) => secret),
  hooks: ({ webhooks }, event) =>
    webhooks.flatMap(({ resourceTypes, secret, url }, index) =>
      resourceTypes.some((type) => type === event.name) ? [{ id: String(index), url, secret }] : []
    ),
  sign: ({ body, event, hook, number }) => {
    const id = LinearState.uuid("delivery", number)
    return {
      id,
      headers: {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Linear-Webhook",
        "linear-delivery": id,
        "linear-event": event.name,
        "linear-signature": createHmac("sha256", hook.secret).update(body).digest("hex")
      }
    }
  },
  retries: [60_000, 3_600_000, 21_600_000]
}
