/** What this machine has of what cells are made of, and what there is to do when something is missing. */
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { existsSync, readFileSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import { SandboxError } from "../Sandbox.ts"
import * as Access from "./Access.ts"
import * as Seccomp from "./Seccomp.ts"

/** Programs, by absolute path. */
export interface Programs {
  readonly bwrap: string
  readonly nsenter: string
  readonly unshare: string
  readonly prlimit: string
}

const packages: Readonly<Record<keyof Programs, string>> = {
  bwrap: "bubblewrap",
  nsenter: "util-linux",
  unshare: "util-linux",
  prlimit: "util-linux"
}

/** Never a PATH: it could lead into a workspace. */
const folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/run/current-system/sw/bin"]

/** An error that says what the machine lacks. */
export const unavailable = (what: string, cause?: unknown): SandboxError =>
  new SandboxError({ reason: "Unavailable", message: `The bubblewrap sandbox can not be used here: ${what}.`, cause })

const find = (name: keyof Programs, asked: string | undefined): Effect.Effect<string, SandboxError> =>
  Effect.suspend(() => {
    if (asked !== undefined) {
      return isAbsolute(asked) && Access.isProgram(asked)
        ? Effect.succeed(asked)
        : Effect.fail(unavailable(`${JSON.stringify(asked)} is no absolute path of a program. Give that of ${name}`))
    }
    const found = folders.map((folder) => join(folder, name)).find(Access.isProgram)
    return found === undefined
      ? Effect.fail(
          unavailable(
            `there is no ${name} in ${folders.join(", ")}. Install ${packages[name]} (apt-get install ${packages[name]}, or your system's own way), or say where it is`
          )
        )
      : Effect.succeed(found)
  })

/** Finds the programs, and refuses a system, a processor and a bubblewrap that can not. */
export const programs = Effect.fnUntraced(function* (
  host: ChildProcessSpawner["Service"],
  asked: Partial<Programs>
): Effect.fn.Return<Programs, SandboxError> {
  if (process.platform !== "linux") return yield* unavailable(`it is for Linux, and this is ${process.platform}`)
  if (!Seccomp.isProcessor(process.arch)) {
    return yield* unavailable(`there is no table of system calls for ${process.arch}, only for x64 and arm64`)
  }
  const found: Programs = {
    bwrap: yield* find("bwrap", asked.bwrap),
    nsenter: yield* find("nsenter", asked.nsenter),
    unshare: yield* find("unshare", asked.unshare),
    prlimit: yield* find("prlimit", asked.prlimit)
  }
  const said = yield* Effect.orElseSucceed(
    host.string(ChildProcess.make(found.bwrap, ["--version"], { env: {}, extendEnv: false, stdin: "ignore" })),
    () => ""
  )
  const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(said) ?? []
  if (Number(major) === 0 && Number(minor) < 8) {
    return yield* unavailable(
      `${found.bwrap} is ${said.trim() || "of an unknown version"}. Install bubblewrap 0.8 or newer`
    )
  }
  return found
})

const setting = (path: string): string => {
  try {
    return readFileSync(path, "utf8").trim()
  } catch {
    return ""
  }
}

/** Why a trial of a cell failed, as far as the kernel's settings tell. */
export const why = (): string => {
  if (setting("/proc/sys/user/max_user_namespaces") === "0") {
    return "user namespaces are off. Run `sysctl -w user.max_user_namespaces=10000` as root"
  }
  if (setting("/proc/sys/kernel/unprivileged_userns_clone") === "0") {
    return "user namespaces are for root only. Run `sysctl -w kernel.unprivileged_userns_clone=1` as root"
  }
  if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1") {
    return "AppArmor restricts user namespaces. Run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` as root, or give unshare, nsenter and bwrap a profile with `userns`"
  }
  if (existsSync("/.dockerenv") || existsSync("/run/.containerenv")) {
    return "this is a container that may not make namespaces. Start it with `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`, and on AppArmor `--security-opt apparmor=unconfined`"
  }
  return "the kernel does not let it make its namespaces"
}
