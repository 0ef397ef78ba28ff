import { assert, describe, it } from "@effect/vitest"
import * as GitHubTwin from "@millwright/validators/adapters/GitHubTwin"
import * as TwinFault from "@millwright/validators/TwinFault"
import * as TwinLab from "@millwright/validators/testing/TwinLab"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as GitHubHistory from "../../src/adapters/GitHubHistory.ts"
import type * as ForgeHistory from "../../src/ForgeHistory.ts"
import * as History from "../../src/History.ts"
import * as ForgeHistoryTest from "../../src/testing/ForgeHistoryTest.ts"
import * as Histories from "../Histories.ts"
import * as GitHubDocuments from "./GitHubDocuments.ts"

const { documents } = GitHubDocuments
const token = Redacted.make("token-of-ada")
const options = (url: string): GitHubHistory.Options => ({ repository: "acme/engine", token, url, patience: 0 })

const test = (title: string, body: () => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(title, () => Effect.scoped(body()), 20_000)

const pullOf = ({ subjects }: ForgeHistory.ForgeHistory): ForgeHistory.PullRequest => {
  const pull = subjects.find((subject) => subject._tag === "PullRequest")
  assert(pull?._tag === "PullRequest", "there is a pull request")
  return pull
}

ForgeHistoryTest.suite(
  "GitHubHistory holds to what every history of a forge does",
  Effect.map(GitHubDocuments.serve(GitHubDocuments.of(documents)), ({ url }) => GitHubHistory.read(options(url)))
)

describe("GitHubHistory", () => {
  test("reads who did what to a pull request, and the ledger that is made of it", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* GitHubDocuments.serve(GitHubDocuments.of(documents))
      const forge = yield* GitHubHistory.read(options(url))
      assert.deepStrictEqual(
        forge.subjects.map(({ _tag, id }) => [_tag, id]),
        [
          ["Issue", "acme/engine#7"],
          ["PullRequest", "acme/engine#12"]
        ]
      )
      assert.deepStrictEqual(pullOf(forge).gaps, [], "all of it could be read")
      assert.isTrue(
        asked.every((each) => each.token === "Bearer token-of-ada"),
        "each request has the token"
      )

      const told = History.read({ commits: [], forge, roster: Histories.roster })
      const interventions = told.findings.flatMap(({ by, fact }) =>
        fact._tag === "Intervened" && by._tag === "Human" ? [[fact.id, fact.kind, by.name]] : []
      )
      assert.deepStrictEqual(interventions, [
        ["forge:comment/1", "review", "ada"],
        ["forge:event/32", "steer", "bo"],
        ["forge:review/42", "approve", "ada"],
        ["forge:review/43", "review", "bo"],
        ["forge:review-comment/1", "review", "bo"],
        ["git:c2", "edit", "ada"]
      ])
      assert.deepStrictEqual(
        told.doubts.map(({ about }) => about).sort(),
        ["forge:comment/2", "forge:comment/3", "forge:comment/4"],
        "an app in somebody's name, and accounts that are gone, are nobody"
      )
      const shipped = told.findings.find(({ fact }) => fact._tag === "ChangeShipped")?.fact
      assert(shipped?._tag === "ChangeShipped")
      assert.include(shipped, { change: "acme/engine#12", into: "main", head: "c2", commit: "m1", authors: "mixed" })
    }))

  test("says what could not be read, and takes nothing from it", () =>
    Effect.gen(function* () {
      const { "/activity": _, "/issues/12/events": __, ...rest } = documents
      const hostile = {
        ...rest,
        "/issues/12/comments": [{ id: 1 }, null, "text", { id: 9, user: { login: "" }, created_at: "never", body: {} }],
        "/pulls/12/reviews": { not: "a list" }
      }
      const { url } = yield* GitHubDocuments.serve(GitHubDocuments.of(hostile))
      const forge = yield* GitHubHistory.read(options(url))
      const { gaps } = pullOf(forge)
      for (const what of ["comments", "events", "reviews", "pushes"]) {
        assert.isTrue(
          gaps.some((gap) => gap.includes(what)),
          `nothing is said of ${what}: ${gaps.join("\n")}`
        )
      }
      const told = History.read({ commits: [], forge, roster: Histories.roster })
      assert.isAbove(told.changes[0]?.gaps.length ?? 0, 0, "the change has gaps, so nothing can be said of who decided")
    }))

  test("reads every page, and no page of another server", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 250 }, (_, index) => ({
        id: index,
        user: { login: "ada", type: "User" },
        body: "Hm",
        created_at: "2026-01-01T00:00:20Z"
      }))
      const paged = (path: string, url: string): GitHubDocuments.Answer | undefined => {
        if (!path.startsWith("/repos/acme/engine/issues/12/comments")) return GitHubDocuments.of(documents)(path)
        const page = Number(new URL(path, url).searchParams.get("page") ?? 1)
        const next = `<${url}/repos/acme/engine/issues/12/comments?per_page=100&page=${page + 1}>; rel="next"`
        return { body: many.slice((page - 1) * 100, page * 100), headers: page < 3 ? { link: next } : {} }
      }
      const { url } = yield* GitHubDocuments.serve(paged)
      const count = (forge: ForgeHistory.ForgeHistory) =>
        pullOf(forge).events.filter(({ _tag }) => _tag === "Commented").length
      assert.strictEqual(count(yield* GitHubHistory.read(options(url))), 250)
      const cut = yield* GitHubHistory.read({ ...options(url), maxPages: 2 })
      assert.strictEqual(count(cut), 200)
      assert.include(pullOf(cut).gaps.join(), "more comments than were read")

      const other = yield* GitHubDocuments.serve(() => ({ body: [] }))
      const away = yield* GitHubDocuments.serve((path) =>
        path.includes("/issues?")
          ? { body: [], headers: { link: `<${other.url}/more>; rel="next"` } }
          : GitHubDocuments.of(documents)(path)
      )
      const error = yield* Effect.flip(GitHubHistory.read(options(away.url)))
      assert.include(error.message, "not sent there")
      const sent = yield* GitHubDocuments.serve(() => ({ status: 302, headers: { location: `${other.url}/more` } }))
      assert.include((yield* Effect.flip(GitHubHistory.read(options(sent.url)))).message, "not sent there")
      assert.deepStrictEqual(other.asked, [], "the token went to another server")
    }))

  test("waits as the forge asks, or says how long it would be", () =>
    Effect.gen(function* () {
      let left = 2
      const answer = (headers: Readonly<Record<string, string>>, status: number) => (path: string) =>
        left-- > 0 ? { status, headers, body: { message: "slow down" } } : GitHubDocuments.of(documents)(path)
      const patient = yield* GitHubDocuments.serve(answer({ "retry-after": "0" }, 429))
      yield* GitHubHistory.read(options(patient.url))
      left = 1_000
      const busy = yield* GitHubDocuments.serve(answer({ "retry-after": "90" }, 403))
      const error = yield* Effect.flip(GitHubHistory.read({ ...options(busy.url), patience: "1 minute" }))
      assert.include(error, { reason: "RateLimited", retryAfter: 90_000, isRetryable: true })
      assert.strictEqual(busy.asked.length, 1, "it did not ask again")
      const reset = {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": String(Math.floor(Date.now() / 1_000) + 3_600)
      }
      const spent = yield* GitHubDocuments.serve(answer(reset, 403))
      assert.strictEqual((yield* Effect.flip(GitHubHistory.read(options(spent.url)))).reason, "RateLimited")
    }))

  test("tells what is wrong with a token, a name, an address or an answer", () =>
    Effect.gen(function* () {
      const reasonOf = Effect.fnUntraced(function* (
        answer: GitHubDocuments.Answer,
        given: Partial<GitHubHistory.Options> = {}
      ) {
        const { url } = yield* GitHubDocuments.serve(() => answer)
        const { message, reason } = yield* Effect.flip(GitHubHistory.read({ ...options(url), ...given }))
        assert.notInclude(message, "token-of-ada", "the token is in the message")
        return reason
      })
      assert.strictEqual(yield* reasonOf({ status: 401 }), "Refused")
      assert.strictEqual(yield* reasonOf({ status: 403 }), "Refused")
      assert.strictEqual(yield* reasonOf({ status: 404 }), "NotFound")
      assert.strictEqual(yield* reasonOf({ status: 502 }), "Unavailable")
      assert.strictEqual(yield* reasonOf({ body: "<html>" }), "Malformed")
      assert.strictEqual(yield* reasonOf({ body: { a: 1 } }), "Malformed")
      assert.strictEqual(yield* reasonOf({ body: [`${"x".repeat(5_000)}`] }, { maxBytes: 1_000 }), "Malformed")
      for (const repository of ["", "acme", "acme/../x", "acme/engine?x=1", "../.."]) {
        assert.strictEqual(yield* reasonOf({}, { repository }), "Malformed", repository)
      }
      assert.strictEqual(yield* reasonOf({}, { url: "file:///etc" }), "Malformed")
      const gone = yield* Effect.flip(GitHubHistory.read(options("http://127.0.0.1:1")))
      assert.strictEqual(gone.reason, "Unavailable")
    }))

  test("reads what the twin of GitHub has, and says what it has not", () =>
    Effect.gen(function* () {
      const twin = yield* GitHubTwin.service.start({
        tokens: {
          "token-of-ada": { name: "ada", scopes: ["repo"] },
          "token-of-the-factory": { name: "factory[bot]", scopes: ["repo"] }
        },
        users: [{ login: "factory[bot]", type: "Bot" }],
        repositories: [
          {
            owner: "acme",
            name: "engine",
            files: { "engine.txt": "rust\n" },
            branches: { "factory/1": { "engine.txt": "oil\n" } }
          }
        ]
      })
      const post = (path: string, body: unknown, by = "token-of-ada") =>
        TwinLab.send(twin.url, { method: "POST", path, body, headers: { authorization: `Bearer ${by}` } })
      const pulls = "/repos/acme/engine/pulls"
      yield* post(pulls, { title: "Oil", head: "factory/1", base: "main" }, "token-of-the-factory")
      yield* post(`${pulls}/1/reviews`, { event: "APPROVE", body: "" })
      yield* post(`${pulls}/1/reviews`, { event: "COMMENT", body: "nit: a dot" })
      yield* post("/repos/acme/engine/issues/1/comments", { body: "Why?" })
      const forge = yield* GitHubHistory.read({ ...options(twin.url), repository: "acme/engine" })
      const told = History.read({ commits: [], forge, roster: Histories.roster })
      const kinds = told.findings.flatMap(({ fact }) => (fact._tag === "Intervened" ? [fact.kind] : []))
      assert.deepStrictEqual(kinds.toSorted(), ["approve", "review", "review"])
      assert.isAbove(pullOf(forge).gaps.length, 0, "the twin has no list of events, and that is said")
      yield* twin.faults([TwinFault.answer({ _tag: "Refuse", status: 429, retryAfter: 3_600 })])
      const error = yield* Effect.result(GitHubHistory.read({ ...options(twin.url), repository: "acme/engine" }))
      assert(Result.isFailure(error))
      assert.include(error.failure, { reason: "RateLimited", retryAfter: 3_600_000 })
    }))
})
