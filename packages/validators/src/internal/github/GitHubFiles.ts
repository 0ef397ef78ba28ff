/** Files of a repository, and its commits. */
import * as Schema from "effect/Schema"
import type * as TwinService from "../../TwinService.ts"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubCommits from "./GitHubCommits.ts"
import * as GitHubContent from "./GitHubContent.ts"
import * as GitHubRefs from "./GitHubRefs.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"
import * as GitObjects from "./GitObjects.ts"

const { inRepository } = GitHubRoute
const { ok } = GitHubAnswer

const missing: GitHubRoute.Step = { answer: GitHubAnswer.notFound }

const noCommit = (name: string): GitHubRoute.Step => ({
  answer: GitHubAnswer.error(422, `No commit found for SHA: ${name}`)
})

interface At {
  readonly repo: GitHubState.Repository
  readonly ref: string
  readonly entry: GitObjects.Entry
}

const content = (around: GitHubShape.Around, { entry, ref, repo }: At) => {
  const api = GitHubShape.repositoryUrl(around, repo)
  const html = GitHubShape.htmlUrl(around, repo)
  const kind = entry.type === "tree" ? "tree" : "blob"
  const links = {
    self: `${api}/contents/${entry.path}?ref=${ref}`,
    git: `${api}/git/${kind}s/${entry.sha}`,
    html: `${html}/${kind}/${ref}/${entry.path}`
  }
  return {
    name: entry.path.split("/").at(-1) ?? "",
    path: entry.path,
    sha: entry.sha,
    size: entry.type === "tree" ? 0 : GitHubContent.sizeOf(repo, entry.sha),
    url: links.self,
    html_url: links.html,
    git_url: links.git,
    download_url: entry.type === "tree" ? null : `${html}/${ref}/${entry.path}`,
    type: entry.type === "tree" ? "dir" : "file",
    _links: links
  }
}

/** A file as it is, for who asks for it in that way. */
const raw = (base64: string): TwinService.Answer => ({
  status: 200,
  headers: {
    "content-type": "application/vnd.github.v3.raw; charset=utf-8",
    "x-github-media-type": "github.v3; param=raw"
  },
  body: Buffer.from(base64, "base64").toString("utf8")
})

const entriesOf = (repo: GitHubState.Repository, at: { readonly tree: string; readonly path: string }) => {
  let tree: string | undefined = at.tree
  for (const part of at.path.split("/").filter((each) => each !== "")) {
    const found: GitObjects.Entry | undefined = repo.trees.get(tree ?? "")?.find(({ path }) => path === part)
    if (found === undefined) return undefined
    if (found.type !== "tree") return { file: { ...found, path: at.path } }
    tree = found.sha
  }
  const prefix = at.path === "" ? "" : `${at.path}/`
  return { folder: (repo.trees.get(tree) ?? []).map((entry) => ({ ...entry, path: `${prefix}${entry.path}` })) }
}

const Written = {
  message: Schema.String,
  branch: Schema.optionalKey(Schema.String),
  sha: Schema.optionalKey(Schema.String)
}

/** A request that writes or deletes a file: it is a commit on a branch. */
const write = (
  call: GitHubRoute.Call<
    { readonly path: string },
    { readonly message: string; readonly branch?: string; readonly sha?: string }
  >,
  base64: string | undefined
): GitHubRoute.Step => {
  const { body, caller, now, params, repo, state } = call
  const path = GitHubContent.cleanPath(params.path)
  if (path === undefined || path === "")
    return { answer: GitHubAnswer.error(422, "path contains a malformed path component") }
  const name = body.branch ?? repo.defaultBranch
  const ref = `refs/heads/${name}`
  const before = repo.refs.get(ref)
  if (before === undefined && repo.refs.size > 0) return { answer: GitHubAnswer.error(404, `Branch ${name} not found`) }
  const { [path]: old, ...others } = GitHubCommits.filesOf(repo, before)
  if (base64 === undefined && old === undefined) return missing
  if (old !== undefined && body.sha === undefined) {
    return { answer: GitHubAnswer.error(422, 'Invalid request.\n\n"sha" wasn\'t supplied.') }
  }
  if (old !== undefined && body.sha !== old.sha) {
    return { answer: GitHubAnswer.error(409, `${path} does not match ${body.sha}`) }
  }
  const [withBlob, blob] = base64 === undefined ? [repo, ""] : GitObjects.addBlob(repo, base64)
  const person = GitHubCommits.personOf(state, caller.name, now)
  const [made, sha] = GitHubCommits.commit(
    { ...repo, blobs: withBlob.blobs },
    {
      files: base64 === undefined ? others : { ...others, [path]: { mode: old?.mode ?? "100644", sha: blob } },
      parents: before === undefined ? [] : [before],
      message: body.message,
      author: person,
      committer: person
    }
  )
  return {
    answer: (around, after) => {
      const commit = after.commits.get(sha)
      const entry: GitObjects.Entry = { path, mode: "100644", type: "blob", sha: blob }
      return ok(
        {
          content: base64 === undefined ? null : content(around, { repo: after, ref: name, entry }),
          commit: commit === undefined ? null : GitHubCommits.object(around, { repo: after, commit })
        },
        old === undefined ? 201 : 200
      )
    },
    repo: { ...made, refs: made.refs.set(ref, sha), pushedAt: now },
    told: [GitHubRefs.pushed({ ref, before, after: sha, by: caller.name })]
  }
}

