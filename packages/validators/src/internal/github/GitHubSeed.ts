/** Makes the state of the twin of GitHub from its seed. */
import type * as TwinService from "../../TwinService.ts"
import * as TwinTable from "../../TwinTable.ts"
import * as GitHubState from "./GitHubState.ts"
import * as GitObjects from "./GitObjects.ts"

/** What GitHub gives a new repository. */
const usualLabels: ReadonlyArray<readonly [name: string, color: string, description: string]> = [
  ["bug", "d73a4a", "Something isn't working"],
  ["documentation", "0075ca", "Improvements or additions to documentation"],
  ["duplicate", "cfd3d7", "This issue or pull request already exists"],
  ["enhancement", "a2eeef", "New feature or request"],
  ["good first issue", "7057ff", "Good for newcomers"],
  ["help wanted", "008672", "Extra attention is needed"],
  ["invalid", "e4e669", "This doesn't seem right"],
  ["question", "d876e3", "Further information is requested"],
  ["wontfix", "ffffff", "This will not be worked on"]
]

type Call = Pick<TwinService.Call<GitHubState.State>, "id" | "now">

/** The state that a seed is the beginning of. */
export const state = (seed: GitHubState.Seed, call: Call): GitHubState.State => {
  const given = new Map((seed.users ?? []).map((user) => [user.login, user]))
  const named = [
    ...given.keys(),
    ...Object.values(seed.tokens).map(({ name }) => name),
    ...seed.repositories.flatMap(({ issues = [], owner }) => [
      owner,
      ...issues.flatMap(({ assignees = [], author }) => [...assignees, ...(author === undefined ? [] : [author])])
    ]),
    ...(seed.installations ?? []).map(({ login }) => login)
  ]
  const users = [...new Set(named)].map((login): GitHubState.User => ({
    id: call.id("user"),
    login,
    type: given.get(login)?.type ?? "User",
    name: given.get(login)?.name ?? null
  }))
  return {
    tokens: seed.tokens,
    users: TwinTable.from(users, ({ login }) => login.toLowerCase()),
    repositories: TwinTable.from(
      seed.repositories.map((each) => repository(each, call)),
      GitHubState.keyOf
    ),
    installations: TwinTable.from(
      (seed.installations ?? []).map(({ id, login }) => ({ id, login })),
      ({ id }) => id
    ).values.reduce((table, { id, login }) => table.set(id, login), TwinTable.empty<string>()),
    rateLimit: seed.rateLimit ?? 5_000
  }
}

const repository = (seed: typeof GitHubState.SeedRepository.Type, { id, now }: Call): GitHubState.Repository => {
  const labels = (
    seed.labels?.map(({ color = "ededed", description, name }) => ({ name, color, description, isDefault: false })) ??
    usualLabels.map(([name, color, description]) => ({ name, color, description, isDefault: true }))
  ).map((label): GitHubState.Label => ({ ...label, id: id("label"), description: label.description ?? null }))
  const { objects, refs } = branches(seed, now)
  const issues = (seed.issues ?? []).map((issue, index) =>
    GitHubState.opened({
      id: id("issue"),
      number: index + 1,
      title: issue.title,
      body: issue.body ?? null,
      author: issue.author ?? seed.owner,
      labels: issue.labels ?? [],
      assignees: issue.assignees ?? [],
      at: now
    })
  )
  const known = new Set(labels.map(({ name }) => name.toLowerCase()))
  const others = [...new Set(issues.flatMap((issue) => issue.labels))]
    .filter((name) => !known.has(name.toLowerCase()))
    .map((name): GitHubState.Label => ({ id: id("label"), name, color: "ededed", isDefault: false, description: null }))
  const hooks = (seed.hooks ?? []).map((hook): GitHubState.Hook => ({
    ...hook,
    id: id("hook"),
    isActive: true,
    contentType: "json",
    createdAt: now
  }))
  return {
    ...objects,
    refs,
    id: id("repository"),
    owner: seed.owner,
    name: seed.name,
    description: seed.description ?? null,
    isPrivate: seed.private ?? false,
    defaultBranch: seed.defaultBranch ?? "main",
    createdAt: now,
    updatedAt: now,
    pushedAt: now,
    lastNumber: issues.length,
    labels: TwinTable.from([...labels, ...others], ({ name }) => name.toLowerCase()),
    issues: TwinTable.from(issues, (issue) => issue.number),
    comments: TwinTable.empty(),
    pulls: TwinTable.empty(),
    reviews: TwinTable.empty(),
    statuses: TwinTable.empty(),
    checks: TwinTable.empty(),
    hooks: TwinTable.from(hooks, (hook) => hook.id)
  }
}

/** The first commit and the branches of a seed. */
const branches = (seed: typeof GitHubState.SeedRepository.Type, at: number) => {
  let objects = GitObjects.none
  let refs = TwinTable.empty<string>()
  if (seed.files === undefined) return { objects, refs }
  const person = { name: seed.owner, email: `${seed.owner}@users.noreply.github.com`, at }
  const commit = (texts: Readonly<Record<string, string>>, parent: string | undefined, message: string): string => {
    const files: Record<string, Pick<GitObjects.Entry, "mode" | "sha">> = {
      ...GitObjects.filesOf(objects, objects.commits.get(parent ?? "")?.tree ?? "")
    }
    for (const [path, text] of Object.entries(texts)) {
      const [next, sha] = GitObjects.addBlob(objects, Buffer.from(text).toString("base64"))
      objects = next
      files[path] = { mode: "100644", sha }
    }
    const [withTree, tree] = GitObjects.addTree(objects, files)
    const parents = parent === undefined ? [] : [parent]
    const [withCommit, sha] = GitObjects.addCommit(withTree, {
      tree,
      parents,
      message,
      author: person,
      committer: person
    })
    objects = withCommit
    return sha
  }
  const first = commit(seed.files, undefined, "Initial commit")
  refs = refs.set(`refs/heads/${seed.defaultBranch ?? "main"}`, first)
  for (const [name, texts] of Object.entries(seed.branches ?? {})) {
    refs = refs.set(`refs/heads/${name}`, commit(texts, first, `Work on ${name}`))
  }
  return { objects, refs }
}
