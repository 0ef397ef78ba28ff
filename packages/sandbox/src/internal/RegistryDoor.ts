/** A registry as it is seen from inside: what npm's protocol asks for a package is answered by the rules, and nothing else is. */
import { type IncomingMessage, STATUS_CODES } from "node:http"
import { createGunzip } from "node:zlib"
import * as RegistryRules from "../RegistryRules.ts"
import * as Domains from "./Domains.ts"
import type { Line } from "./Message.ts"
import { Refused } from "./Refused.ts"

/** What an answer to a client is. */
export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Buffer
}

/** What a door is made of. */
export interface Options {
  readonly rules: RegistryRules.RegistryRules
  readonly isRegistry: (target: Domains.Target) => boolean
  /** Asks the registry, with the secrets that it gets. */
  readonly ask: (line: Line, headers: Readonly<Record<string, string>>) => Promise<IncomingMessage>
}

/** Bytes of what a registry says of one package; packages with thousands of versions stay below a third of it. */
const largest = 128 * 1024 * 1024
/** Documents that are in memory at once. */
const atOnce = 3
/** Tarballs that are remembered, for all packages together. */
const remembered = 200_000

/** Answers the requests to registries; `undefined` for tarballs that may be fetched. */
export const make = ({ ask, isRegistry, rules }: Options) => {
  // By host and path, what versions that were shown are fetched from.
  const shown = new Set<string>()
  const within = turns(atOnce)

  const local = (url: string): string => {
    const to = URL.parse(url)
    const target = to === null ? undefined : targetOf(to)
    return to !== null && target !== undefined && isRegistry(target)
      ? `http://${Domains.show(target, 443)}${to.pathname}${to.search}`
      : url
  }

  const packument = (line: Line, name: string, accept: string): Promise<RegistryRules.Kept | Answer> =>
    within(async () => {
      const path = `/${name.replace("/", "%2f")}`
      // Only the whole document says when versions were published.
      const full = rules.minimumAge !== undefined ? "application/json" : accept
      const answer = await ask({ ...line, path }, { accept: full, "accept-encoding": "gzip" })
      if (answer.statusCode !== 200) {
        answer.resume()
        const status = answer.statusCode ?? 502
        return json(status, { error: `The registry answers ${status} ${STATUS_CODES[status] ?? ""}`.trim() })
      }
      const document: unknown = JSON.parse((await body(answer, largest)).toString("utf8"))
      if (typeof document !== "object" || document === null || !("name" in document) || document.name !== name) {
        throw new Error("it answers with something else than the package")
      }
      const kept = RegistryRules.keep(rules, { ...document }, { now: Date.now(), local })
      if (shown.size > remembered) shown.clear()
      for (const tarball of kept.tarballs) {
        const url = URL.parse(tarball)
        const target = url === null ? undefined : targetOf(url)
        const path = url === null ? undefined : decoded(url.pathname)
        if (target !== undefined && path !== undefined) shown.add(`${Domains.show(target)}${path}`)
      }
      return kept
    })

  return async (line: Line, request: IncomingMessage): Promise<Answer | undefined> => {
    if (request.method !== "GET" && request.method !== "HEAD") throw refused("it is only read")
    const [path = ""] = line.path.split("?", 1)
    const asked = read(path)
    if (asked === undefined) throw refused("only packages and their tarballs are asked for")
    const why = RegistryRules.judge(rules, asked.name)
    if (why !== undefined) throw refused(why)
    const accept = typeof request.headers.accept === "string" ? request.headers.accept : "application/json"
    try {
      if (asked.rest === undefined) {
        const found = await packument(line, asked.name, accept)
        return "body" in found ? found : json(200, found.document)
      }
      if (asked.rest.startsWith("-/")) {
        const tarball = `${Domains.show(line.target)}/${asked.name}/${asked.rest}`
        if (!shown.has(tarball)) {
          const found = await packument(line, asked.name, accept)
          if ("body" in found) return found
        }
        if (shown.has(tarball)) return undefined
        throw refused(`the rules do not show this version of ${asked.name}`)
      }
      const found = await packument(line, asked.name, accept)
      if ("body" in found) return found
      const versions = Object(found.document.versions)
      const tags = Object(found.document["dist-tags"])
      const version = Object.hasOwn(tags, asked.rest) ? String(tags[asked.rest]) : asked.rest
      if (!Object.hasOwn(versions, version)) throw refused(`the rules do not show this version of ${asked.name}`)
      return json(200, versions[version])
    } catch (cause) {
      if (cause instanceof Refused) throw cause
      throw new Refused({
        rule: "upstream",
        status: 502,
        message: `The registry can not be asked for ${asked.name}: ${cause instanceof Error ? cause.message : String(cause)}.`
      })
    }
  }
}

const refused = (why: string) =>
  new Refused({ rule: "registry", message: `The sandbox does not let this be asked of a registry: ${why}.` })

const json = (status: number, value: unknown): Answer => ({
  status,
  type: "application/json",
  body: Buffer.from(JSON.stringify(value))
})

const targetOf = (url: URL): Domains.Target | undefined => {
  const host = Domains.canonical(url.hostname)
  // Registries behind a proxy of their own name tarballs without TLS; they are fetched over it.
  const port = url.port === "" || url.port === "80" ? 443 : Number(url.port)
  return host === undefined || !/^https?:$/.test(url.protocol) ? undefined : { host, port }
}

/** The package that a path names, and what is asked of it. */
const read = (path: string): { readonly name: string; readonly rest: string | undefined } | undefined => {
  const text = decoded(path.slice(1))
  if (text === undefined || /[%\\\0-\x20\x7f]|\/\/|(?:^|\/)\.\.?(?:\/|$)/.test(text)) return undefined
  const [, name = "", rest] = /^((?:@[^/]+\/)?[^/@][^/]*)(?:\/(.+))?$/.exec(text) ?? []
  return RegistryRules.isName(name) && name !== "-" ? { name, rest } : undefined
}

const decoded = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

/** Reads the whole body, up to a bound. */
const body = async (message: IncomingMessage, most: number): Promise<Buffer> => {
  const stream = message.headers["content-encoding"] === "gzip" ? message.pipe(createGunzip()) : message
  message.on("error", (cause) => stream.destroy(cause))
  const chunks: Array<Buffer> = []
  let size = 0
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.length
    if (size > most) {
      message.destroy()
      throw new Error(`it answers with more than ${most} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

/** Lets so many run at once; the others wait for their turn. */
const turns = (most: number) => {
  const waiting: Array<() => void> = []
  let running = 0
  return async <A>(run: () => Promise<A>): Promise<A> => {
    if (running >= most) await new Promise<void>((resume) => waiting.push(resume))
    else running++
    try {
      return await run()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
