/** Hooks of a repository, and how GitHub signs what they are sent. */
import * as Schema from "effect/Schema"
import { createHash, createHmac } from "node:crypto"
import type * as TwinService from "../../TwinService.ts"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"

const { inRepository } = GitHubRoute

const shown = (
  around: GitHubShape.Around,
  { hook, repo }: { repo: GitHubState.Repository; hook: GitHubState.Hook }
) => {
  const url = `${GitHubShape.repositoryUrl(around, repo)}/hooks/${hook.id}`
  return {
    type: "Repository",
    id: hook.id,
    name: "web",
    active: hook.isActive,
    events: hook.events,
    config: { content_type: hook.contentType, insecure_ssl: "0", secret: "********", url: hook.url },
    updated_at: GitHubShape.time(hook.createdAt),
    created_at: GitHubShape.time(hook.createdAt),
    url,
    test_url: `${url}/test`,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
    last_response: { code: null, status: "unused", message: null }
  }
}

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
  inRepository("GET /hooks", {
    scope: "admin:repo_hook",
    handle: (call) => ({
      answer: (around, repo) =>
        GitHubAnswer.page(
          repo.hooks.values.map((hook) => shown(around, { repo, hook })),
          { ...call, repository: repo }
        )
    })
  }),
  inRepository("POST /hooks", {
    scope: "admin:repo_hook",
    body: Schema.Struct({
      config: Schema.Struct({
        url: Schema.String,
        secret: Schema.optionalKey(Schema.String),
        content_type: Schema.optionalKey(Schema.String)
      }),
      events: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
      active: Schema.optionalKey(Schema.Boolean)
    }),
    handle: ({ body, id, now, repo }) => {
      const { config } = body
      if (!URL.canParse(config.url)) {
        return {
          answer: GitHubAnswer.invalid({ resource: "Hook", field: "url", code: "custom", message: "url is malformed" })
        }
      }
      if (repo.hooks.values.some(({ url }) => url === config.url)) {
        const message = "Hook already exists on this repository"
        return { answer: GitHubAnswer.invalid({ resource: "Hook", field: "url", code: "custom", message }) }
      }
      const hook: GitHubState.Hook = {
        id: id("hook"),
        url: config.url,
        secret: config.secret ?? "",
        events: body.events ?? ["push"],
        isActive: body.active ?? true,
        contentType: config.content_type ?? "form",
        createdAt: now
      }
      return {
        answer: (around, after) => GitHubAnswer.created(shown(around, { repo: after, hook })),
        repo: { ...repo, hooks: repo.hooks.set(hook.id, hook) },
        told: [
          {
            name: "ping",
            payload: (around, after) => ({
              zen: "Design for failure.",
              hook_id: hook.id,
              hook: shown(around, { repo: after, hook })
            })
          }
        ]
      }
    }
  }),
  inRepository("GET /hooks/:id", {
    scope: "admin:repo_hook",
    handle: ({ params, repo }) => {
      const hook = repo.hooks.get(params.id)
      return {
        answer:
          hook === undefined
            ? GitHubAnswer.notFound
            : (around, after) => GitHubAnswer.ok(shown(around, { repo: after, hook }))
      }
    }
  }),
  inRepository("DELETE /hooks/:id", {
    scope: "admin:repo_hook",
    handle: ({ params, repo }) =>
      repo.hooks.has(params.id)
        ? { answer: GitHubAnswer.noContent, repo: { ...repo, hooks: repo.hooks.delete(params.id) } }
        : { answer: GitHubAnswer.notFound }
  })
].flat()

const idOf = (event: TwinService.Event): unknown =>
  typeof event.payload === "object" && event.payload !== null && "hook_id" in event.payload
    ? event.payload.hook_id
    : undefined

/** How GitHub sends webhooks. It does not try a second time by itself. */
export const webhooks: TwinService.Webhooks<GitHubState.State> = {
  hooks: (state, event) =>
    (state.repositories.get(event.of ?? "")?.hooks.values ?? [])
      .filter((hook) => (event.name === "ping" ? hook.id === idOf(event) : GitHubRoute.wants(hook, event.name)))
      .map(({ id, secret, url }) => ({ id: String(id), secret, url })),
  secrets: (state) => state.repositories.values.flatMap(({ hooks }) => hooks.values.map(({ secret }) => secret)),
  sign: ({ body, event, hook, number }) => {
    const hex = createHash("sha256").update(`delivery ${number}`).digest("hex")
    const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-")
    const mac = (algorithm: string) => `${algorithm}=${createHmac(algorithm, hook.secret).update(body).digest("hex")}`
    return {
      id,
      headers: {
        accept: "*/*",
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/twin",
        "x-github-delivery": id,
        "x-github-event": event.name,
        "x-github-hook-id": hook.id,
        "x-github-hook-installation-target-type": "repository",
        ...(hook.secret === "" ? {} : { "x-hub-signature": mac("sha1"), "x-hub-signature-256": mac("sha256") })
      }
    }
  }
}
