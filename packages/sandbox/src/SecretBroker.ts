/** The **secret broker**: where the host's values of secrets are, by handle. A sandbox never sees more than the handle. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { SandboxError } from "./Sandbox.ts"

/** Gives the value of a handle, each time that it is needed, so that a value that was changed is used at once. */
export class SecretBroker extends Context.Service<
  SecretBroker,
  { readonly get: (handle: string) => Effect.Effect<Redacted.Redacted<string>, SandboxError> }
>()("@millwright/sandbox/SecretBroker") {}
