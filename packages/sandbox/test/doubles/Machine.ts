/**
 * A stand-in for a provider's machine: commands really run, in a mount namespace where the folders of the test are not to be
 * seen. Used by the doubles of the providers, which are processes of their own.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo, Server as NetServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

export class Machine {
  readonly id: string
  readonly root: string
  labels: Readonly<Record<string, string>>
  state: "running" | "paused" = "running"
  /** What the provider was asked for, beyond its labels. */
  settings: Record<string, unknown> = {}
  readonly running: Set<ChildProcess> = new Set()

  /** Where its user is at home. */
  readonly home: string

  constructor(id: string, labels: Readonly<Record<string, string>>, home = "/home/user") {
    this.id = id
    this.home = home
    this.labels = labels
    this.root = mkdtempSync(join(tmpdir(), "machine-"))
    for (const folder of ["tmp", "home"]) mkdirSync(join(this.root, folder))
  }

  /** Runs a program of the machine. */
  spawn(
    argv: ReadonlyArray<string>,
    options: { cwd?: string | undefined; env?: Record<string, string> } = {}
  ): ChildProcess {
    const child = spawn(
      "bwrap",
      [
        ...["--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin"],
        ...["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--ro-bind", "/etc", "/etc"],
        ...["--dev-bind", "/dev", "/dev", "--bind", "/proc", "/proc", "--bind", join(this.root, "tmp"), "/tmp"],
        ...["--bind", join(this.root, "home"), this.home, "--chdir", options.cwd ?? this.home, "--", ...argv]
      ],
      {
        env: {
          PATH: "/usr/local/bin:/usr/bin:/bin",
          HOME: this.home,
          USER: "user",
          LANG: "C.UTF-8",
          MACHINE: this.id,
          ...options.env
        },
        stdio: ["pipe", "pipe", "pipe"]
      }
    )
    child.stdin?.on("error", () => {})
    this.running.add(child)
    child.on("close", () => this.running.delete(child))
    return child
  }

  /** Runs a program to its end, or until who asked for it has gone. */
  run(
    argv: ReadonlyArray<string>,
    input?: Uint8Array,
    caller?: ServerResponse
  ): Promise<{ code: number; stdout: Buffer; stderr: Buffer }> {
    return new Promise((resolve) => {
      const child = this.spawn(argv)
      const chunks: { stdout: Array<Buffer>; stderr: Array<Buffer> } = { stdout: [], stderr: [] }
      child.stdout?.on("data", (chunk: Buffer) => chunks.stdout.push(chunk))
      child.stderr?.on("data", (chunk: Buffer) => chunks.stderr.push(chunk))
      child.on("close", (code) => {
        resolve({ code: code ?? 255, stdout: Buffer.concat(chunks.stdout), stderr: Buffer.concat(chunks.stderr) })
      })
      caller?.on("close", () => child.exitCode === null && child.kill("SIGKILL"))
      child.stdin?.end(input)
    })
  }

  /** Writes a file of the machine. */
  write(path: string, bytes: Uint8Array): Promise<number> {
    const script = 'mkdir -p "$(dirname "$1")" && cat > "$1"'
    return this.run(["sh", "-c", script, "sh", path], bytes).then(({ code }) => code)
  }

  /** Ends everything that was started in it. */
  end(): void {
    for (let left = this.processes(); left.length > 0; left = this.processes()) {
      for (const pid of left) {
        try {
          process.kill(pid, "SIGKILL")
        } catch {
          // It has ended.
        }
      }
    }
  }

  /** Ends the machine. */
  destroy(): void {
    this.end()
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 })
  }

  /** Processes that carry the id of the machine, in the provider's own variable or in that of a relay. */
  processes(): ReadonlyArray<number> {
    return readdirSync("/proc").flatMap((name) => {
      if (!/^\d+$/.test(name)) return []
      try {
        const isZombie = / [ZX] /.test(readFileSync(`/proc/${name}/stat`, "latin1").replace(/^.*\)/s, ""))
        return !isZombie && readFileSync(`/proc/${name}/environ`, "latin1").includes(this.id) ? [Number(name)] : []
      } catch {
        return []
      }
    })
  }
}

