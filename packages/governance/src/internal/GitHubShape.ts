/** What GitHub's REST API says of a pull request or an issue, as much of it as a history is made of. Pure. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import type * as ForgeHistory from "../ForgeHistory.ts"

const Text = Schema.NullOr(Schema.String)
const Id = Schema.Union([Schema.Number, Schema.String])
/** Milliseconds of a time as GitHub writes it. */
const Time = Schema.String.pipe(
  Schema.decodeTo(Schema.Natural, {
    decode: SchemaGetter.transform((text: string) => Math.max(0, Date.parse(text))),
    encode: SchemaGetter.transform((at: number) => new Date(at).toISOString())
  })
)
const User = Schema.NullOr(Schema.Struct({ login: Schema.NonEmptyString, type: Schema.optionalKey(Schema.String) }))
const App = Schema.optionalKey(Schema.NullOr(Schema.Struct({ slug: Schema.NonEmptyString })))
const Label = Schema.Struct({ name: Schema.NonEmptyString })

/** What an issue has, and what of a pull request is one. */
export const Issue = Schema.Struct({
  id: Id,
  number: Schema.Natural,
  title: Schema.String,
  body: Text,
  html_url: Schema.String,
  user: User,
  labels: Schema.Array(Label),
  created_at: Time,
  performed_via_github_app: App,
  pull_request: Schema.optionalKey(Schema.Unknown)
})

const End = Schema.Struct({
  ref: Schema.NonEmptyString,
  sha: Schema.NonEmptyString,
  /** `null`: the fork is gone. */
  repo: Schema.NullOr(Schema.Struct({ full_name: Schema.NonEmptyString }))
})

/** A pull request. */
export const Pull = Schema.Struct({
  head: End,
  base: End,
  commits: Schema.optionalKey(Schema.Natural),
  merged_at: Schema.NullOr(Time),
  closed_at: Schema.NullOr(Time),
  merge_commit_sha: Text,
  merged_by: Schema.optionalKey(User)
})
/** A pull request. */
export type Pull = typeof Pull.Type

const account = (user: typeof User.Type, app?: typeof App.Type): ForgeHistory.Account =>
  // Whoever is gone is shown as the user `ghost`.
  user === null || user.login === "ghost"
    ? { login: null, isBot: false }
    : {
        login: user.login,
        isBot: user.type === "Bot" || user.login.endsWith("[bot]"),
        ...(app !== undefined && app !== null && { app: app.slug })
      }

/** An entry of a list: what it tells; nothing, where it tells nothing here; `undefined`, where it can not be read. */
export type Reader<A> = (entry: unknown) => ReadonlyArray<A> | undefined

const reader =
  <S extends Schema.Codec<unknown, unknown>, A>(schema: S, read: (value: S["Type"]) => ReadonlyArray<A>): Reader<A> =>
  (entry) =>
    Option.match(Schema.decodeUnknownOption(schema)(entry), { onNone: () => undefined, onSome: read })

const verdicts: Record<string, "approved" | "changes-requested" | "commented"> = {
  APPROVED: "approved",
  CHANGES_REQUESTED: "changes-requested",
  // One that somebody set aside was given all the same. What it was, an event says.
  DISMISSED: "commented",
  COMMENTED: "commented"
}

/** Reviews. One that is not handed in yet is none. */
export const review: Reader<ForgeHistory.Event> = reader(
  Schema.Struct({
    id: Id,
    user: User,
    state: Schema.String,
    body: Schema.optionalKey(Text),
    submitted_at: Schema.optionalKey(Time),
    commit_id: Schema.optionalKey(Text)
  }),
  ({ body, commit_id = null, id, state, submitted_at: at, user }) => {
    const verdict = verdicts[state]
    if (verdict === undefined || at === undefined) return []
    return [
      { _tag: "Reviewed", id: `review/${id}`, at, by: account(user), verdict, body: body ?? "", commit: commit_id }
    ]
  }
)

const said = { id: Id, user: User, body: Schema.optionalKey(Text), created_at: Time, performed_via_github_app: App }

/** Comments at lines. */
export const reviewComment: Reader<ForgeHistory.Event> = reader(
  Schema.Struct({ ...said, path: Schema.optionalKey(Schema.String), original_commit_id: Schema.optionalKey(Text) }),
  ({ body, created_at: at, id, original_commit_id: commit = null, path = "", performed_via_github_app: app, user }) => [
    { _tag: "ReviewCommented", id: `review-comment/${id}`, at, by: account(user, app), body: body ?? "", commit, path }
  ]
)

/** Comments below a description. */
export const comment: Reader<ForgeHistory.Event> = reader(
  Schema.Struct(said),
  ({ body, created_at: at, id, performed_via_github_app: app, user }) => [
    { _tag: "Commented", id: `comment/${id}`, at, by: account(user, app), body: body ?? "" }
  ]
)

