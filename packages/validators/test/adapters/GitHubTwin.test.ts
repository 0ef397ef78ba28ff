import { assert, describe, it } from "@effect/vitest"
import { Octokit } from "@octokit/rest"
import * as Effect from "effect/Effect"
import { createHmac, timingSafeEqual } from "node:crypto"
import * as GitHubTwin from "../../src/adapters/GitHubTwin.ts"
import * as TwinFault from "../../src/TwinFault.ts"
import * as TwinLab from "../../src/testing/TwinLab.ts"
import * as TwinTest from "../../src/testing/TwinTest.ts"

const tokens = {
  "token-of-ada": { name: "ada", scopes: ["repo", "admin:repo_hook"] },
  "token-of-bo": { name: "bo", scopes: ["repo"] },
  "token-of-a-reader": { name: "eve", scopes: [] },
  "token-of-the-app": { name: "app", scopes: ["app"] }
}

const repository = {
  owner: "ada",
  name: "engine",
  files: { "README.md": "# Engine\n", "src/main.ts": "export const answer = 42\n" },
  branches: { feature: { "src/main.ts": "export const answer = 43\n" }, same: {} },
  issues: [{ title: "It stops", body: "Sometimes.", labels: ["bug"] }]
}

const seed: GitHubTwin.Seed = {
  tokens,
  repositories: [repository],
  users: [{ login: "factory[bot]", type: "Bot" }],
  installations: [{ id: 7, login: "factory[bot]" }]
}