const listedCommits = (call: GitHubRoute.Call<unknown, unknown>): GitHubRoute.Step => {
  const name = call.query.get("sha") ?? call.repo.defaultBranch
  const head = GitHubCommits.find(call.repo, name)
  if (head === undefined) {
    return call.repo.refs.size === 0 ? { answer: GitHubAnswer.error(409, "Git Repository is empty.") } : missing
  }
  const path = call.query.get("path")
  const touches = (commit: GitObjects.Commit) =>
    path === null ||
    GitHubCommits.filesOf(call.repo, commit.sha)[path]?.sha !==
      GitHubCommits.filesOf(call.repo, commit.parents[0])[path]?.sha
  const found = GitObjects.history(call.repo, head.sha).filter(touches)
  return {
    answer: (around, repo) =>
      GitHubAnswer.page(
        found.map((commit) => GitHubCommits.listed(around, { repo, commit })),
        { ...call, repository: repo }
      )
  }
}

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
  inRepository("GET /contents/*path", {
    handle: ({ headers, params, query, repo }) => {
      const ref = query.get("ref") ?? repo.defaultBranch
      const commit = GitHubCommits.find(repo, ref)
      const path = GitHubContent.cleanPath(params.path)
      const found =
        commit === undefined || path === undefined ? undefined : entriesOf(repo, { tree: commit.tree, path })
      if (found === undefined) return missing
      if ("file" in found && /[./]raw\b/.test(headers["accept"] ?? "")) {
        return { answer: raw(repo.blobs.get(found.file.sha) ?? "") }
      }
      return {
        answer: (around, after) =>
          "file" in found
            ? ok({
                ...content(around, { repo: after, ref, entry: found.file }),
                content: GitHubContent.wrapped(after.blobs.get(found.file.sha) ?? ""),
                encoding: "base64"
              })
            : ok(found.folder.map((entry) => content(around, { repo: after, ref, entry })))
      }
    }
  }),
  inRepository("PUT /contents/*path", {
    scope: "repo",
    body: Schema.Struct({ ...Written, content: Schema.String }),
    handle: (call) =>
      /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(call.body.content)
        ? write(call, call.body.content)
        : { answer: GitHubAnswer.error(422, "content is not valid Base64") }
  }),
  inRepository("DELETE /contents/*path", {
    scope: "repo",
    body: Schema.Struct(Written),
    handle: (call) => write(call, undefined)
  }),
  inRepository("GET /commits", { handle: listedCommits }),
  inRepository("GET /commits/:ref", {
    handle: ({ params, repo }) => {
      const commit = GitHubCommits.find(repo, params.ref)
      if (commit === undefined) return noCommit(params.ref)
      return {
        answer: (around, after) => {
          const files = GitHubCommits.differing(around, { repo: after, base: commit.parents[0], head: commit.sha })
          const sum = (key: "additions" | "deletions") => files.reduce((all, file) => all + file[key], 0)
          const [additions, deletions] = [sum("additions"), sum("deletions")]
          return ok({
            ...GitHubCommits.listed(around, { repo: after, commit }),
            stats: { total: additions + deletions, additions, deletions },
            files
          })
        }
      }
    }
  })
].flat()
