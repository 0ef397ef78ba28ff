/** The twin of GitHub: what it is compared with, and what a factory does with it. */
import * as GitHubTwin from "@millwright/validators/adapters/GitHubTwin"
import * as TwinLab from "@millwright/validators/testing/TwinLab"
import * as Twin from "@millwright/validators/Twin"
import * as TwinDrift from "@millwright/validators/TwinDrift"
import * as TwinTrace from "@millwright/validators/TwinTrace"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import type * as Service from "./Service.ts"
import * as Shape from "./Shape.ts"

const user = "octokit-fixture-user-a"

const token = "token-of-the-bench"

const headers = { authorization: `token ${token}` }

const file = (name: string) => readFileSync(new URL(`../data/twins/${name}`, import.meta.url))

/** The traces that were recorded at GitHub, one a line. */
const traces = (): ReadonlyArray<TwinTrace.Trace> =>
  file("github.jsonl")
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line) => Schema.decodeUnknownSync(TwinTrace.Trace)(JSON.parse(line)))

/** The repository that a trace asks about. */
const repositoryOf = (trace: TwinTrace.Trace): string =>
  /^\/repos\/[^/]+\/([^/?]+)/.exec(trace.exchanges[0]?.request.path ?? "")?.[1] ?? ""

/** How the twin is set up for a trace: what the recording did before it began. */
const setups: Readonly<Record<string, Partial<GitHubTwin.Seed["repositories"][number]>>> = {
  "hello-world": { defaultBranch: "master", files: { "README.md": "# hello-world" } },
  "create-status": { files: { "README.md": "# create-status" } },
  "git-refs": { files: { "1.md": "# git-refs\ncreated with initial commit" } },
  "lock-issue": { issues: [{ title: "First issue", author: user }] },
  "paginate-issues": {
    issues: Array.from({ length: 13 }, (_, n) => ({ title: `Test issue ${n + 1}`, author: user }))
  }
}

const ask = (url: string, what: TwinLab.Ask) => TwinLab.send(url, { ...what, headers: { ...headers, ...what.headers } })

const json = (reply: TwinLab.Reply) => JSON.parse(reply.body)

const replay = Effect.fnUntraced(function* (trace: TwinTrace.Trace) {
  const name = repositoryOf(trace)
  const at = `/repos/octokit-fixture-org/${name}`
  const twin = yield* GitHubTwin.service.start({
    tokens: { [token]: { name: user, scopes: ["repo", "admin:repo_hook"] } },
    users: [{ login: "octokit-fixture-org", type: "Organization" }],
    repositories: [{ owner: "octokit-fixture-org", name, ...setups[name] }]
  })
  const head = json(yield* ask(twin.url, { method: "GET", path: `${at}/commits?per_page=1` }))[0]?.sha
  const first = "0".repeat(39).concat("1")
  const second = "0".repeat(39).concat("2")
  let given: Record<string, string> = {}
  if (name === "create-status") given = { [first]: head }
  if (name === "git-refs") {
    const body = {
      message: "2nd commit",
      content: Buffer.from("# git-refs\ncreated with 2nd commit").toString("base64")
    }
    const { commit } = json(yield* ask(twin.url, { method: "PUT", path: `${at}/contents/2.md`, body }))
    given = { [first]: commit.sha, [second]: head }
  }
  return yield* TwinDrift.check(twin, trace, { headers, given })
}, Effect.scoped)

const repository = {
  owner: "ada",
  name: "engine",
  files: { "README.md": "# Engine\n", "src/main.ts": "export const answer = 42\n" },
  issues: [{ title: "It stops", body: "Sometimes.", labels: ["bug"] }]
}

const start = GitHubTwin.service.start({
  tokens: {
    [token]: { name: "ada", scopes: ["repo", "admin:repo_hook"] },
    "token-of-a-reviewer": { name: "bo", scopes: ["repo"] }
  },
  repositories: [repository],
  // A bench asks more often than a factory.
  rateLimit: 100_000_000
})

const at = "/repos/ada/engine"

