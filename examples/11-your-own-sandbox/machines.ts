/**
 * The provider of this example: a service with an HTTP API that makes machines, runs a text on one and answers when it has
 * ended. It stands on loopback, and its machines are folders of this computer; the adapter knows nothing of that.
 *
 *     POST   /machines               { label }           → { id, folder }
 *     GET    /machines?label=…                           → [{ id, folder }]
 *     GET    /machines/:id                               → { id, folder }
 *     POST   /machines/:id/run       a text for a shell  → { code, stdout, stderr }
 *     PUT    /machines/:id/files?path=…   bytes
 *     DELETE /machines/:id
 */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

interface Machine {
  readonly id: string
  readonly label: string
  readonly folder: string
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const run = (folder: string, text: string) =>
  new Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resolve, reject) => {
    const env = {
      PATH: process.env["PATH"],
      HOME: folder,
      LANG: "C.UTF-8",
      TMPDIR: folder,
      TERM: "dumb",
      USER: "agent"
    }
    const child = spawn("/bin/sh", ["-c", text], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (more) => (stdout += more))
    child.stderr.setEncoding("utf8").on("data", (more) => (stderr += more))
    child.on("error", reject)
    child.on("close", (code) => resolve({ code: code ?? 137, stdout, stderr }))
  })

/** Starts the service; it ends, and its machines are gone, with the scope. Whoever has the key may use it. */
export const start = (key: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly count: () => number; readonly close: () => void }>((resume) => {
      const root = realpathSync(mkdtempSync(join(tmpdir(), "machines-")))
      const machines = new Map<string, Machine>()
      const answer = async (request: IncomingMessage): Promise<readonly [status: number, body?: unknown]> => {
        const { pathname, searchParams } = new URL(request.url ?? "/", "http://service")
        const [, , id = "", what = ""] = pathname.split("/")
        const machine = machines.get(id)
        const body = await bodyOf(request)
        if (request.headers.authorization !== `Bearer ${key}`) return [401, { error: "unknown key" }]
        if (id === "" && request.method === "POST") {
          const made = { id: randomUUID(), label: JSON.parse(String(body)).label, folder: join(root, randomUUID()) }
          mkdirSync(made.folder)
          machines.set(made.id, made)
          return [200, made]
        }
        if (id === "") return [200, [...machines.values()].filter(({ label }) => label === searchParams.get("label"))]
        if (machine === undefined) return [404, { error: `no machine ${id}` }]
        switch (`${request.method} ${what}`) {
          case "GET ":
            return [200, machine]
          case "POST run":
            return [200, await run(machine.folder, String(body))]
          case "PUT files":
            writeFileSync(searchParams.get("path") ?? "", body)
            return [200, {}]
          case "DELETE ":
            rmSync(machine.folder, { recursive: true, force: true, maxRetries: 5 })
            machines.delete(id)
            return [200, {}]
        }
        return [404, { error: "no such call" }]
      }
      const server = createServer((request, response) => {
        answer(request).then(
          ([status, body]) =>
            response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
          (error: unknown) => response.writeHead(500).end(JSON.stringify({ error: String(error) }))
        )
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo // it listens on a port
        const close = () => {
          server.close()
          server.closeAllConnections()
          rmSync(root, { recursive: true, force: true, maxRetries: 5 })
        }
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, count: () => machines.size, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )
