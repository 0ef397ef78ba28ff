/**
 * The **twin of Linear**: of its GraphQL API what a factory uses, and its webhooks.
 *
 * - Queries of issues with filters and pages, teams, workflow states, labels, users, comments of an issue.
 * - `issueCreate`, `issueUpdate`, `commentCreate`.
 * - Webhooks of issues and comments, signed as Linear signs them.
 *
 * Its schema is a part of Linear's, under Linear's names: a field, an argument or an operation that it does not have is a
 * GraphQL error with its name. It is answered by the package `graphql`, an optional peer. Not over `emulate`:
 * `docs/decisions/035-twins.md` says why; `docs/gaps/twins.md` has where it is known to differ.
 */
import * as LinearError from "../internal/linear/LinearError.ts"
import * as LinearGraph from "../internal/linear/LinearGraph.ts"
import * as LinearState from "../internal/linear/LinearState.ts"
import * as LinearWebhooks from "../internal/linear/LinearWebhooks.ts"
import * as TwinService from "../TwinService.ts"

/** What it begins with: tokens, teams with states, labels and issues, users, webhooks. */
export const Seed = LinearState.Seed
/** What it begins with. */
export type Seed = LinearState.Seed

const on = TwinService.routes<LinearState.State>()

/** The service. A client's API URL is `${url}/graphql`. */
export const service: TwinService.Service<Seed> = TwinService.make({
  name: "linear",
  seed: Seed,
  state: LinearState.state,
  tokens: ({ tokens }) => tokens,
  routes: [on("POST /graphql", { scope: "read", body: LinearGraph.Request, handle: LinearGraph.answer })],
  refuse: LinearError.refuse,
  webhooks: LinearWebhooks.webhooks
})
