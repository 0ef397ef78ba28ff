/** A double of Modal's API and of the command router on its machines, made from the requests of the SDK 0.11. */
import type { ChildProcess } from "node:child_process"
import { cpSync } from "node:fs"
import { randomUUID } from "node:crypto"
import { EventEmitter, once } from "node:events"
import { type Call, type Fields, type Methods, Refused, serveGrpc, unary } from "./Grpc.ts"
import { key, Machine } from "./Machine.ts"

/** A machine, and what is left of it when it has ended. */
class Box extends Machine {
  readonly name: string
  readonly task = `ta-${randomUUID()}`
  readonly image = `im-${randomUUID()}`
  constructor(definition: Fields, tags: Fields) {
    super(`sb-${randomUUID()}`, Object.fromEntries(tags.map((tag: Fields) => [tag.tagName, tag.tagValue])), "/root")
    this.name = definition.name
    this.settings = definition
  }
  get hasEnded() {
    return this.state === "paused"
  }
}

/** Those whose files are there: up, or as a snapshot. */
const boxes = new Map<string, Box>()
/** Those whose files are gone, which are still known. */
const past = new Map<string, Box>()

const success = { status: 1 }
const terminated = { status: 3 }
const header = { alg: "none" }
const jwt = () =>
  [header, { exp: Math.floor(Date.now() / 1_000) + 3_600 }, {}]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".")

const boxOf = (id: string): Box => {
  const box = boxes.get(id) ?? past.get(id)
  if (box === undefined) throw new Refused(5, `there is no sandbox ${id}`)
  return box
}

const upOf = (task: string): Box => {
  const box = [...boxes.values()].find((one) => one.task === task && !one.hasEnded)
  if (box === undefined) throw new Refused(5, `there is no task ${task} that runs`)
  return box
}

/** A command that was started. */
class Exec extends EventEmitter {
  readonly output: Record<"stdout" | "stderr", Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  readonly child: ChildProcess
  written = 0
  stdinIsClosed = false
  end: Fields | undefined
  constructor(child: ChildProcess, timeout: number) {
    super()
    this.setMaxListeners(0)
    this.child = child
    const killed = timeout > 0 ? setTimeout(() => child.kill("SIGKILL"), timeout * 1_000) : undefined
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.on("data", (chunk: Buffer) => {
        this.output[name] = Buffer.concat([this.output[name], chunk])
        this.emit("change")
      })
    }
    child.on("close", (code, signal) => {
      clearTimeout(killed)
      this.end = signal === null ? { code: code ?? 255 } : { signal: 9 }
      this.emit("change")
    })
  }
  async changed(signal: AbortSignal): Promise<void> {
    await once(this, "change", { signal }).catch(() => {})
    if (signal.aborted) throw new Refused(1, "nobody waits for it")
  }
}

const execs = new Map<string, Exec>()
const execOf = (id: string): Exec => {
  const exec = execs.get(id)
  if (exec === undefined) throw new Refused(5, `there is no exec ${id}`)
  return exec
}

const access = ({ headers }: Call) => ({ jwt: jwt(), url: `https://${headers[":authority"]}` })
const tunnelsOf = ({ settings }: Box) =>
  ((settings.openPorts as Fields | undefined)?.ports ?? []).map(({ port }: Fields) => ({
    host: `${port}.modal.invalid`,
    port: 443,
    containerPort: port
  }))

/** The tool on every machine that writes a file of what it reads. */
const tool = "/__modal/.bin/modal-sandbox-fs-tools"
const writing = 'mkdir -p "$(dirname "$1")" && cat > "$1"'

