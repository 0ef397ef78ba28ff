/** The twin of Okta: what a factory does with it. Nobody has compared it with the service. */
import * as OktaTwin from "@millwright/validators/adapters/OktaTwin"
import * as Effect from "effect/Effect"
import * as Documented from "./Documented.ts"
import type * as Service from "./Service.ts"

const token = "token-of-the-bench"

const create = (login: string) => ({
  method: "POST",
  path: "/api/v1/users",
  body: { profile: { login, email: login, firstName: "New", lastName: "User" } }
})

/** A user joins, gets a group, is suspended, and goes. */
const scenario = Effect.fnUntraced(function* (ask: Service.Ask) {
  const { id } = yield* Documented.json(ask, create("new@example.com"))
  const [group] = yield* Documented.json(ask, { method: "GET", path: "/api/v1/groups?q=Builders" })
  yield* Documented.json(ask, { method: "PUT", path: `/api/v1/groups/${group.id}/users/${id}` })
  for (const step of ["suspend", "unsuspend", "deactivate"]) {
    yield* Documented.json(ask, { method: "POST", path: `/api/v1/users/${id}/lifecycle/${step}` })
  }
  yield* Documented.json(ask, { method: "GET", path: `/api/v1/groups/${group.id}/users` })
})

/** Okta. */
export const service: Service.Service = {
  name: "okta",
  start: OktaTwin.service.start({
    tokens: { [token]: { name: "factory", scopes: ["okta.users.manage", "okta.groups.read", "okta.groups.manage"] } },
    users: [{ login: "ada@example.com", groups: ["Builders"] }]
  }),
  headers: { authorization: `SSWS ${token}` },
  write: (n) => create(`user-${n}@example.com`),
  scenario,
  compared: []
}
