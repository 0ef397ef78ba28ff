/** The twin of Jira: what a factory does with it. Nobody has compared it with the service. */
import * as JiraTwin from "@millwright/validators/adapters/JiraTwin"
import * as Effect from "effect/Effect"
import * as Documented from "./Documented.ts"
import type * as Service from "./Service.ts"

const token = "token-of-the-bench"

const at = "/rest/api/3"

const create = (summary: string) => ({
  method: "POST",
  path: `${at}/issue`,
  body: { fields: { project: { key: "ENG" }, summary, issuetype: { name: "Bug" } } }
})

/** An issue from its beginning to its end. */
const scenario = Effect.fnUntraced(function* (ask: Service.Ask) {
  const { key } = yield* Documented.json(ask, create("Wrong answer"))
  const issue = `${at}/issue/${key}`
  const text = {
    type: "doc",
    version: 1,
    content: [{ type: "paragraph", content: [{ type: "text", text: "On it." }] }]
  }
  yield* Documented.json(ask, { method: "POST", path: `${issue}/comment`, body: { body: text } })
  for (const name of ["In Progress", "Done"]) {
    const { transitions } = yield* Documented.json(ask, { method: "GET", path: `${issue}/transitions` })
    const { id } = transitions.find((each: { readonly name: string }) => each.name === name)
    yield* Documented.json(ask, { method: "POST", path: `${issue}/transitions`, body: { transition: { id } } })
  }
  const jql = "project = ENG AND statusCategory = Done"
  yield* Documented.json(ask, { method: "POST", path: `${at}/search/jql`, body: { jql, fields: ["summary"] } })
})

/** Jira. */
export const service: Service.Service = {
  name: "jira",
  start: JiraTwin.service.start({
    tokens: { [token]: { name: "factory@example.com", scopes: ["read:jira-work", "write:jira-work"] } },
    projects: [{ key: "ENG", name: "Engine", issues: [{ summary: "It stops" }] }]
  }),
  headers: { authorization: `Bearer ${token}` },
  write: (n) => create(`Issue ${n}`),
  scenario,
  compared: []
}
