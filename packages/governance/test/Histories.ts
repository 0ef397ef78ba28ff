/** Histories of pull requests for tests, as a forge would tell them. */
import type * as ForgeHistory from "../src/ForgeHistory.ts"
import type * as History from "../src/History.ts"
import type * as Roster from "../src/Roster.ts"

export const roster: Roster.Roster = {
  members: [
    { name: "ada", kind: "human", logins: ["ada"], emails: ["ada@example.org"], keys: [] },
    { name: "bo", kind: "human", logins: ["bo"], emails: ["bo@example.org"], keys: [] },
    { name: "Implement", kind: "agent", logins: ["factory[bot]"], emails: ["implement@factory.example"], keys: [] }
  ]
}

export const ada: ForgeHistory.Account = { login: "ada", isBot: false }
export const bo: ForgeHistory.Account = { login: "bo", isBot: false }
export const bot: ForgeHistory.Account = { login: "factory[bot]", isBot: true }

export const authors = {
  ada: { name: "Ada", email: "ada@example.org" },
  bo: { name: "Bo", email: "bo@example.org" },
  agent: { name: "Implement", email: "implement@factory.example" },
  eve: { name: "Eve", email: "eve@example.org" }
}

/** A commit whose id says what it is. */
export const commit = (
  id: string,
  options: { parents: ReadonlyArray<string>; author: ForgeHistory.Commit["author"]; at: number; message?: string }
): ForgeHistory.Commit => ({
  id,
  tree: `tree-of-${id}`,
  parents: options.parents,
  author: options.author,
  committedAt: options.at,
  message: options.message ?? id
})

/** A pull request of an agent, with one commit of it, pushed by its account. */
export const base = commit("base", { parents: [], author: authors.bo, at: 0 })
export const first = commit("first", { parents: ["base"], author: authors.agent, at: 1_000 })

export const opened: ReadonlyArray<ForgeHistory.Event> = [
  { _tag: "Pushed", id: "push/1", at: 1_100, by: bot, before: null, after: "first", forced: false },
  { _tag: "Opened", id: "open/1", at: 1_200, by: bot }
]

export const pullRequest = (given: Partial<ForgeHistory.PullRequest> = {}): ForgeHistory.PullRequest => ({
  _tag: "PullRequest",
  id: "acme/engine#1",
  title: "Mend the engine",
  body: "",
  view: "https://forge.example/acme/engine/pull/1",
  labels: [],
  events: opened,
  gaps: [],
  branch: "factory/1",
  into: "main",
  base: "base",
  head: "first",
  commits: [base, first],
  ...given
})

export const issue = (given: Partial<Omit<ForgeHistory.Subject, "_tag">>): ForgeHistory.Subject => ({
  id: "acme/engine#7",
  title: "It stops",
  body: "",
  view: "https://forge.example/acme/engine/issues/7",
  labels: [],
  events: [],
  gaps: [],
  ...given,
  _tag: "Issue"
})

/** What is read of pull requests alone. */
export const evidence = (
  subjects: ReadonlyArray<ForgeHistory.Subject>,
  given: Partial<History.Evidence> = {}
): History.Evidence => ({ commits: [], forge: { subjects }, roster, ...given })
