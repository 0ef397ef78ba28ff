/**
 * The **twin of GitHub**: of its REST API what a factory uses, and its webhooks.
 *
 * - Issues with comments, labels and assignees; lists with filters and pages; labels.
 * - Branches, references, commits, trees, blobs and contents, under the names that git gives them.
 * - Pull requests, their files, commits, reviews and merges; statuses and check runs.
 * - Hooks, signed as GitHub signs them; tokens of installations; conditional requests; rate limits.
 *
 * Its own code, not `emulate`'s: `docs/decisions/035-twins.md` says why. What it does not do is 501 by name, GraphQL too;
 * `docs/gaps/twins.md` has where it is known to differ.
 */
import * as GitHubAccount from "../internal/github/GitHubAccount.ts"
import * as GitHubAnswer from "../internal/github/GitHubAnswer.ts"
import * as GitHubChecks from "../internal/github/GitHubChecks.ts"
import * as GitHubComments from "../internal/github/GitHubComments.ts"
import * as GitHubFiles from "../internal/github/GitHubFiles.ts"
import * as GitHubHooks from "../internal/github/GitHubHooks.ts"
import * as GitHubIssueLabels from "../internal/github/GitHubIssueLabels.ts"
import * as GitHubIssues from "../internal/github/GitHubIssues.ts"
import * as GitHubLabels from "../internal/github/GitHubLabels.ts"
import * as GitHubObjects from "../internal/github/GitHubObjects.ts"
import * as GitHubPulls from "../internal/github/GitHubPulls.ts"
import * as GitHubRefs from "../internal/github/GitHubRefs.ts"
import * as GitHubReviews from "../internal/github/GitHubReviews.ts"
import * as GitHubSeed from "../internal/github/GitHubSeed.ts"
import * as GitHubState from "../internal/github/GitHubState.ts"
import * as TwinService from "../TwinService.ts"

/**
 * What it begins with: tokens, repositories with files, branches, issues, labels and hooks, users. Scopes that it knows:
 * `repo`, `admin:repo_hook`, and `app` for the token of an app.
 */
export const Seed = GitHubState.Seed
/** What it begins with. */
export type Seed = GitHubState.Seed

/** The service. `GitHubTwin.service.start(seed)` starts a twin of it. */
export const service: TwinService.Service<Seed> = TwinService.make({
  name: "github",
  seed: Seed,
  state: GitHubSeed.state,
  tokens: ({ tokens }) => tokens,
  routes: [
    ...GitHubAccount.routes,
    ...GitHubIssues.routes,
    ...GitHubComments.routes,
    ...GitHubIssueLabels.routes,
    ...GitHubLabels.routes,
    ...GitHubRefs.routes,
    ...GitHubFiles.routes,
    ...GitHubObjects.routes,
    ...GitHubPulls.routes,
    ...GitHubReviews.routes,
    ...GitHubChecks.routes,
    ...GitHubHooks.routes
  ],
  refuse: GitHubAnswer.refuse,
  admit: GitHubAnswer.admit,
  finish: GitHubAnswer.finish,
  window: GitHubAnswer.hour,
  webhooks: GitHubHooks.webhooks
})
