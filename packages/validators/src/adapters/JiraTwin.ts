/**
 * The **twin of Jira** Cloud: of its REST API, version 3, what a factory uses, and its webhooks.
 *
 * - Issues: made, read, edited, assigned, moved by transitions; comments in the Atlassian Document Format.
 * - `search/jql` with `nextPageToken`, over a part of JQL: a field, an operator or a function that it does not have is 400 by
 *   its name. So is a field of an issue that can not be set.
 * - Webhooks of issues and comments, signed as Jira signs them.
 *
 * `docs/gaps/twins.md` has where it is known to differ.
 */
import * as JiraAnswer from "../internal/jira/JiraAnswer.ts"
import * as JiraComments from "../internal/jira/JiraComments.ts"
import * as JiraIssues from "../internal/jira/JiraIssues.ts"
import * as JiraRoute from "../internal/jira/JiraRoute.ts"
import * as JiraState from "../internal/jira/JiraState.ts"
import * as TwinService from "../TwinService.ts"

/** What it begins with: tokens, whose names are e-mail addresses, users, projects with issues, webhooks. */
export const Seed = JiraState.Seed
/** What it begins with. */
export type Seed = JiraState.Seed

/** The service. Who asks gives a token as a bearer, or with its address by basic authentication. */
export const service: TwinService.Service<Seed> = TwinService.make({
  name: "jira",
  seed: Seed,
  state: JiraState.state,
  tokens: ({ tokens }) => tokens,
  routes: [...JiraIssues.routes, ...JiraComments.routes],
  token: JiraAnswer.token,
  admit: JiraAnswer.admit,
  refuse: JiraAnswer.refuse,
  webhooks: JiraRoute.webhooks
})
