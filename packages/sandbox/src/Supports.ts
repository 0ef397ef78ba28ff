/** What an adapter can hold, and what of a spec it can not. Callers branch on it. */
import type { SandboxSpec } from "./SandboxSpec.ts"

/** A resource that can be limited. */
export type Resource = "cpus" | "memory" | "processes" | "disk" | "wall"

/** What an adapter can hold. */
export interface Supports {
  /** What stands between a command and the host: nothing, the kernel's namespaces, a container, another machine. */
  readonly isolation: "none" | "os" | "container" | "remote"
  /** The kinds of workspace. */
  readonly workspaces: ReadonlyArray<SandboxSpec["workspace"]["_tag"]>
  /** Whether other repositories can be checked out beside the workspace. */
  readonly companions: boolean
  /** Whether the network can not be closed, can be closed, or lets through what the spec names. */
  readonly network: "open" | "deny" | "allow"
  /** Whether secrets and registry rules are applied to requests that leave. */
  readonly broker: boolean
  /** Whether files and folders of the host can be seen beside the workspace. */
  readonly mounts: boolean
  /** Whether a port that a command listens on can be reached from the host. */
  readonly ports: boolean
  /** Whether the workspace can be copied while it is open, and others be opened from the copy. */
  readonly snapshot: boolean
  /** Whether all commands can be halted and go on later. */
  readonly pause: boolean
  /** Whether the spec names the image that commands see. */
  readonly image: boolean
  /** Which limits hold. */
  readonly limits: ReadonlyArray<Resource>
  /** Whether processes that left their process group are killed as well when the scope closes. */
  readonly killsTree: boolean
}

/** An adapter that can do nothing but run commands in a checkout of the host. Adapters start from it. */
export const none: Supports = {
  isolation: "none",
  workspaces: ["Checkout"],
  companions: false,
  network: "open",
  broker: false,
  mounts: false,
  ports: false,
  snapshot: false,
  pause: false,
  image: false,
  limits: ["wall"],
  killsTree: false
}

const isAsked = (value: Readonly<Record<string, unknown>> | ReadonlyArray<unknown> | undefined): boolean =>
  value !== undefined && Object.keys(value).length > 0

const resources: ReadonlyArray<Resource> = ["cpus", "memory", "processes", "disk", "wall"]

/** The fields of a spec that ask for what is not supported, with what they ask for. */
export const missing = (supports: Supports, spec: SandboxSpec): ReadonlyArray<string> => {
  const { egress, limits = {}, workspace } = spec
  const isSnapshot =
    (workspace._tag !== "Folder" && workspace.from !== undefined) ||
    Object.values(spec.companions ?? {}).some(({ from }) => from !== undefined)
  const asked: ReadonlyArray<readonly [field: string, isMissing: boolean]> = [
    [`workspace ${workspace._tag}`, !supports.workspaces.includes(workspace._tag)],
    ["companions", isAsked(spec.companions) && !supports.companions],
    ["workspace.from", isSnapshot && !supports.snapshot],
    ["mounts", isAsked(spec.mounts) && !supports.mounts],
    ["egress Deny", egress?._tag === "Deny" && supports.network === "open"],
    ["egress Allow", egress?._tag === "Allow" && supports.network !== "allow"],
    ["secrets", isAsked(spec.secrets) && !supports.broker],
    ["registry", spec.registry !== undefined && !supports.broker],
    ["a fixed port", Object.values(spec.ports ?? {}).some((port) => port !== null) && !supports.ports],
    ["image", spec.image !== undefined && !supports.image],
    ...resources.map((name): readonly [string, boolean] => [
      `limits.${name}`,
      limits[name] !== undefined && !supports.limits.includes(name)
    ])
  ]
  return asked.filter(([, isMissing]) => isMissing).map(([field]) => field)
}
