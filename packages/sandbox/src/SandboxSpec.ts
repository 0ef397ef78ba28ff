/**
 * What a sandbox is opened with, as data: it can be written to a file, kept in a journal and compared. It never holds a
 * secret's value, only the handle under which the host's `SecretBroker` knows it.
 *
 * A field that is left out asks for nothing: the adapter does the safest that it can (an isolating one denies the network).
 * A field that is there is a demand: an adapter that can not follow it fails with `Unsupported` and names the field.
 */
import * as Schema from "effect/Schema"

const text = "must be a text of 1 to 4096 characters, without line breaks and NUL characters"
const Text = Schema.NonEmptyString.annotate({ message: text }).check(
  Schema.isMaxLength(4_096, { message: text }),
  Schema.isPattern(/^[^\0\r\n]*$/, { message: text })
)
/** An absolute path of the host, without `..`, NUL and line breaks. */
const HostPath = Schema.String.check(
  Schema.isMaxLength(4_096, { message: "must be a path of 4096 characters at most" }),
  Schema.isPattern(/^\//, { message: "must be an absolute path, one that begins with /" }),
  Schema.isPattern(/^[^\0\r\n]*$/, { message: "must be a path without line breaks and NUL characters" }),
  Schema.isPattern(/^(?!(?:.*\/)?\.\.(?:\/|$))/, { message: "must be a path without `..`" })
)
const name = "must be a name of 1 to 100 letters, digits, `.`, `_` and `-`, the first a letter or digit"
const Name = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, { message: name }))
const variable = "must be a name of 1 to 200 letters, digits and `_`, the first no digit"
const Variable = Schema.String.check(Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]{0,199}$/, { message: variable }))
const Port = Schema.Int.check(
  Schema.isBetween({ minimum: 1, maximum: 65_535 }, { message: "must be a port of 1 to 65535, or null" })
)
const positive = Schema.isGreaterThan(0, { message: "must be greater than 0" })
const Milliseconds = Schema.Int.check(positive)
const Script = Schema.NonEmptyString.annotate({ message: "must be a script" })

/** A finished copy of a workspace, made by the `snapshot` of an infrastructure handle. */
export const Snapshot = Schema.Struct({
  id: Name,
  /** The adapter that made it, and the only kind that restores it. */
  sandbox: Schema.NonEmptyString,
  /** The commit that was checked out; none in a workspace without git. */
  commit: Schema.NullOr(Schema.String),
  files: Schema.Natural,
  bytes: Schema.Natural,
  /** Of the content; a restore that does not lead to it fails with `RestoreIncomplete`. */
  digest: Schema.String
})
/** A finished copy of a workspace. */
export type Snapshot = typeof Snapshot.Type

const checkoutFields = {
  /** The root of the repository that the workspace is made from: an absolute path of the host. */
  repository: Text,
  /** The commit that the branch starts at when it is made. */
  base: Schema.String,
  /** The branch that is checked out in the workspace; made at `base` when it is not there. */
  branch: Schema.String,
  /**
   * Throws away what was not committed, ignored files excepted, before anything runs. With a commit, the branch is moved
   * back to it as well: a step that died may have committed, and the next attempt must not build upon that.
   */
  fresh: Schema.optionalKey(
    Schema.Union([Schema.Boolean, Schema.Struct({ at: Schema.String })]).annotate({
      message: "must be true, false or an object with the commit `at`"
    })
  ),
  /** Fills a workspace that is not there yet with a snapshot, instead of the files of the branch. */
  from: Schema.optionalKey(Snapshot),
  /**
   * Where commits are when the sandbox has closed. `Branch` (the default): on the branch, in the repository. `Merge`: the
   * branch that `base` names is moved forward to them as well, when that is a fast-forward and it is checked out nowhere.
   */
  deliver: Schema.optionalKey(Schema.Literals(["Branch", "Merge"]))
}

/** A checkout of a repository beside the workspace, for a change that goes over several. */
export const Companion = Schema.Struct(checkoutFields)
/** A checkout of a repository beside the workspace. */
export type Companion = typeof Companion.Type

/** What a workspace is. */
export const Workspace = Schema.TaggedUnion({
  /** A checkout of its own, on a branch of its own. */
  Checkout: checkoutFields,
  /** A folder of the host as it is: what is written there stays there. One sandbox at a time. */
  Folder: { path: HostPath },
  /** A new folder with nothing in it, removed with `discard`. */
  Empty: { from: Schema.optionalKey(Snapshot) }
}).annotate({ message: "must be an object whose `_tag` is Checkout, Folder or Empty" })
/** What a workspace is. */
export type Workspace = typeof Workspace.Type

/** A file or folder of the host, beside the workspace, that commands may see. */
export const Mount = Schema.Struct({
  source: HostPath,
  /** Where it is seen. Default: at its own path. */
  target: Schema.optionalKey(HostPath),
  access: Schema.Literals(["Read", "Write"])
})
/** A file or folder of the host that commands may see. */
export type Mount = typeof Mount.Type

/**
 * What the network lets through. A domain of `Allow` is a host name, an IP address, or `*.` and a host name, which stands for
 * all names below it but not for the name itself; each with `:port` where it is not 80 or 443. The host's own loopback is
 * `host.millwright.internal:port`, and not `localhost`, `127.0.0.1` or `::1`, which inside are the sandbox's.
 */
