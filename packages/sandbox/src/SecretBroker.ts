/** The **secret broker**: where the host's values of secrets are, by handle. A sandbox never sees more than the handle. */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { SandboxError } from "./Sandbox.ts"

/** Gives the value of a handle, each time that it is needed, so that a value that was changed is used at once. */
export class SecretBroker extends Context.Service<
  SecretBroker,
  { readonly get: (handle: string) => Effect.Effect<Redacted.Redacted<string>, SandboxError> }
>()("@millwright/sandbox/SecretBroker") {}

const missing = (handle: string, where: string) =>
  new SandboxError({
    reason: "Unavailable",
    message: `There is no secret ${JSON.stringify(handle)}: ${where}. Set it, or take it out of \`secrets\` of the spec.`
  })

/** Takes values that the caller has, as in a test. */
export const fromMap = (secrets: Readonly<Record<string, Redacted.Redacted<string>>>): Layer.Layer<SecretBroker> => {
  const all = new Map(Object.entries(secrets))
  return Layer.succeed(SecretBroker, {
    get: (handle) => {
      const value = all.get(handle)
      return value === undefined
        ? Effect.fail(missing(handle, "it was not given to the broker"))
        : Effect.succeed(value)
    }
  })
}

/**
 * Takes values from the configuration of the host, which is its environment unless another `ConfigProvider` is given: the
 * handle `github-token` under the prefix `SECRET` is `SECRET_GITHUB_TOKEN`. Handles that differ in `-`, `.` and `_` or in the
 * case of letters only are one.
 */
export const fromConfig = (prefix: string): Layer.Layer<SecretBroker> =>
  Layer.succeed(SecretBroker, {
    get: (handle) => {
      const name = `${prefix}_${handle.replace(/[^A-Za-z0-9]/g, "_")}`.toUpperCase()
      return Effect.mapError(Config.Redacted(name), () => missing(handle, `the configuration has no ${name}`))
    }
  })
