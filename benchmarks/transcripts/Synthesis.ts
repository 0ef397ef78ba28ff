/**
 * **Files as Claude Code writes them**, out of sessions as numbers: a line for each block of an answer with the usage so far, results of
 * tools as long as they were, turns of humans, lines that broke off. What a session has of an earlier one stands in its file again, with
 * the same ids. The sessions are written again and again, each time as others, until there is as much as was asked for.
 */
import { createHash } from "node:crypto"
import { closeSync, openSync, writeSync } from "node:fs"
import { join } from "node:path"
import type * as SessionShape from "./SessionShape.ts"

/** What is in the files, counted from the numbers: each thing once. */
export interface Truth {
  /** As `[input, written to the cache, read from the cache, output]`. */
  readonly tokens: ReadonlyArray<number>
  readonly answers: number
  readonly calls: number
  readonly rejections: number
  readonly interrupts: number
  readonly humanTurns: number
  readonly compactions: number
  readonly unparsed: number
}

/** What was written. */
export interface Written {
  readonly files: ReadonlyArray<string>
  readonly bytes: number
  readonly truth: Truth
}

/** Writes at least so many bytes into a folder. */
export const write = (
  sessions: ReadonlyArray<SessionShape.Session>,
  { bytes: wanted, folder }: { readonly bytes: number; readonly folder: string }
): Written => {
  const groups = groupsOf(sessions)
  const known = { answers: new Map<string, ReadonlyArray<number>>(), things: new Map<string, number>() }
  const files: Array<string> = []
  let bytes = 0
  for (let copy = 0; bytes < wanted; copy++) {
    for (const [at, session] of sessions.entries()) {
      if (bytes >= wanted) break
      const file = join(folder, `${copy}-${at}.jsonl`)
      const lines = linesOf(session, { copy, group: groups[at] ?? session.s, known })
      bytes += writeLines(file, lines, session.bytes)
      files.push(file)
    }
  }
  const count = (kind: string) => [...known.things.keys()].filter((key) => key.startsWith(`${kind}:`)).length
  const answers = [...known.answers.values()]
  return {
    files,
    bytes,
    truth: {
      tokens: [0, 1, 2, 3].map((kind) => answers.reduce((sum, tokens) => sum + (tokens[kind] ?? 0), 0)),
      answers: answers.length,
      calls: count("call"),
      rejections: [...known.things].filter(([key, rejected]) => key.startsWith("call:") && rejected === 1).length,
      interrupts: count("interrupt"),
      humanTurns: count("prompt") + count("command") + count("interrupt"),
      compactions: count("compaction"),
      unparsed: count("bad")
    }
  }
}

/** Sessions that have an answer in common went on from each other: the name of the first of each group. */
const groupsOf = (sessions: ReadonlyArray<SessionShape.Session>): ReadonlyArray<string> => {
  const owner = new Map<string, string>()
  return sessions.map(({ msgs, s }) => {
    const group = msgs.map(({ id }) => owner.get(id)).find((each) => each !== undefined) ?? s
    for (const { id } of msgs) owner.set(id, group)
    return group
  })
}

interface Context {
  readonly copy: number
  readonly group: string
  readonly known: {
    readonly answers: Map<string, ReadonlyArray<number>>
    readonly things: Map<string, number>
  }
}

type Json = Record<string, unknown>

const digest = (text: string): string => createHash("sha256").update(text).digest("hex")

const uuid = (text: string): string =>
  digest(text)
    .slice(0, 32)
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")

const linesOf = (session: SessionShape.Session, context: Context): ReadonlyArray<Json | string> => {
  const { copy, group, known } = context
  const head = {
    isSidechain: false,
    userType: "external",
    cwd: "/home/dev/project",
    sessionId: uuid(`${copy}/${session.s}`),
    version: "2.1.37",
    gitBranch: "main"
  }
  const name = (what: string) => `${copy}/${group}/${what}`
  const bad = Array.from({ length: session.bad }, (_, at) => {
    known.things.set(`bad:${copy}/${session.s}/${at}`, 0)
    return `{"parentUuid":"${uuid(name(`bad/${at}`))}","type":"user","message":{"role":"user","content":"broken off ${at} …`
  })
  const dated = [
    ...session.msgs.map((message) => ({ t: message.t, lines: answerLines(message, session, { ...context, name }) })),
    ...turnLines(session, { ...context, name })
  ].sort((a, b) => ((a.t ?? "") < (b.t ?? "") ? -1 : (a.t ?? "") > (b.t ?? "") ? 1 : 0))
  const lines = dated.flatMap(({ lines }) => lines).map((line) => ({ ...head, ...line }))
  // The last one ends the file, as a write that was cut off does.
  return [...lines.slice(0, 1), ...bad.slice(1), ...lines.slice(1), ...bad.slice(0, 1)]
}

interface Named extends Context {
  readonly name: (what: string) => string
}

const synthetic = "<synthetic>"

