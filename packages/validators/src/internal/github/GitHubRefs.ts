/** Branches and references. */
import * as Schema from "effect/Schema"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubCommits from "./GitHubCommits.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"
import * as GitObjects from "./GitObjects.ts"

const { inRepository } = GitHubRoute

const none = "0".repeat(40)

/** What hooks are told when a reference moves. */
export const pushed = (moved: {
  readonly ref: string
  readonly before: string | undefined
  readonly after: string | undefined
  readonly by: string
}): GitHubRoute.Told => ({
  name: "push",
  payload: (around, repo) => {
    const { after, before, by, ref } = moved
    const fresh =
      after === undefined
        ? []
        : before === undefined
          ? GitObjects.history(repo, after).slice(0, 1)
          : GitObjects.ahead(repo, { base: before, head: after })
    const commits = [...fresh].reverse().map((commit) => {
      const { author, committer, html_url, message } = GitHubCommits.object(around, { repo, commit })
      const files = GitHubCommits.differing(around, { repo, base: commit.parents[0], head: commit.sha })
      const named = (status: string) => files.filter((file) => file.status === status).map(({ filename }) => filename)
      return {
        id: commit.sha,
        tree_id: commit.tree,
        distinct: true,
        message,
        timestamp: author.date,
        url: html_url,
        author,
        committer,
        added: named("added"),
        removed: named("removed"),
        modified: named("modified")
      }
    })
    return {
      ref,
      before: before ?? none,
      after: after ?? none,
      created: before === undefined,
      deleted: after === undefined,
      forced:
        before !== undefined &&
        after !== undefined &&
        !GitObjects.history(repo, after).some(({ sha }) => sha === before),
      base_ref: null,
      compare: `${GitHubShape.htmlUrl(around, repo)}/compare/${before ?? none}...${after ?? none}`,
      commits,
      head_commit: commits.at(-1) ?? null,
      pusher: { name: by, email: `${by}@users.noreply.github.com` }
    }
  }
})

const reference = (around: GitHubShape.Around, of: { repo: GitHubState.Repository; ref: string; sha: string }) => {
  const git = `${GitHubShape.repositoryUrl(around, of.repo)}/git`
  return {
    ref: of.ref,
    node_id: GitHubShape.nodeId("Ref", of.ref),
    url: `${git}/${of.ref}`,
    object: { sha: of.sha, type: "commit", url: `${git}/commits/${of.sha}` }
  }
}

const branch = (around: GitHubShape.Around, of: { repo: GitHubState.Repository; ref: string; sha: string }) => {
  const name = of.ref.replace(/^refs\/heads\//, "")
  const api = GitHubShape.repositoryUrl(around, of.repo)
  return {
    name,
    commit: { sha: of.sha, url: `${api}/commits/${of.sha}` },
    protected: false,
    protection: { enabled: false, required_status_checks: { enforcement_level: "off", contexts: [], checks: [] } },
    protection_url: `${api}/branches/${name}/protection`
  }
}

const missing: GitHubRoute.Step = { answer: GitHubAnswer.notFound }

const refs = (repo: GitHubState.Repository, start: string) =>
  repo.refs.entries.filter(([ref]) => ref.startsWith(start)).sort(([a], [b]) => (a < b ? -1 : 1))

const badRef = (message: string): GitHubRoute.Step => ({ answer: GitHubAnswer.error(422, message) })

const refName = /^refs\/(?:heads|tags)\/(?!\/)(?!.*(?:\.\.|\/\/|@\{|\.lock$|\/$|\.$))[^\s~^:?*[\\\p{Cc}]+$/u

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
  inRepository("GET /branches", {
    handle: (call) => ({
      answer: (around, repo) =>
        GitHubAnswer.page(
          refs(repo, "refs/heads/").map(([ref, sha]) => branch(around, { repo, ref, sha })),
          { ...call, repository: repo }
        )
    })
  }),
  inRepository("GET /branches/*name", {
    handle: ({ params, repo }) => {
      const ref = `refs/heads/${params.name}`
      const commit = repo.commits.get(repo.refs.get(ref) ?? "")
      if (commit === undefined) return { answer: GitHubAnswer.error(404, "Branch not found") }
      return {
        answer: (around, after) => {
          const shown = branch(around, { repo: after, ref, sha: commit.sha })
          const self = `${GitHubShape.repositoryUrl(around, after)}/branches/${params.name}`
          const html = `${GitHubShape.htmlUrl(around, after)}/tree/${params.name}`
          return GitHubAnswer.ok({
            ...shown,
            commit: GitHubCommits.listed(around, { repo: after, commit }),
            _links: { self, html }
          })
        }
      }
    }
  }),
  inRepository("GET /git/ref/*name", {
    handle: ({ params, repo }) => {
      const ref = `refs/${params.name}`
      const sha = repo.refs.get(ref)
      return sha === undefined
        ? missing
        : { answer: (around, after) => GitHubAnswer.ok(reference(around, { repo: after, ref, sha })) }
    }
  }),
  ...(["GET /git/matching-refs/*name", "GET /git/refs/*name"] as const).map((pattern) =>
    inRepository(pattern, {
      handle: (call: GitHubRoute.Call<{ readonly name: string }, unknown>) => ({
        answer: (around, repo) =>
          GitHubAnswer.page(
            refs(repo, `refs/${call.params.name}`).map(([ref, sha]) => reference(around, { repo, ref, sha })),
            { ...call, repository: repo }
          )
      })
    })
  ),
  inRepository("POST /git/refs", {
    scope: "repo",
    body: Schema.Struct({ ref: Schema.String, sha: Schema.String }),
    handle: ({ body: { ref, sha }, caller, now, repo }) => {
      if (!refName.test(ref)) return badRef(`${ref} is not a valid ref name.`)
      if (!repo.commits.has(sha)) return badRef("Object does not exist")
      if (repo.refs.has(ref)) return badRef("Reference already exists")
      return {
        answer: (around, after) => GitHubAnswer.created(reference(around, { repo: after, ref, sha })),
        repo: { ...repo, refs: repo.refs.set(ref, sha), pushedAt: now },
        told: [pushed({ ref, before: undefined, after: sha, by: caller.name })]
      }
    }
  }),
  inRepository("PATCH /git/refs/*name", {
    scope: "repo",
    body: Schema.Struct({ sha: Schema.String, force: Schema.optionalKey(Schema.Boolean) }),
    handle: ({ body: { force = false, sha }, caller, now, params, repo }) => {
      const ref = `refs/${params.name}`
      const before = repo.refs.get(ref)
      if (before === undefined) return badRef("Reference does not exist")
      if (!repo.commits.has(sha)) return badRef("Object does not exist")
      const isAhead = GitObjects.history(repo, sha).some((commit) => commit.sha === before)
      if (!isAhead && !force) return badRef("Update is not a fast forward")
      return {
        answer: (around, after) => GitHubAnswer.ok(reference(around, { repo: after, ref, sha })),
        repo: { ...repo, refs: repo.refs.set(ref, sha), pushedAt: now },
        told: [pushed({ ref, before, after: sha, by: caller.name })]
      }
    }
  }),
  inRepository("DELETE /git/refs/*name", {
    scope: "repo",
    handle: ({ caller, params, repo }) => {
      const ref = `refs/${params.name}`
      const before = repo.refs.get(ref)
      if (before === undefined) return badRef("Reference does not exist")
      return {
        answer: GitHubAnswer.noContent,
        repo: { ...repo, refs: repo.refs.delete(ref) },
        told: [pushed({ ref, before, after: undefined, by: caller.name })]
      }
    }
  })
].flat()
