/** A **PostgreSQL** for the cluster and the peers that need one: on loopback, on a free port, in a folder on the disk of this checkout. */
import { chmodSync, mkdirSync } from "node:fs"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import type * as Bench from "../Bench.ts"
import * as Child from "../Child.ts"
import * as Peer from "../Peer.ts"
import * as Store from "../Store.ts"

/** A server that runs. `database` makes a database, and answers with its address. */
export interface Postgres {
  readonly database: () => Promise<string>
}

/** A port of loopback that is free now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** Starts a server, and stops it in every case. */
export const run = async <A>(progress: Bench.Progress, use: (postgres: Postgres) => Promise<A>): Promise<A> => {
  const peer = Peer.install("postgres", progress)
  return await Store.inFolder(async (path) => {
    // As root, the server runs as another user, who has to reach its folder.
    chmodSync(dirname(path), 0o711)
    const folder = join(dirname(path), "postgres")
    mkdirSync(folder)
    progress("starting PostgreSQL")
    const request = { folder, port: await freePort() }
    const server = Child.start(join(peer, "server.mjs"), request, { cwd: dirname(path), patience: undefined })
    try {
      const { url } = await server.next()
      let databases = 0
      return await use({
        database: async () => {
          const create = `bench${++databases}`
          server.tell({ create })
          await server.next()
          return `${String(url)}/${create}`
        }
      })
    } finally {
      await server.kill("SIGINT")
    }
  })
}
