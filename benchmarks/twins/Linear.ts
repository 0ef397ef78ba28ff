/** The twin of Linear: what it is compared with, and what a factory does with it. */
import * as LinearTwin from "@millwright/validators/adapters/LinearTwin"
import type * as TwinLab from "@millwright/validators/testing/TwinLab"
import * as Effect from "effect/Effect"
import * as Documented from "./Documented.ts"
import type * as Service from "./Service.ts"

const token = "key-of-the-bench"

const headers = { authorization: token }

const start = LinearTwin.service.start({
  tokens: { [token]: { name: "factory", scopes: ["read", "write"] } },
  teams: [{ key: "ENG", name: "Engine", labels: ["bug"], issues: [{ title: "It stops", labels: ["bug"] }] }]
})

const graph = (query: string, variables: Readonly<Record<string, unknown>> = {}): TwinLab.Ask => ({
  method: "POST",
  path: "/graphql",
  body: { query, variables }
})

const go = Effect.fnUntraced(function* (
  ask: Service.Ask,
  query: string,
  variables?: Readonly<Record<string, unknown>>
) {
  const { data } = yield* Documented.json(ask, graph(query, variables), ({ errors }) => errors === undefined)
  return data
})

const create = `mutation ($title: String!, $teamId: String!) {
  issueCreate(input: { title: $title, teamId: $teamId }) { success issue { id identifier } } }`

/** The id of the team, which is the same at every start. */
const teamId = await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const twin = yield* start
      const reply = yield* Effect.promise(() =>
        fetch(`${twin.url}/graphql`, {
          method: "POST",
          headers: { ...headers, "content-type": "application/json" },
          body: JSON.stringify({ query: "{ teams { nodes { id } } }" })
        })
      )
      const { data } = JSON.parse(yield* Effect.promise(() => reply.text()))
      return String(data.teams.nodes[0].id)
    })
  )
)

/** An issue from its beginning to its end. */
const scenario = Effect.fnUntraced(function* (ask: Service.Ask) {
  const { workflowStates } = yield* go(ask, "{ workflowStates { nodes { id type } } }")
  const { issueCreate } = yield* go(ask, create, { title: "Wrong answer", teamId })
  const update = `mutation ($id: String!, $stateId: String!) {
    issueUpdate(id: $id, input: { stateId: $stateId }) { success issue { state { name } } } }`
  for (const type of ["started", "completed"]) {
    const stateId = workflowStates.nodes.find((state: { readonly type: string }) => state.type === type).id
    yield* go(ask, update, { id: issueCreate.issue.id, stateId })
  }
  yield* go(
    ask,
    'mutation ($id: String!) { commentCreate(input: { issueId: $id, body: "Done." }) { success comment { id } } }',
    { id: issueCreate.issue.id }
  )
  yield* go(ask, '{ issues(filter: { state: { type: { eq: "completed" } } }) { nodes { identifier title } } }')
})

/** Linear. */
export const service: Service.Service = {
  name: "linear",
  start,
  headers,
  write: (n) => graph(create, { title: `Issue ${n}`, teamId }),
  scenario,
  compared: []
}
