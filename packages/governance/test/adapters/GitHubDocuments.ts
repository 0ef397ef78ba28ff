/** A server on loopback that answers as documents say: what GitHub's REST API has, and its twin has not yet. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"

/** An answer. A body that is no text is sent as JSON. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** What was asked, as `PATH` with its query, and with which token. */
export interface Asked {
  readonly path: string
  readonly token: string | undefined
}

/** Serves; what nothing answers is 404. */
export const serve = (
  answer: (path: string, url: string) => Answer | undefined
): Effect.Effect<{ readonly url: string; readonly asked: ReadonlyArray<Asked> }, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly asked: Array<Asked>; readonly server: Http.Server }>((resume) => {
      const asked: Array<Asked> = []
      const server = Http.createServer((request, response) => {
        const path = request.url ?? ""
        asked.push({ path, token: request.headers.authorization })
        const { body = [], headers = {}, status = 200 } = answer(path, url()) ?? { status: 404, body: {} }
        response.writeHead(status, { "content-type": "application/json", ...headers })
        response.end(typeof body === "string" ? body : JSON.stringify(body))
      })
      const url = () => {
        const address = server.address()
        return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
      }
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ url: url(), asked, server })))
    }),
    ({ server }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString().replace(".000Z", "Z")
const user = (login: string | null, type = "User") => (login === null ? null : { login, type, id: 1 })
const bot = user("factory[bot]", "Bot")

/** A pull request of an agent, which two people had a hand in. */
export const documents: Readonly<Record<string, unknown>> = {
  "/issues": [
    {
      id: 70,
      number: 7,
      title: "It stops",
      body: null,
      html_url: "https://forge.example/acme/engine/issues/7",
      user: user("ada"),
      labels: [{ name: "bug" }],
      created_at: at(0)
    },
    {
      id: 120,
      number: 12,
      title: "Oil the engine",
      body: "Closes #7",
      html_url: "https://forge.example/acme/engine/pull/12",
      user: bot,
      labels: [],
      created_at: at(10),
      pull_request: {}
    }
  ],
  "/issues/7/comments": [],
  "/issues/7/events": [],
  "/issues/12/comments": [
    { id: 1, user: user("ada"), body: "Why?", created_at: at(20), performed_via_github_app: null },
    {
      id: 2,
      user: user("ada"),
      body: "By a program",
      created_at: at(21),
      performed_via_github_app: { slug: "helper" }
    },
    { id: 3, user: user("ghost"), body: "I am gone", created_at: at(22) },
    { id: 4, user: null, body: null, created_at: at(23) },
    { id: 5, user: bot, body: "Done", created_at: at(24) }
  ],
  "/issues/12/events": [
    { id: 31, event: "labeled", actor: bot, created_at: at(11), label: { name: "ready" } },
    { id: 32, event: "unlabeled", actor: user("bo"), created_at: at(25), label: { name: "ready" } },
    { id: 33, event: "assigned", actor: bot, assignee: bot, assigner: user("bo"), created_at: at(26) },
    {
      id: 34,
      event: "review_dismissed",
      actor: user("bo"),
      created_at: at(28),
      dismissed_review: { state: "approved", review_id: 42 }
    },
    { id: 35, event: "subscribed", actor: user("bo"), created_at: at(28) },
    { id: 36, event: "merged", actor: user("bo"), created_at: at(40), commit_id: "m1" },
    { id: 37, event: "closed", actor: user("bo"), created_at: at(40) }
  ],
  "/pulls/12": {
    head: { ref: "factory/12", sha: "c2", repo: { full_name: "acme/engine" } },
    base: { ref: "main", sha: "b0", repo: { full_name: "acme/engine" } },
    commits: 2,
    merged_at: at(40),
    closed_at: at(40),
    merge_commit_sha: "m1",
    merged_by: user("bo")
  },
  "/pulls/12/reviews": [
    { id: 41, user: user("ada"), state: "PENDING", body: "not yet" },
    { id: 42, user: user("ada"), state: "DISMISSED", body: "", submitted_at: at(27), commit_id: "c1" },
    { id: 43, user: user("bo"), state: "CHANGES_REQUESTED", body: "Thin oil!", submitted_at: at(29), commit_id: "c1" }
  ],
  "/pulls/12/comments": [
    { id: 1, user: user("bo"), body: "nit: a dot", created_at: at(30), path: "engine.txt", original_commit_id: "c1" }
  ],
  "/pulls/12/commits": [
    {
      sha: "c1",
      commit: {
        author: { name: "Implement", email: "implement@factory.example", date: at(5) },
        committer: { name: "Implement", email: "implement@factory.example", date: at(5) },
        message: "Oil",
        tree: { sha: "t1" }
      },
      parents: [{ sha: "b0" }]
    },
    {
      sha: "c2",
      commit: {
        author: { name: "Ada", email: "ADA@example.org", date: at(33) },
        committer: { name: "Ada", email: "ada@example.org", date: at(33) },
        message: "fix: thin oil",
        tree: { sha: "t2" }
      },
      parents: [{ sha: "c1" }]
    }
  ],
  "/activity": [
    { id: 52, activity_type: "push", actor: user("ada"), timestamp: at(34), before: "c1", after: "c2" },
    { id: 51, activity_type: "branch_creation", actor: bot, timestamp: at(6), before: "0".repeat(40), after: "c1" },
    { id: 50, activity_type: "branch_deletion", actor: bot, timestamp: at(3), before: "x1", after: "0".repeat(40) },
    { id: 49, activity_type: "push", actor: user("eve"), timestamp: at(2), before: "x0", after: "x1" }
  ]
}

/** Answers with documents. */
export const of =
  (all: Readonly<Record<string, unknown>>) =>
  (path: string): Answer | undefined => {
    const found = all[path.replace(/\?.*/, "").replace("/repos/acme/engine", "")]
    return found === undefined ? undefined : { body: found }
  }
