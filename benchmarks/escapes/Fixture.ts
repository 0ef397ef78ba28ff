/** What an attack is tried on: a workspace, a folder of the host's, a process of it, and listeners. Fresh for each. */
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { createSocket } from "node:dgram"
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { homedir, hostname, networkInterfaces } from "node:os"
import { join } from "node:path"
import * as Prelude from "./Prelude.ts"

/** A fixture. */
export interface Fixture {
  /** The repository, which is also the workspace where an adapter works in a folder. */
  readonly repository: string
  /** A second one, of the neighbour. */
  readonly neighbour: string
  /** The variables that an attack sees. */
  readonly variables: Readonly<Record<string, string>>
  /** Those of the host beside them. */
  readonly secret: Readonly<Record<string, string>>
  /** Takes everything away, with every process that was left. */
  readonly remove: () => Promise<void>
}

/** What the fixtures of one process share. */
export interface Shared {
  readonly template: string
  /** The secret that no attack may get. */
  readonly canary: string
  /** The folder of which this process has an open descriptor. */
  readonly leak: string
  readonly typescript: string
}

const git = (folder: string, ...args: ReadonlyArray<string>) =>
  execFileSync("git", ["-c", "user.name=escape", "-c", "user.email=escape@localhost", "-C", folder, ...args], {
    stdio: ["ignore", "ignore", "inherit"]
  })

/** Makes the repository that workspaces are copies of. */
export const makeTemplate = (folder: string): void => {
  mkdirSync(join(folder, "sub"), { recursive: true })
  git(folder, "init", "-q", "-b", "main")
  writeFileSync(join(folder, "file.txt"), "content\n")
  writeFileSync(join(folder, "sub", "inner.txt"), "content\n")
  git(folder, "add", ".")
  git(folder, "commit", "-q", "-m", "first")
}

/** The address of this machine in its network, where it has one. */
const address = (): string =>
  Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.2"

/** Makes one. */
export const make = async ({ canary, leak, template, typescript }: Shared): Promise<Fixture> => {
  // Where work is: not in the folder for temporary files, which sandboxes hide as a whole.
  const above = join(homedir(), ".cache", "millwright-escapes")
  mkdirSync(above, { recursive: true })
  const root = realpathSync(mkdtempSync(join(above, "case-")))
  const token = randomBytes(12).toString("hex")
  const [repository, neighbour, host] = [join(root, "ws"), join(root, "other"), join(root, "host")]
  cpSync(template, repository, { recursive: true })
  cpSync(template, neighbour, { recursive: true })
  const home = join(host, "home")
  for (const folder of ["dir", "home/.ssh", "home/.aws"]) mkdirSync(join(host, folder), { recursive: true })
  for (const file of [
    "secret.txt",
    "dir/secret.txt",
    "open.txt",
    ...[".ssh/id_ed25519", ".netrc", ".aws/credentials", ".git-credentials", ".npmrc"].map((name) => `home/${name}`)
  ]) {
    writeFileSync(join(host, file), `${canary}\n`)
  }
  writeFileSync(join(host, "target.txt"), "unchanged")
  writeFileSync(join(home, ".bashrc"), "")

  const canaryProcess = spawn(
    "sh",
    [
      "-c",
      `exec 7< "$1"; rm -f "$1"; exec sh -c 'while :; do sleep 60; done' "escape-$2" "$3"`,
      "sh",
      join(host, "open.txt"),
      token,
      canary
    ],
    { cwd: join(host, "dir"), env: { PATH: process.env["PATH"], ESCAPE_SECRET: canary }, stdio: "ignore" }
  )
  const listeners = await listen({ canary, host, token })
  return {
    repository,
    neighbour,
    variables: {
      H: host,
      TOKEN: token,
      PID: String(canaryProcess.pid),
      PORT: String(listeners.port),
      UDP: String(listeners.udp),
      FREE: String(listeners.free),
      ADDRESS: address(),
      SOCKET: join(host, "agent.sock"),
      ABSTRACT: `escape-${token}`,
      RUNNER: String(process.pid),
      HOSTNAME_OF_HOST: hostname(),
      P: Prelude.perl
    },
    secret: {
      CANARY: canary,
      HOME: home,
      LEAK: leak,
      TYPESCRIPT: typescript,
      SSH_AUTH_SOCK: join(host, "agent.sock"),
      ESCAPE_SECRET: canary
    },
    remove: async () => {
      listeners.close()
      canaryProcess.kill("SIGKILL")
      sweep(root, token)
      for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n").reverse()) {
        const [, where = ""] = line.split(" ")
        if (where.startsWith(root)) spawnSync("umount", ["-l", where])
      }
      rmSync(root, { recursive: true, force: true, maxRetries: 3 })
    }
  }
}

/** Ends whatever an attack has left: what has its token in its environment or arguments, or works in the fixture. */
const sweep = (root: string, token: string): void => {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    try {
      const text = ["environ", "cmdline"].map((name) => readFileSync(`/proc/${pid}/${name}`, "latin1")).join()
      if (text.includes(token) || text.includes(`${root}/`) || realpathSync(`/proc/${pid}/cwd`).startsWith(root)) {
        process.kill(Number(pid), "SIGKILL")
      }
    } catch {
      // It has ended, or is another user's.
    }
  }
}

interface Listeners {
  readonly port: number
  readonly udp: number
  /** A port on which nobody listens. */
  readonly free: number
  readonly close: () => void
}

/** Listens wherever an attack may knock. Writes down what comes, and answers with the secret. */
const listen = async (of: {
  readonly canary: string
  readonly host: string
  readonly token: string
}): Promise<Listeners> => {
  const received = join(of.host, "received")
  const open = new Set<Socket>()
  const serve = (where: { port?: number; host?: string; path?: string }): Promise<Server> =>
    new Promise((resolve, reject) => {
      const server = createServer((socket) => {
        open.add(socket)
        socket.on("error", () => undefined)
        socket.on("data", (data) => {
          appendFileSync(received, data)
          socket.end(`${of.canary}\n`)
        })
      })
      server.once("error", reject)
      server.listen(where, () => resolve(server))
    })
  const portOf = (server: Server): number => {
    const at = server.address()
    return typeof at === "object" && at !== null ? at.port : 0
  }
  const first = await serve({ port: 0, host: "127.0.0.1" })
  const port = portOf(first)
  const others = await Promise.allSettled([
    serve({ port, host: "::1" }),
    serve({ port, host: address() }),
    serve({ path: join(of.host, "agent.sock") }),
    serve({ path: `\0escape-${of.token}` })
  ])
  const spare = await serve({ port: 0, host: "127.0.0.1" })
  const free = portOf(spare)
  spare.close()
  const datagrams = createSocket("udp4", (data) => appendFileSync(received, data))
  const udp = await new Promise<number>((resolve) => datagrams.bind(0, () => resolve(datagrams.address().port)))
  return {
    port,
    udp,
    free,
    close: () => {
      for (const socket of open) socket.destroy()
      datagrams.close()
      first.close()
      for (const other of others) if (other.status === "fulfilled") other.value.close()
    }
  }
}
