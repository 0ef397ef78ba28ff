/** Commits, trees, blobs and contents of a repository. */
import * as Schema from "effect/Schema"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubCommits from "./GitHubCommits.ts"
import * as GitHubRefs from "./GitHubRefs.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"
import * as GitObjects from "./GitObjects.ts"

const { inRepository } = GitHubRoute
const { ok } = GitHubAnswer

const missing: GitHubRoute.Step = { answer: GitHubAnswer.notFound }

const sizeOf = (repo: GitHubState.Repository, sha: string): number =>
  Buffer.byteLength(repo.blobs.get(sha) ?? "", "base64")

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
    size: entry.type === "tree" ? 0 : sizeOf(repo, entry.sha),
    url: links.self,
    html_url: links.html,
    git_url: links.git,
    download_url: entry.type === "tree" ? null : `${html}/${ref}/${entry.path}`,
    type: entry.type === "tree" ? "dir" : "file",
    _links: links
  }
}

/** The lines that GitHub breaks base64 into. */
const wrapped = (base64: string): string => base64.replace(/.{1,60}/g, "$&\n")

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

const cleanPath = (path: string): string | undefined => {
  const parts = path.split("/").filter((part) => part !== "")
  // The last one would not be a key like others.
  const isOdd = parts.some((part) => [".", "..", ".git", "__proto__"].includes(part))
  return isOdd ? undefined : parts.join("/")
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
  const path = cleanPath(params.path)
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

const Person = Schema.Struct({
  name: Schema.String,
  email: Schema.String,
  date: Schema.optionalKey(Schema.String)
})

const personIn = (given: typeof Person.Type | undefined, usual: GitObjects.Person): GitObjects.Person =>
  given === undefined ? usual : { name: given.name, email: given.email, at: Date.parse(given.date ?? "") || usual.at }

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
    handle: ({ params, query, repo }) => {
      const ref = query.get("ref") ?? repo.defaultBranch
      const commit = GitHubCommits.find(repo, ref)
      const path = cleanPath(params.path)
      const found =
        commit === undefined || path === undefined ? undefined : entriesOf(repo, { tree: commit.tree, path })
      if (found === undefined) return missing
      return {
        answer: (around, after) =>
          "file" in found
            ? ok({
                ...content(around, { repo: after, ref, entry: found.file }),
                content: wrapped(after.blobs.get(found.file.sha) ?? ""),
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
  }),
  inRepository("GET /git/commits/:sha", {
    handle: ({ params, repo }) => {
      const commit = repo.commits.get(params.sha)
      return commit === undefined
        ? missing
        : { answer: (around, after) => ok(GitHubCommits.object(around, { repo: after, commit })) }
    }
  }),
  inRepository("POST /git/commits", {
    scope: "repo",
    body: Schema.Struct({
      message: Schema.String,
      tree: Schema.String,
      parents: Schema.optionalKey(Schema.Array(Schema.String)),
      author: Schema.optionalKey(Person),
      committer: Schema.optionalKey(Person)
    }),
    handle: ({ body, caller, now, repo, state }) => {
      const parents = body.parents ?? []
      if (!repo.trees.has(body.tree)) return { answer: GitHubAnswer.error(422, "Tree SHA does not exist") }
      if (parents.some((sha) => !repo.commits.has(sha))) {
        return { answer: GitHubAnswer.error(422, "Parent SHA does not exist or is not a commit object") }
      }
      const author = personIn(body.author, GitHubCommits.personOf(state, caller.name, now))
      const { message, tree } = body
      const made = { message, tree, parents, author, committer: personIn(body.committer, author) }
      const [{ commits }, sha] = GitObjects.addCommit(repo, made)
      return {
        answer: (around, after) => {
          const commit = after.commits.get(sha)
          return commit === undefined
            ? GitHubAnswer.notFound
            : GitHubAnswer.created(GitHubCommits.object(around, { repo: after, commit }))
        },
        repo: { ...repo, commits }
      }
    }
  }),
  inRepository("POST /git/blobs", {
    scope: "repo",
    body: Schema.Struct({ content: Schema.String, encoding: Schema.optionalKey(Schema.Literals(["utf-8", "base64"])) }),
    handle: ({ body, repo }) => {
      const base64 = body.encoding === "base64" ? body.content : Buffer.from(body.content).toString("base64")
      const [{ blobs }, sha] = GitObjects.addBlob(repo, base64)
      return {
        answer: (around, after) =>
          GitHubAnswer.created({ sha, url: `${GitHubShape.repositoryUrl(around, after)}/git/blobs/${sha}` }),
        repo: { ...repo, blobs }
      }
    }
  }),
  inRepository("GET /git/blobs/:sha", {
    handle: ({ params, repo }) => {
      const blob = repo.blobs.get(params.sha)
      return blob === undefined
        ? missing
        : {
            answer: (around, after) =>
              ok({
                sha: params.sha,
                node_id: GitHubShape.nodeId("Blob", params.sha),
                size: sizeOf(after, params.sha),
                url: `${GitHubShape.repositoryUrl(around, after)}/git/blobs/${params.sha}`,
                content: wrapped(blob),
                encoding: "base64"
              })
          }
    }
  }),
  inRepository("POST /git/trees", {
    scope: "repo",
    body: Schema.Struct({
      base_tree: Schema.optionalKey(Schema.String),
      tree: Schema.Array(
        Schema.Struct({
          path: Schema.NonEmptyString,
          mode: Schema.Literals(["100644", "100755", "040000", "160000", "120000"]),
          type: Schema.optionalKey(Schema.Literals(["blob", "tree", "commit"])),
          sha: Schema.optionalKey(Schema.NullOr(Schema.String)),
          content: Schema.optionalKey(Schema.String)
        })
      )
    }),
    handle: ({ body, repo }) => {
      const base = GitHubCommits.find(repo, body.base_tree ?? "")?.tree ?? body.base_tree
      if (base !== undefined && !repo.trees.has(base))
        return { answer: GitHubAnswer.error(422, "base_tree is not a valid tree oid") }
      const files: Record<string, Pick<GitObjects.Entry, "mode" | "sha">> = { ...GitObjects.filesOf(repo, base ?? "") }
      let objects: GitObjects.Objects = repo
      for (const entry of body.tree) {
        const path = cleanPath(entry.path)
        if (path === undefined)
          return { answer: GitHubAnswer.error(422, "tree.path contains a malformed path component") }
        if (entry.sha === null) {
          delete files[path]
          continue
        }
        const [next, sha] =
          entry.content === undefined
            ? ([objects, entry.sha ?? ""] as const)
            : GitObjects.addBlob(objects, Buffer.from(entry.content).toString("base64"))
        objects = next
        if (entry.mode === "040000") {
          for (const [below, file] of Object.entries(GitObjects.filesOf(objects, sha))) files[`${path}/${below}`] = file
        } else if (objects.blobs.has(sha) || entry.mode === "160000") files[path] = { mode: entry.mode, sha }
        else return { answer: GitHubAnswer.error(422, `tree.sha ${sha} is not a valid blob`) }
      }
      const [{ blobs, trees }, sha] = GitObjects.addTree(objects, files)
      return {
        answer: (around, after) => tree(around, { repo: after, sha, status: 201 }),
        repo: { ...repo, blobs, trees }
      }
    }
  }),
  inRepository("GET /git/trees/:sha", {
    handle: ({ params, query, repo }) => {
      const sha = GitHubCommits.find(repo, params.sha)?.tree ?? params.sha
      const isDeep = query.has("recursive")
      return repo.trees.has(sha)
        ? { answer: (around, after) => tree(around, { repo: after, sha, isDeep, status: 200 }) }
        : missing
    }
  })
].flat()

const tree = (
  around: GitHubShape.Around,
  of: {
    readonly repo: GitHubState.Repository
    readonly sha: string
    readonly isDeep?: boolean
    readonly status: number
  }
) => {
  const git = `${GitHubShape.repositoryUrl(around, of.repo)}/git`
  const entries = (sha: string, prefix: string): ReadonlyArray<GitObjects.Entry> =>
    (of.repo.trees.get(sha) ?? []).flatMap((entry) => {
      const here = { ...entry, path: `${prefix}${entry.path}` }
      return of.isDeep === true && entry.type === "tree" ? [here, ...entries(entry.sha, `${here.path}/`)] : [here]
    })
  return ok(
    {
      sha: of.sha,
      url: `${git}/trees/${of.sha}`,
      tree: entries(of.sha, "").map((entry) => ({
        ...entry,
        ...(entry.type === "blob" ? { size: sizeOf(of.repo, entry.sha) } : {}),
        url: `${git}/${entry.type === "tree" ? "trees" : "blobs"}/${entry.sha}`
      })),
      truncated: false
    },
    of.status
  )
}
