import { assert, describe, it } from "@effect/vitest"
import { LinearClient } from "@linear/sdk"
import { LinearWebhookClient } from "@linear/sdk/webhooks"
import * as Effect from "effect/Effect"
import { createHmac, timingSafeEqual } from "node:crypto"
import * as LinearTwin from "../../src/adapters/LinearTwin.ts"
import type * as Twin from "../../src/Twin.ts"
import * as TwinLab from "../../src/testing/TwinLab.ts"
import * as TwinTest from "../../src/testing/TwinTest.ts"

const tokens = {
  "key-of-ada": { name: "ada", scopes: ["read", "write"] },
  "key-of-a-reader": { name: "eve", scopes: ["read"] }
}

const team = { key: "ENG", name: "Engine", labels: ["bug"], issues: [{ title: "It stops", labels: ["bug"] }] }

const seed: LinearTwin.Seed = { tokens, users: [{ name: "bo", email: "bo@example.com" }], teams: [team] }

const graph = (query: string, variables?: unknown): TwinLab.Ask => ({
  method: "POST",
  path: "/graphql",
  body: { query, ...(variables === undefined ? {} : { variables }) }
})

const create = `mutation ($input: IssueCreateInput!) { issueCreate(input: $input) { success issue { id identifier title } } }`

const lab = Effect.fnUntraced(function* (from: LinearTwin.Seed = seed, options: Twin.Options = {}) {
  const twin = yield* LinearTwin.service.start(from, options)
  const ask = (query: string, variables?: unknown) =>
    Effect.map(
      TwinLab.send(twin.url, { ...graph(query, variables), headers: { authorization: "key-of-ada" } }),
      (reply) => ({ ...reply, json: JSON.parse(reply.body) })
    )
  return { twin, ask }
})

/** The id of the team of the seed, which is the same in every run. */
const teamId = await Effect.runPromise(
  Effect.scoped(Effect.flatMap(lab(), ({ ask }) => Effect.map(ask("{ teams { nodes { id } } }"), ({ json }) => json)))
).then((json): string => json.data.teams.nodes[0].id)

interface Page {
  readonly data: {
    readonly issues: {
      readonly nodes: ReadonlyArray<{ readonly title: string }>
      readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
    }
  }
}

const isSigned = ({ body, headers }: TwinLab.Received, secret: string): boolean => {
  const given = Buffer.from(headers["linear-signature"] ?? "")
  const right = Buffer.from(createHmac("sha256", secret).update(body).digest("hex"))
  return given.length === right.length && timingSafeEqual(given, right)
}

TwinTest.suite(
  "the twin of Linear",
  TwinLab.layer({
    service: LinearTwin.service,
    seed,
    other: { ...seed, teams: [{ ...team, name: "Other" }] },
    token: "key-of-ada",
    weakToken: "key-of-a-reader",
    authorize: (token) => ({ authorization: token }),
    read: graph("{ issues { nodes { identifier title } } }"),
    write: (n) => graph(create, { input: { teamId, title: `Issue ${n}` } }),
    missing: { method: "POST", path: "/oauth/token", body: {} },
    edit: {
      write: (title) =>
        graph(`mutation ($title: String!) { issueUpdate(id: "ENG-1", input: { title: $title }) { success } }`, {
          title
        }),
      read: graph(`{ issue(id: "ENG-1") { title } }`),
      text: (body) => JSON.parse(body).data.issue.title
    },
    webhooks: {
      seed: (url, secret) => ({ ...seed, webhooks: [{ url, secret, resourceTypes: ["Issue" as const] }] }),
      isSigned
    }
  })
)

