import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createHmac, timingSafeEqual } from "node:crypto"
import * as JiraTwin from "../../src/adapters/JiraTwin.ts"
import * as TwinLab from "../../src/testing/TwinLab.ts"
import * as TwinTest from "../../src/testing/TwinTest.ts"

const scopes = ["read:jira-work", "write:jira-work"]

const tokens = {
  "token-of-ada": { name: "ada@example.com", scopes },
  "token-of-a-reader": { name: "eve@example.com", scopes: ["read:jira-work"] }
}

const project = {
  key: "ENG",
  name: "Engine",
  issues: [{ summary: "It stops", labels: ["bug"], assignee: "ada@example.com" }]
}

const seed: JiraTwin.Seed = { tokens, projects: [project] }

const doc = (text: string) => ({
  type: "doc",
  version: 1,
  content: [{ type: "paragraph", content: [{ type: "text", text }] }]
})

const basic = (email: string, token: string) => ({
  authorization: `Basic ${Buffer.from(`${email}:${token}`).toString("base64")}`
})

const at = "/rest/api/3"

const create = (fields: unknown): TwinLab.Ask => ({ method: "POST", path: `${at}/issue`, body: { fields } })

const isSigned = ({ body, headers }: TwinLab.Received, secret: string): boolean => {
  const given = Buffer.from(headers["x-hub-signature"] ?? "")
  const right = Buffer.from(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`)
  return given.length === right.length && timingSafeEqual(given, right)
}

TwinTest.suite(
  "the twin of Jira",
  TwinLab.layer({
    service: JiraTwin.service,
    seed,
    other: { ...seed, projects: [{ ...project, issues: [{ summary: "Another" }] }] },
    token: "token-of-ada",
    weakToken: "token-of-a-reader",
    read: { method: "GET", path: `${at}/issue/ENG-1` },
    write: (n) => create({ project: { key: "ENG" }, summary: `Issue ${n}`, issuetype: { name: "Task" } }),
    missing: { method: "GET", path: `${at}/dashboard` },
    edit: {
      write: (summary) => ({ method: "PUT", path: `${at}/issue/ENG-1`, body: { fields: { summary } } }),
      read: { method: "GET", path: `${at}/issue/ENG-1?fields=summary` },
      text: (body) => JSON.parse(body).fields.summary
    },
    webhooks: {
      seed: (url, secret) => ({ ...seed, webhooks: [{ url, secret, events: ["jira:issue_created"] }] }),
      isSigned
    }
  })
)

const lab = Effect.fnUntraced(function* (from: JiraTwin.Seed = seed) {
  const twin = yield* JiraTwin.service.start(from)
  const ask = (method: string, path: string, body?: unknown, headers = basic("ada@example.com", "token-of-ada")) =>
    Effect.map(TwinLab.send(twin.url, { method, path: `${at}${path}`, body, headers }), (reply) => ({
      ...reply,
      json: reply.body === "" ? undefined : JSON.parse(reply.body)
    }))
  const found = (jql: string) =>
    Effect.map(ask("POST", "/search/jql", { jql, fields: ["summary"] }), ({ json, status }) =>
      status === 200 ? json.issues.map(({ key }: { key: string }) => key).join() : json.errorMessages.join()
    )
  return { twin, ask, found }
})

describe("bad input to the twin of Jira", () => {
  it.live("a token with the address of another is none", () =>
    Effect.gen(function* () {
      const { ask } = yield* lab()
      assert.strictEqual((yield* ask("GET", "/myself")).json.emailAddress, "ada@example.com")
      assert.strictEqual(
        (yield* ask("GET", "/myself", undefined, basic("eve@example.com", "token-of-ada"))).status,
        401
      )
    })
  )

  it.live("each field that can not be taken has its own error, and nothing changes", () =>
    Effect.gen(function* () {
      const { ask, twin } = yield* lab()
      const before = (yield* twin.snapshot).digest
      const right = { project: { key: "ENG" }, summary: "x", issuetype: { name: "Task" } }
      for (const [fields, field] of [
        [{ ...right, project: { key: "NO" } }, "project"],
        [{ ...right, summary: " " }, "summary"],
        [{ ...right, summary: "a\nb" }, "summary"],
        [{ ...right, summary: "x".repeat(256) }, "summary"],
        [{ project: right.project, issuetype: right.issuetype }, "summary"],
        [{ project: right.project, summary: "x" }, "issuetype"],
        [{ ...right, issuetype: { name: "Planet" } }, "issuetype"],
        [{ ...right, description: "text" }, "description"],
        [{ ...right, description: { type: "doc", version: 1, content: [{ type: "text", text: "" }] } }, "description"],
        [{ ...right, labels: ["a b"] }, "labels"],
        [{ ...right, assignee: { accountId: "nobody" } }, "assignee"],
        [{ ...right, priority: { name: "Extreme" } }, "priority"],
        [{ ...right, parent: { key: "ENG-99" } }, "parent"],
        [{ ...right, customfield_10001: 1 }, "customfield_10001"],
        [{ ...right, constructor: 1 }, "constructor"]
      ] as const) {
        const { json, status } = yield* ask("POST", "/issue", { fields })
        assert.deepStrictEqual([status, Object.keys(json.errors)], [400, [field]], JSON.stringify(fields).slice(0, 100))
      }
      assert.strictEqual((yield* ask("GET", "/issue/ENG-99")).status, 404)
      assert.strictEqual((yield* ask("PUT", "/issue/ENG-1", { fields: { parent: { key: "ENG-1" } } })).status, 400)
      assert.strictEqual((yield* ask("POST", "/issue/ENG-1/transitions", { transition: { id: "1" } })).status, 400)
      assert.strictEqual((yield* ask("POST", "/issue/ENG-1/comment", { body: "text" })).status, 400)
      assert.strictEqual((yield* ask("GET", "/issue/ENG-1/comment/1")).status, 404)
      const deep = `{"body":${'{"type":"doc","content":['.repeat(5_000)}${"]}".repeat(5_000)}}`
      assert.strictEqual((yield* ask("POST", "/issue/ENG-1/comment", deep)).status, 400, "5,000 levels are too deep")
      assert.strictEqual((yield* twin.snapshot).digest, before)
    })
  )

  it.live("JQL that it does not know is refused by its name", () =>
    Effect.gen(function* () {
      const { found } = yield* lab()
      for (const [jql, said] of [
        ["", "Unbounded"],
        ["order by created", "Unbounded"],
        ["sprint = 1", "'sprint'"],
        ["constructor = 1", "'constructor'"],
        ["project = NO", "'NO'"],
        ["assignee = membersOf(x)", "Expecting ')'"],
        ["assignee = allReleased()", "'allReleased()'"],
        ["summary = x", "'='"],
        ["project was ENG", "'was'"],
        ["project = ENG project = ENG", "'project'"],
        ["project = ENG AND", "end of the query"],
        ["(project = ENG", "Expecting ')'"],
        ["created > sometime", "'sometime'"],
        ["project = ENG order by planet", "'planet'"],
        ['project = "', '"'],
        [`project in (${Array.from({ length: 2_000 }, () => "ENG").join()})`, "too long"]
      ] as const) {
        assert.include(yield* found(jql), said, jql.slice(0, 60))
      }
    })
  )

  it.live("pages have a token of the next one, and each issue comes once", () =>
    Effect.gen(function* () {
      const issues = Array.from({ length: 23 }, (_, n) => ({ summary: `Issue ${n + 1}` }))
      const { ask } = yield* lab({ ...seed, projects: [{ ...project, issues }] })
      const ids: Array<string> = []
      let nextPageToken: string | undefined
      for (let page = 0; page < 3; page++) {
        const { json } = yield* ask("POST", "/search/jql", { jql: "project = ENG", maxResults: 10, nextPageToken })
        ids.push(...json.issues.map((issue: { id: string }) => issue.id))
        assert.strictEqual(json.isLast, page === 2)
        nextPageToken = json.nextPageToken
      }
      assert.strictEqual(nextPageToken, undefined)
      assert.strictEqual(new Set(ids).size, 23)
      for (const [body, said] of [
        [{ jql: "project = ENG", nextPageToken: "x" }, "token"],
        [{ jql: "project = ENG", maxResults: 0 }, "maxResults"]
      ] as const) {
        const { json, status } = yield* ask("POST", "/search/jql", body)
        assert.strictEqual(status, 400)
        assert.include(json.errorMessages[0], said)
      }
      assert.lengthOf((yield* ask("GET", "/search/jql?jql=project%20%3D%20ENG&maxResults=10000")).json.issues, 23)
    })
  )
})

describe("the twin of Jira for a factory", () => {
  it.live("an issue goes from its beginning to its end, can be found on the way, and hooks are told", () =>
    Effect.gen(function* () {
      const receiver = yield* TwinLab.receiver
      const events = ["jira:issue_created", "jira:issue_updated", "comment_created"]
      const hook = { url: receiver.url, secret: TwinLab.secret, events }
      const { ask, found, twin } = yield* lab({ ...seed, webhooks: [hook] })
      yield* twin.webhooks.allow(receiver.url)
      const me = (yield* ask("GET", "/myself")).json
      const made = yield* ask("POST", "/issue", {
        fields: {
          project: { key: "ENG" },
          summary: "Wrong answer",
          issuetype: { name: "Bug" },
          description: doc("It says 42."),
          labels: ["factory"]
        }
      })
      assert.deepStrictEqual([made.status, made.json.key], [201, "ENG-2"])
      yield* ask("PUT", "/issue/ENG-2/assignee", { accountId: me.accountId })
      const { transitions } = (yield* ask("GET", "/issue/ENG-2/transitions")).json
      const to = (name: string) => transitions.find((each: { name: string }) => each.name === name).id
      assert.strictEqual(
        (yield* ask("POST", "/issue/ENG-2/transitions", { transition: { id: to("Done") } })).status,
        204
      )
      const comment = yield* ask("POST", "/issue/ENG-2/comment", { body: doc("Mended.") })
      assert.deepStrictEqual([comment.status, comment.json.body], [201, doc("Mended.")])
      for (const [jql, keys] of [
        ["project = ENG ORDER BY key ASC", "ENG-1,ENG-2"],
        ['project = eng AND status = "Done"', "ENG-2"],
        ["statusCategory != Done and labels in (bug, x)", "ENG-1"],
        ["assignee = currentUser() AND type = bug", "ENG-2"],
        ["description is EMPTY", "ENG-1"],
        ["text ~ mended OR summary ~ 'it STOPS' order by created desc", "ENG-2,ENG-1"],
        ["not (labels = bug)", "ENG-2"],
        ["labels not in (bug)", "ENG-2"],
        ["created >= 2026-01-01 and created < '2026-01-02 00:00' and key = ENG-1", "ENG-1"],
        ["created > 2026-01-02", ""]
      ] as const) {
        assert.strictEqual(yield* found(jql), keys, jql)
      }
      const { fields } = (yield* ask("GET", "/issue/ENG-2")).json
      assert.deepStrictEqual(
        [fields.status.name, fields.resolution.name, fields.comment.total, fields.assignee.accountId],
        ["Done", "Done", 1, me.accountId]
      )
      const received = (yield* receiver.first(4)).map(({ body }) => JSON.parse(body))
      assert.deepStrictEqual(
        received.map(({ webhookEvent }) => webhookEvent),
        ["jira:issue_created", "jira:issue_updated", "jira:issue_updated", "comment_created"]
      )
      assert.deepInclude(received[2].changelog.items[0], { field: "status", fromString: "To Do", toString: "Done" })
    })
  )
})
