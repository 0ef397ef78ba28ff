/** Labels of a repository. */
import * as Schema from "effect/Schema"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubRoute from "./GitHubRoute.ts"
import * as GitHubShape from "./GitHubShape.ts"
import type * as GitHubState from "./GitHubState.ts"

const { inRepository } = GitHubRoute

const color = /^[0-9a-f]{6}$/i

/** Names that are there, and others, each once whatever its letters' case. */
export const together = (names: ReadonlyArray<string>, others: ReadonlyArray<string>): ReadonlyArray<string> => {
  const all = new Map<string, string>()
  for (const name of [...names, ...others]) if (!all.has(name.toLowerCase())) all.set(name.toLowerCase(), name)
  return [...all.values()]
}

/** The repository with labels of these names. Those that it has not are made, as GitHub does where somebody uses one. */
export const known = (
  { id, repo }: Pick<GitHubRoute.Call<unknown, unknown>, "id" | "repo">,
  names: ReadonlyArray<string>
): GitHubState.Repository =>
  names.reduce((all, name) => {
    const key = name.toLowerCase()
    if (all.labels.has(key)) return all
    const label: GitHubState.Label = { id: id("label"), name, color: "ededed", isDefault: false, description: null }
    return { ...all, labels: all.labels.set(key, label) }
  }, repo)

const shown = (label: GitHubState.Label) => (around: GitHubShape.Around, repo: GitHubState.Repository) =>
  GitHubShape.label(around, { repo, label })

const badColor: GitHubRoute.Step = {
  answer: GitHubAnswer.invalid({ resource: "Label", code: "invalid", field: "color" })
}

const taken: GitHubRoute.Step = {
  answer: GitHubAnswer.invalid({ resource: "Label", code: "already_exists", field: "name" })
}

/** The routes. */
export const routes: ReadonlyArray<GitHubRoute.Route> = [
  inRepository("GET /labels", {
    handle: (call) => ({
      answer: (around, repo) =>
        GitHubAnswer.page(
          repo.labels.values.map((label) => GitHubShape.label(around, { repo, label })),
          { ...call, repository: repo }
        )
    })
  }),
  inRepository("POST /labels", {
    scope: "repo",
    body: Schema.Struct({
      name: Schema.String,
      color: Schema.optionalKey(Schema.String),
      description: Schema.optionalKey(Schema.NullOr(Schema.String))
    }),
    handle: ({ body, id, repo }) => {
      if (body.color !== undefined && !color.test(body.color)) return badColor
      if (body.name.trim() === "") {
        return { answer: GitHubAnswer.invalid({ resource: "Label", code: "missing_field", field: "name" }) }
      }
      if (repo.labels.has(body.name.toLowerCase())) return taken
      const label: GitHubState.Label = {
        id: id("label"),
        name: body.name,
        color: body.color ?? "ededed",
        isDefault: false,
        description: body.description ?? null
      }
      return {
        answer: (around, after) => GitHubAnswer.created(shown(label)(around, after)),
        repo: { ...repo, labels: repo.labels.set(label.name.toLowerCase(), label) },
        told: [
          { name: "label", payload: (around, after) => ({ action: "created", label: shown(label)(around, after) }) }
        ]
      }
    }
  }),
  inRepository("GET /labels/:name", {
    handle: ({ params, repo }) => {
      const label = repo.labels.get(params.name.toLowerCase())
      return {
        answer:
          label === undefined ? GitHubAnswer.notFound : (around, after) => GitHubAnswer.ok(shown(label)(around, after))
      }
    }
  }),
  inRepository("PATCH /labels/:name", {
    scope: "repo",
    body: Schema.Struct({
      new_name: Schema.optionalKey(Schema.String),
      color: Schema.optionalKey(Schema.String),
      description: Schema.optionalKey(Schema.NullOr(Schema.String))
    }),
    handle: ({ body, params, repo }) => {
      const key = params.name.toLowerCase()
      const old = repo.labels.get(key)
      if (old === undefined) return { answer: GitHubAnswer.notFound }
      if (body.color !== undefined && !color.test(body.color)) return badColor
      const name = body.new_name ?? old.name
      if (name.toLowerCase() !== key && repo.labels.has(name.toLowerCase())) return taken
      const label: GitHubState.Label = {
        ...old,
        name,
        color: body.color ?? old.color,
        description: body.description === undefined ? old.description : body.description
      }
      const renamed = (names: ReadonlyArray<string>) => names.map((each) => (each.toLowerCase() === key ? name : each))
      return {
        answer: (around, after) => GitHubAnswer.ok(shown(label)(around, after)),
        repo: {
          ...repo,
          labels: repo.labels.delete(key).set(name.toLowerCase(), label),
          issues: relabeled(repo, { name: key, rename: renamed })
        },
        told: [
          { name: "label", payload: (around, after) => ({ action: "edited", label: shown(label)(around, after) }) }
        ]
      }
    }
  }),
  inRepository("DELETE /labels/:name", {
    scope: "repo",
    handle: ({ params, repo }) => {
      const key = params.name.toLowerCase()
      const label = repo.labels.get(key)
      if (label === undefined) return { answer: GitHubAnswer.notFound }
      const without = (names: ReadonlyArray<string>) => names.filter((each) => each.toLowerCase() !== key)
      return {
        answer: GitHubAnswer.noContent,
        repo: { ...repo, labels: repo.labels.delete(key), issues: relabeled(repo, { name: key, rename: without }) },
        told: [
          { name: "label", payload: (around, after) => ({ action: "deleted", label: shown(label)(around, after) }) }
        ]
      }
    }
  })
].flat()

const relabeled = (
  repo: GitHubState.Repository,
  of: { readonly name: string; readonly rename: (names: ReadonlyArray<string>) => ReadonlyArray<string> }
) =>
  repo.issues.values
    .filter(({ labels }) => labels.some((each) => each.toLowerCase() === of.name))
    .reduce((issues, issue) => issues.set(issue.number, { ...issue, labels: of.rename(issue.labels) }), repo.issues)
