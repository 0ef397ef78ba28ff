/**
 * What we put into pi: an extension, as the text of a module that pi loads from the folder of a run. It registers the tools that
 * pi does not have, refuses paths that lead out of the workspace, and asks us before each further call of the model.
 *
 * It stands in a file of its own process, so it imports nothing of ours. What it asks is asked as pi's extensions ask a user: a
 * question in a line of the output, and its answer in a line of the input.
 */
import * as PiTools from "./PiTools.ts"

/** What it is told. */
export interface Config {
  /** The provider that the key is for. */
  readonly provider: string
  /** A key comes over {@link keyDescriptor}. */
  readonly hasKey: boolean
  readonly keyDescriptor: number
  /** The shape of the arguments of the tool of the outcome, as JSON Schema. */
  readonly outcome: unknown
  readonly tools: ReadonlyArray<PiTools.Offered>
}

/** What it asks and says, by the title of the question or the key of the status. */
export const asks = {
  /** That it is there, with pi's version. It waits for no answer. */
  ready: "millwright-ready",
  /** The name of an answer that has begun. It waits for no answer. */
  answer: "millwright-answer",
  /** May the model be called again? */
  turn: "millwright-turn",
  /** May the model be called to shorten the conversation? */
  compact: "millwright-compact",
  /** A call of one of the tools that we serve. */
  call: "millwright-call"
} as const

/** The answer by which pi does not call the model. */
export const stop = "stop"

/** The text of its module. */
export const source = (config: Config): string =>
  `const config = ${JSON.stringify({ ...config, asks, stop, outcomeTool: PiTools.outcome })}\n${body}`

const body = String.raw`
import * as fs from "node:fs"
import * as path from "node:path"
import { VERSION } from "@earendil-works/pi-coding-agent"

const root = fs.realpathSync(process.cwd())

// A path is taken as it stands: pi would read a home directory, a URL or another spelling of the name out of it.
const refusal = (why) => ({ block: true, reason: why })
const isWithin = (folder, file) => file === folder || file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep)
const lookUp = (file) => {
  try {
    return fs.realpathSync.native(file)
  } catch (error) {
    if (error.code !== "ENOENT") throw error
    return undefined
  }
}
const isLink = (file) => {
  try {
    return fs.lstatSync(file).isSymbolicLink()
  } catch {
    return false
  }
}
// The nearest ancestor that exists decides where a path leads, since a symbolic link may stand anywhere in it.
const leadsTo = (file) => {
  const missing = []
  for (let at = file; ; at = path.dirname(at)) {
    const real = lookUp(at)
    if (real !== undefined) return { file: path.join(real, ...missing), isThere: missing.length === 0 }
    // It leads to what is not there yet, and may be anywhere.
    if (isLink(at) || path.dirname(at) === at) return undefined
    missing.unshift(path.basename(at))
  }
}

const guard = ({ input, toolName }) => {
  const given = toolName === "grep" ? (input.path ?? ".") : input.path
  if (typeof given !== "string" || given.trim() === "" || given.includes("\0")) return refusal("The path is empty or none.")
  const found = leadsTo(path.resolve(root, given))
  if (found === undefined || !isWithin(root, found.file)) {
    return refusal(JSON.stringify(given) + " leads out of the workspace. Use a path inside it, such as src/main.ts.")
  }
  const writes = toolName === "write" || toolName === "edit"
  if (writes && path.relative(root, found.file).split(path.sep).some((part) => part.toLowerCase() === ".git")) {
    return refusal(JSON.stringify(given) + " belongs to git itself and is never changed by a tool.")
  }
  // pi tries other spellings of what is not there, and takes every space for the common one.
  if (toolName !== "write" && !found.isThere) return refusal("There is no " + JSON.stringify(given) + ".")
  if (/[\u00A0\u2000-\u200A\u202F\u205F\u3000]/.test(found.file)) return refusal("No tool takes a path with such a space in it.")
  input.path = found.file
}

export default function (pi) {
  if (config.hasKey) {
    const key = fs.readFileSync(config.keyDescriptor, "utf8").trim()
    fs.closeSync(config.keyDescriptor)
    pi.registerProvider(config.provider, { apiKey: key.replaceAll("$", "$$$$").replace(/^!/, "$!") })
  }
  pi.registerTool({
    ...config.outcomeTool,
    label: config.outcomeTool.name,
    parameters: config.outcome,
    execute: async () => ({ content: [{ type: "text", text: "Taken." }], details: {}, terminate: true })
  })
  for (const tool of config.tools) {
    pi.registerTool({
      ...tool,
      label: tool.name,
      execute: async (_id, args, signal, _update, ctx) => {
        const said = await ctx.ui.input(config.asks.call, JSON.stringify({ tool: tool.name, arguments: args }), { signal })
        if (said === undefined) throw new Error("The call was given up.")
        const { content, isError } = JSON.parse(said)
        if (isError) throw new Error(content.map(({ text }) => text ?? "").join("\n"))
        return { content, details: {} }
      }
    })
  }
  pi.on("session_start", (_event, ctx) => ctx.ui.setStatus(config.asks.ready, VERSION))
  pi.on("tool_call", (event) => (["read", "grep", "edit", "write"].includes(event.toolName) ? guard(event) : undefined))
  let named
  pi.on("message_update", ({ message }, ctx) => {
    if (message.responseId === undefined || message.responseId === named) return
    named = message.responseId
    ctx.ui.setStatus(config.asks.answer, named)
  })
  pi.on("turn_end", async ({ message }, ctx) => {
    if (message.stopReason === "error" || message.stopReason === "aborted") return
    if ((await ctx.ui.input(config.asks.turn)) === config.stop) ctx.abort()
  })
  pi.on("session_before_compact", async (_event, ctx) =>
    (await ctx.ui.input(config.asks.compact)) === config.stop ? { cancel: true } : undefined
  )
}
`
