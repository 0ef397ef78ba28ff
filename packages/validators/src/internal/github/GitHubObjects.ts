/** Objects of git: commits, trees and blobs. */
import * as Schema from "effect/Schema"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubCommits from "./GitHubCommits.ts"
import * as GitHubContent from "./GitHubContent.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"
import * as GitObjects from "./GitObjects.ts"

const { inRepository } = GitHubRoute
const { ok } = GitHubAnswer

const missing: GitHubRoute.Step = { answer: GitHubAnswer.notFound }

const Person = Schema.Struct({
  name: Schema.String,
  email: Schema.String,
  date: Schema.optionalKey(Schema.String)
})

const personIn = (given: typeof Person.Type | undefined, usual: GitObjects.Person): GitObjects.Person =>
  given === undefined ? usual : { name: given.name, email: given.email, at: Date.parse(given.date ?? "") || usual.at }

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
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
                size: GitHubContent.sizeOf(after, params.sha),
                url: `${GitHubShape.repositoryUrl(around, after)}/git/blobs/${params.sha}`,
                content: GitHubContent.wrapped(blob),
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
        const path = GitHubContent.cleanPath(entry.path)
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
        ...(entry.type === "blob" ? { size: GitHubContent.sizeOf(of.repo, entry.sha) } : {}),
        url: `${git}/${entry.type === "tree" ? "trees" : "blobs"}/${entry.sha}`
      })),
      truncated: false
    },
    of.status
  )
}
