/**
 * The only way out of a sandbox whose network is its own: a proxy in the host's process that lets through what the spec's
 * `egress` names, adds secrets to requests that leave, and applies the rules of a registry.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Socket } from "node:net"
import type { SandboxError } from "./Sandbox.ts"
import type { Egress, SandboxSpec } from "./SandboxSpec.ts"
import type { SecretBroker } from "./SecretBroker.ts"

/** The way out of one sandbox. */
export interface Outbound {
  /** Takes a connection that a command made to the proxy. */
  readonly accept: (socket: Socket) => void
  readonly setEgress: (egress: Egress) => Effect.Effect<void, SandboxError>
  /** What commands see, so that their programs use a proxy on this port of the sandbox's loopback. */
  readonly environment: (port: number) => Readonly<Record<string, string>>
}

/** Makes the way out, with every connection closed when the scope closes. `lockFile` is read when the registry needs it. */
export declare const make: (
  spec: Pick<SandboxSpec, "egress" | "secrets" | "registry">,
  options: {
    readonly broker: SecretBroker["Service"] | undefined
    readonly lockFile: Effect.Effect<{ readonly name: string; readonly text: string } | undefined>
  }
) => Effect.Effect<Outbound, SandboxError, Scope.Scope>
