/** A double of E2B's API and of `envd`, the server on its machines, made from the requests of the SDK 2.51. */
import { randomUUID } from "node:crypto"
import { json, key, Machine, serve } from "./Machine.ts"

const machines = new Map<string, Machine>()

const told = (machine: Machine) => ({
  sandboxID: machine.id,
  templateID: machine.settings.templateID ?? "base",
  clientID: "double",
  envdVersion: "0.6.2",
  envdAccessToken: `envd-${machine.id}`,
  metadata: machine.labels,
  state: machine.state,
  cpuCount: 2,
  memoryMB: 512,
  startedAt: machine.settings.startedAt,
  endAt: new Date(Date.now() + 3_600_000).toISOString()
})

/** One message of a stream of Connect: a flag, a length, JSON. */
const envelope = (flags: number, message: unknown): Buffer => {
  const body = Buffer.from(JSON.stringify(message))
  const head = Buffer.alloc(5)
  head.writeUInt8(flags, 0)
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

serve(machines, async ({ body, method, request, response, url }) => {
  const path = url.pathname
  const inside = request.headers["e2b-sandbox-id"]
  if (typeof inside === "string") {
    const machine = machines.get(inside)
    if (machine === undefined || machine.state === "paused") return json(response, 502, { message: "no such sandbox" })
    if (request.headers["x-access-token"] !== `envd-${machine.id}`) return json(response, 401, { message: "no token" })
    if (path === "/health") return void response.writeHead(204).end()
    if (path === "/files" && method === "POST") {
      const target = url.searchParams.get("path") ?? ""
      const code = await machine.write(target, body)
      return code === 0
        ? json(response, 200, [{ name: target, path: target, type: "file" }])
        : json(response, 500, { code: 500, message: "can not write" })
    }
    if (path === "/process.Process/Start") {
      const asked = JSON.parse(body.subarray(5).toString())
      const { args = [], cmd, cwd, envs } = asked.process
      const child = machine.spawn([cmd, ...args], { cwd, env: envs })
      response.writeHead(200, { "content-type": "application/connect+json" })
      response.write(envelope(0, { event: { start: { pid: child.pid } } }))
      for (const name of ["stdout", "stderr"] as const) {
        child[name]?.on("data", (chunk: Buffer) => {
          response.write(envelope(0, { event: { data: { [name]: chunk.toString("base64") } } }))
        })
      }
      child.stdin?.end()
      // A request that is aborted ends its process, as envd does it.
      response.on("close", () => child.exitCode === null && child.kill("SIGKILL"))
      child.on("close", (code) => {
        const end = {
          exited: code !== null,
          exitCode: code ?? -1,
          status: code === null ? "signal" : `exit status ${code}`
        }
        response.write(envelope(0, { event: { end } }))
        response.end(envelope(2, {}))
      })
      return
    }
    return json(response, 404, { message: `the double has no ${path}` })
  }

  if (request.headers["x-api-key"] !== key) return json(response, 401, { code: 401, message: "Invalid API key" })
  const input = body.length > 0 ? JSON.parse(body.toString()) : {}
  if (path === "/v2/sandboxes" && method === "GET") {
    const wanted = [...new URLSearchParams(url.searchParams.get("metadata") ?? "")].map(
      ([name, value]) => [decodeURIComponent(name), decodeURIComponent(value)] as const
    )
    const states = (url.searchParams.get("state") ?? "running,paused").split(",")
    const found = [...machines.values()].filter(
      ({ labels, state }) => states.includes(state) && wanted.every(([name, value]) => labels[name] === value)
    )
    return json(response, 200, found.map(told))
  }
  if (path === "/v2/sandboxes" && method === "POST") {
    if (input.templateID === "missing") return json(response, 404, { code: 404, message: "template not found" })
    const machine = new Machine(`i${randomUUID().replaceAll("-", "").slice(0, 19)}`, input.metadata ?? {})
    machine.settings = { ...input, startedAt: new Date().toISOString() }
    machines.set(machine.id, machine)
    return json(response, 201, told(machine))
  }
  const [, id = "", what = ""] = /^\/(?:v2\/)?sandboxes\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? []
  const machine = machines.get(id)
  if (machine === undefined) return json(response, 404, { code: 404, message: `sandbox ${id} not found` })
  switch (`${method} ${what}`) {
    case "DELETE ":
      machine.destroy()
      machines.delete(id)
      return void response.writeHead(204).end()
    case "POST connect":
      machine.state = "running"
      return json(response, 200, told(machine))
    case "POST pause":
      if (machine.state === "paused") return json(response, 409, { code: 409, message: "paused already" })
      machine.state = "paused"
      return void response.writeHead(204).end()
    case "POST timeout":
      return void response.writeHead(204).end()
    case "PUT network":
      machine.settings.network = input
      return void response.writeHead(204).end()
  }
  return json(response, 404, { code: 404, message: `the double has no ${method} ${path}` })
})
