/** What the twin of GitHub holds, and the seed that it begins with. */
import * as Schema from "effect/Schema"
import * as TwinService from "../../TwinService.ts"
import type * as TwinTable from "../../TwinTable.ts"
import type * as GitObjects from "./GitObjects.ts"

const Files = Schema.Record(Schema.NonEmptyString, Schema.String)

/** A hook of a repository. It is told of an event when `events` has its name, or `*`. */
export const SeedHook = Schema.Struct({
  url: Schema.String,
  secret: Schema.String,
  events: Schema.Array(Schema.NonEmptyString)
})

/** An issue of a seed. */
export const SeedIssue = Schema.Struct({
  title: Schema.NonEmptyString,
  body: Schema.optionalKey(Schema.String),
  labels: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  assignees: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** Default: the owner of the repository. */
  author: Schema.optionalKey(Schema.NonEmptyString)
})

/** A repository of a seed. */
export const SeedRepository = Schema.Struct({
  owner: Schema.NonEmptyString,
  name: Schema.NonEmptyString,
  description: Schema.optionalKey(Schema.String),
  private: Schema.optionalKey(Schema.Boolean),
  /** Default: `main`. */
  defaultBranch: Schema.optionalKey(Schema.NonEmptyString),
  /** What its first commit holds. Without it there is no commit, and no branch. */
  files: Schema.optionalKey(Files),
  /** Other branches: what a commit on top of the first one changes. */
  branches: Schema.optionalKey(Schema.Record(Schema.NonEmptyString, Files)),
  /** Default: those that GitHub gives a new repository. */
  labels: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        name: Schema.NonEmptyString,
        color: Schema.optionalKey(Schema.String),
        description: Schema.optionalKey(Schema.String)
      })
    )
  ),
  issues: Schema.optionalKey(Schema.Array(SeedIssue)),
  hooks: Schema.optionalKey(Schema.Array(SeedHook))
})

/** What the twin begins with. Scopes that it knows: `repo`, `admin:repo_hook`, and `app` for the token of an app. */
export const Seed = Schema.Struct({
  tokens: TwinService.Tokens,
  /** Those that neither a token nor a repository names, and those that are no plain user. */
  users: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        login: Schema.NonEmptyString,
        type: Schema.optionalKey(Schema.Literals(["User", "Organization", "Bot"])),
        name: Schema.optionalKey(Schema.String)
      })
    )
  ),
  repositories: Schema.Array(SeedRepository),
  /** Installations of apps: the id, and the user that its tokens act as. */
  installations: Schema.optionalKey(Schema.Array(Schema.Struct({ id: Schema.Natural, login: Schema.NonEmptyString }))),
  /** Requests of one caller in an hour. Default 5,000. */
  rateLimit: Schema.optionalKey(Schema.Natural)
})
/** What the twin begins with. */
export type Seed = typeof Seed.Type

/** A user, an organization or a bot. */
export interface User {
  readonly id: number
  readonly login: string
  readonly type: "User" | "Organization" | "Bot"
  readonly name: string | null
}

/** A label of a repository. */
export interface Label {
  readonly id: number
  readonly name: string
  readonly color: string
  readonly isDefault: boolean
  readonly description: string | null
}

/** An issue; a pull request is one too. Times are in milliseconds since 1970. */
export interface Issue {
  readonly id: number
  readonly number: number
  readonly title: string
  readonly body: string | null
  readonly author: string
  readonly labels: ReadonlyArray<string>
  readonly assignees: ReadonlyArray<string>
  readonly state: "open" | "closed"
  readonly reason: string | null
  readonly isLocked: boolean
  readonly createdAt: number
  readonly updatedAt: number
  readonly closedAt: number | null
  readonly closedBy: string | null
}

/** An issue as it is opened at a time, by itself or as that of a pull request. */
export const opened = ({
  at,
  ...issue
}: Pick<Issue, "id" | "number" | "title" | "body" | "author"> &
  Partial<Pick<Issue, "labels" | "assignees">> & { readonly at: number }): Issue => ({
  labels: [],
  assignees: [],
  ...issue,
  state: "open",
  reason: null,
  isLocked: false,
  createdAt: at,
  updatedAt: at,
  closedAt: null,
  closedBy: null
})

/** A comment on an issue. */
export interface Comment {
  readonly id: number
  readonly issue: number
  readonly author: string
  readonly body: string
  readonly createdAt: number
  readonly updatedAt: number
}

/** What a pull request has beside its issue. */
export interface Pull {
  readonly id: number
  readonly number: number
  readonly head: string
  readonly base: string
  /** Where they were when it was closed; until then they follow their branches. */
  readonly closedAt: { readonly head: string; readonly base: string } | null
  readonly isDraft: boolean
  readonly merged: { readonly sha: string; readonly at: number; readonly by: string } | null
  readonly reviewers: ReadonlyArray<string>
}

/** A review of a pull request. */
export interface Review {
  readonly id: number
  readonly pull: number
  readonly author: string
  readonly body: string
  readonly state: "APPROVED" | "CHANGES_REQUESTED" | "COMMENTED" | "PENDING" | "DISMISSED"
  readonly commit: string
  readonly at: number
}

/** A status of a commit. */
export interface Status {
  readonly id: number
  readonly sha: string
  readonly state: string
  readonly context: string
  readonly description: string | null
  readonly targetUrl: string | null
  readonly author: string
  readonly at: number
}

/** A check run. `output` is as it was given. */
export interface CheckRun {
  readonly id: number
  readonly sha: string
  readonly name: string
  readonly status: string
  readonly conclusion: string | null
  readonly externalId: string
  readonly detailsUrl: string
  readonly startedAt: number
  readonly completedAt: number | null
  readonly output: { readonly title: string | null; readonly summary: string | null; readonly text: string | null }
}

/** A hook of a repository. */
export interface Hook {
  readonly id: number
  readonly url: string
  readonly secret: string
  readonly events: ReadonlyArray<string>
  readonly isActive: boolean
  readonly contentType: string
  readonly createdAt: number
}

/** A repository. */
export interface Repository extends GitObjects.Objects {
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly description: string | null
  readonly isPrivate: boolean
  readonly defaultBranch: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly pushedAt: number
  /** The number of the last issue or pull request. */
  readonly lastNumber: number
  /** By their names in lower case. */
  readonly labels: TwinTable.Table<Label>
  readonly issues: TwinTable.Table<Issue>
  readonly comments: TwinTable.Table<Comment>
  readonly pulls: TwinTable.Table<Pull>
  readonly reviews: TwinTable.Table<Review>
  /** By their full names, `refs/heads/main`. */
  readonly refs: TwinTable.Table<string>
  readonly statuses: TwinTable.Table<Status>
  readonly checks: TwinTable.Table<CheckRun>
  readonly hooks: TwinTable.Table<Hook>
}

/** All of it. Users are by login and repositories by full name, in lower case. */
export interface State {
  readonly tokens: TwinService.Tokens
  readonly users: TwinTable.Table<User>
  readonly repositories: TwinTable.Table<Repository>
  readonly installations: TwinTable.Table<string>
  readonly rateLimit: number
}

/** The key of a repository. */
export const keyOf = (repository: { readonly owner: string; readonly name: string }): string =>
  `${repository.owner}/${repository.name}`.toLowerCase()
