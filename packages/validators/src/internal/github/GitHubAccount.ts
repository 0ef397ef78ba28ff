/** Who asks, how often it may ask, users, tokens of apps, and the repository itself. */
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"

const { inRepository, on } = GitHubRoute

/** What a seed does not say of a user. */
const profile = {
  company: null,
  blog: "",
  location: null,
  email: null,
  hireable: null,
  bio: null,
  twitter_username: null,
  public_repos: 0,
  public_gists: 0,
  followers: 0,
  following: 0,
  created_at: "2008-01-14T04:33:35Z",
  updated_at: "2008-01-14T04:33:35Z"
}

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
  on("GET /user", {
    handle: ({ caller, state, url }) => ({
      answer: GitHubAnswer.ok({
        ...GitHubShape.user({ state, url }, caller.name),
        ...profile,
        name: state.users.get(caller.name.toLowerCase())?.name ?? null
      })
    })
  }),
  on("GET /users/:login", {
    handle: ({ params, state, url }) => {
      const user = state.users.get(params.login.toLowerCase())
      if (user === undefined) return { answer: GitHubAnswer.notFound }
      return {
        answer: GitHubAnswer.ok({ ...GitHubShape.user({ state, url }, user.login), ...profile, name: user.name })
      }
    }
  }),
  // The kernel counts this request too, which GitHub does not; its headers have the figures.
  on("GET /rate_limit", {
    handle: ({ now, state: { rateLimit } }) => {
      const core = {
        limit: rateLimit,
        remaining: rateLimit,
        reset: GitHubAnswer.resetOf(now),
        used: 0,
        resource: "core"
      }
      return { answer: GitHubAnswer.ok({ resources: { core }, rate: core }) }
    }
  }),
  on("POST /app/installations/:id/access_tokens", {
    scope: "app",
    body: Schema.Unknown,
    handle: ({ id, now, params, state }) => {
      const login = state.installations.get(params.id)
      if (login === undefined) return { answer: GitHubAnswer.notFound }
      const token = `ghs_${createHash("sha256")
        .update(`token ${id("token")}`)
        .digest("hex")
        .slice(0, 36)}`
      return {
        answer: GitHubAnswer.ok(
          {
            token,
            expires_at: GitHubShape.time(now + GitHubAnswer.hour),
            permissions: { issues: "write", contents: "write", pull_requests: "write", checks: "write" },
            repository_selection: "all"
          },
          201
        ),
        state: { ...state, tokens: { ...state.tokens, [token]: { name: login, scopes: ["repo"] } } }
      }
    }
  }),
  ...inRepository("GET /", {
    handle: () => ({ answer: (around, repo) => GitHubAnswer.ok(GitHubShape.fullRepository(around, repo)) })
  })
]
