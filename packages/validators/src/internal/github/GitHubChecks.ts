/** Statuses of commits, and check runs. */
import * as Schema from "effect/Schema"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubCommits from "./GitHubCommits.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"

const { inRepository } = GitHubRoute
const { ok } = GitHubAnswer

const missing: GitHubRoute.Step = { answer: GitHubAnswer.notFound }

const brief = (
  around: GitHubShape.Around,
  { repo, status }: { repo: GitHubState.Repository; status: GitHubState.Status }
) => ({
  url: `${GitHubShape.repositoryUrl(around, repo)}/statuses/${status.sha}`,
  avatar_url: GitHubShape.user(around, status.author).avatar_url,
  id: status.id,
  node_id: GitHubShape.nodeId("StatusContext", status.id),
  state: status.state,
  description: status.description,
  target_url: status.targetUrl,
  context: status.context,
  created_at: GitHubShape.time(status.at),
  updated_at: GitHubShape.time(status.at)
})

const full = (around: GitHubShape.Around, of: { repo: GitHubState.Repository; status: GitHubState.Status }) => ({
  ...brief(around, of),
  creator: GitHubShape.user(around, of.status.author)
})

/** The newest first. */
const statusesOf = (repo: GitHubState.Repository, sha: string) =>
  repo.statuses.values.filter((status) => status.sha === sha).reverse()

/** The newest of each context. */
const latest = (statuses: ReadonlyArray<GitHubState.Status>): ReadonlyArray<GitHubState.Status> =>
  statuses.filter(({ context }, index) => statuses.findIndex((each) => each.context === context) === index)

const combined = (statuses: ReadonlyArray<GitHubState.Status>): string =>
  statuses.some(({ state }) => state === "failure" || state === "error")
    ? "failure"
    : statuses.length > 0 && statuses.every(({ state }) => state === "success")
      ? "success"
      : "pending"

const run = (
  around: GitHubShape.Around,
  { check, repo }: { repo: GitHubState.Repository; check: GitHubState.CheckRun }
) => {
  const url = `${GitHubShape.repositoryUrl(around, repo)}/check-runs/${check.id}`
  return {
    id: check.id,
    name: check.name,
    node_id: GitHubShape.nodeId("CheckRun", check.id),
    head_sha: check.sha,
    external_id: check.externalId,
    url,
    html_url: `${GitHubShape.htmlUrl(around, repo)}/runs/${check.id}`,
    details_url: check.detailsUrl,
    status: check.status,
    conclusion: check.conclusion,
    started_at: GitHubShape.time(check.startedAt),
    completed_at: check.completedAt === null ? null : GitHubShape.time(check.completedAt),
    output: { ...check.output, annotations_count: 0, annotations_url: `${url}/annotations` },
    check_suite: { id: check.id },
    app: null,
    pull_requests: []
  }
}

const Text = Schema.optionalKey(Schema.NullOr(Schema.String))

const Conclusion = Schema.Literals([
  "action_required",
  "cancelled",
  "failure",
  "neutral",
  "success",
  "skipped",
  "stale",
  "timed_out"
])

const checkFields = {
  status: Schema.optionalKey(Schema.Literals(["queued", "in_progress", "completed"])),
  conclusion: Schema.optionalKey(Conclusion),
  external_id: Schema.optionalKey(Schema.String),
  details_url: Schema.optionalKey(Schema.String),
  started_at: Schema.optionalKey(Schema.String),
  completed_at: Schema.optionalKey(Schema.String),
  output: Schema.optionalKey(Schema.Struct({ title: Text, summary: Text, text: Text }))
}

const Fields = Schema.Struct(checkFields)

const withFields = (check: GitHubState.CheckRun, fields: typeof Fields.Type, now: number): GitHubState.CheckRun => {
  const status = fields.conclusion === undefined ? (fields.status ?? check.status) : "completed"
  return {
    ...check,
    status,
    conclusion: fields.conclusion ?? check.conclusion,
    externalId: fields.external_id ?? check.externalId,
    detailsUrl: fields.details_url ?? check.detailsUrl,
    startedAt: Date.parse(fields.started_at ?? "") || check.startedAt,
    completedAt: status === "completed" ? Date.parse(fields.completed_at ?? "") || (check.completedAt ?? now) : null,
    output: {
      title: fields.output?.title ?? check.output.title,
      summary: fields.output?.summary ?? check.output.summary,
      text: fields.output?.text ?? check.output.text
    }
  }
}

