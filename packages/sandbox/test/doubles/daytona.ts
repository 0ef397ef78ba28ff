/** A double of Daytona's API and of the toolbox on its machines, made from the requests of the SDK 0.216. */
import { randomUUID } from "node:crypto"
import { json, key, Machine, serve } from "./Machine.ts"

const machines = new Map<string, Machine>()

const server = serve(machines, async ({ body, method, request, response, url }) => {
  const told = (machine: Machine) => ({
    id: machine.id,
    name: machine.id,
    organizationId: "org",
    labels: machine.labels,
    state: machine.state === "paused" ? "stopped" : "started",
    target: "us",
    createdAt: machine.settings.createdAt,
    toolboxProxyUrl: `http://${request.headers.host}/toolbox`
  })
  const path = url.pathname
  if (request.headers.authorization !== `Bearer ${key}`)
    return json(response, 401, { statusCode: 401, message: "Unauthorized" })
  const inside = /^\/toolbox\/([^/]+)(\/.*)$/.exec(path)
  if (inside !== null) {
    const machine = machines.get(inside[1] ?? "")
    if (machine === undefined || machine.state === "paused")
      return json(response, 404, { statusCode: 404, message: "not found" })
    if (inside[2] === "/process/execute") {
      const { command } = JSON.parse(body.toString())
      const { code, stderr, stdout } = await machine.run(["sh", "-c", command], undefined, response)
      return json(response, 200, { exitCode: code, result: Buffer.concat([stdout, stderr]).toString() })
    }
    if (inside[2] === "/files/bulk-upload") {
      const form = await new Response(body, {
        headers: { "content-type": request.headers["content-type"] ?? "" }
      }).formData()
      const file = form.get("files[0].file")
      if (!(file instanceof File)) return json(response, 400, { statusCode: 400, message: "no file" })
      await machine.write(String(form.get("files[0].path")), new Uint8Array(await file.arrayBuffer()))
      return json(response, 200, {})
    }
    return json(response, 404, { statusCode: 404, message: `the double has no ${method} ${path}` })
  }
  const input = body.length > 0 ? JSON.parse(body.toString()) : {}
  if (path === "/api/sandbox" && method === "GET") {
    const labels = Object.entries(JSON.parse(url.searchParams.get("labels") ?? "{}"))
    const items = [...machines.values()].filter((one) => labels.every(([name, value]) => one.labels[name] === value))
    return json(response, 200, { items: items.map(told), nextCursor: null })
  }
  if (path === "/api/sandbox" && method === "POST") {
    const machine = new Machine(randomUUID(), input.labels ?? {}, "/home/daytona")
    machine.settings = { ...input, createdAt: new Date().toISOString() }
    machines.set(machine.id, machine)
    return json(response, 200, told(machine))
  }
  const [, id = "", what = ""] = /^\/api\/sandbox\/([^/]+)(?:\/([\w-]+))?$/.exec(path) ?? []
  const machine = machines.get(id)
  if (machine === undefined) return json(response, 404, { statusCode: 404, message: `sandbox ${id} not found` })
  switch (`${method} ${what}`) {
    case "GET ":
      return json(response, 200, told(machine))
    case "DELETE ":
      machine.destroy()
      machines.delete(id)
      return json(response, 200, { ...told(machine), state: "destroyed" })
    case "POST start":
      machine.state = "running"
      return json(response, 200, told(machine))
    case "POST stop":
      // Stopping ends what runs.
      machine.end()
      machine.state = "paused"
      return json(response, 200, told(machine))
    case "POST network-settings":
      machine.settings.network = input
      return json(response, 200, told(machine))
    case "POST last-activity":
      return json(response, 200, {})
  }
  return json(response, 404, { statusCode: 404, message: `the double has no ${method} ${path}` })
})
server.keepAliveTimeout = 60_000
