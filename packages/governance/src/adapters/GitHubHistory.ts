/**
 * What **GitHub** remembers of a repository, by its REST API: issues and pull requests with their events, reviews, comments and commits,
 * and who pushed to their branches (the repository's activity). Nothing is written there. A token needs to read issues, pull requests
 * and contents, and goes to this one server.
 *
 * What can not be read is told as a gap of the issue or pull request that it belongs to, and makes what is said of it unknown; only
 * what makes all of it impossible fails.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as ForgeHistory from "../ForgeHistory.ts"
import * as GitHubPages from "../internal/GitHubPages.ts"
import * as GitHubShape from "../internal/GitHubShape.ts"

/** What is read, and how. */
export interface Options {
  /** `owner/name`. */
  readonly repository: string
  readonly token: Redacted.Redacted<string>
  /** The address of the API. Default: `https://api.github.com`. */
  readonly url?: string
  /** What was changed since then, in milliseconds since 1970. Default: everything. */
  readonly since?: number
  /** The longest wait that GitHub may ask for when it takes no more requests. Default: a minute. */
  readonly patience?: Duration.Input
  /** The largest answer, in bytes. Default: 16 MiB. */
  readonly maxBytes?: number
  /** The most pages of 100 of one list. What is beyond is a gap. Default: 100. */
  readonly maxPages?: number
}

/** Reads the history of a repository. Everything that it asks, it asks in turn: GitHub limits who asks for much at once. */
export const read = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<ForgeHistory.ForgeHistory, ForgeHistory.ForgeHistoryError> {
  const { maxBytes = 16 * 1024 * 1024, maxPages = 100, repository, since, token } = options
  const url = options.url ?? "https://api.github.com"
  if (!/^[\w.-]{1,100}\/[\w.-]{1,100}$/.test(repository) || /(^|\/)\.\.?$/.test(repository)) {
    return yield* malformed(
      `${JSON.stringify(repository.slice(0, 200))} is no repository. Give its owner and name: "acme/engine".`
    )
  }
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    return yield* malformed(`${JSON.stringify(url.slice(0, 200))} is no address of an API. It begins with https://.`)
  }
  const patience = Duration.toMillis(Duration.fromInputUnsafe(options.patience ?? "1 minute"))
  const asking = (yield* GitHubPages.make)({ url, token, patience, maxBytes, maxPages })
  const after = since === undefined ? "" : `&since=${new Date(since).toISOString()}`
  const listed = yield* asking.all(
    `/repos/${repository}/issues?state=all&sort=created&direction=asc&per_page=100${after}`
  )
  const issues = listed.entries.flatMap((entry) => Option.toArray(decodeIssue(entry)))
  const cut = [
    ...(listed.isCut ? ["There are more issues and pull requests than were read."] : []),
    ...unreadable("issues", listed.entries.length - issues.length)
  ]
  const subjects = yield* Effect.forEach(issues, (issue) => subject({ asking, repository, issue, cut }))
  return { subjects }
})

const malformed = (message: string) => new ForgeHistory.ForgeHistoryError({ reason: "Malformed", message })
const decodeIssue = Schema.decodeUnknownOption(GitHubShape.Issue)
const decodePull = Schema.decodeUnknownOption(GitHubShape.Pull)

const unreadable = (what: string, count: number): ReadonlyArray<string> =>
  count === 0 ? [] : [`${count} of its ${what} could not be read.`]

interface About {
  readonly asking: GitHubPages.Asking
  readonly repository: string
  readonly issue: typeof GitHubShape.Issue.Type
  /** What was missing before this. */
  readonly cut: ReadonlyArray<string>
}

interface Part<A> {
  readonly entries: ReadonlyArray<unknown>
  readonly all: ReadonlyArray<A>
  readonly gaps: ReadonlyArray<string>
}

interface Wanted<A> {
  readonly path: string
  readonly what: string
  readonly read: GitHubShape.Reader<A>
}

/** A list of a subject. That one list can not be had, is a gap; that nothing can be had any more, fails. */
const part = <A>(
  asking: GitHubPages.Asking,
  wanted: Wanted<A>
): Effect.Effect<Part<A>, ForgeHistory.ForgeHistoryError> =>
  Effect.map(raw(asking, wanted), ({ entries, gaps }) => {
    const found = entries.map(wanted.read)
    const lost = found.filter((each) => each === undefined).length
    return { entries, all: found.flatMap((each) => each ?? []), gaps: [...gaps, ...unreadable(wanted.what, lost)] }
  })