/** An item from an issue to a merged pull request. */
const scenario = Effect.fnUntraced(function* (send: Service.Ask) {
  const go = Effect.fnUntraced(function* (method: string, path: string, body?: unknown, more?: TwinLab.Ask["headers"]) {
    const reply = yield* send({ method, path: `${at}${path}`, body, ...(more === undefined ? {} : { headers: more }) })
    if (reply.status < 300) return reply.body === "" ? undefined : json(reply)
    return yield* new Twin.TwinError({
      reason: "Invalid",
      message: `${method} ${path} is answered with ${reply.status} ${reply.body.slice(0, 200)}`
    })
  })
  const issue = yield* go("POST", "/issues", { title: "Wrong answer", body: "It says 42.", labels: ["bug"] })
  yield* go("POST", `/issues/${issue.number}/comments`, { body: "On it." })
  yield* go("POST", `/issues/${issue.number}/labels`, { labels: ["in progress"] })
  const main = yield* go("GET", "/git/ref/heads/main")
  const parent = main.object.sha
  const base = yield* go("GET", `/git/commits/${parent}`)
  const content = `export const answer = ${issue.number}\n`
  const blob = yield* go("POST", "/git/blobs", { content })
  const entry = { path: "src/main.ts", mode: "100644", type: "blob", sha: blob.sha }
  const tree = yield* go("POST", "/git/trees", { base_tree: base.tree.sha, tree: [entry] })
  const message = `Mend #${issue.number}`
  const commit = yield* go("POST", "/git/commits", { message, tree: tree.sha, parents: [parent] })
  const head = `mend-${issue.number}`
  yield* go("POST", "/git/refs", { ref: `refs/heads/${head}`, sha: commit.sha })
  const pull = yield* go("POST", "/pulls", { title: message, head, base: "main", body: "Closes it." })
  yield* go("GET", `/pulls/${pull.number}/files`)
  yield* go("POST", "/check-runs", { name: "test", head_sha: commit.sha, status: "completed", conclusion: "success" })
  yield* go("POST", `/statuses/${commit.sha}`, { state: "success", context: "ci" })
  yield* go("GET", `/commits/${commit.sha}/status`)
  const reviewer = { authorization: "token token-of-a-reviewer" }
  yield* go("POST", `/pulls/${pull.number}/reviews`, { event: "APPROVE", body: "Good." }, reviewer)
  yield* go("PUT", `/pulls/${pull.number}/merge`, { sha: commit.sha, merge_method: "squash" })
  yield* go("PATCH", `/issues/${issue.number}`, { state: "closed" })
  yield* go("GET", "/issues?state=all&per_page=10")
})

/** What the scenario does not ask for, to see the shape of its answer. */
const others: ReadonlyArray<TwinLab.Ask> = [
  ...["", "/labels", "/labels/bug", "/labels/none", "/branches", "/branches/main", "/contents/", "/contents/README.md"],
  ...["/commits", "/commits/main", "/git/trees/main?recursive=1", "/git/matching-refs/heads", "/pulls?state=all"],
  ...["/pulls/3", "/pulls/3/commits", "/pulls/3/reviews", "/issues/1", "/issues/99", "/issues/2/comments"],
  ...["/issues/comments/1", "/commits/main/statuses", "/commits/main/check-runs", "/check-runs/1", "/hooks"]
]
  .map((path): TwinLab.Ask => ({ method: "GET", path: `${at}${path}` }))
  .concat([
    { method: "GET", path: "/user" },
    { method: "POST", path: `${at}/hooks`, body: { config: { url: "http://127.0.0.1:1/" }, events: ["push"] } },
    { method: "POST", path: `${at}/labels`, body: { name: "new", color: "ff0000" } },
    { method: "POST", path: `${at}/labels`, body: { name: "new", color: "ff0000" } },
    { method: "POST", path: `${at}/pulls`, body: { title: "x", head: "none", base: "main" } },
    { method: "PUT", path: `${at}/pulls/3/merge`, body: {} },
    { method: "PUT", path: `${at}/contents/a.txt`, body: { message: "Add", content: "eA==" } },
    { method: "POST", path: `${at}/issues/1/assignees`, body: { assignees: ["bo"] } },
    { method: "PATCH", path: `${at}/pulls/3`, body: { title: "Another" } }
  ])

const shapes = Effect.gen(function* () {
  const twin = yield* start
  const answers: Array<Shape.Answered> = []
  const send: Service.Ask = Effect.fnUntraced(function* (what) {
    const reply = yield* ask(twin.url, what)
    const route = (yield* twin.journal).at(-1)?.route ?? ""
    answers.push({ route, status: reply.status, body: reply.body === "" ? undefined : json(reply) })
    return reply
  })
  yield* scenario(send)
  for (const other of others) yield* send(other)
  const known: Shape.Shapes = JSON.parse(gunzipSync(file("github-shapes.json.gz")).toString("utf8"))
  const { counted } = Shape.check(known, answers)
  const source = "@octokit/openapi 23.0.2 (MIT): GitHub's own description of its API"
  return [Shape.report(counted, { service: "github", source })]
}).pipe(Effect.scoped)

/** GitHub. */
export const service: Service.Service = {
  name: "github",
  start,
  headers,
  write: (n) => ({ method: "POST", path: `${at}/issues`, body: { title: `Issue ${n}` } }),
  scenario,
  compared: [
    { against: "recorded", check: Effect.suspend(() => Effect.forEach(traces(), replay)) },
    { against: "shape", check: shapes }
  ]
}
