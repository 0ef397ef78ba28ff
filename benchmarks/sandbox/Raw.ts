/** Plain `bwrap`, with the profile that ours is: what is between it and us is our own cost. */
import * as Seccomp from "../../packages/sandbox/src/internal/Seccomp.ts"
import { spawn } from "node:child_process"
import { closeSync, existsSync, lstatSync, openSync, readlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const etc = [
  "alternatives",
  "ssl",
  "ca-certificates",
  "resolv.conf",
  "hosts",
  "nsswitch.conf",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "localtime",
  "timezone",
  "passwd",
  "group",
  "services",
  "gitconfig"
]

const system = (): ReadonlyArray<string> =>
  ["/bin", "/sbin", "/lib", "/lib64", "/lib32"].flatMap((path) =>
    !existsSync(path)
      ? []
      : lstatSync(path).isSymbolicLink()
        ? ["--symlink", readlinkSync(path), path]
        : ["--ro-bind", path, path]
  )

const profile = (workspace: string): ReadonlyArray<string> => [
  ...["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--unshare-net"],
  ...[
    "--disable-userns",
    "--cap-drop",
    "ALL",
    "--die-with-parent",
    "--new-session",
    "--hostname",
    "sandbox",
    "--clearenv"
  ],
  ...["--uid", "1000", "--gid", "1000", "--as-pid-1", "--ro-bind", "/usr", "/usr", ...system()],
  ...etc.flatMap((name) => ["--ro-bind-try", `/etc/${name}`, `/etc/${name}`]),
  ...["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"],
  ...["--size", "67108864", "--tmpfs", "/dev/shm", "--size", "134217728", "--tmpfs", "/tmp", "--tmpfs", "/run"],
  ...["--tmpfs", "/home/agent", "--bind", workspace, workspace],
  ...["--bind", join(workspace, ".git"), join(workspace, ".git")],
  ...["hooks", "config", "info"].flatMap((name) => {
    const path = join(workspace, ".git", name)
    return ["--ro-bind", path, path]
  }),
  ...["--remount-ro", "/", "--chdir", workspace, "--seccomp", "4", "--setenv", "SHLVL", "1"],
  ...[
    "--setenv",
    "PATH",
    "/usr/local/bin:/usr/bin:/bin",
    "--setenv",
    "HOME",
    "/home/agent",
    "--setenv",
    "LANG",
    "C.UTF-8"
  ]
]

/** Prepares to run a command in a workspace, and answers with what runs it. */
export const prepare = (folder: string, workspace: string): (() => Promise<void>) => {
  const [options, filter] = [join(folder, "options"), join(folder, "filter")]
  writeFileSync(
    options,
    profile(workspace)
      .map((word) => `${word}\0`)
      .join("")
  )
  writeFileSync(filter, Seccomp.program(process.arch === "arm64" ? "arm64" : "x64"))
  return async () => {
    const descriptors = [openSync(options, "r"), openSync(filter, "r")] as const
    const init = '"$@" & wait $!; exit $?'
    const child = spawn("/usr/bin/bwrap", ["--args", "3", "--", "/bin/sh", "-c", init, "init", "true"], {
      env: {},
      stdio: ["ignore", "pipe", "pipe", ...descriptors]
    })
    let said = ""
    child.stderr?.on("data", (data) => (said += String(data)))
    const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve))
    for (const descriptor of descriptors) closeSync(descriptor)
    if (code !== 0) throw new Error(`bwrap ended with ${String(code)}: ${said}`)
  }
}
