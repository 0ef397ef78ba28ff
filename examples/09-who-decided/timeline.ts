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

type Subject =
  | { readonly _tag: "PullRequest"; readonly pull: PullRequest.PullRequest; readonly events: Array<ForgeHistory.Event> }
  | { readonly _tag: "Issue"; readonly issue: Extract<ForgeHistory.Subject, { readonly _tag: "Issue" }> }

export interface Timeline {
  /** A pull request was opened, by the account of the factory. */
  readonly opened: (pull: PullRequest.PullRequest) => Effect.Effect<void>
  /** Something happened to the pull request of an item. */
  readonly happened: (item: string, what: Happening) => Effect.Effect<void>
  /** A customer says that something is wrong. */
  readonly bug: (title: string, body: string) => Effect.Effect<void>
  readonly history: Effect.Effect<ForgeHistory.ForgeHistory, Repository.ProgramError>
}

export const make = (dir: string): Timeline => {
  const subjects = new Map<string, Subject>()
  let count = 0
  const event = (what: Happening) =>
    Effect.map(Clock.currentTimeMillis, (at) => ({ ...what, id: `event/${++count}`, at }) as ForgeHistory.Event) // both halves of one
  const happened = Effect.fnUntraced(function* (item: string, what: Happening) {
    const subject = subjects.get(item)
    if (subject?._tag === "PullRequest") subject.events.push(yield* event(what))
  })
  return {
    happened,
    opened: Effect.fnUntraced(function* (pull) {
      subjects.set(pull.item, { _tag: "PullRequest", pull, events: [] })
      yield* happened(pull.item, { _tag: "Pushed", by: accounts.bot, before: null, after: pull.head, forced: false })
      yield* happened(pull.item, { _tag: "Opened", by: accounts.bot })
    }),
    bug: Effect.fnUntraced(function* (title, body) {
      const events = [yield* event({ _tag: "Opened", by: accounts.customer })]
      const id = `${100 + subjects.size}`
      const view = `https://forge.example/reader/issues/${id}`
      subjects.set(id, {
        _tag: "Issue",
        issue: { _tag: "Issue", id, title, body, view, labels: ["bug"], events, gaps: [] }
      })
    }),
    history: Effect.suspend(() =>
      Effect.forEach(subjects.values(), (subject): Effect.Effect<ForgeHistory.Subject, Repository.ProgramError> =>
        subject._tag === "Issue" ? Effect.succeed(subject.issue) : pullRequest(dir, subject)
      ).pipe(Effect.map((subjects) => ({ subjects })))
    )
  }
}

const pullRequest = Effect.fnUntraced(function* (
  dir: string,
  { events, pull }: Extract<Subject, { readonly _tag: "PullRequest" }>
) {
  const { base, body, branch, id, into, title } = pull
  const head = events.findLast((event) => event._tag === "Pushed")?.after ?? pull.head
  const shared = { id, title, body, view: `https://forge.example/reader/pull/${id}`, labels: [], gaps: [] }
  const commits = yield* commitsOf(dir, `${base}..${head}`)
  return { _tag: "PullRequest" as const, ...shared, branch, into, base, head, commits, events: [...events] }
})

const commitsOf = (dir: string, range: string) =>
  Effect.map(
    Repository.git(
      dir,
      Repository.agent,
      "log",
      "--reverse",
      "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%ct%x00%B%x01",
      range
    ),
    (text) =>
      text
        .split("\x01")
        .slice(0, -1)
        .map((each): ForgeHistory.Commit => {
          const [id = "", tree = "", parents = "", name = "", email = "", at, message = ""] = each.trim().split("\0")
          const author = { name, email }
          return { id, tree, parents: parents.split(" "), author, committedAt: Number(at) * 1_000, message }
        })
  )