export const Egress = Schema.TaggedUnion({
  Deny: {},
  Allow: { domains: Schema.Array(Text).check(Schema.isMaxLength(1_000, { message: "must be 1000 domains at most" })) },
  Open: {}
}).annotate({ message: "must be an object whose `_tag` is Deny, Allow or Open" })
/** What the network lets through. */
export type Egress = typeof Egress.Type

/** A secret that is used outside of the sandbox, for requests that leave it. Its value never enters. */
export const SecretUse = Schema.Struct({
  /** The name under which the host's `SecretBroker` has it. */
  handle: Name,
  /** The hosts that it is sent to, over TLS. They are let through as if `Allow` named them. */
  hosts: Schema.NonEmptyArray(Text),
  as: Schema.TaggedUnion({
    /** A header of every request: `name: prefix + value`. */
    Header: { name: Name, prefix: Schema.optionalKey(Schema.String) },
    /** What git is asked for when it fetches and pushes over HTTP. */
    GitCredential: { user: Schema.NonEmptyString }
  }).annotate({ message: "must be an object whose `_tag` is Header or GitCredential" })
})
/** A secret that is used outside of the sandbox. */
export type SecretUse = typeof SecretUse.Type

/** Which packages an installer may fetch. Other requests to these hosts fail. */
export const Registry = Schema.Struct({
  /** Hosts of registries that speak npm's protocol. */
  hosts: Schema.NonEmptyArray(Text),
  /** Names of packages, exact or `@scope/*`. Left out: all. */
  packages: Schema.optionalKey(Schema.Array(Text)),
  /** Versions that were published less than this ago are not shown, in milliseconds. */
  minimumAge: Schema.optionalKey(Milliseconds),
  /** Only what the lock file of the workspace names at the time of opening. */
  lockFileOnly: Schema.optionalKey(Schema.Boolean)
})
/** Which packages an installer may fetch. */
export type Registry = typeof Registry.Type

/** What all commands of a sandbox may take together, `wall` excepted. */
export const Limits = Schema.Struct({
  /** Processors, as in 0.5. */
  cpus: Schema.optionalKey(Schema.Finite.check(positive)),
  /** In bytes. */
  memory: Schema.optionalKey(Schema.Int.check(positive)),
  /** Processes and threads. */
  processes: Schema.optionalKey(Schema.Int.check(positive)),
  /** Of the workspace, in bytes. */
  disk: Schema.optionalKey(Schema.Int.check(positive)),
  /** How long one command may run, in milliseconds. What it has written until then is kept. */
  wall: Schema.optionalKey(Milliseconds)
})
/** What the commands of a sandbox may take. */
export type Limits = typeof Limits.Type

/** A script that prepares the workspace. */
export const Phase = Schema.Struct({
  name: Name,
  /** Run with `sh -e` in the workspace. */
  run: Script,
  /** In milliseconds. Default: five minutes. */
  timeout: Schema.optionalKey(Milliseconds),
  /** Whether the sandbox does not open when it fails. Default: true. */
  fatal: Schema.optionalKey(Schema.Boolean)
})
/** A script that prepares the workspace. */
export type Phase = typeof Phase.Type

/** What a sandbox is opened with. */
export const SandboxSpec = Schema.Struct({
  /** Names the workspace: letters, digits, `.`, `_` and `-`, 100 at most. The same id is the same workspace. */
  id: Name,
  workspace: Workspace,
  /** Other repositories, checked out by name; `Opened.directories` says where. */
  companions: Schema.optionalKey(Schema.Record(Name, Companion).annotate({ messageUnexpectedKey: name })),
  mounts: Schema.optionalKey(Schema.Array(Mount)),
  /** Variables that commands shall see, beside the fixed minimum. */
  env: Schema.optionalKey(
    Schema.Record(
      Variable,
      Schema.String.check(Schema.isPattern(/^[^\0]*$/, { message: "must be a text without NUL characters" }))
    ).annotate({ messageUnexpectedKey: variable })
  ),
  /** Variables of the host that commands shall see, when they are set. */
  inherit: Schema.optionalKey(Schema.Array(Variable)),
  secrets: Schema.optionalKey(Schema.Array(SecretUse)),
  egress: Schema.optionalKey(Egress),
  registry: Schema.optionalKey(Registry),
  /**
   * Ports that commands will listen on, by the name of the variable that carries the number. `null` is any that is free;
   * a number can only be had where the sandbox has a network of its own.
   */
  ports: Schema.optionalKey(Schema.Record(Variable, Schema.NullOr(Port)).annotate({ messageUnexpectedKey: variable })),
  limits: Schema.optionalKey(Limits),
  /** The image of a container or of a remote machine. */
  image: Schema.optionalKey(Text),
  /** Run once, when the workspace is new, in this order. */
  setup: Schema.optionalKey(Schema.Array(Phase)),
  /** Run at each opening, after `setup`. */
  start: Schema.optionalKey(Schema.Array(Phase))
})
/** What a sandbox is opened with. */
export type SandboxSpec = typeof SandboxSpec.Type

/** The spec of a checkout with an id, and nothing else. */
export const checkout = ({ id, ...workspace }: Companion & { readonly id: string }): SandboxSpec => ({
  id,
  workspace: { _tag: "Checkout", ...workspace }
})
