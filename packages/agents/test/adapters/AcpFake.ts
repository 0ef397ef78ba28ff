/** A program that speaks ACP as far as its bodies say: no agent, but what one might do. */
import { writeFileSync } from "node:fs"

/** What it does, as code: it has `params`, and answers with what the body returns. */
export interface Bodies {
  /** What it says of itself, as an object. */
  readonly hello?: string
  /** When a session is begun. Default: there is one. */
  readonly session?: string
  /** When it is told something. `texts` has all that it was told. */
  readonly prompt: string
}

/** Writes it into the current folder. */
export const write = ({ hello = "{}", prompt, session = "" }: Bodies): void =>
  writeFileSync(
    "fake",
    `#!${process.execPath}
const fs = require("node:fs"), { spawn } = require("node:child_process")
const out = (message) => fs.writeSync(1, JSON.stringify({ jsonrpc: "2.0", ...message }) + "\\n")
const waiting = new Map(), servers = [], texts = [], methods = []
let ids = 0, client
const ask = (method, params) => new Promise((resolve) => {
  const id = "ours-" + ++ids
  waiting.set(id, resolve)
  out({ id, method, params: { sessionId: "s1", ...params } })
})
const update = (sessionUpdate, more) => out({ method: "session/update", params: { sessionId: "s1", update: { sessionUpdate, ...more } } })
const text = (text) => update("agent_message_chunk", { content: { type: "text", text } })
const lines = (stream, each) => {
  let rest = ""
  stream.setEncoding("utf8").on("data", (text) => {
    const all = (rest + text).split("\\n")
    rest = all.pop()
    for (const line of all) each(JSON.parse(line))
  })
}
/** Starts a server that it was given, and calls a tool of it. */
const mcp = (server, name, args) => new Promise((resolve) => {
  const child = spawn(server.command, server.args, { stdio: ["pipe", "pipe", "inherit"] })
  const send = (message) => child.stdin.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\\n")
  lines(child.stdout, ({ id, result, error }) => {
    if (id === 1) {
      send({ method: "notifications/initialized" })
      send({ id: 2, method: "tools/call", params: { name, arguments: args } })
    }
    if (id === 2) resolve(result ?? error)
  })
  send({ id: 1, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "fake", version: "1" } } })
})
const outcome = (note) => mcp(servers.find(({ name }) => name === "millwright"), "outcome", { outcome: { _tag: "Done", note } })
const never = () => new Promise(() => setInterval(() => {}, 1000))
const opened = async (params) => {
  servers.push(...params.mcpServers)
  const given = await (async () => { ${session} })()
  return given ?? { sessionId: "s1" }
}
const handlers = {
  initialize: async (params) => {
    client = params.clientCapabilities
    return { protocolVersion: 1, agentCapabilities: {}, ...${hello} }
  },
  "session/new": opened, "session/load": opened, "session/resume": opened, "session/fork": opened,
  "session/prompt": async (params) => {
    texts.push(params.prompt[0].text)
    const given = await (async () => {
${prompt}
    })()
    return given ?? { stopReason: "end_turn" }
  }
}
const fail = (code, message) => { throw { code, message } }
lines(process.stdin, ({ id, method, params, result, error }) => {
  if (method === undefined) return void waiting.get(id)?.(result ?? { error })
  methods.push(method)
  if (id === undefined) return
  handlers[method](params).then((result) => out({ id, result }), (error) =>
    out({ id, error: error.code ? error : { code: -32603, message: String(error?.stack ?? error) } }))
})
process.stdin.on("end", () => process.exit(0))
`,
    { mode: 0o755 }
  )
