/**
 * What the forge remembers of the week, as data. Of a repository on GitHub, `GitHubHistory` of `@millwright/governance` reads the same.
 */
import type * as PullRequest from "@millwright/core/PullRequest"
import type * as ForgeHistory from "@millwright/governance/ForgeHistory"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Repository from "./repository.ts"

export const accounts = {
  ada: { login: "ada", isBot: false },
  bo: { login: "bo", isBot: false },
  bot: { login: "factory-bot", isBot: true },
  customer: { login: "customer", isBot: false }
} as const satisfies Record<string, ForgeHistory.Account>

type Without<A> = A extends ForgeHistory.Event ? Omit<A, "id" | "at"> : never
/** Something that happens, before it has a name and a time. */
export type Happening = Without<ForgeHistory.Event>

interface Opened {
  readonly pull: PullRequest.PullRequest
  readonly events: Array<ForgeHistory.Event>
  readonly commits: Array<ForgeHistory.Commit>
}

export interface Timeline {
  /** A pull request was opened, by the account of the factory. */
  readonly opened: (pull: PullRequest.PullRequest) => Effect.Effect<void, Repository.ProgramError>
  /** Something happened to the pull request of an item. */
  readonly happened: (item: string, what: Happening) => Effect.Effect<void, Repository.ProgramError>
  /** A customer says that something is wrong. */
  readonly bug: (title: string, body: string) => Effect.Effect<void>
  /** What is remembered by now. */
  readonly history: Effect.Effect<ForgeHistory.ForgeHistory>
}

export const make = (dir: string): Timeline => {
  const pulls = new Map<string, Opened>()
  const issues: Array<ForgeHistory.Subject> = []
  let count = 0
  const event = (what: Happening) =>
    Effect.map(Clock.currentTimeMillis, (at) => ({ ...what, id: `event/${++count}`, at }) as ForgeHistory.Event) // both halves of one
  const happened = Effect.fnUntraced(function* (item: string, what: Happening) {
    const { commits, events, pull } = pulls.get(item) ?? (yield* Effect.die(`there is no pull request for ${item}`))
    if (what._tag === "Pushed") {
      commits.push(...(yield* commitsOf(dir, `${what.before ?? pull.base}..${what.after}`)))
    }
    events.push(yield* event(what))
  })
  return {
    happened,
    opened: Effect.fnUntraced(function* (pull) {
      pulls.set(pull.item, { pull, events: [], commits: [] })
      yield* happened(pull.item, { _tag: "Pushed", by: accounts.bot, before: null, after: pull.head, forced: false })
      yield* happened(pull.item, { _tag: "Opened", by: accounts.bot })
    }),
    bug: Effect.fnUntraced(function* (title, body) {
      const events = [yield* event({ _tag: "Opened", by: accounts.customer })]
      const id = `${100 + issues.length}`
      const view = `https://forge.example/reader/issues/${id}`
      issues.push({ _tag: "Issue", id, title, body, view, labels: ["bug"], events, gaps: [] })
    }),
    history: Effect.sync(() => ({ subjects: [...[...pulls.values()].map(pullRequest), ...issues] }))
  }
}

const pullRequest = ({ commits, events, pull }: Opened): ForgeHistory.PullRequest => {
  const { base, body, branch, id, into, title } = pull
  const head = events.findLast((event) => event._tag === "Pushed")?.after ?? pull.head
  const view = `https://forge.example/reader/pull/${id}`
  const known = { commits: [...commits], events: [...events], labels: [], gaps: [] }
  return { _tag: "PullRequest", id, title, body, view, branch, into, base, head, ...known }
}

const format = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%ct%x00%B%x01"

const commitsOf = (dir: string, range: string) =>
  Effect.map(Repository.git(dir, Repository.agent, "log", "--reverse", format, range), (text) =>
    text
      .split("\x01")
      .slice(0, -1)
      .map((each): ForgeHistory.Commit => {
        const [id = "", tree = "", parents = "", name = "", email = "", at, message = ""] = each.trim().split("\0")
        return {
          ...{ id, tree, parents: parents.split(" "), message },
          author: { name, email },
          committedAt: Number(at) * 1_000
        }
      })
  )