describe("bad input to the twin of Linear", () => {
  it.live(
    "a field, an argument or an operation that it does not have is an error with its name, and changes nothing",
    () =>
      Effect.gen(function* () {
        const { ask, twin } = yield* lab()
        const before = (yield* twin.snapshot).digest
        for (const [query, name] of [
          ["{ viewer { zzz } }", '"zzz" on type "User"'],
          ["{ cycles { nodes { id } } }", '"cycles" on type "Query"'],
          ['mutation { issueDelete(id: "ENG-1") { success } }', '"issueDelete" on type "Mutation"'],
          ["{ issues(filter: { cycle: {} }) { nodes { id } } }", '"cycle"'],
          ["{ issues(where: {}) { nodes { id } } }", '"where"'],
          ["subscription { x }", "subscription"],
          ["{ viewer { id }", "Syntax Error"],
          [`{ ${"viewer { id } ".repeat(2_000)} }`, "token"]
        ] as const) {
          const { json, status } = yield* ask(query)
          assert.strictEqual(status, 400, query.slice(0, 60))
          assert.include(json.errors[0].message, name)
          assert.strictEqual(json.data, undefined)
        }
        assert.strictEqual((yield* twin.snapshot).digest, before)
      })
  )

  it.live("what is given and can not be taken is Linear's input error", () =>
    Effect.gen(function* () {
      const { ask, twin } = yield* lab()
      const before = (yield* twin.snapshot).digest
      for (const [query, message] of [
        ['{ issue(id: "ENG-99") { id } }', "Entity not found: Issue"],
        ['{ issue(id: "constructor") { id } }', "Entity not found: Issue"],
        ["{ issues(first: 0) { nodes { id } } }", "first must be from 1 to 250"],
        ["{ issues(first: 251) { nodes { id } } }", "first must be from 1 to 250"],
        ['{ issues(after: "x") { nodes { id } } }', "no cursor"],
        ['mutation { issueCreate(input: { teamId: "x", title: "y" }) { success } }', "Entity not found: Team"],
        [`mutation { issueCreate(input: { teamId: "${teamId}", title: " " }) { success } }`, "title is empty"],
        [`mutation { issueCreate(input: { teamId: "${teamId}" }) { success } }`, "title should not be empty"],
        ['mutation { issueUpdate(id: "ENG-1", input: { stateId: "x" }) { success } }', "WorkflowState"],
        ['mutation { issueUpdate(id: "ENG-1", input: { labelIds: ["x"] }) { success } }', "IssueLabel"],
        ['mutation { issueUpdate(id: "ENG-1", input: { assigneeId: "x" }) { success } }', "User"],
        ['mutation { issueUpdate(id: "ENG-1", input: { priority: 9 }) { success } }', "priority"],
        ['mutation { issueUpdate(id: "ENG-1", input: { parentId: "ENG-1" }) { success } }', "its own parent"],
        ['mutation { commentCreate(input: { issueId: "ENG-1", body: "" }) { success } }', "body should not be empty"]
      ] as const) {
        const { json, status } = yield* ask(query)
        assert.deepStrictEqual([status, json.errors?.[0].extensions.code], [200, "INPUT_ERROR"], query)
        assert.include(json.errors[0].message, message)
      }
      assert.strictEqual((yield* twin.snapshot).digest, before)
    })
  )

  it.live("a query that would answer with too much is refused before it begins", () =>
    Effect.gen(function* () {
      const { ask } = yield* lab()
      const nested = "issues { nodes { team { ".repeat(4)
      const deep = yield* ask(`{ ${nested} id ${"} } } ".repeat(4)} }`)
      assert.strictEqual(deep.status, 400)
      assert.include(deep.json.errors[0].message, "Query too complex")
      const doubled = Array.from({ length: 40 }, (_, n) => `fragment f${n} on User { ...f${n + 1} ...f${n + 1} }`)
      const bomb = yield* ask(`{ viewer { ...f0 } } ${doubled.join(" ")} fragment f40 on User { id }`)
      assert.strictEqual(bomb.status, 400)
    })
  )

  it.live("a page begins after its cursor, and each issue comes once", () =>
    Effect.gen(function* () {
      const issues = Array.from({ length: 120 }, (_, n) => ({ title: `Issue ${n}` }))
      const { ask } = yield* lab({ ...seed, teams: [{ ...team, issues }] })
      const titles: Array<string> = []
      let after: string | null = null
      for (let more = true; more && titles.length <= 120;) {
        const query =
          "query ($after: String) { issues(first: 50, after: $after) { nodes { title } pageInfo { hasNextPage endCursor } } }"
        const { json }: { readonly json: Page } = yield* ask(query, { after })
        titles.push(...json.data.issues.nodes.map(({ title }) => title))
        after = json.data.issues.pageInfo.endCursor
        more = json.data.issues.pageInfo.hasNextPage
      }
      assert.deepStrictEqual(titles, issues.map(({ title }) => title).toReversed())
    })
  )
})