const raw = (asking: GitHubPages.Asking, { path, what }: Pick<Wanted<never>, "path" | "what">) =>
  asking.all(`${path}${path.includes("?") ? "&" : "?"}per_page=100`).pipe(
    Effect.map(({ entries, isCut }) => ({ entries, gaps: isCut ? [`It has more ${what} than were read.`] : [] })),
    Effect.catchIf(
      ({ reason }) => reason === "NotFound" || reason === "Refused" || reason === "Malformed",
      ({ message }) => Effect.succeed({ entries: [], gaps: [`Its ${what} could not be read: ${message}`] })
    )
  )

const subject = Effect.fnUntraced(function* ({
  asking,
  cut,
  issue,
  repository
}: About): Effect.fn.Return<ForgeHistory.Subject, ForgeHistory.ForgeHistoryError> {
  const at = `/repos/${repository}/issues/${issue.number}`
  const comments = yield* part(asking, { path: `${at}/comments`, what: "comments", read: GitHubShape.comment })
  const events = yield* part(asking, { path: `${at}/events`, what: "events", read: GitHubShape.event })
  const shared = {
    id: `${repository}#${issue.number}`,
    title: issue.title,
    body: issue.body ?? "",
    view: issue.html_url,
    labels: issue.labels.map(({ name }) => name),
    events: [GitHubShape.opened(issue), ...comments.all, ...events.all],
    gaps: [...cut, ...comments.gaps, ...events.gaps]
  }
  if (issue.pull_request === undefined) return { _tag: "Issue", ...shared }
  const pulls = `/repos/${repository}/pulls/${issue.number}`
  const answer = yield* Effect.catchIf(
    asking.one(pulls),
    ({ reason }) => reason === "NotFound",
    () => Effect.succeed(undefined)
  )
  const found = decodePull(answer)
  if (Option.isNone(found)) {
    return { _tag: "Issue", ...shared, gaps: [...shared.gaps, "What it asks to be merged could not be read."] }
  }
  const pull = found.value
  const reviews = yield* part(asking, { path: `${pulls}/reviews`, what: "reviews", read: GitHubShape.review })
  const dismissed = new Map(events.entries.flatMap((entry) => GitHubShape.dismissed(entry) ?? []))
  const lines = yield* part(asking, {
    path: `${pulls}/comments`,
    what: "review comments",
    read: GitHubShape.reviewComment
  })
  const commits = yield* part(asking, { path: `${pulls}/commits`, what: "commits", read: GitHubShape.commit })
  const pushes = yield* pushesOf(asking, pull, issue.created_at)
  const isMerged = events.all.some(({ _tag }) => _tag === "Merged")
  return {
    _tag: "PullRequest",
    ...shared,
    events: [
      ...shared.events,
      ...reviews.all.map((each) =>
        each._tag === "Reviewed" ? { ...each, verdict: dismissed.get(each.id) ?? each.verdict } : each
      ),
      ...lines.all,
      ...pushes.all,
      ...(isMerged ? [] : GitHubShape.merged(pull, issue))
    ],
    gaps: [
      ...shared.gaps,
      ...reviews.gaps,
      ...lines.gaps,
      ...commits.gaps,
      // GitHub lists 250 of them and says nothing of the rest.
      ...((pull.commits ?? 0) > commits.all.length
        ? [`It has ${pull.commits} commits, of which ${commits.all.length} were read.`]
        : []),
      ...pushes.gaps
    ],
    branch: pull.head.ref,
    into: pull.base.ref,
    base: pull.base.sha,
    head: pull.head.sha,
    commits: commits.all
  }
})

/** Who pushed to the branch of a pull request, from when the branch was made for it until the pull request was closed. */
const pushesOf = Effect.fnUntraced(function* (
  asking: GitHubPages.Asking,
  { closed_at, head }: GitHubShape.Pull,
  openedAt: number
) {
  if (head.repo === null)
    return { all: [], gaps: ["The fork that it came from is gone, so nobody knows who pushed to it."] }
  const ref = encodeURIComponent(`refs/heads/${head.ref}`)
  const path = `/repos/${head.repo.full_name}/activity?ref=${ref}`
  const { all, gaps } = yield* part(asking, { path, what: "pushes", read: GitHubShape.push })
  const made = Math.max(0, ...all.flatMap(({ at, before }) => (before === null && at <= openedAt ? [at] : [])))
  return { all: all.filter(({ at }) => at >= made && at <= (closed_at ?? Number.MAX_SAFE_INTEGER)), gaps }
})
