/**
 * What macOS' `sandbox-exec` is told for a sandbox, as a text in its own language. Everything is denied but for what is named;
 * of two rules the later one wins, so what is protected comes last.
 *
 * Paths are taken as real paths: the kernel judges what a path leads to, and `/tmp` and `/var` are links there.
 */
import type { SandboxSpec } from "../SandboxSpec.ts"
import type { Prepared } from "../Workspaces.ts"

/** What a profile is made of. */
export interface Input {
  readonly spec: Pick<SandboxSpec, "egress" | "mounts" | "ports">
  readonly workspace: Pick<Prepared, "directory" | "directories" | "readable" | "protect">
  /** Folders of the sandbox that commands write to beside the workspace: its home and its temporary files. */
  readonly scratch: ReadonlyArray<string>
  /** Programs elsewhere than where the system has them, such as Node's. */
  readonly programs: ReadonlyArray<string>
  /** Where the proxy of the host listens on its loopback. None: there is no way out. */
  readonly proxy: number | undefined
  /** Ports of the loopback that commands may listen on and connect to. */
  readonly ports: ReadonlyArray<number>
}

// Programs, libraries, certificates, time zones: what a machine has of its own. `/private` is where `/etc` and `/var` are.
const system = [
  ...["/usr", "/bin", "/sbin", "/System", "/Library/Apple", "/Library/Developer", "/Applications/Xcode.app", "/opt"],
  ...["/private/etc/ssl", "/private/etc/localtime", "/private/var/db/timezone", "/private/var/db/dyld"],
  ...["/private/var/select", "/dev/fd", "/Library/Preferences/Logging"]
]
const systemFiles = [
  ...[
    "/",
    "/private",
    "/private/etc",
    "/private/var",
    "/etc",
    "/var",
    "/tmp",
    "/private/tmp",
    "/dev",
    "/Users",
    "/Library"
  ],
  ...[
    "/private/etc/passwd",
    "/private/etc/group",
    "/private/etc/hosts",
    "/private/etc/resolv.conf",
    "/private/etc/shells"
  ],
  ...["/private/etc/services", "/private/etc/protocols", "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"],
  ...["/dev/dtracehelper", "/dev/tty", "/dev/autofs_nowait"]
]
const devices = ["/dev/null", "/dev/zero", "/dev/tty", "/dev/dtracehelper"]
/** What Node, git and the system's libraries ask of services; none of them starts programs or holds secrets. */
const services = [
  ...["com.apple.system.notification_center", "com.apple.system.logger", "com.apple.logd", "com.apple.diagnosticd"],
  ...[
    "com.apple.system.opendirectoryd.libinfo",
    "com.apple.system.opendirectoryd.membership",
    "com.apple.trustd.agent"
  ],
  ...["com.apple.CoreServices.coreservicesd", "com.apple.bsd.dirhelper", "com.apple.FSEvents"]
]
// Keys, the key chain, the pasteboard and what starts programs are services of their own names, and so denied.

/** A text of the profile's language. Whatever a path holds, it ends where it should. */
export const quote = (text: string): string => {
  if (text.includes("\0")) throw new Error("A path holds no NUL")
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`
}

const subpath = (path: string): string => `(subpath ${quote(path)})`
const literal = (path: string): string => `(literal ${quote(path)})`

/** The folders that a path lies in: a program that asks where it is looks at each of them. */
const ancestors = (path: string): ReadonlyArray<string> => {
  const parts = path.split("/").slice(1, -1)
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`)
}

const rule = (decision: "allow" | "deny", operations: string, filters: ReadonlyArray<string>): ReadonlyArray<string> =>
  filters.length === 0
    ? []
    : [`(${decision} ${operations}`, ...[...new Set(filters)].map((filter) => `  ${filter}`), ")"]

/** Compiles it. */
export const compile = ({ ports, programs, proxy, scratch, spec, workspace }: Input): string => {
  const { egress, mounts = [] } = spec
  const roots = [workspace.directory, ...Object.values(workspace.directories)]
  const writable = [
    ...roots,
    ...scratch,
    ...mounts.filter(({ access }) => access === "Write").map(({ source }) => source)
  ]
  const readable = [...writable, ...workspace.readable, ...programs, ...mounts.map(({ source }) => source)]
  const local = [...ports, ...(proxy === undefined ? [] : [proxy])]
  // What git on the host would run. To take away the folder that it lies in takes it away too.
  const kept = [...workspace.protect, ...roots.map((root) => `${root}/.git`)]
  return [
    "(version 1)",
    "(deny default)",
    "(allow process-exec process-fork)",
    "(allow signal process-info* (target same-sandbox))",
    "(allow sysctl-read)",
    "(allow system-socket (socket-domain AF_INET) (socket-domain AF_INET6))",
    ...rule(
      "allow",
      "mach-lookup",
      services.map((name) => `(global-name ${quote(name)})`)
    ),
    ...rule("allow", "ipc-posix-shm-read-data", ['(ipc-posix-name "apple.shm.notification_center")']),
    ...rule("allow", "file-read*", [...system, ...readable].map(subpath)),
    ...rule("allow", "file-read*", systemFiles.map(literal)),
    ...rule("allow", "file-read-metadata", readable.flatMap(ancestors).map(literal)),
    ...rule("allow", "file-write* file-map-executable", writable.map(subpath)),
    ...rule("allow", "file-map-executable", [...system, ...programs].map(subpath)),
    ...rule("allow", "file-write-data file-ioctl", devices.map(literal)),
    ...(egress?._tag === "Open"
      ? [
          "(allow network*)",
          '(allow mach-lookup (global-name "com.apple.dnssd.service") (global-name "com.apple.SystemConfiguration.configd"))'
        ]
      : [
          ...rule(
            "allow",
            "network-outbound",
            local.map((port) => `(remote ip ${quote(`localhost:${port}`)})`)
          ),
          ...rule(
            "allow",
            "network-bind network-inbound",
            ports.map((port) => `(local ip ${quote(`localhost:${port}`)})`)
          )
        ]),
    ...rule("deny", "file-write*", workspace.protect.map(subpath)),
    ...rule("deny", "file-write-unlink", [...kept, ...roots].map(literal)),
    // A link from inside to a program that is more than its user.
    ...rule("deny", "file-write-setugid", ['(subpath "/")']),
    ""
  ].join("\n")
}