const api: Methods = {
  AuthTokenGet: unary(() => ({ token: jwt() })),
  EnvironmentGetOrCreate: unary(() => ({
    environmentId: "en-double",
    metadata: { name: "main", settings: { imageBuilderVersion: "2025.06" } }
  })),
  AppGetOrCreate: unary(() => ({ appId: "ap-double" })),
  ImageGetOrCreate: unary(({ image }) =>
    image.dockerfileCommands[0] === "FROM missing"
      ? { imageId: "im-missing", result: { status: 2, exception: "there is no such image" } }
      : { imageId: "im-base", result: success }
  ),
  ImageFromId: unary(({ imageId }) => {
    if (imageId !== "im-base" && ![...boxes.values()].some((box) => box.image === imageId && box.hasEnded)) {
      throw new Refused(5, `there is no image ${imageId}`)
    }
    return { imageId }
  }),
  ImageDelete: unary(({ imageId }) => {
    const box = [...boxes.values()].find((one) => one.image === imageId)
    if (box === undefined) throw new Refused(5, `there is no image ${imageId}`)
    box.destroy()
    boxes.delete(box.id)
    past.set(box.id, box)
    return {}
  }),
  SandboxCreateV2: unary(({ definition, tags }, call) => {
    const all = [...boxes.values()]
    if (all.some((one) => one.name === definition.name && !one.hasEnded)) {
      throw new Refused(6, `the name ${definition.name} is taken`)
    }
    const from = all.find((one) => one.image === definition.imageId)
    if (from === undefined && definition.imageId !== "im-base") throw new Refused(9, "there is no such image")
    const box = new Box(definition, tags)
    if (from !== undefined) {
      cpSync(from.root, box.root, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
      // Nobody asks for the files of one that another was made of.
      from.destroy()
      boxes.delete(from.id)
      past.set(from.id, from)
    }
    boxes.set(box.id, box)
    return { sandboxId: box.id, taskId: box.task, tunnels: tunnelsOf(box), commandRouterAccess: access(call) }
  }),
  SandboxGetFromNameV2: unary(({ includeTerminated, sandboxName }) => {
    const named = [...past.values(), ...boxes.values()].filter(({ name }) => name === sandboxName)
    const found = named.find((box) => !box.hasEnded) ?? (includeTerminated ? named.at(-1) : undefined)
    if (found === undefined) throw new Refused(5, `there is no sandbox named ${sandboxName}`)
    return { sandboxId: found.id }
  }),
  SandboxWaitV2: unary(({ sandboxId }) => (boxOf(sandboxId).hasEnded ? { result: terminated } : {})),
  SandboxTerminateV2: unary(({ sandboxId }) => {
    const box = boxOf(sandboxId)
    box.end()
    box.state = "paused"
    return {}
  }),
  SandboxGetTaskIdV2: unary(({ sandboxId }) => {
    const box = boxOf(sandboxId)
    return box.hasEnded ? { taskResult: terminated } : { taskId: box.task }
  }),
  SandboxGetTunnelsV2: unary(({ sandboxId }) => ({ result: success, tunnels: tunnelsOf(boxOf(sandboxId)) })),
  SandboxGetExitSnapshotV2: unary(({ sandboxId }) => {
    const box = boxOf(sandboxId)
    const options = Object(box.settings.experimentalOptionsV2)
    if (options.enable_exit_snapshot !== "true") throw new Refused(3, "exit snapshots are not enabled")
    return box.hasEnded ? { success: { imageId: box.image } } : { pending: {} }
  }),
  SandboxGetCommandRouterAccess: unary((_, call) => access(call))
}

const router: Methods = {
  TaskExecStart: unary(({ commandArgs, execId, taskId, timeoutSecs }) => {
    // One that was started is not started again.
    if (execs.has(execId)) return {}
    const [program, asked] = commandArgs
    const argv = program === tool ? ["sh", "-c", writing, "sh", JSON.parse(asked).WriteFile.path] : commandArgs
    const exec = new Exec(upOf(taskId).spawn(argv), timeoutSecs)
    execs.set(execId, exec)
    exec.child.on("close", () => setTimeout(() => execs.delete(execId), 30_000).unref())
    return {}
  }),
  TaskExecStdioRead: async ({ requests, send, signal }) => {
    for await (const { execId, fileDescriptor, offset } of requests) {
      const exec = execOf(execId)
      const name = fileDescriptor === 1 ? "stderr" : "stdout"
      for (let at: number = offset; ;) {
        const isOver = exec.end !== undefined
        const data = exec.output[name].subarray(at, at + 65_536)
        if (data.length > 0) {
          at += data.length
          await send({ data })
        } else if (isOver) return
        else await exec.changed(signal)
      }
    }
  },
  TaskExecWait: unary(async ({ execId }, { signal }) => {
    const exec = execOf(execId)
    while (exec.end === undefined) await exec.changed(signal)
    return exec.end
  }),
  TaskExecStdinWriteStream: async ({ requests, send }) => {
    let exec: Exec | undefined
    for await (const { data, end, start } of requests) {
      if (start) exec = execOf(start.execId)
      else if (exec === undefined || exec.stdinIsClosed) throw new Refused(9, "its input is closed")
      else if (end) {
        exec.stdinIsClosed = true
        exec.child.stdin?.end()
      } else {
        exec.written += data.length
        exec.child.stdin?.write(data)
      }
    }
    await send({})
  },
  TaskExecStdinStatus: unary(({ execId }) => {
    const exec = execOf(execId)
    return { numBytesWritten: exec.written, closed: exec.stdinIsClosed }
  }),
  TaskSetNetworkAccess: unary(({ networkAccess, taskId }) => {
    upOf(taskId).settings.networkAccess = networkAccess
    return {}
  })
}

/** Every request carries what says who asks. */
const guarded = (methods: Methods, allows: (headers: Call["headers"]) => boolean): Methods =>
  Object.fromEntries(
    Object.entries(methods).map(([name, method]) => [
      name,
      async (call: Call) => {
        if (!allows(call.headers)) throw new Refused(16, "Token missing or wrong")
        return method(call)
      }
    ])
  )

serveGrpc(new URL("./modal.proto", import.meta.url), boxes, {
  ...guarded(api, (headers) => headers["x-modal-token-secret"] === key),
  ...guarded(router, ({ authorization }) => authorization?.startsWith("Bearer ") === true)
})
