/**
 * The **twin of Slack**: of its Web API what a factory uses, and the Events API.
 *
 * - `auth.test`; `chat.postMessage`, `update` and `delete`; `reactions.add`.
 * - `conversations.list`, `info`, `join`, `history` and `replies`, with cursors; `users.info` and `lookupByEmail`.
 * - Errors by their names, with status 200; scopes that are missing with what is needed and what is there.
 * - Events, signed as Slack signs them (`v0`).
 *
 * A method or an argument that it does not have is 501 by name. Its own code, not `emulate`'s: `docs/decisions/035-twins.md`
 * says why; `docs/gaps/twins.md` has where it is known to differ.
 */
import * as SlackAnswer from "../internal/slack/SlackAnswer.ts"
import * as SlackChat from "../internal/slack/SlackChat.ts"
import * as SlackConversations from "../internal/slack/SlackConversations.ts"
import * as SlackEvents from "../internal/slack/SlackEvents.ts"
import * as SlackPeople from "../internal/slack/SlackPeople.ts"
import * as SlackState from "../internal/slack/SlackState.ts"
import * as TwinService from "../TwinService.ts"

/** What it begins with: tokens with Slack's scopes, users, channels with messages, and request URLs of the Events API. */
export const Seed = SlackState.Seed
/** What it begins with. */
export type Seed = SlackState.Seed

/** The service. A client's base URL is `${url}/api/`. */
export const service: TwinService.Service<Seed> = TwinService.make({
  name: "slack",
  seed: Seed,
  state: SlackState.state,
  tokens: ({ tokens }) => tokens,
  routes: [...SlackPeople.routes, ...SlackConversations.routes, ...SlackChat.routes],
  refuse: SlackAnswer.refuse,
  finish: SlackAnswer.finish,
  webhooks: SlackEvents.webhooks
})
