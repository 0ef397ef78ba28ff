/** A double of Vercel's sandbox API, made from the requests of the SDK 3.5. */
import { randomUUID } from "node:crypto"
import { gunzipSync } from "node:zlib"
import { json, key, Machine, serve } from "./Machine.ts"

/** By name; a session's id is that of its machine. */
const machines = new Map<string, Machine>()

const statusOf = (machine: Machine) => (machine.state === "paused" ? "stopped" : "running")
const told = (machine: Machine) => ({
  sandbox: {
    name: machine.settings.name,
    persistent: true,
    createdAt: machine.settings.createdAt,
    updatedAt: machine.settings.createdAt,
    currentSessionId: machine.id,
    status: statusOf(machine),
    tags: machine.labels
  },
  session: {
    id: machine.id,
    memory: 2048,
    vcpus: 1,
    region: "iad1",
    timeout: 300_000,
    status: statusOf(machine),
    requestedAt: machine.settings.createdAt,
    createdAt: machine.settings.createdAt,
    updatedAt: machine.settings.createdAt,
    cwd: machine.home
  },
  routes: []
})

const lacks = (what: string) => ({ error: { code: "not_found", message: `there is no ${what}` } })

serve(machines, async ({ body, method, request, response, url }) => {
  const path = url.pathname.replace(/^\/api/, "")
  if (request.headers.authorization !== `Bearer ${key}`) {
    return json(response, 403, { error: { code: "forbidden", message: "Not authorized" } })
  }
  const isGzip = request.headers["content-type"] === "application/gzip"
  const input = body.length > 0 && !isGzip ? JSON.parse(body.toString()) : {}
  const [, session, what = ""] = /^\/v2\/sandboxes\/sessions\/([^/]+)\/([\w/-]+)$/.exec(path) ?? []
  if (session !== undefined) {
    const machine = [...machines.values()].find(({ id }) => id === session)
    if (machine === undefined) return json(response, 404, lacks("session"))
    if (machine.state === "paused" && what !== "stop") {
      return json(response, 410, { error: { code: "sandbox_stopped", message: "the sandbox is stopped" } })
    }
    switch (`${method} ${what}`) {
      case "POST cmd": {
        const child = machine.spawn([input.command, ...input.args], { cwd: input.cwd, env: input.env })
        const command = {
          id: `cmd_${randomUUID()}`,
          name: input.command,
          args: [],
          cwd: machine.home,
          sessionId: session,
          startedAt: Date.now()
        }
        response.writeHead(200, { "content-type": "application/x-ndjson" })
        const line = (value: unknown) => response.write(`${JSON.stringify(value)}\n`)
        line({ command: { ...command, exitCode: null } })
        for (const stream of ["stdout", "stderr"] as const) {
          child[stream]?.on("data", (data: Buffer) => line({ stream, data: data.toString() }))
        }
        response.on("close", () => child.exitCode === null && child.kill("SIGKILL"))
        child.stdin?.end()
        child.on("close", (code) => {
          line({ command: { ...command, exitCode: code ?? 137 } })
          response.end()
        })
        return
      }
      case "POST fs/write": {
        const root = String(request.headers["x-cwd"] ?? "/")
        const { code } = await machine.run(["tar", "-x", "-f", "-", "-C", root], gunzipSync(body))
        return code === 0 ? json(response, 200, {}) : json(response, 400, { error: { code: "bad", message: "no tar" } })
      }
      case "POST stop":
        machine.end()
        machine.state = "paused"
        return json(response, 200, told(machine))
      case "POST network-policy":
        machine.settings.network = input
        return json(response, 200, told(machine))
      case "POST extend-timeout":
        return json(response, 200, told(machine))
    }
    return json(response, 404, lacks(`${method} ${path} in the double`))
  }
  if (path === "/v3/sandboxes" && method === "POST") {
    if (machines.has(input.name)) {
      return json(response, 409, { error: { code: "conflict", message: "the name is taken" } })
    }
    const machine = new Machine(`sbx-${randomUUID()}`, input.tags ?? {}, "/vercel/sandbox")
    machine.settings = { ...input, createdAt: Date.now() }
    machines.set(input.name, machine)
    return json(response, 200, told(machine))
  }
  const [, name = ""] = /^\/v2\/sandboxes\/([^/]+)$/.exec(path) ?? []
  const machine = machines.get(decodeURIComponent(name))
  if (machine === undefined) return json(response, 404, lacks(`sandbox ${name}`))
  switch (method) {
    case "GET":
      if (url.searchParams.get("resume") === "true") machine.state = "running"
      return json(response, 200, told(machine))
    case "PATCH":
      machine.settings.network = input.networkPolicy
      return json(response, 200, told(machine))
    case "DELETE":
      machine.destroy()
      machines.delete(decodeURIComponent(name))
      return json(response, 200, told(machine))
  }
  return json(response, 404, lacks(`${method} ${path} in the double`))
})