const IssueEvent = Schema.Struct({
  id: Id,
  event: Schema.String,
  actor: User,
  created_at: Time,
  commit_id: Schema.optionalKey(Text),
  label: Schema.optionalKey(Label),
  assignee: Schema.optionalKey(User),
  /** Who assigned somebody: the actor is who was assigned. */
  assigner: Schema.optionalKey(User),
  dismissed_review: Schema.optionalKey(Schema.Struct({ state: Schema.String, review_id: Id })),
  performed_via_github_app: App
})

/** What reviews were before somebody set them aside, by their ids here. */
export const dismissed: Reader<readonly [id: string, verdict: "approved" | "changes-requested" | "commented"]> = reader(
  IssueEvent,
  ({ dismissed_review: review }) => {
    const verdict = verdicts[review?.state.toUpperCase() ?? ""]
    return review === undefined || verdict === undefined ? [] : [[`review/${review.review_id}`, verdict] as const]
  }
)

/** What happened to an issue or a pull request, comments and reviews apart. What is of no concern here tells nothing. */
export const event: Reader<ForgeHistory.Event> = reader<typeof IssueEvent, ForgeHistory.Event>(
  IssueEvent,
  ({ actor, assigner, commit_id: commit = null, created_at: at, event, id, label, ...rest }) => {
    const told = { id: `event/${id}`, at, by: account(assigner ?? actor, rest.performed_via_github_app) }
    const to = account(rest.assignee ?? null)
    switch (event) {
      case "labeled":
        return label === undefined ? [] : [{ _tag: "Labeled", ...told, label: label.name }]
      case "unlabeled":
        return label === undefined ? [] : [{ _tag: "Unlabeled", ...told, label: label.name }]
      case "assigned":
        return [{ _tag: "Assigned", ...told, to }]
      case "unassigned":
        return [{ _tag: "Unassigned", ...told, to }]
      case "ready_for_review":
        return [{ _tag: "Readied", ...told }]
      case "convert_to_draft":
        return [{ _tag: "Drafted", ...told }]
      case "merged":
        return [{ _tag: "Merged", ...told, commit }]
      case "closed":
        return [{ _tag: "Closed", ...told }]
      case "reopened":
        return [{ _tag: "Reopened", ...told }]
      default:
        return []
    }
  }
)

const none = /^0+$/

/** Pushes to a branch, from the repository's activity. What a merge of the forge does to it, is no push. */
export const push: Reader<Extract<ForgeHistory.Event, { readonly _tag: "Pushed" }>> = reader(
  Schema.Struct({
    id: Id,
    activity_type: Schema.String,
    actor: User,
    timestamp: Time,
    before: Text,
    after: Text
  }),
  ({ activity_type, actor, after, before, id, timestamp: at }) => {
    if (after === null || none.test(after) || !["push", "force_push", "branch_creation"].includes(activity_type))
      return []
    const from = before === null || none.test(before) ? null : before
    const forced = activity_type === "force_push"
    return [{ _tag: "Pushed", id: `push/${id}`, at, by: account(actor), before: from, after, forced }]
  }
)

const Person = Schema.NullOr(Schema.Struct({ name: Text, email: Text, date: Schema.optionalKey(Time) }))

/** Commits of a pull request. */
export const commit: Reader<ForgeHistory.Commit> = reader(
  Schema.Struct({
    sha: Schema.NonEmptyString,
    commit: Schema.Struct({
      author: Person,
      committer: Person,
      message: Schema.String,
      tree: Schema.Struct({ sha: Schema.String })
    }),
    parents: Schema.Array(Schema.Struct({ sha: Schema.String }))
  }),
  ({ commit, parents, sha }) => [
    {
      id: sha,
      tree: commit.tree.sha,
      parents: parents.map((parent) => parent.sha),
      author: { name: commit.author?.name ?? "", email: commit.author?.email ?? "" },
      committedAt: commit.committer?.date ?? 0,
      message: commit.message
    }
  ]
)

/** How an issue, or what of a pull request is one, was opened. */
export const opened = (issue: typeof Issue.Type): ForgeHistory.Event => ({
  _tag: "Opened",
  id: `opened/${issue.id}`,
  at: issue.created_at,
  by: account(issue.user, issue.performed_via_github_app)
})

/** That a pull request was merged, where no event says it. */
export const merged = (pull: Pull, issue: typeof Issue.Type): ReadonlyArray<ForgeHistory.Event> =>
  pull.merged_at === null
    ? []
    : [
        {
          _tag: "Merged",
          id: `merged/${issue.id}`,
          at: pull.merged_at,
          by: account(pull.merged_by ?? null),
          commit: pull.merge_commit_sha
        }
      ]