const answerLines = (
  message: SessionShape.Message,
  { tools }: SessionShape.Session,
  { copy, known, name }: Named
): ReadonlyArray<Json> => {
  // As long as a provider's, however short the sample's: a short one would count within its session only.
  const id = `msg_${digest(`${copy}/${message.id}`).slice(0, 24)}`
  const before = known.answers.get(id)
  if (message.model !== synthetic) {
    known.answers.set(
      id,
      message.max.map((count, kind) => Math.max(count, before?.[kind] ?? 0))
    )
  }
  const calls = tools.filter(({ msg }) => msg === message.id)
  const count = Math.max(1, message.n)
  const blocks: Array<Array<Json>> = Array.from({ length: count }, () => [])
  const results: Array<Json> = []
  for (const [at, call] of calls.entries()) {
    const call_ = name(`call/${message.id}/${at}`)
    const toolId = `toolu_${digest(call_).slice(0, 24)}`
    const wasRejected = known.things.get(`call:${call_}`) === 1
    known.things.set(`call:${call_}`, call.rej === true || wasRejected ? 1 : 0)
    blocks[Math.max(0, Math.min(count - 1, count - calls.length + at))]?.push(toolUse(call, toolId))
    // What has no result was broken off.
    if (typeof call.err === "boolean" || call.rej === true)
      results.push(toolResult(call, { id: toolId, uuid: uuid(`${call_}/result`) }))
  }
  const lines = blocks.map((content, at) => ({
    parentUuid: null,
    type: "assistant",
    uuid: uuid(name(`line/${message.id}/${at}`)),
    timestamp: message.t,
    requestId: `req_${digest(id).slice(0, 24)}`,
    message: {
      model: message.model,
      id,
      type: "message",
      role: "assistant",
      content: content.length > 0 ? content : [{ type: "text", text: "…" }],
      stop_reason: null,
      stop_sequence: null,
      usage: usageOf(message, at, count)
    }
  }))
  return [...lines, ...results]
}

/** What the lines say: the first, the largest somewhere, the last. Between them nothing new is known. */
const usageOf = ({ first, last, max }: SessionShape.Message, at: number, count: number): Json => {
  const isMax = at === (String(last) === String(max) || count < 3 ? count - 1 : count - 2)
  const [input, written, read, output] = isMax ? max : at === count - 1 ? last : first
  return {
    input_tokens: input,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    output_tokens: output,
    service_tier: "standard"
  }
}

const toolUse = ({ ih, name, path, rng }: SessionShape.Tool, id: string): Json => ({
  type: "tool_use",
  id,
  name,
  input: {
    ...(path === null ? { command: ih } : { file_path: `/home/dev/project/${path}` }),
    ...(rng !== null && { offset: rng[0] ?? undefined, limit: rng[1] ?? undefined })
  }
})

const refusal = "The user doesn't want to proceed with this tool use. The tool use was rejected."

const toolResult = (
  { chars, err, rej, t }: SessionShape.Tool,
  { id, uuid }: { readonly id: string; readonly uuid: string }
): Json => ({
  parentUuid: null,
  type: "user",
  uuid,
  timestamp: t,
  message: {
    role: "user",
    content: [
      {
        tool_use_id: id,
        type: "tool_result",
        content: rej === true ? refusal + filler(Math.max(0, (chars ?? 0) - refusal.length)) : filler(chars ?? 0),
        is_error: err === true || rej === true
      }
    ]
  },
  ...(rej === true && { toolUseResult: "Error: User rejected tool use" })
})

const text = (kind: string, characters: number): string => {
  const starts: Readonly<Record<string, string>> = {
    command: "<command-name>/do</command-name>",
    system: "<local-command-stdout>",
    interrupt: characters === 29 ? "[Request interrupted by user]" : "[Request interrupted by user for tool use]"
  }
  const start = starts[kind] ?? ""
  return kind === "interrupt" ? start : start + filler(Math.max(0, characters - start.length))
}

const turnLines = (session: SessionShape.Session, { known, name }: Named) => {
  const times = new Map<string, number>()
  return session.human.map(([t, kind, characters]) => {
    const what = `${t}/${kind}/${characters}`
    const nth = (times.get(what) ?? 0) + 1
    times.set(what, nth)
    const key = name(`${what}/${nth}`)
    known.things.set(`${kind}:${key}`, 0)
    const content = text(kind, characters)
    const line: Json = {
      parentUuid: null,
      type: "user",
      uuid: uuid(key),
      timestamp: t,
      message: { role: "user", content: kind === "interrupt" ? [{ type: "text", text: content }] : content },
      ...(kind === "meta" && { isMeta: true }),
      ...(kind === "compaction" && { isCompactSummary: true, isVisibleInTranscriptOnly: true })
    }
    return { t, lines: [line] }
  })
}

const words =
  'const value = await read("file.ts")\n\treturn { ok: true, path: `${root}/src`, lines: 42 } // as it was\n'
const pool = words.repeat(Math.ceil(1_048_576 / words.length))

/** Text that looks like code, which JSON has to escape. */
const filler = (characters: number): string =>
  characters <= pool.length
    ? pool.slice(0, characters)
    : pool.repeat(Math.ceil(characters / pool.length)).slice(0, characters)

/** Writes lines, filled up with what real lines have beside until the file is as long as the real one was. */
const writeLines = (path: string, lines: ReadonlyArray<Json | string>, bytes: number): number => {
  const plain = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)))
  const size = plain.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0)
  const filled = lines.filter((line) => typeof line !== "string").length
  const escaped = JSON.stringify(words).length / words.length
  const more = Math.max(0, Math.floor((bytes - size) / Math.max(1, filled) / escaped) - 40)
  const file = openSync(path, "w")
  let written = 0
  try {
    for (const [at, line] of lines.entries()) {
      const text = typeof line === "string" ? line : JSON.stringify({ ...line, originalFile: filler(more) })
      written += writeSync(file, at === lines.length - 1 ? text : `${text}\n`)
    }
  } finally {
    closeSync(file)
  }
  return written
}