const isSigned = ({ body, headers }: TwinLab.Received, secret: string): boolean => {
  const given = Buffer.from(headers["x-hub-signature-256"] ?? "")
  const right = Buffer.from(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`)
  return given.length === right.length && timingSafeEqual(given, right)
}

TwinTest.suite(
  "the twin of GitHub",
  TwinLab.layer({
    service: GitHubTwin.service,
    seed,
    other: { ...seed, repositories: [{ ...repository, issues: [] }] },
    token: "token-of-ada",
    weakToken: "token-of-a-reader",
    read: { method: "GET", path: "/repos/ada/engine/issues" },
    write: (n) => ({ method: "POST", path: "/repos/ada/engine/issues", body: { title: `Issue ${n}` } }),
    missing: { method: "POST", path: "/graphql", body: { query: "{ viewer { login } }" } },
    edit: {
      write: (text) => ({ method: "PATCH", path: "/repos/ada/engine/labels/bug", body: { description: text } }),
      read: { method: "GET", path: "/repos/ada/engine/labels/bug" },
      text: (body) => JSON.parse(body).description
    },
    webhooks: {
      seed: (url, secret) => ({
        ...seed,
        repositories: [{ ...repository, hooks: [{ url, secret, events: ["issues"] }] }]
      }),
      isSigned
    }
  })
)

interface Lab extends Effect.Success<ReturnType<typeof lab>> {}

const lab = Effect.fnUntraced(function* (from: GitHubTwin.Seed = seed) {
  const twin = yield* GitHubTwin.service.start(from)
  const as = (token: keyof typeof tokens, method: string, path: string, body?: unknown) =>
    Effect.map(
      TwinLab.send(twin.url, { method, path, body, headers: { authorization: `Bearer ${token}` } }),
      (reply) => ({ ...reply, json: reply.body === "" ? undefined : JSON.parse(reply.body) })
    )
  const ada = (method: string, path: string, body?: unknown) =>
    as("token-of-ada", method, `/repos/ada/engine${path}`, body)
  const bo = (method: string, path: string, body?: unknown) =>
    as("token-of-bo", method, `/repos/ada/engine${path}`, body)
  return { twin, as, ada, bo }
})

const pull = ({ ada }: Lab) => ada("POST", "/pulls", { title: "Right answer", head: "feature", base: "main" })

describe("bad input to the twin of GitHub", () => {
  it.live("pages past the end, of size 0 and of size 10,000 are pages", () =>
    Effect.gen(function* () {
      const issues = Array.from({ length: 130 }, (_, n) => ({ title: `Issue ${n + 1}` }))
      const { ada, twin } = yield* lab({ ...seed, repositories: [{ ...repository, issues }] })
      const list = (query: string) => ada("GET", `/issues?${query}`)
      const past = yield* list("page=99")
      assert.deepStrictEqual([past.status, past.json], [200, []])
      assert.include(past.headers["link"], 'rel="first"')
      assert.notInclude(past.headers["link"], 'rel="next"')
      for (const [query, size] of [
        ["per_page=0", 30],
        ["per_page=-1", 30],
        ["per_page=x", 30],
        ["per_page=10000", 100],
        ["per_page=7&page=0", 7]
      ] as const) {
        assert.lengthOf((yield* list(query)).json, size, query)
      }
      const first = yield* list("per_page=50")
      const next = /<([^>]+)>; rel="next"/.exec(first.headers["link"] ?? "")?.[1] ?? ""
      assert.isTrue(next.startsWith(twin.url), "the link to the next page leads to the twin")
      assert.match(first.headers["link"] ?? "", /page=3[^>]*>; rel="last"/)
      const headers = { authorization: "Bearer token-of-ada" }
      const second = yield* TwinLab.send(next, { method: "GET", path: "", headers })
      assert.deepStrictEqual(
        JSON.parse(second.body).map(({ number }: { number: number }) => number),
        Array.from({ length: 50 }, (_, n) => 80 - n)
      )
    })
  )

  it.live("a request with the ETag of what it knows is answered 304, and in full once that has changed", () =>
    Effect.gen(function* () {
      const { ada, twin } = yield* lab()
      const conditional = (etag: string) =>
        TwinLab.send(twin.url, {
          method: "GET",
          path: "/repos/ada/engine/issues/1",
          headers: { authorization: "Bearer token-of-ada", "if-none-match": etag }
        })
      const { headers } = yield* ada("GET", "/issues/1")
      const etag = headers["etag"] ?? ""
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
        const reply = yield* conditional(known)
        assert.deepStrictEqual([reply.status, reply.body], [304, ""], known)
      }
      assert.strictEqual((yield* conditional('"other"')).status, 200)
      yield* ada("PATCH", "/issues/1", { title: "It stops at noon" })
      const reply = yield* conditional(etag)
      assert.strictEqual(reply.status, 200)
      assert.strictEqual(JSON.parse(reply.body).title, "It stops at noon")
    })
  )

  it.live("a body that is not what a route takes is refused as GitHub does it", () =>
    Effect.gen(function* () {
      const { ada } = yield* lab()
      const missing = yield* ada("POST", "/issues", {})
      assert.deepStrictEqual(
        [missing.status, missing.json.message],
        [422, 'Invalid request.\n\n"title" wasn\'t supplied.']
      )
      const typed = yield* ada("POST", "/issues", { title: "x", body: 5 })
      assert.strictEqual(typed.status, 422)
      assert.match(typed.json.message, /^Invalid request\.\n\nFor 'properties\/body'/)
      for (const body of [[], "text", 5, null]) {
        const reply = yield* ada("POST", "/issues", JSON.stringify(body))
        assert.isTrue(reply.status === 400 || reply.status === 422, `${JSON.stringify(body)}: ${reply.body}`)
      }
      const blank = yield* ada("POST", "/issues", { title: " " })
      assert.deepStrictEqual(
        [blank.status, blank.json.errors],
        [422, [{ resource: "Issue", field: "title", code: "missing_field" }]]
      )
      assert.deepStrictEqual((yield* ada("POST", "/issues", { title: "x", assignees: ["nobody"] })).json.errors, [
        { value: "nobody", resource: "Issue", field: "assignees", code: "invalid" }
      ])
      assert.strictEqual((yield* ada("GET", "/issues/99")).status, 404)
      assert.strictEqual((yield* ada("PATCH", "/issues/1", { state: "gone" })).status, 422)
    })
  )

  it.live("a pull request from a missing or an equal branch, or a second one, is refused", () =>
    Effect.gen(function* () {
      const it = yield* lab()
      const open = (head: string, base = "main") => it.ada("POST", "/pulls", { title: "A change", head, base })
      const errors = (reply: { readonly status: number; readonly json: { errors?: ReadonlyArray<unknown> } }) => [
        reply.status,
        reply.json.errors
      ]
      const custom = (message: string) => [422, [{ resource: "PullRequest", field: "", code: "custom", message }]]
      const wrong = (field: string) => [422, [{ resource: "PullRequest", field, code: "invalid" }]]
      assert.deepStrictEqual(errors(yield* open("nowhere")), wrong("head"))
      assert.deepStrictEqual(errors(yield* open("feature", "nowhere")), wrong("base"))
      assert.deepStrictEqual(errors(yield* open("main")), custom("No commits between main and main"))
      assert.strictEqual((yield* open("ada:feature")).status, 201)
      assert.deepStrictEqual(errors(yield* open("feature")), custom("A pull request already exists for ada:feature."))
    })
  )

  it.live("a label that is not there is made where it is used, and is 404 everywhere else", () =>
    Effect.gen(function* () {
      const { ada } = yield* lab()
      assert.strictEqual((yield* ada("GET", "/labels/flaky")).status, 404)
      assert.strictEqual((yield* ada("DELETE", "/labels/flaky")).status, 404)
      const absent = yield* ada("DELETE", "/issues/1/labels/flaky")
      assert.deepStrictEqual([absent.status, absent.json.message], [404, "Label does not exist"])
      const added = yield* ada("POST", "/issues/1/labels", { labels: ["flaky", "BUG"] })
      assert.deepStrictEqual(
        added.json.map(({ name }: { name: string }) => name),
        ["bug", "flaky"]
      )
      assert.strictEqual((yield* ada("GET", "/labels/flaky")).json.color, "ededed")
      const twice = yield* ada("POST", "/labels", { name: "Flaky", color: "ff0000" })
      assert.deepStrictEqual(twice.json.errors, [{ resource: "Label", code: "already_exists", field: "name" }])
    })
  )

  it.live("nobody approves a change of their own, and another one may", () =>
    Effect.gen(function* () {
      const it = yield* lab()
      yield* pull(it)
      const review = { event: "APPROVE", body: "Good." }
      const own = yield* it.ada("POST", "/pulls/2/reviews", review)
      assert.deepStrictEqual([own.status, own.json.errors], [422, ["Can not approve your own pull request"]])
      assert.strictEqual((yield* it.ada("POST", "/pulls/2/reviews", { event: "COMMENT", body: "Look." })).status, 200)
      assert.strictEqual((yield* it.bo("POST", "/pulls/2/reviews", review)).json.state, "APPROVED")
      assert.lengthOf((yield* it.ada("GET", "/pulls/2/reviews")).json, 2)
    })
  )

  it.live("what was merged can not be merged again, and a head that moved is not merged", () =>
    Effect.gen(function* () {
      const it = yield* lab()
      const { json } = yield* pull(it)
      const moved = yield* it.ada("PUT", "/pulls/2/merge", { sha: "f".repeat(40) })
      assert.strictEqual(moved.status, 409)
      const merged = yield* it.ada("PUT", "/pulls/2/merge", { sha: json.head.sha })
      assert.deepStrictEqual([merged.status, merged.json.merged], [200, true])
      const again = yield* it.ada("PUT", "/pulls/2/merge", {})
      assert.deepStrictEqual([again.status, again.json.message], [405, "Pull Request is not mergeable"])
      const after = (yield* it.ada("GET", "/pulls/2")).json
      assert.deepStrictEqual([after.state, after.merged, after.merged_by.login], ["closed", true, "ada"])
      const text = (yield* it.ada("GET", "/contents/src/main.ts")).json.content
      assert.strictEqual(Buffer.from(text, "base64").toString(), "export const answer = 43\n")
    })
  )

  it.live("branches that changed the same file in two ways are not merged", () =>
    Effect.gen(function* () {
      const it = yield* lab()
      yield* pull(it)
      const { sha } = (yield* it.ada("GET", "/contents/src/main.ts")).json
      const content = Buffer.from("export const answer = 0\n").toString("base64")
      const stale = yield* it.ada("PUT", "/contents/src/main.ts", { message: "Zero", content, sha: "0".repeat(40) })
      assert.strictEqual(stale.status, 409, "a file that somebody else has changed is overwritten")
      assert.strictEqual((yield* it.ada("PUT", "/contents/src/main.ts", { message: "Zero", content, sha })).status, 200)
      const { json } = yield* it.ada("GET", "/pulls/2")
      assert.deepStrictEqual([json.mergeable, json.mergeable_state], [false, "dirty"])
      assert.strictEqual((yield* it.ada("PUT", "/pulls/2/merge", {})).status, 405)
    })
  )

  it.live("two edits of one issue at once leave it as one of them says", () =>
    Effect.gen(function* () {
      const { ada } = yield* lab()
      const edits = Array.from({ length: 20 }, (_, n) => ({ title: `Title ${n}`, body: `Body ${n}` }))
      yield* Effect.forEach(edits, (edit) => ada("PATCH", "/issues/1", edit), { concurrency: 10 })
      const { body, title } = (yield* ada("GET", "/issues/1")).json
      assert.strictEqual(body.replace("Body", "Title"), title)
    })
  )

  it.live("a webhook with a wrong signature is told from a right one", () =>
    Effect.gen(function* () {
      const receiver = yield* TwinLab.receiver
      const hooks = [{ url: receiver.url, secret: "right", events: ["push"] }]
      const { ada, twin } = yield* lab({ ...seed, repositories: [{ ...repository, hooks }] })
      yield* twin.webhooks.allow(receiver.url)
      yield* ada("PUT", "/contents/new.txt", { message: "Add", content: "eA==" })
      const [push] = yield* receiver.first(1)
      if (push === undefined) return assert.fail("no webhook")
      assert.isTrue(isSigned(push, "right"))
      assert.isFalse(isSigned(push, "wrong"))
      assert.isFalse(isSigned({ ...push, body: JSON.stringify(JSON.parse(push.body), null, 1) }, "right"))
      const { commits, ref } = JSON.parse(push.body)
      assert.deepStrictEqual([ref, commits[0].added], ["refs/heads/main", ["new.txt"]])
    })
  )

  it.live("who has asked too often is refused until the hour is over", () =>
    Effect.gen(function* () {
      const { ada, bo, twin } = yield* lab({ ...seed, rateLimit: 3 })
      for (const left of ["2", "1", "0"]) {
        assert.strictEqual((yield* ada("GET", "/issues")).headers["x-ratelimit-remaining"], left)
      }
      const refused = yield* ada("GET", "/issues")
      assert.strictEqual(refused.status, 403)
      assert.match(refused.json.message, /^API rate limit exceeded/)
      assert.strictEqual((yield* bo("GET", "/issues")).status, 200)
      yield* twin.clock.advance(3_600_000)
      assert.strictEqual((yield* ada("GET", "/issues")).status, 200)
      yield* twin.faults([TwinFault.answer({ _tag: "Refuse", status: 403, retryAfter: 60 })])
      const secondary = yield* ada("POST", "/issues", { title: "x" })
      assert.match(secondary.json.message, /secondary rate limit/)
      assert.strictEqual(secondary.headers["retry-after"], "60")
    })
  )

  it.live("what is private is not found by who may not see it, and paths lead nowhere else", () =>
    Effect.gen(function* () {
      const { ada, as } = yield* lab({ ...seed, repositories: [{ ...repository, private: true }] })
      assert.strictEqual((yield* as("token-of-a-reader", "GET", "/repos/ada/engine/issues")).status, 404)
      assert.strictEqual((yield* as("token-of-bo", "GET", "/repos/ADA/Engine/issues")).status, 200)
      for (const path of ["a%2F..%2F..%2Fb", ".git/config", "a%2F.%2Fx", "__proto__"]) {
        const reply = yield* ada("PUT", `/contents/${path}`, { message: "x", content: "eA==" })
        assert.strictEqual(reply.status, 422, path)
      }
      for (const ref of ["main", "refs/heads/a b", "refs/heads/../x", "refs/other/x"]) {
        const sha = "0".repeat(40)
        assert.strictEqual((yield* ada("POST", "/git/refs", { ref, sha })).status, 422, ref)
      }
    })
  )
})

describe("the twin of GitHub as a client of GitHub sees it", () => {
  it.live("Octokit takes a change from an issue to a merged pull request", () =>
    Effect.gen(function* () {
      const receiver = yield* TwinLab.receiver
      const { twin } = yield* lab()
      yield* twin.webhooks.allow(receiver.url)
      const octokit = new Octokit({ baseUrl: twin.url, auth: "token-of-ada" })
      const run = <A>(ask: () => Promise<A>) => Effect.promise(ask)
      const at = { owner: "ada", repo: "engine" }
      const config = { url: receiver.url, secret: "s", content_type: "json" }
      yield* run(() => octokit.rest.repos.createWebhook({ ...at, config, events: ["*"] }))
      const made = yield* run(() => octokit.rest.issues.create({ ...at, title: "Wrong answer", labels: ["bug"] }))
      const issue_number = made.data.number
      yield* run(() => octokit.rest.issues.createComment({ ...at, issue_number, body: "On it." }))
      const main = yield* run(() => octokit.rest.git.getRef({ ...at, ref: "heads/main" }))
      const parent = main.data.object.sha
      const base = yield* run(() => octokit.rest.git.getCommit({ ...at, commit_sha: parent }))
      const tree = yield* run(() =>
        octokit.rest.git.createTree({
          ...at,
          base_tree: base.data.tree.sha,
          tree: [{ path: "src/main.ts", mode: "100644", type: "blob", content: "export const answer = 41\n" }]
        })
      )
      const commit = yield* run(() =>
        octokit.rest.git.createCommit({ ...at, message: "Mend it", tree: tree.data.sha, parents: [parent] })
      )
      yield* run(() => octokit.rest.git.createRef({ ...at, ref: "refs/heads/mend", sha: commit.data.sha }))
      const opened = yield* run(() =>
        octokit.rest.pulls.create({
          ...at,
          title: "Mend it",
          head: "mend",
          base: "main",
          body: `Closes #${issue_number}`
        })
      )
      const pull_number = opened.data.number
      const files = yield* run(() =>
        octokit.paginate(octokit.rest.pulls.listFiles, { ...at, pull_number, per_page: 1 })
      )
      assert.deepStrictEqual(
        files.map(({ additions, deletions, filename }) => [filename, additions, deletions]),
        [["src/main.ts", 1, 1]]
      )
      const check = { ...at, name: "test", head_sha: commit.data.sha }
      yield* run(() => octokit.rest.checks.create({ ...check, status: "completed", conclusion: "success" }))
      yield* run(() => octokit.rest.repos.createCommitStatus({ ...at, sha: commit.data.sha, state: "success" }))
      const status = yield* run(() => octokit.rest.repos.getCombinedStatusForRef({ ...at, ref: "mend" }))
      assert.strictEqual(status.data.state, "success")
      const merged = yield* run(() => octokit.rest.pulls.merge({ ...at, pull_number, merge_method: "squash" }))
      assert.isTrue(merged.data.merged)
      const all = yield* run(() =>
        octokit.paginate(octokit.rest.issues.listForRepo, { ...at, state: "all", per_page: 1 })
      )
      assert.lengthOf(all, 3)
      yield* twin.webhooks.settled
      assert.deepStrictEqual(
        (yield* receiver.all).map(({ body, headers }) => {
          const { action } = JSON.parse(body)
          return action === undefined ? headers["x-github-event"] : `${headers["x-github-event"]} ${action}`
        }),
        [
          "ping",
          "issues opened",
          "issues labeled",
          "issue_comment created",
          "push",
          "pull_request opened",
          "check_run completed",
          "status",
          "pull_request closed",
          "push"
        ]
      )
    })
  )

  it.live("names commits, trees and blobs as git does", () =>
    Effect.gen(function* () {
      const { ada } = yield* lab()
      const blob = yield* ada("POST", "/git/blobs", { content: "hello\n" })
      assert.strictEqual(blob.json.sha, "ce013625030ba8dba906f756967f9e9ca394464a")
      const tree = yield* ada("POST", "/git/trees", {
        tree: [{ path: "hello.txt", mode: "100644", type: "blob", sha: blob.json.sha }]
      })
      assert.strictEqual(tree.json.sha, "aaa96ced2d9a1c8e72c56b253a0e2fe78393feb7")
      const person = { name: "A U Thor", email: "author@example.com", date: "2005-04-07T22:13:13Z" }
      const commit = yield* ada("POST", "/git/commits", { message: "x", tree: tree.json.sha, author: person })
      assert.match(commit.json.sha, /^[0-9a-f]{40}$/)
      const deep = yield* ada("GET", "/git/trees/main?recursive=1")
      assert.deepStrictEqual(
        deep.json.tree.map(({ path }: { path: string }) => path),
        ["README.md", "src", "src/main.ts"]
      )
    })
  )

  it.live("gives the token of an installation to an app, and to nobody else", () =>
    Effect.gen(function* () {
      const { as, twin } = yield* lab()
      assert.strictEqual((yield* as("token-of-ada", "POST", "/app/installations/7/access_tokens")).status, 403)
      assert.strictEqual((yield* as("token-of-the-app", "POST", "/app/installations/8/access_tokens")).status, 404)
      const { json } = yield* as("token-of-the-app", "POST", "/app/installations/7/access_tokens")
      const headers = { authorization: `token ${json.token}` }
      const me = yield* TwinLab.send(twin.url, { method: "GET", path: "/user", headers })
      assert.strictEqual(JSON.parse(me.body).login, "factory[bot]")
      assert.notInclude(JSON.stringify([yield* twin.journal, yield* twin.snapshot]), json.token)
    })
  )
})
