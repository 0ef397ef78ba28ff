/** Users, and the steps of their life. */
import * as Schema from "effect/Schema"
import * as TwinService from "../../TwinService.ts"
import * as OktaAnswer from "./OktaAnswer.ts"
import * as OktaShape from "./OktaShape.ts"
import * as OktaState from "./OktaState.ts"

const on = TwinService.routes<OktaState.State>()

const read = "okta.users.read"
const manage = "okta.users.manage"
const { ok } = OktaAnswer

const missing = (id: string) => ({ answer: OktaAnswer.notFound(id, "User") })

const put = (state: OktaState.State, user: OktaState.User): OktaState.State => ({
  ...state,
  users: state.users.set(user.id, user)
})

const Change = Schema.Struct({
  profile: Schema.Struct({
    login: Schema.optionalKey(Schema.String),
    email: Schema.optionalKey(Schema.String),
    firstName: Schema.optionalKey(Schema.NullOr(Schema.String)),
    lastName: Schema.optionalKey(Schema.NullOr(Schema.String))
  })
})

/** What is wrong with the profile of a user. */
const problem = (state: OktaState.State, user: OktaState.User): TwinService.Answer | undefined => {
  const { email, login } = user.profile
  const isAddress = (text: string) => /^[^\s@]+@[^\s@]+$/.test(text)
  if (!isAddress(login)) return OktaAnswer.invalid("login", "login: Username must be in the form of an email address")
  if (!isAddress(email)) return OktaAnswer.invalid("email", "email: Does not match required pattern")
  const other = OktaState.userIn(state, login)
  return other === undefined || other.id === user.id
    ? undefined
    : OktaAnswer.invalid("login", "login: An object with this field already exists in the current organization")
}

/** What a list is cut down to: `q` by its beginning, and `filter` or `search` by one comparison. */
const listed = ({ query, state }: TwinService.Call<OktaState.State>): ReadonlyArray<OktaState.User> | string => {
  const q = query.get("q")?.toLowerCase()
  const asked = query.get("search") ?? query.get("filter")
  const comparison =
    asked === null
      ? undefined
      : /^(status|id|profile\.(?:login|email|firstName|lastName)) eq "([^"]*)"$/.exec(asked.trim())
  if (comparison === null)
    return `Invalid search criteria: the twin knows one comparison, such as profile.login eq "…", and not ${asked}`
  const [, field = "", value = ""] = comparison ?? []
  const valueOf = (user: OktaState.User) =>
    new Map<string, string | null>([
      ...Object.entries({ status: user.status, id: user.id }),
      ...Object.entries(user.profile).map(([name, text]) => [`profile.${name}`, text] as const)
    ]).get(field)
  return state.users.values.filter(
    (user) =>
      (comparison !== undefined || user.status !== "DEPROVISIONED") &&
      (comparison === undefined || valueOf(user) === value) &&
      (q === undefined || Object.values(user.profile).some((text) => text?.toLowerCase().startsWith(q) === true))
  )
}

const after = {
  activate: "ACTIVE",
  deactivate: "DEPROVISIONED",
  suspend: "SUSPENDED",
  unsuspend: "ACTIVE"
} as const

const steps = (["activate", "deactivate", "suspend", "unsuspend"] as const).map((step) =>
  on(`POST /api/v1/users/:id/lifecycle/${step}`, {
    scope: manage,
    handle: ({ now, params, state }) => {
      const user = OktaState.userIn(state, params["id"] ?? "")
      if (user === undefined) return missing(params["id"] ?? "")
      if (!OktaShape.stepsOf(user).includes(step)) {
        const summary =
          step === "activate"
            ? "Activation failed because the user is already active"
            : "This operation is not allowed in the user's current status."
        return { answer: OktaAnswer.error(403, step === "activate" ? "E0000016" : "E0000038", { summary }) }
      }
      const activatedAt = step === "activate" ? now : user.activatedAt
      return {
        answer: ok({}),
        state: put(state, { ...user, status: after[step], activatedAt, statusChangedAt: now, updatedAt: now })
      }
    }
  })
)

/** The routes. */
export const routes: ReadonlyArray<TwinService.Route<OktaState.State>> = [
  on("GET /api/v1/users", {
    scope: read,
    handle: (call) => {
      const found = listed(call)
      if (typeof found === "string") return { answer: OktaAnswer.error(400, "E0000031", { summary: found }) }
      return { answer: OktaAnswer.page(found, call, (user) => OktaShape.user(call.url, user)) }
    }
  }),
  on("POST /api/v1/users", {
    scope: manage,
    body: Change,
    handle: ({ body, id, now, query, state, url }) => {
      const { email = "", firstName = null, lastName = null, login = "" } = body.profile
      const isActive = query.get("activate") !== "false"
      const user: OktaState.User = {
        id: OktaState.idOf("00u", id("user")),
        createdAt: now,
        updatedAt: now,
        status: isActive ? "ACTIVE" : "STAGED",
        activatedAt: isActive ? now : null,
        statusChangedAt: now,
        profile: { login, email, firstName, lastName }
      }
      const wrong = problem(state, user)
      return wrong === undefined
        ? { answer: ok(OktaShape.user(url, user)), state: put(state, user) }
        : { answer: wrong }
    }
  }),
  on("GET /api/v1/users/:id", {
    scope: read,
    handle: ({ params, state, url }) => {
      const user = OktaState.userIn(state, params.id)
      return user === undefined ? missing(params.id) : { answer: ok(OktaShape.user(url, user)) }
    }
  }),
  on("POST /api/v1/users/:id", {
    scope: manage,
    body: Change,
    handle: ({ body, now, params, state, url }) => {
      const old = OktaState.userIn(state, params.id)
      if (old === undefined) return missing(params.id)
      const user = { ...old, profile: { ...old.profile, ...body.profile }, updatedAt: now }
      const wrong = problem(state, user)
      return wrong === undefined
        ? { answer: ok(OktaShape.user(url, user)), state: put(state, user) }
        : { answer: wrong }
    }
  }),
  on("DELETE /api/v1/users/:id", {
    scope: manage,
    handle: ({ now, params, state }) => {
      const user = OktaState.userIn(state, params.id)
      if (user === undefined) return missing(params.id)
      // The first time it is deactivated, as at Okta; the second time it is gone.
      if (user.status !== "DEPROVISIONED") {
        const left = { ...user, status: "DEPROVISIONED" as const, statusChangedAt: now, updatedAt: now }
        return { answer: { status: 204 }, state: put(state, left) }
      }
      const groups = state.groups.values.reduce(
        (table, group) => table.set(group.id, { ...group, members: group.members.filter((id) => id !== user.id) }),
        state.groups
      )
      return { answer: { status: 204 }, state: { ...state, groups, users: state.users.delete(user.id) } }
    }
  }),
  on("GET /api/v1/users/:id/groups", {
    scope: read,
    handle: (call) => {
      const user = OktaState.userIn(call.state, call.params.id)
      if (user === undefined) return missing(call.params.id)
      const groups = call.state.groups.values.filter(({ members }) => members.includes(user.id))
      return { answer: OktaAnswer.page(groups, call, (group) => OktaShape.group(call.url, group)) }
    }
  }),
  ...steps
]
