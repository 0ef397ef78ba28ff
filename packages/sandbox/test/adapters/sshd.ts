/**
 * A real sshd on loopback, with keys and a configuration of its own. It sees neither our temporary folders nor our processes:
 * it runs in mount and pid namespaces of its own, as another machine would. Needs root on Linux.
 */
import { execFileSync, spawn } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"

const sshd = "/usr/sbin/sshd"

/** Why it can not run here. */
export const missing: string | undefined =
  process.platform !== "linux"
    ? "it takes Linux"
    : process.getuid?.() !== 0
      ? "it takes root, to run sshd"
      : [sshd, "/usr/bin/ssh", "/usr/bin/ssh-keygen", "/usr/bin/unshare"]
          .find((program) => !existsSync(program))
          ?.concat(" is not there (Debian: openssh-server openssh-client util-linux)")

/** A machine that can be logged in to. */
export interface Machine {
  readonly port: number
  /** Where its files are; it sees them itself. */
  readonly folder: string
  readonly identity: string
  readonly knownHosts: string
  /** The process of sshd. */
  readonly pid: number
  readonly stop: () => Promise<void>
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** Starts it. */
export const start = async (): Promise<Machine> => {
  // Not below the folder of temporary files, which is hidden from it.
  const folder = mkdtempSync("/var/tmp/mw-sshd-")
  const port = await freePort()
  const file = (name: string) => join(folder, name)
  for (const key of ["host", "user"]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file(key)])
  writeFileSync(file("authorized"), readFileSync(file("user.pub")))
  const [type, key] = readFileSync(file("host.pub"), "utf8").split(" ")
  writeFileSync(file("known"), `[127.0.0.1]:${port} ${type} ${key}\n`)
  mkdirSync(file("work"))
  chmodSync(folder, 0o700)
  writeFileSync(
    file("config"),
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${file("host")}`,
      `AuthorizedKeysFile ${file("authorized")}`,
      `PidFile ${file("pid")}`,
      "PermitRootLogin prohibit-password",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "UsePAM no",
      "StrictModes no",
      "MaxStartups 100:30:200"
    ].join("\n")
  )
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 })
  // What the machine's user has put there (a version manager, say) would run, and wait, before every command.
  const text =
    'mount -t tmpfs -o size=512m tmpfs /tmp && for f in ~/.bashrc ~/.profile ~/.bash_profile; do [ ! -e "$f" ] || mount --bind /dev/null "$f"; done && exec "$@"'
  const child = spawn(
    "unshare",
    [
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
      "sh",
      "-c",
      text,
      "sh",
      sshd,
      "-D",
      "-e",
      "-f",
      file("config")
    ],
    { stdio: ["ignore", "ignore", "pipe"] }
  )
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  let said = ""
  child.stderr.on("data", (chunk) => (said = `${said}${chunk}`.slice(-10_000)))
  const deadline = Date.now() + 10_000
  while (!said.includes("Server listening")) {
    if (Date.now() > deadline || child.exitCode !== null) throw new Error(`sshd did not start: ${said}`)
    await setTimeout(10)
  }
  return {
    port,
    folder,
    identity: file("user"),
    knownHosts: file("known"),
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill("SIGKILL")
      await ended
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
