/**
 * What a **forge remembers** of issues and pull requests, whichever forge it is: who did what and when, under the forge's own names for
 * it. Who did it is what the forge vouches for, an account, and never what a commit or a text says.
 */
import * as Digest from "@millwright/core/Digest"
import * as Schema from "effect/Schema"

/** An account of the forge. */
export const Account = Schema.Struct({
  /** `null`: the account is gone. */
  login: Schema.NullOr(Schema.NonEmptyString),
  /** The forge says that it is no person's. */
  isBot: Schema.Boolean,
  /** It was done by this app in the name of the account. */
  app: Schema.optionalKey(Schema.NonEmptyString)
})
/** An account of the forge. */
export type Account = typeof Account.Type

const told = {
  /** The forge's own name for what happened, unique in the forge. */
  id: Schema.NonEmptyString,
  /** In milliseconds since 1970, UTC. */
  at: Schema.Natural,
  by: Account
}

/** One thing that happened to an issue or a pull request. */
export const Event = Schema.TaggedUnion({
  Opened: told,
  /** A branch came to stand on `after`. `forced`: what is between `before` and it is not on the branch any more. */
  Pushed: { ...told, before: Schema.NullOr(Schema.String), after: Schema.NonEmptyString, forced: Schema.Boolean },
  Reviewed: {
    ...told,
    verdict: Schema.Literals(["approved", "changes-requested", "commented"]),
    body: Schema.String,
    commit: Schema.NullOr(Schema.String)
  },
  /** Said at a line of the change. */
  ReviewCommented: { ...told, body: Schema.String, commit: Schema.NullOr(Schema.String), path: Schema.String },
  Commented: { ...told, body: Schema.String },
  Labeled: { ...told, label: Schema.NonEmptyString },
  Unlabeled: { ...told, label: Schema.NonEmptyString },
  Assigned: { ...told, to: Account },
  Unassigned: { ...told, to: Account },
  Drafted: told,
  Readied: told,
  /** `commit` is what the change became; `null`: not known. */
  Merged: { ...told, commit: Schema.NullOr(Schema.String) },
  Closed: told,
  Reopened: told
})
/** One thing that happened to an issue or a pull request. */
export type Event = typeof Event.Type

/** A commit, as git's objects tell it. Times are in milliseconds since 1970, UTC, and are those that its makers' clocks had. */
export const Commit = Schema.Struct({
  id: Schema.NonEmptyString,
  tree: Schema.String,
  parents: Schema.Array(Schema.String),
  author: Schema.Struct({ name: Schema.String, email: Schema.String }),
  committedAt: Schema.Natural,
  message: Schema.String
})
/** A commit, as git's objects tell it. */
export type Commit = typeof Commit.Type

const shared = {
  /** Unique in the forge. */
  id: Schema.NonEmptyString,
  title: Schema.String,
  body: Schema.String,
  /** Where a person can look at it. */
  view: Schema.String,
  labels: Schema.Array(Schema.String),
  events: Schema.Array(Event),
  /** What the forge should remember and could not be read, in words. What is not empty makes what is said of it unknown. */
  gaps: Schema.Array(Schema.String)
}

/** What is remembered of one issue, or of one pull request. */
export const Subject = Schema.TaggedUnion({
  Issue: shared,
  PullRequest: {
    ...shared,
    branch: Schema.String,
    /** The branch that it asks to be merged into. */
    into: Schema.NonEmptyString,
    base: Schema.NonEmptyString,
    head: Schema.NonEmptyString,
    /** Its commits, in any order, where the forge has them: a branch that is gone took them from the repository. */
    commits: Schema.Array(Commit)
  }
})
/** What is remembered of one issue, or of one pull request. */
export type Subject = typeof Subject.Type

/** What is remembered of a pull request. */
export type PullRequest = Extract<Subject, { readonly _tag: "PullRequest" }>

/** What a forge remembers of one repository. */
export const ForgeHistory = Schema.Struct({ subjects: Schema.Array(Subject) })
/** What a forge remembers of one repository. */
export type ForgeHistory = typeof ForgeHistory.Type

/** Nothing happened. */
export const empty: ForgeHistory = { subjects: [] }

/** Events by time, each once, whatever order and however often they came in. */
export const inOrder = (events: ReadonlyArray<Event>): ReadonlyArray<Event> => {
  const byId = new Map<string, Event>()
  for (const event of events) {
    const known = byId.get(event.id)
    if (known === undefined || Digest.ofJson(event) < Digest.ofJson(known)) byId.set(event.id, event)
  }
  return [...byId.values()].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
}

/** The same history from parts that were read at different times: subjects by id, with the events of all of them. */
export const together = (...parts: ReadonlyArray<ForgeHistory>): ForgeHistory => {
  const byId = new Map<string, Subject>()
  for (const subject of parts.flatMap(({ subjects }) => subjects)) {
    const known = byId.get(subject.id)
    // What stands in a part that was read later is how it is now.
    byId.set(
      subject.id,
      known === undefined ? subject : { ...subject, events: inOrder([...known.events, ...subject.events]) }
    )
  }
  return { subjects: [...byId.values()] }
}
