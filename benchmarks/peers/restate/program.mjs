/** Restate: a handler whose stages are `ctx.run`, called through the ingress of a server of its own. */
import * as restate from "@restatedev/restate-sdk"
import { spawn } from "node:child_process"
import { createServer } from "node:http2"
import { createServer as createNetServer } from "node:net"
import { join } from "node:path"
import { measure, output, request, weight } from "../Load.mjs"

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createNetServer().once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

const line = restate.service({
  name: "line",
  handlers: {
    run: async (ctx, stages) => {
      let sum = 0
      for (let at = 0; at < stages; at++) sum += weight(await ctx.run("step", () => output(at)))
      return sum
    }
  }
})
const service = createServer(restate.createEndpointHandler({ services: [line], logger: () => {} }))
await new Promise((resolve) => service.listen(0, "127.0.0.1", resolve))

const [ingress, admin, node] = [await freePort(), await freePort(), await freePort()]
const server = spawn(
  join(import.meta.dirname, "node_modules", ".bin", "restate-server"),
  ["--base-dir", join(request.folder, "restate"), "--listen-mode", "tcp", "--node-name", "bench", "--no-logo"],
  {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...process.env,
      DO_NOT_TRACK: "1",
      RESTATE_LOG_FILTER: "error",
      RESTATE_DISABLE_TELEMETRY: "true",
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`
    }
  }
)
process.once("exit", () => server.kill("SIGKILL"))
const gone = new Promise((_, reject) =>
  server.once("exit", (code) => reject(new Error(`restate-server ended: ${code}`)))
)
gone.catch(() => {})

const register = async () => {
  for (let attempt = 0; attempt < 300; attempt++) {
    try {
      const response = await fetch(`http://127.0.0.1:${admin}/deployments`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ uri: `http://127.0.0.1:${service.address().port}` })
      })
      if (response.ok) return
    } catch {
      // It does not listen yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error("restate-server did not take the service within 30 s")
}
await Promise.race([register(), gone])

await measure({
  line: async (id, stages) => {
    const response = await fetch(`http://127.0.0.1:${ingress}/line/run`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": id },
      body: JSON.stringify(stages)
    })
    if (!response.ok) throw new Error(`restate answered ${response.status}: ${await response.text()}`)
    return response.json()
  },
  policy:
    "a local restate-server as it comes: RocksDB, its log flushed to disk in batches (rocksdb-disable-wal-fsync=false)",
  close: async () => {
    await new Promise((resolve) => server.once("exit", resolve) && server.kill("SIGTERM"))
  }
})