const noConclusion: GitHubRoute.Step = {
  answer: GitHubAnswer.error(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.')
}

const put = (
  { repo }: { readonly repo: GitHubState.Repository },
  { answer, check }: { readonly check: GitHubState.CheckRun; readonly answer: "created" | "changed" }
): GitHubRoute.Step => ({
  answer: (around, after) => {
    const body = run(around, { repo: after, check })
    return answer === "created" ? GitHubAnswer.created(body) : ok(body)
  },
  repo: { ...repo, checks: repo.checks.set(check.id, check) },
  told: [
    {
      name: "check_run",
      payload: (around, after) => ({
        action: check.status === "completed" ? "completed" : answer === "created" ? "created" : "rerequested",
        check_run: run(around, { repo: after, check })
      })
    }
  ]
})

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
  inRepository("POST /statuses/:sha", {
    scope: "repo",
    body: Schema.Struct({
      state: Schema.Literals(["error", "failure", "pending", "success"]),
      target_url: Text,
      description: Text,
      context: Schema.optionalKey(Schema.String)
    }),
    handle: ({ body, caller, id, now, params, repo }) => {
      if (!repo.commits.has(params.sha))
        return { answer: GitHubAnswer.error(422, `No commit found for SHA: ${params.sha}`) }
      const status: GitHubState.Status = {
        id: id("status"),
        sha: params.sha,
        state: body.state,
        context: body.context ?? "default",
        description: body.description ?? null,
        targetUrl: body.target_url ?? null,
        author: caller.name,
        at: now
      }
      return {
        answer: (around, after) => GitHubAnswer.created(full(around, { repo: after, status })),
        repo: { ...repo, statuses: repo.statuses.set(status.id, status) },
        told: [
          {
            name: "status",
            payload: (around, after) => ({
              ...full(around, { repo: after, status }),
              sha: status.sha,
              name: `${repo.owner}/${repo.name}`
            })
          }
        ]
      }
    }
  }),
  inRepository("GET /commits/:ref/statuses", {
    handle: (call) => {
      const commit = GitHubCommits.find(call.repo, call.params.ref)
      if (commit === undefined) return missing
      return {
        answer: (around, repo) =>
          GitHubAnswer.page(
            statusesOf(repo, commit.sha).map((status) => full(around, { repo, status })),
            { ...call, repository: repo }
          )
      }
    }
  }),
  inRepository("GET /commits/:ref/status", {
    handle: ({ params, repo }) => {
      const commit = GitHubCommits.find(repo, params.ref)
      if (commit === undefined) return missing
      return {
        answer: (around, after) => {
          const statuses = [...latest(statusesOf(after, commit.sha))].reverse()
          const api = GitHubShape.repositoryUrl(around, after)
          return ok({
            state: combined(statuses),
            statuses: statuses.map((status) => brief(around, { repo: after, status })),
            sha: commit.sha,
            total_count: statuses.length,
            repository: GitHubShape.minimal(around, after),
            commit_url: `${api}/commits/${commit.sha}`,
            url: `${api}/commits/${commit.sha}/status`
          })
        }
      }
    }
  }),
  inRepository("POST /check-runs", {
    scope: "repo",
    body: Schema.Struct({ name: Schema.String, head_sha: Schema.String, ...checkFields }),
    handle: ({ body, id, now, repo }) => {
      if (!repo.commits.has(body.head_sha))
        return { answer: GitHubAnswer.error(422, `No commit found for SHA: ${body.head_sha}`) }
      if (body.status === "completed" && body.conclusion === undefined) return noConclusion
      const empty: GitHubState.CheckRun = {
        id: id("check"),
        sha: body.head_sha,
        name: body.name,
        status: "queued",
        conclusion: null,
        externalId: "",
        detailsUrl: "",
        startedAt: now,
        completedAt: null,
        output: { title: null, summary: null, text: null }
      }
      return put({ repo }, { check: withFields(empty, body, now), answer: "created" })
    }
  }),
  inRepository("GET /check-runs/:id", {
    handle: ({ params, repo }) => {
      const check = repo.checks.get(params.id)
      return check === undefined ? missing : { answer: (around, after) => ok(run(around, { repo: after, check })) }
    }
  }),
  inRepository("PATCH /check-runs/:id", {
    scope: "repo",
    body: Fields,
    handle: ({ body, now, params, repo }) => {
      const check = repo.checks.get(params.id)
      if (check === undefined) return missing
      if (body.status === "completed" && body.conclusion === undefined) return noConclusion
      return put({ repo }, { check: withFields(check, body, now), answer: "changed" })
    }
  }),
  inRepository("GET /commits/:ref/check-runs", {
    handle: (call) => {
      const commit = GitHubCommits.find(call.repo, call.params.ref)
      if (commit === undefined) return missing
      const name = call.query.get("check_name")
      const all = call.repo.checks.values.filter(
        (check) => check.sha === commit.sha && (name === null || check.name === name)
      )
      return {
        answer: (around, repo) => {
          const { body, ...rest } = GitHubAnswer.page(
            all.map((check) => run(around, { repo, check })),
            { ...call, repository: repo }
          )
          return { ...rest, body: { total_count: all.length, check_runs: body } }
        }
      }
    }
  })
].flat()
