/**
 * The **twin of Okta**: of its management API what a factory uses, and sign-in with OpenID Connect.
 *
 * - Users with the steps of their life, groups, who is in them; API tokens (`SSWS`), pages by `Link`, errors by their codes.
 * - Discovery, `authorize` with a code and PKCE, `token`, `keys`, `introspect`, `userinfo` of the authorization server
 *   `default`. Tokens are signed with the test key of the seed; without one there are none.
 *
 * Its own code, not `emulate`'s: `docs/decisions/035-twins.md` says why; `docs/gaps/twins.md` has where it is known to differ.
 */
import * as OktaAnswer from "../internal/okta/OktaAnswer.ts"
import * as OktaGroups from "../internal/okta/OktaGroups.ts"
import * as OktaSignIn from "../internal/okta/OktaSignIn.ts"
import * as OktaState from "../internal/okta/OktaState.ts"
import * as OktaUsers from "../internal/okta/OktaUsers.ts"
import * as TwinService from "../TwinService.ts"

/** What it begins with: API tokens, users, groups, applications that sign in, a test key. */
export const Seed = OktaState.Seed
/** What it begins with. */
export type Seed = OktaState.Seed

/** The service. The issuer of its tokens is `${url}/oauth2/default`. */
export const service: TwinService.Service<Seed> = TwinService.make({
  name: "okta",
  seed: Seed,
  state: OktaState.state,
  tokens: ({ tokens }) => tokens,
  routes: [...OktaUsers.routes, ...OktaGroups.routes, ...OktaSignIn.routes],
  token: OktaAnswer.token,
  refuse: OktaAnswer.refuse
})
