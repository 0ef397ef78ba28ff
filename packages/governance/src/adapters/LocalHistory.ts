/**
 * What the **local forge** remembers (`LocalForge`): the pull requests that the journal tells of, and of each whether it was merged, as
 * the branch shows it that it was to be merged into. It knows neither who pushed nor who merged, and that is a gap: what is said of who
 * decided stays unknown, and what shipped does not.
 */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import type * as Git from "@millwright/core/Git"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as ForgeHistory from "../ForgeHistory.ts"
import * as CommitLog from "../internal/CommitLog.ts"

/** Where the branches are, and the part of the branch that changes are merged into which is looked through. */
export interface Options {
  /** The path of a git repository, or of a folder inside one. */
  readonly repository: string
  readonly base: string
  readonly head: string
}

/** The forge itself: it has no accounts. */
const forge: ForgeHistory.Account = { login: "local-forge", isBot: true }
const somebody: ForgeHistory.Account = { login: null, isBot: false }

type Delivered = Extract<FactoryEvent.Fact, { readonly _tag: "ChangeDelivered" }>["pullRequest"]

/** Where a delivered commit came onto the branch: with which commit of it, and what of its own branch stood on it by then. */
const mergeOf = (
  commits: ReadonlyArray<ForgeHistory.Commit>,
  delivered: string
): { readonly merged: ForgeHistory.Commit; readonly head: string } | undefined => {
  const byId = new Map(commits.map((commit) => [commit.id, commit]))
  // Each commit comes after those that it stands on.
  const above = new Set(byId.has(delivered) ? [delivered] : [])
  for (const { id, parents } of commits) if (parents.some((parent) => above.has(parent))) above.add(id)
  let merged: ForgeHistory.Commit | undefined
  for (let at = commits.at(-1); at !== undefined && above.has(at.id); at = byId.get(at.parents[0] ?? "")) merged = at
  const head = merged?.parents.slice(1).find((parent) => above.has(parent))
  return merged === undefined ? undefined : { merged, head: head ?? delivered }
}

const pullRequest = (
  { at, pull }: { readonly at: number; readonly pull: Delivered },
  commits: ReadonlyArray<ForgeHistory.Commit>
): ForgeHistory.PullRequest => {
  const { head = pull.head, merged } = mergeOf(commits, pull.head) ?? {}
  return {
    _tag: "PullRequest",
    id: pull.id,
    title: pull.title,
    body: pull.body,
    view: pull.view,
    labels: [],
    events: [
      { _tag: "Opened", id: `local/${pull.id}/opened`, at, by: forge },
      ...(merged === undefined
        ? []
        : [
            {
              _tag: "Merged" as const,
              id: `local/${pull.id}/merged`,
              at: merged.committedAt,
              by: somebody,
              commit: merged.id
            }
          ])
    ],
    gaps: ["The local forge does not know who pushed, nor what was pushed away."],
    branch: pull.branch,
    into: pull.into,
    base: pull.base,
    head,
    commits: []
  }
}

/** Reads what the forge remembers. */
export const read = Effect.fnUntraced(function* ({
  repository,
  ...range
}: Options): Effect.fn.Return<
  ForgeHistory.ForgeHistory,
  Git.GitError | Journal.JournalError,
  Journal.Journal | ChildProcessSpawner
> {
  const pulls = yield* Journal.fold(new Map<string, { at: number; pull: Delivered }>(), (known, { at, fact }) =>
    fact._tag !== "ChangeDelivered"
      ? known
      : new Map(known).set(fact.pullRequest.id, {
          at: known.get(fact.pullRequest.id)?.at ?? at,
          pull: fact.pullRequest
        })
  )
  const { commits } = yield* CommitLog.read(repository, range)
  return { subjects: [...pulls.values()].map((pull) => pullRequest(pull, commits)) }
})