/** A fault that the next requests which match run into. */
export interface Fault {
  /** Part of the method and path, as `POST /v2/sandboxes`. */
  readonly on: string
  readonly times: number
  /** An answer; `hang` never answers; `drop` cuts the connection; `lose` does what is asked and then cuts the connection. */
  readonly how:
    | { readonly status: number; readonly headers?: Record<string, string> }
    | "hang"
    | "drop"
    | "lose"
    | "cut"
}

/** A request, with its body. */
export interface Call {
  readonly method: string
  readonly url: URL
  readonly request: IncomingMessage
  readonly body: Buffer
  readonly response: ServerResponse
}

export const json = (response: ServerResponse, status: number, body?: unknown): void => {
  response.writeHead(status, { "content-type": "application/json" })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

/** The key that doubles take. */
export const key = "e2b_0123456789abcdef0123456789abcdef01234567"

/** What a double is asked beside the SDK. */
export interface Controls {
  /**
   * Answers what the test asks: `POST /__faults` sets faults, `GET /__machines` tells what is there, `GET /__calls` what was
   * asked. False for anything else.
   */
  readonly answer: (path: string, body: Buffer, response: ServerResponse) => boolean
  /** Notes a request, and takes the fault that it runs into. */
  readonly take: (name: string) => Fault["how"] | undefined
}

/** The controls of a double with these machines. */
export const controls = (machines: ReadonlyMap<string, Machine>): Controls => {
  let faults: Array<{ on: string; times: number; how: Fault["how"] }> = []
  const calls: Array<string> = []
  return {
    answer: (path, body, response) => {
      if (path === "/__faults") {
        faults = JSON.parse(body.toString())
        json(response, 200, {})
      } else if (path === "/__calls") {
        json(response, 200, calls.splice(0))
      } else if (path === "/__machines") {
        const all = [...machines.values()].map(({ id, labels, settings, state }) => ({ id, labels, settings, state }))
        json(response, 200, all)
      } else return false
      return true
    },
    take: (name) => {
      calls.push(name)
      const fault = faults.find(({ on, times }) => times > 0 && name.includes(on))
      if (fault !== undefined) fault.times--
      return fault?.how
    }
  }
}

/** Listens on loopback until the process that started it is gone. Prints the port, and that of the controls. */
export const listen = <A extends NetServer>(
  server: A,
  machines: ReadonlyMap<string, Machine>,
  controlPort?: number
): A => {
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    console.log(`${port} ${controlPort ?? port}`)
  })
  const end = () => {
    for (const machine of machines.values()) machine.destroy()
    process.exit(0)
  }
  process.stdin.resume().on("end", end).on("error", end)
  process.on("SIGTERM", end)
  return server
}

/** Serves a double of an HTTP API, with faults on demand. */
export const serve = (machines: Map<string, Machine>, handle: (call: Call) => Promise<void> | void): Server => {
  const { answer, take } = controls(machines)
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const body = Buffer.concat(chunks)
      const url = new URL(request.url ?? "/", "http://double.invalid")
      const method = request.method ?? "GET"
      if (answer(url.pathname, body, response)) return
      const how = take(`${method} ${url.pathname}`)
      if (how !== undefined) {
        if (how === "hang") return
        if (how === "drop") return void request.socket.destroy()
        if (how === "cut") {
          // Half of the answer arrives.
          const write = response.write.bind(response)
          response.write = (chunk: Uint8Array | string) => {
            write(Buffer.from(chunk as string).subarray(0, 20))
            setTimeout(() => request.socket.destroy(), 20)
            return true
          }
        } else if (how === "lose") {
          response.writeHead = () => response
          response.write = () => true
          response.end = () => {
            request.socket.destroy()
            return response
          }
        } else {
          response.writeHead(how.status, { "content-type": "application/json", ...how.headers })
          response.end(JSON.stringify({ code: how.status, message: "a fault" }))
          return
        }
      }
      Promise.resolve(handle({ method, url, request, body, response })).catch((error: unknown) => {
        if (!response.headersSent) json(response, 500, { code: 500, message: String(error) })
        else response.destroy()
      })
    })
  })
  return listen(server, machines)
}