describe("the twin of Linear for its own client", () => {
  it.live("an issue is made, moved, labelled, commented, found by a filter, and told to a hook that verifies it", () =>
    Effect.gen(function* () {
      const receiver = yield* TwinLab.receiver
      const hook = { url: receiver.url, secret: TwinLab.secret, resourceTypes: ["Issue" as const, "Comment" as const] }
      // Linear's receiver takes only what is a minute old at most.
      const { twin } = yield* lab({ ...seed, webhooks: [hook] }, { now: Date.now() })
      yield* twin.webhooks.allow(receiver.url)
      const { client } = new LinearClient({ apiKey: "key-of-ada", apiUrl: `${twin.url}/graphql` })
      const go = (query: string, variables: Record<string, unknown> = {}) =>
        Effect.promise(async () => {
          const { data } = await client.rawRequest(query, variables)
          return JSON.parse(JSON.stringify(data))
        })
      const { issueLabels, viewer, workflowStates } = yield* go(
        `{ viewer { id name isMe } issueLabels { nodes { id name } }
           workflowStates(filter: { type: { eq: "completed" }, team: { key: { eq: "ENG" } } }) { nodes { id name } } }`
      )
      assert.deepStrictEqual([viewer.name, viewer.isMe], ["ada", true])
      const { issueCreate } = yield* go(create, {
        input: { teamId, title: "Wrong answer", assigneeId: viewer.id, labelIds: [issueLabels.nodes[0].id] }
      })
      assert.strictEqual(issueCreate.issue.identifier, "ENG-2")
      yield* go(
        "mutation ($id: String!, $stateId: String!) { issueUpdate(id: $id, input: { stateId: $stateId }) { success } }",
        {
          id: "ENG-2",
          stateId: workflowStates.nodes[0].id
        }
      )
      yield* go('mutation { commentCreate(input: { issueId: "ENG-2", body: "Done." }) { success comment { id } } }')
      const filter = {
        state: { type: { in: ["completed"] } },
        assignee: { name: { eq: "ada" } },
        labels: { some: { name: { eqIgnoreCase: "BUG" } } },
        or: [{ title: { containsIgnoreCase: "ANSWER" } }, { number: { lt: 0 } }]
      }
      const { issues } = yield* go(
        `query ($filter: IssueFilter) { issues(filter: $filter) {
          nodes { identifier completedAt state { name } comments { nodes { body user { name } } } labels { nodes { name } } } } }`,
        { filter }
      )
      assert.deepStrictEqual(
        issues.nodes.map(({ completedAt: _, ...issue }: Record<string, unknown>) => issue),
        [
          {
            identifier: "ENG-2",
            state: { name: "Done" },
            comments: { nodes: [{ body: "Done.", user: { name: "ada" } }] },
            labels: { nodes: [{ name: "bug" }] }
          }
        ]
      )
      const error = yield* Effect.flip(Effect.tryPromise(() => client.rawRequest('{ issue(id: "NO-1") { id } }')))
      assert.include(String(error.cause), "Entity not found: Issue")
      const received = yield* receiver.first(3)
      const verifier = new LinearWebhookClient(TwinLab.secret)
      assert.deepStrictEqual(
        received.map(({ body, headers }) => {
          const { action, type } = JSON.parse(body)
          return [action, type, verifier.verify(Buffer.from(body), headers["linear-signature"] ?? "")]
        }),
        [
          ["create", "Issue", true],
          ["update", "Issue", true],
          ["create", "Comment", true]
        ]
      )
      const { data, updatedFrom } = JSON.parse(received[1]?.body ?? "{}")
      assert.strictEqual(data.state.name, "Done")
      assert.isString(updatedFrom.stateId)
    })
  )
})
