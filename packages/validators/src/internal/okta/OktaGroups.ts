/** Groups, and who is in them. */
import * as Schema from "effect/Schema"
import * as TwinService from "../../TwinService.ts"
import * as OktaAnswer from "./OktaAnswer.ts"
import * as OktaShape from "./OktaShape.ts"
import * as OktaState from "./OktaState.ts"

const on = TwinService.routes<OktaState.State>()

const read = "okta.groups.read"
const manage = "okta.groups.manage"
const { ok } = OktaAnswer

const Body = Schema.Struct({
  profile: Schema.Struct({
    name: Schema.NonEmptyString,
    description: Schema.optionalKey(Schema.NullOr(Schema.String))
  })
})

const missing = (id: string) => ({ answer: OktaAnswer.notFound(id, "UserGroup") })

const put = (state: OktaState.State, group: OktaState.Group): OktaState.State => ({
  ...state,
  groups: state.groups.set(group.id, group)
})

const taken = (state: OktaState.State, name: string, id: string | undefined): TwinService.Answer | undefined =>
  state.groups.values.some((each) => each.name === name && each.id !== id)
    ? OktaAnswer.invalid("name", "name: An object with this field already exists in the current organization")
    : undefined

const member = (method: "PUT" | "DELETE") =>
  on(`${method} /api/v1/groups/:group/users/:user`, {
    scope: manage,
    handle: ({ now, params, state }) => {
      const group = state.groups.get(params.group)
      if (group === undefined) return missing(params.group)
      const user = state.users.get(params.user)
      if (user === undefined) return { answer: OktaAnswer.notFound(params.user, "User") }
      const others = group.members.filter((id) => id !== user.id)
      const isIn = others.length < group.members.length
      // Twice is once.
      if (isIn === (method === "PUT")) return { answer: { status: 204 } }
      const members = method === "PUT" ? [...others, user.id] : others
      return { answer: { status: 204 }, state: put(state, { ...group, members, membersChangedAt: now }) }
    }
  })

/** The routes. */
export const routes: ReadonlyArray<TwinService.Route<OktaState.State>> = [
  on("GET /api/v1/groups", {
    scope: read,
    handle: (call) => {
      const q = call.query.get("q")?.toLowerCase() ?? ""
      const found = call.state.groups.values.filter(({ name }) => name.toLowerCase().startsWith(q))
      return { answer: OktaAnswer.page(found, call, (group) => OktaShape.group(call.url, group)) }
    }
  }),
  on("POST /api/v1/groups", {
    scope: manage,
    body: Body,
    handle: ({ body, id, now, state, url }) => {
      const { description = null, name } = body.profile
      const wrong = taken(state, name, undefined)
      if (wrong !== undefined) return { answer: wrong }
      const times = { createdAt: now, updatedAt: now, membersChangedAt: now }
      const group = { id: OktaState.idOf("00g", id("group")), ...times, name, description, members: [] }
      return { answer: ok(OktaShape.group(url, group)), state: put(state, group) }
    }
  }),
  on("GET /api/v1/groups/:group", {
    scope: read,
    handle: ({ params, state, url }) => {
      const group = state.groups.get(params.group)
      return group === undefined ? missing(params.group) : { answer: ok(OktaShape.group(url, group)) }
    }
  }),
  on("PUT /api/v1/groups/:group", {
    scope: manage,
    body: Body,
    handle: ({ body, now, params, state, url }) => {
      const old = state.groups.get(params.group)
      if (old === undefined) return missing(params.group)
      const { description = null, name } = body.profile
      const wrong = taken(state, name, old.id)
      if (wrong !== undefined) return { answer: wrong }
      const group = { ...old, name, description, updatedAt: now }
      return { answer: ok(OktaShape.group(url, group)), state: put(state, group) }
    }
  }),
  on("DELETE /api/v1/groups/:group", {
    scope: manage,
    handle: ({ params, state }) =>
      state.groups.has(params.group)
        ? { answer: { status: 204 }, state: { ...state, groups: state.groups.delete(params.group) } }
        : missing(params.group)
  }),
  on("GET /api/v1/groups/:group/users", {
    scope: read,
    handle: (call) => {
      const group = call.state.groups.get(call.params.group)
      if (group === undefined) return missing(call.params.group)
      const users = group.members.flatMap((id) => call.state.users.get(id) ?? [])
      return { answer: OktaAnswer.page(users, call, (user) => OktaShape.user(call.url, user)) }
    }
  }),
  member("PUT"),
  member("DELETE")
]
